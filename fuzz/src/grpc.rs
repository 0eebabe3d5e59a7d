//! gRPC's frames, and the paths of its methods: one whole plain message comes out of a body or none, and a path leads to
//! one method at the endpoint or nowhere.
//!
//! The first byte chooses between a body, which is the rest, and a path.

use std::cell::LazyCell;

use crosspoint::transport::{Authorization, Settings, Transport, grpc_frame, grpc_unframe};
use crosspoint_contract::{Correlation, Description, Exchange, Framing, MessageProtocol, Protocol, Request};
use tokio::runtime::Runtime;

use crate::description;

const ENDPOINT: &str = "http://127.0.0.1:9";

thread_local! {
    static TRANSPORT: LazyCell<Transport> = LazyCell::new(|| {
        let protocol = Protocol::Message(MessageProtocol {
            framing: Framing::Grpc,
            correlation: Correlation::InOrder,
            preamble: None,
            keepalives: Vec::new(),
            extensions: Vec::new(),
        });
        let description = Description { protocol, ..description::minimal() };
        let endpoints = [("default".to_owned(), ENDPOINT.to_owned())];
        let settings = Settings { endpoints: endpoints.into(), ..Settings::default() };
        let runtime: Runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async { Transport::new(&description, &settings) }).unwrap()
    });
}

/// Any bytes as a reply's body, or as a path.
pub fn target(bytes: &[u8]) {
    match bytes.split_first() {
        Some((choice, rest)) if choice & 1 == 1 => path(&String::from_utf8_lossy(rest)),
        Some((_, rest)) => body(rest),
        None => body(&[]),
    }
}

fn body(bytes: &[u8]) {
    // Read in the plainest way there is.
    let length = bytes.iter().skip(1).take(4).fold(0, |length, byte| length << 8 | usize::from(*byte));
    let whole = bytes.len() >= 5 && bytes[0] == 0 && bytes.len() - 5 == length;
    match grpc_unframe(bytes) {
        Ok(Some(message)) => {
            assert!(whole, "{bytes:?} is not one message");
            assert_eq!(grpc_frame(message).as_deref(), Some(bytes));
        }
        Ok(None) => assert!(bytes.is_empty()),
        Err(error) => {
            assert!(!whole && !bytes.is_empty(), "{bytes:?}: {error}");
            assert!(!error.to_string().is_empty());
        }
    }
    let framed = grpc_frame(bytes).unwrap();
    assert_eq!(grpc_unframe(&framed), Ok(Some(bytes)));
}

fn path(text: &str) {
    let exchange = Exchange {
        context: Vec::new().into(),
        endpoint: "default".to_owned(),
        request: Request::Message(Vec::new().into()),
        extensions: vec![("path".to_owned(), text.to_owned())],
    };
    let Ok(rendered) = TRANSPORT.with(|transport| transport.render(&exchange, &Authorization::none())) else { return };
    assert_eq!(rendered.url, format!("{ENDPOINT}{text}"));
    let segments: Vec<_> = text.split('/').collect();
    let ["", service, method] = segments[..] else { panic!("{text:?} is not of two names") };
    let name = |text: &str| {
        let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        text.bytes().all(word) && text.bytes().next().is_some_and(|first| !first.is_ascii_digit())
    };
    assert!(service.split('.').all(name) && name(method), "{text:?}");
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The target is worth something only if there are paths that pass.
    #[test]
    fn an_ordinary_path_is_shown() {
        let extensions = vec![("path".to_owned(), "/etcdserverpb.KV/Range".to_owned())];
        let request = Request::Message(Vec::new().into());
        let exchange = Exchange { context: Vec::new().into(), endpoint: "default".to_owned(), request, extensions };
        let shown = TRANSPORT.with(|transport| transport.render(&exchange, &Authorization::none()));
        assert!(shown.is_ok(), "{shown:?}");
        target(b"\x01/etcdserverpb.KV/Range");
    }
}
