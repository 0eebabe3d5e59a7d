//! From a description as the driver returned it to the contract's.

use crosspoint_contract::{
    Action, ApiKey, AuthScheme, CommandProtocol, CommandTransport, Correlation, CorrelationField, Creation,
    Description, EndpointRole, Framing, HttpProtocol, Json, Kind, LengthPrefix, Limits, Login, MessageProtocol,
    Protocol, Verb, VerbSupport,
};

use super::super::error::CallErrorKind;
use super::{lift, wit};

pub fn description(description: wit::Description) -> Result<Description, CallErrorKind> {
    Ok(Description {
        name: description.name,
        version: description.version,
        summary: description.summary,
        protocol: protocol(description.protocol),
        endpoints: description.endpoints.into_iter().map(endpoint).collect(),
        authentication: description.authentication.into_iter().map(scheme).collect(),
        configuration_schema: lift::json(description.configuration_schema, || "configuration-schema".to_owned())?,
        kinds: description.kinds.into_iter().map(kind).collect::<Result<_, _>>()?,
        actions: description.actions.into_iter().map(|it| action(it, "")).collect::<Result<_, _>>()?,
        probe: description.probe,
        limits: limits(description.limits),
        extensions: description.extensions,
    })
}

fn protocol(protocol: wit::Protocol) -> Protocol {
    match protocol {
        wit::Protocol::Http(http) => Protocol::Http(HttpProtocol {
            unauthorized_precedes_effects: http.unauthorized_precedes_effects,
            extensions: http.extensions,
        }),
        wit::Protocol::Message(message) => Protocol::Message(MessageProtocol {
            framing: framing(message.framing),
            correlation: correlation(message.correlation),
            preamble: message.preamble.map(Into::into),
            keepalives: message.keepalives.into_iter().map(|(probe, answer)| (probe.into(), answer.into())).collect(),
            extensions: message.extensions,
        }),
        wit::Protocol::Command(command) => Protocol::Command(CommandProtocol {
            transport: match command.transport {
                wit::CommandTransport::SshExec => CommandTransport::SshExec,
                wit::CommandTransport::SshShell => CommandTransport::SshShell,
                wit::CommandTransport::TcpLine => CommandTransport::TcpLine,
            },
            prompt: command.prompt.map(Into::into),
            extensions: command.extensions,
        }),
    }
}

fn framing(framing: wit::Framing) -> Framing {
    match framing {
        wit::Framing::Fixed(size) => Framing::Fixed(size),
        wit::Framing::LengthPrefixed(prefix) => Framing::LengthPrefixed(LengthPrefix {
            offset: prefix.offset,
            width: prefix.width,
            big_endian: prefix.big_endian,
            adjustment: prefix.adjustment,
            maximum: prefix.maximum,
        }),
        wit::Framing::Delimited(delimiter) => Framing::Delimited(delimiter.into()),
        wit::Framing::JsonValues => Framing::JsonValues,
        wit::Framing::UntilClose => Framing::UntilClose,
        wit::Framing::Netconf => Framing::Netconf,
        wit::Framing::Grpc => Framing::Grpc,
    }
}

fn correlation(correlation: wit::Correlation) -> Correlation {
    match correlation {
        wit::Correlation::InOrder => Correlation::InOrder,
        wit::Correlation::SingleUse => Correlation::SingleUse,
        wit::Correlation::JsonPointer(pointer) => Correlation::JsonPointer(pointer),
        wit::Correlation::Field(field) => Correlation::Field(CorrelationField {
            offset: field.offset,
            width: field.width,
            big_endian: field.big_endian,
        }),
    }
}

fn endpoint(role: wit::EndpointRole) -> EndpointRole {
    EndpointRole { name: role.name, summary: role.summary, required: role.required }
}

fn scheme(scheme: wit::AuthScheme) -> AuthScheme {
    match scheme {
        wit::AuthScheme::None => AuthScheme::None,
        wit::AuthScheme::Basic => AuthScheme::Basic,
        wit::AuthScheme::Bearer => AuthScheme::Bearer,
        wit::AuthScheme::ApiKey(wit::ApiKey::Header(name)) => AuthScheme::ApiKey(ApiKey::Header(name)),
        wit::AuthScheme::ApiKey(wit::ApiKey::Query(name)) => AuthScheme::ApiKey(ApiKey::Query(name)),
        wit::AuthScheme::MutualTls => AuthScheme::MutualTls,
        wit::AuthScheme::Oauth2ClientCredentials => AuthScheme::OAuth2ClientCredentials,
        wit::AuthScheme::Login(login) => {
            AuthScheme::Login(Login { secrets: login.secrets, extensions: login.extensions })
        }
    }
}

fn limits(limits: wit::Limits) -> Limits {
    Limits {
        mutation_concurrency: limits.mutation_concurrency,
        read_concurrency: limits.read_concurrency,
        reply_timeout_ms: limits.reply_timeout_ms,
        reply_size: limits.reply_size,
        extensions: limits.extensions,
    }
}

fn kind(kind: wit::Kind) -> Result<Kind, CallErrorKind> {
    let schema = |text, which| lift::json(text, || format!("kind `{}`, {which}", kind.name));
    Ok(Kind {
        spec_schema: schema(kind.spec_schema, "spec-schema")?,
        patch_schema: kind.patch_schema.map(|text| schema(text, "patch-schema")).transpose()?,
        result_schema: schema(kind.result_schema, "result-schema")?,
        actions: kind.actions.into_iter().map(|it| action(it, &kind.name)).collect::<Result<_, _>>()?,
        name: kind.name,
        summary: kind.summary,
        verbs: kind.verbs.into_iter().map(support).collect(),
        marker: kind.marker,
        creation: match kind.creation {
            wit::Creation::Duplicating => Creation::Duplicating,
            wit::Creation::Conditional => Creation::Conditional,
            wit::Creation::Idempotent => Creation::Idempotent,
        },
        conditional: kind.conditional,
        extensions: kind.extensions,
    })
}

fn support(support: wit::VerbSupport) -> VerbSupport {
    VerbSupport { verb: verb(support.verb), asynchronous: support.asynchronous, reissuable: support.reissuable }
}

fn verb(verb: wit::VerbResult) -> Verb {
    match verb {
        wit::VerbResult::Create => Verb::Create,
        wit::VerbResult::Read => Verb::Read,
        wit::VerbResult::Replace => Verb::Replace,
        wit::VerbResult::Update => Verb::Update,
        wit::VerbResult::Delete => Verb::Delete,
        wit::VerbResult::Find => Verb::Find,
        wit::VerbResult::List => Verb::List,
        wit::VerbResult::Poll => Verb::Poll,
        wit::VerbResult::Probe => Verb::Probe,
        wit::VerbResult::Login => Verb::Login,
        wit::VerbResult::Action(name) => Verb::Action(name),
    }
}

fn action(action: wit::Action, kind: &str) -> Result<Action, CallErrorKind> {
    let schema = |text: String, which| -> Result<Json, CallErrorKind> {
        let place = if kind.is_empty() { String::new() } else { format!("kind `{kind}`, ") };
        lift::json(text, || format!("{place}action `{}`, {which}", action.name))
    };
    Ok(Action {
        spec_schema: schema(action.spec_schema, "spec-schema")?,
        result_schema: schema(action.result_schema, "result-schema")?,
        name: action.name,
        summary: action.summary,
        read_only: action.read_only,
        asynchronous: action.asynchronous,
        reissuable: action.reissuable,
        extensions: action.extensions,
    })
}
