//! What drivers read replies with: XML from a stranger is refused, or is a tree within bounds that can be written and read
//! again; and JSON-RPC is a result, an error, or no reply.

use crosspoint_sdk::contract::{Call, Fault, Verb};
use crosspoint_sdk::json_rpc::Version;
use crosspoint_sdk::xml::{DEPTH, Element, parse, xpath_literal};
use serde_json::Value;

/// Any bytes as a reply, and as a value in an expression.
pub fn target(bytes: &[u8]) {
    for version in [Version::V1, Version::V2] {
        let reply = version.reply::<Value>(&Call::new(Verb::Read, "x"), bytes);
        assert!(matches!(reply, Ok(_) | Err(Fault::MalformedReply(_))), "{reply:?}");
    }
    if let Ok(value) = std::str::from_utf8(bytes) {
        let literal = xpath_literal(value);
        assert!(literal.len() >= value.len() + 2);
    }
    match parse(bytes) {
        Ok(root) => {
            assert!(depth(&root) <= DEPTH);
            let xml = root.to_xml().unwrap();
            assert_eq!(parse(xml.as_bytes()).as_ref(), Ok(&root), "{xml}");
            assert!(!xml.contains("<!"), "no markup but elements: {xml}");
        }
        Err(fault) => assert!(matches!(fault, Fault::MalformedReply(_)), "{fault:?}"),
    }
}

fn depth(element: &Element) -> usize {
    1 + element.children().iter().map(depth).max().unwrap_or_default()
}
