//! Generated types to contract types and back. Records of one shape are listed field by field and nothing else, so that
//! a change of the WIT is a compile error here and nowhere else.

use crosspoint_contract as plain;
use crosspoint_contract::{Bytes, Json};

use crate::bindings::exports::crosspoint::driver::translator as wit;

// From the host: calls and replies.

impl From<wit::Verb> for plain::Verb {
    fn from(verb: wit::Verb) -> Self {
        match verb {
            wit::Verb::Create => Self::Create,
            wit::Verb::Read => Self::Read,
            wit::Verb::Replace => Self::Replace,
            wit::Verb::Update => Self::Update,
            wit::Verb::Delete => Self::Delete,
            wit::Verb::Find => Self::Find,
            wit::Verb::List => Self::List,
            wit::Verb::Poll => Self::Poll,
            wit::Verb::Probe => Self::Probe,
            wit::Verb::Login => Self::Login,
            wit::Verb::Action(name) => Self::Action(name),
        }
    }
}

impl From<wit::Call> for plain::Call {
    fn from(call: wit::Call) -> Self {
        Self {
            operation_id: call.operation_id,
            correlation: call.correlation,
            verb: call.verb.into(),
            kind: call.kind,
            tenant: call.tenant,
            cmp_id: call.cmp_id,
            backend_id: call.backend_id,
            marker: call.marker,
            spec: Json::trusted(call.spec),
            page_token: call.page_token,
            page_size: call.page_size,
            poll_token: call.poll_token,
            precondition: call.precondition,
            attributes: Json::trusted(call.attributes),
            backend_name: call.backend_name,
            configuration: Json::trusted(call.configuration),
            credentials: call.credentials.map(|credentials| plain::Credentials { secrets: credentials.secrets }),
            extensions: call.extensions,
        }
    }
}

impl From<wit::Header> for plain::Header {
    fn from(wit::Header { name, value }: wit::Header) -> Self {
        Self { name, value }
    }
}

impl From<wit::Reply> for plain::Reply {
    fn from(reply: wit::Reply) -> Self {
        match reply {
            wit::Reply::Http(wit::HttpReply { status, headers, body }) => {
                Self::Http(plain::HttpReply { status, headers: all(headers), body: Bytes(body) })
            }
            wit::Reply::Message(bytes) => Self::Message(Bytes(bytes)),
            wit::Reply::Command(wit::CommandReply { status, output, errors }) => {
                Self::Command(plain::CommandReply { status, output: Bytes(output), errors: Bytes(errors) })
            }
        }
    }
}

// To the host: exchanges, outcomes, faults.

impl From<plain::Header> for wit::Header {
    fn from(plain::Header { name, value }: plain::Header) -> Self {
        Self { name, value }
    }
}

impl From<plain::Exchange> for wit::Exchange {
    fn from(exchange: plain::Exchange) -> Self {
        let plain::Exchange { context, endpoint, request, extensions } = exchange;
        let request = match request {
            plain::Request::Http(plain::HttpRequest { method, target, headers, body }) => {
                wit::Request::Http(wit::HttpRequest { method, target, headers: all(headers), body: body.0 })
            }
            plain::Request::Message(bytes) => wit::Request::Message(bytes.0),
            plain::Request::Command(bytes) => wit::Request::Command(bytes.0),
        };
        Self { context: context.0, endpoint, request, extensions }
    }
}

impl From<plain::Outcome> for wit::Outcome {
    fn from(outcome: plain::Outcome) -> Self {
        Self {
            backend_id: outcome.backend_id,
            state: match outcome.state {
                plain::State::Active => wit::State::Active,
                plain::State::Pending(token) => wit::State::Pending(token),
            },
            revision: outcome.revision,
            attributes: outcome.attributes.into_string(),
            result: outcome.result.into_string(),
            found: all(outcome.found),
            next_page: outcome.next_page,
            session: outcome.session.map(Into::into),
            extensions: outcome.extensions,
        }
    }
}

impl From<plain::Found> for wit::Found {
    fn from(found: plain::Found) -> Self {
        let plain::Found { backend_id, revision, marker, attributes, result } = found;
        Self { backend_id, revision, marker, attributes: attributes.into_string(), result: result.into_string() }
    }
}

impl From<plain::SessionGrant> for wit::SessionGrant {
    fn from(grant: plain::SessionGrant) -> Self {
        let plain::SessionGrant { headers, query, expires_in, extensions } = grant;
        Self { headers: all(headers), query, expires_in, extensions }
    }
}

impl From<plain::Fault> for wit::Fault {
    fn from(fault: plain::Fault) -> Self {
        match fault {
            plain::Fault::Invalid(violations) => Self::Invalid(all(violations)),
            plain::Fault::Unsupported(text) => Self::Unsupported(text),
            plain::Fault::NotFound(text) => Self::NotFound(text),
            plain::Fault::AlreadyExists(plain::Existing { message, backend_id }) => {
                Self::AlreadyExists(wit::Existing { message, backend_id })
            }
            plain::Fault::Conflict(text) => Self::Conflict(text),
            plain::Fault::Stale(text) => Self::Stale(text),
            plain::Fault::Unauthenticated(text) => Self::Unauthenticated(text),
            plain::Fault::Denied(text) => Self::Denied(text),
            plain::Fault::Throttled(plain::Throttle { message, seconds }) => {
                Self::Throttled(wit::Throttle { message, seconds })
            }
            plain::Fault::Unavailable(text) => Self::Unavailable(text),
            plain::Fault::Rejected(plain::Rejection { code, message, retryable }) => {
                Self::Rejected(wit::Rejection { code, message, retryable })
            }
            plain::Fault::MalformedReply(text) => Self::MalformedReply(text),
            plain::Fault::Other(text) => Self::Other(text),
        }
    }
}

impl From<plain::Violation> for wit::Violation {
    fn from(plain::Violation { pointer, message }: plain::Violation) -> Self {
        Self { pointer, message }
    }
}

// To the host: the description.

impl From<plain::Description> for wit::Description {
    fn from(description: plain::Description) -> Self {
        Self {
            name: description.name,
            version: description.version,
            summary: description.summary,
            protocol: description.protocol.into(),
            endpoints: all(description.endpoints),
            authentication: all(description.authentication),
            configuration_schema: description.configuration_schema.into_string(),
            kinds: all(description.kinds),
            actions: all(description.actions),
            probe: description.probe,
            limits: description.limits.into(),
            extensions: description.extensions,
        }
    }
}

impl From<plain::Protocol> for wit::Protocol {
    fn from(protocol: plain::Protocol) -> Self {
        match protocol {
            plain::Protocol::Http(plain::HttpProtocol { unauthorized_precedes_effects, extensions }) => {
                Self::Http(wit::HttpProtocol { unauthorized_precedes_effects, extensions })
            }
            plain::Protocol::Message(message) => Self::Message(message.into()),
            plain::Protocol::Command(plain::CommandProtocol { transport, prompt, extensions }) => {
                Self::Command(wit::CommandProtocol {
                    transport: match transport {
                        plain::CommandTransport::SshExec => wit::CommandTransport::SshExec,
                        plain::CommandTransport::SshShell => wit::CommandTransport::SshShell,
                        plain::CommandTransport::TcpLine => wit::CommandTransport::TcpLine,
                    },
                    prompt: prompt.map(|bytes| bytes.0),
                    extensions,
                })
            }
        }
    }
}

impl From<plain::MessageProtocol> for wit::MessageProtocol {
    fn from(protocol: plain::MessageProtocol) -> Self {
        let plain::MessageProtocol { framing, correlation, preamble, keepalives, extensions } = protocol;
        Self {
            framing: framing.into(),
            correlation: correlation.into(),
            preamble: preamble.map(|bytes| bytes.0),
            keepalives: keepalives.into_iter().map(|(starts, answer)| (starts.0, answer.0)).collect(),
            extensions,
        }
    }
}

impl From<plain::Framing> for wit::Framing {
    fn from(framing: plain::Framing) -> Self {
        match framing {
            plain::Framing::Fixed(size) => Self::Fixed(size),
            plain::Framing::LengthPrefixed(plain::LengthPrefix { offset, width, big_endian, adjustment, maximum }) => {
                Self::LengthPrefixed(wit::LengthPrefix { offset, width, big_endian, adjustment, maximum })
            }
            plain::Framing::Delimited(bytes) => Self::Delimited(bytes.0),
            plain::Framing::JsonValues => Self::JsonValues,
            plain::Framing::UntilClose => Self::UntilClose,
            plain::Framing::Netconf => Self::Netconf,
            plain::Framing::Grpc => Self::Grpc,
        }
    }
}

impl From<plain::Correlation> for wit::Correlation {
    fn from(correlation: plain::Correlation) -> Self {
        match correlation {
            plain::Correlation::InOrder => Self::InOrder,
            plain::Correlation::SingleUse => Self::SingleUse,
            plain::Correlation::JsonPointer(pointer) => Self::JsonPointer(pointer),
            plain::Correlation::Field(plain::CorrelationField { offset, width, big_endian }) => {
                Self::Field(wit::CorrelationField { offset, width, big_endian })
            }
        }
    }
}

impl From<plain::EndpointRole> for wit::EndpointRole {
    fn from(plain::EndpointRole { name, summary, required }: plain::EndpointRole) -> Self {
        Self { name, summary, required }
    }
}

impl From<plain::AuthScheme> for wit::AuthScheme {
    fn from(scheme: plain::AuthScheme) -> Self {
        match scheme {
            plain::AuthScheme::None => Self::None,
            plain::AuthScheme::Basic => Self::Basic,
            plain::AuthScheme::Bearer => Self::Bearer,
            plain::AuthScheme::ApiKey(plain::ApiKey::Header(name)) => Self::ApiKey(wit::ApiKey::Header(name)),
            plain::AuthScheme::ApiKey(plain::ApiKey::Query(name)) => Self::ApiKey(wit::ApiKey::Query(name)),
            plain::AuthScheme::MutualTls => Self::MutualTls,
            plain::AuthScheme::OAuth2ClientCredentials => Self::Oauth2ClientCredentials,
            plain::AuthScheme::Login(plain::Login { secrets, extensions }) => {
                Self::Login(wit::Login { secrets, extensions })
            }
        }
    }
}

impl From<plain::Limits> for wit::Limits {
    fn from(limits: plain::Limits) -> Self {
        let plain::Limits { mutation_concurrency, read_concurrency, reply_timeout_ms, reply_size, extensions } = limits;
        Self { mutation_concurrency, read_concurrency, reply_timeout_ms, reply_size, extensions }
    }
}

impl From<plain::Kind> for wit::Kind {
    fn from(kind: plain::Kind) -> Self {
        Self {
            name: kind.name,
            summary: kind.summary,
            verbs: all(kind.verbs),
            spec_schema: kind.spec_schema.into_string(),
            patch_schema: kind.patch_schema.map(Json::into_string),
            result_schema: kind.result_schema.into_string(),
            marker: kind.marker,
            creation: match kind.creation {
                plain::Creation::Duplicating => wit::Creation::Duplicating,
                plain::Creation::Conditional => wit::Creation::Conditional,
                plain::Creation::Idempotent => wit::Creation::Idempotent,
            },
            conditional: kind.conditional,
            actions: all(kind.actions),
            extensions: kind.extensions,
        }
    }
}

impl From<plain::VerbSupport> for wit::VerbSupport {
    fn from(plain::VerbSupport { verb, asynchronous, reissuable }: plain::VerbSupport) -> Self {
        Self { verb: verb.into(), asynchronous, reissuable }
    }
}

impl From<plain::Verb> for wit::Verb {
    fn from(verb: plain::Verb) -> Self {
        match verb {
            plain::Verb::Create => Self::Create,
            plain::Verb::Read => Self::Read,
            plain::Verb::Replace => Self::Replace,
            plain::Verb::Update => Self::Update,
            plain::Verb::Delete => Self::Delete,
            plain::Verb::Find => Self::Find,
            plain::Verb::List => Self::List,
            plain::Verb::Poll => Self::Poll,
            plain::Verb::Probe => Self::Probe,
            plain::Verb::Login => Self::Login,
            plain::Verb::Action(name) => Self::Action(name),
        }
    }
}

impl From<plain::Action> for wit::Action {
    fn from(action: plain::Action) -> Self {
        Self {
            name: action.name,
            summary: action.summary,
            spec_schema: action.spec_schema.into_string(),
            result_schema: action.result_schema.into_string(),
            read_only: action.read_only,
            asynchronous: action.asynchronous,
            reissuable: action.reissuable,
            extensions: action.extensions,
        }
    }
}

fn all<T, U: From<T>>(items: Vec<T>) -> Vec<U> {
    items.into_iter().map(U::from).collect()
}
