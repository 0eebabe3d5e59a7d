use crosspoint_sdk::contract::{Correlation, Framing, MessageProtocol};
use crosspoint_sdk::prelude::*;

/// The members of the server's `echo`, which it sends on a connection that has been silent for a while (RFC 7047,
/// section 4.1.11; `ovsdb-server`'s inactivity probe). They stand in the order of a hash table, which differs between
/// builds, so every order is known here.
const ECHO: [&str; 3] = [r#""id":"echo""#, r#""method":"echo""#, r#""params":[]"#];
const ORDERS: [[usize; 3]; 6] = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];

/// The answer to it; without one the server closes the connection.
const ANSWER: &str = r#"{"error":null,"id":"echo","result":[]}"#;

/// JSON values one after the other on a connection, many at a time, told apart by their ids.
pub fn message() -> Protocol {
    let echo = |order: [usize; 3]| format!("{{{}}}", order.map(|n| ECHO.get(n).copied().unwrap_or_default()).join(","));
    Protocol::Message(MessageProtocol {
        framing: Framing::JsonValues,
        correlation: Correlation::JsonPointer("/id".to_owned()),
        preamble: None,
        keepalives: ORDERS.map(|order| (Bytes::from(echo(order)), Bytes::from(ANSWER))).into(),
        extensions: Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_echo_of_open_vswitch_3_1_is_answered() {
        let Protocol::Message(protocol) = message() else { unreachable!("it is a protocol of messages") };
        let seen = Bytes::from(r#"{"id":"echo","method":"echo","params":[]}"#);
        assert!(protocol.keepalives.iter().any(|(asked, _)| *asked == seen));
        assert!(protocol.keepalives.iter().all(|(asked, _)| asked.means(&seen)), "each is the same request");
    }
}
