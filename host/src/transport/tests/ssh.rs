//! SSH against a server in this process: the transport below is real, what runs on it is written out byte by byte.

mod commands;
mod netconf;
mod prompts;
mod server;
mod trust;

use std::time::Duration;

use crosspoint_contract::{
    AuthScheme, CommandProtocol, CommandReply, CommandTransport, Correlation, Description, Exchange, Framing,
    MessageProtocol, Protocol, Reply, Request,
};

use self::server::Server;
use super::{PATIENCE, describe};
use crate::transport::{Authorization, Secrets, Settings, Ssh, SshTransport, TransportError};

/// What the server takes.
const PASSWORD: &str = "correct-horse";

fn netconf(correlation: Correlation) -> Description {
    describe(Protocol::Message(MessageProtocol {
        framing: Framing::Netconf,
        correlation,
        preamble: None,
        keepalives: Vec::new(),
        extensions: Vec::new(),
    }))
}

fn command(transport: CommandTransport, prompt: Option<&str>) -> Description {
    let prompt = prompt.map(|prompt| prompt.as_bytes().into());
    describe(Protocol::Command(CommandProtocol { transport, prompt, extensions: Vec::new() }))
}

/// Settings that trust this server, and no other.
fn settings(server: &Server) -> Settings {
    Settings {
        ssh: Ssh { host_keys: vec![server.public_key()] },
        ..super::settings(format!("ssh://{}", server.address))
    }
}

fn transport(description: &Description, server: &Server) -> SshTransport {
    SshTransport::new(description, &settings(server)).unwrap()
}

/// The same, which keeps nothing for longer than a moment.
fn forgetful(description: &Description, server: &Server) -> SshTransport {
    SshTransport::keeping(description, &settings(server), Duration::from_millis(50)).unwrap()
}

fn secrets(pairs: &[(&str, &str)]) -> Secrets {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).into())).collect()
}

fn authorization() -> Authorization {
    Authorization::for_ssh(&AuthScheme::Basic, &secrets(&[("username", "admin"), ("password", PASSWORD)])).unwrap()
}

fn exchange(request: Request) -> Exchange {
    Exchange {
        context: crosspoint_contract::Bytes::default(),
        endpoint: "default".to_owned(),
        request,
        extensions: Vec::new(),
    }
}

/// An RPC as a driver makes it.
fn rpc(id: &str, operation: &str) -> Exchange {
    let message =
        format!(r#"<rpc xmlns="urn:ietf:params:xml:ns:netconf:base:1.0" message-id="{id}">{operation}</rpc>"#);
    exchange(Request::Message(message.into_bytes().into()))
}

async fn call(transport: &SshTransport, id: &str) -> Result<String, TransportError> {
    match transport.exchange(&rpc(id, "<get/>"), &authorization(), None).await? {
        Reply::Message(bytes) => Ok(String::from_utf8(bytes.0).unwrap()),
        other => panic!("{other:?}"),
    }
}

async fn run(transport: &SshTransport, line: &str) -> Result<CommandReply, TransportError> {
    let exchange = exchange(Request::Command(line.into()));
    match transport.exchange(&exchange, &authorization(), None).await? {
        Reply::Command(reply) => Ok(reply),
        other => panic!("{other:?}"),
    }
}
