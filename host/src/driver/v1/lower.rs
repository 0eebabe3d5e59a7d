//! From the contract's types to what is written into a driver's memory. Everything is borrowed; where the generated
//! types want a slice of borrowed records, the caller keeps the slice.

use crosspoint_contract::{Call, Header, Reply, Verb};

use super::wit;

pub type Pairs<'a> = Vec<(&'a str, &'a str)>;

pub fn pairs(pairs: &[(String, String)]) -> Pairs<'_> {
    pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

pub fn secrets(call: &Call) -> Option<Pairs<'_>> {
    call.credentials.as_ref().map(|credentials| pairs(&credentials.secrets))
}

pub fn call<'a>(call: &'a Call, extensions: &'a Pairs<'a>, secrets: Option<&'a Pairs<'a>>) -> wit::Call<'a> {
    wit::Call {
        operation_id: &call.operation_id,
        correlation: call.correlation,
        verb: verb(&call.verb),
        kind: &call.kind,
        tenant: &call.tenant,
        cmp_id: call.cmp_id.as_deref(),
        backend_id: call.backend_id.as_deref(),
        marker: &call.marker,
        spec: call.spec.as_str(),
        page_token: call.page_token.as_deref(),
        page_size: call.page_size,
        poll_token: call.poll_token.as_deref(),
        precondition: call.precondition.as_deref(),
        attributes: call.attributes.as_str(),
        backend_name: &call.backend_name,
        configuration: call.configuration.as_str(),
        credentials: secrets.map(|secrets| wit::Credentials { secrets }),
        extensions,
    }
}

fn verb(verb: &Verb) -> wit::VerbParam<'_> {
    match verb {
        Verb::Create => wit::VerbParam::Create,
        Verb::Read => wit::VerbParam::Read,
        Verb::Replace => wit::VerbParam::Replace,
        Verb::Update => wit::VerbParam::Update,
        Verb::Delete => wit::VerbParam::Delete,
        Verb::Find => wit::VerbParam::Find,
        Verb::List => wit::VerbParam::List,
        Verb::Poll => wit::VerbParam::Poll,
        Verb::Probe => wit::VerbParam::Probe,
        Verb::Login => wit::VerbParam::Login,
        Verb::Action(name) => wit::VerbParam::Action(name),
    }
}

pub fn headers(reply: &Reply) -> Vec<wit::HeaderParam<'_>> {
    let headers: &[Header] = match reply {
        Reply::Http(reply) => &reply.headers,
        Reply::Message(_) | Reply::Command(_) => &[],
    };
    headers.iter().map(|header| wit::HeaderParam { name: &header.name, value: &header.value }).collect()
}

pub fn reply<'a>(reply: &'a Reply, headers: &'a [wit::HeaderParam<'a>]) -> wit::Reply<'a> {
    match reply {
        Reply::Http(reply) => wit::Reply::Http(wit::HttpReply { status: reply.status, headers, body: &reply.body.0 }),
        Reply::Message(message) => wit::Reply::Message(&message.0),
        Reply::Command(reply) => wit::Reply::Command(wit::CommandReply {
            status: reply.status,
            output: &reply.output.0,
            errors: &reply.errors.0,
        }),
    }
}
