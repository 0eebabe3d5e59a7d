//! The envelope: requests as the protocol has them, and replies.

use crosspoint_sdk::prelude::*;
use crosspoint_sdk::xml::{self, Element};

/// The namespace of NETCONF's own elements.
const BASE: &str = "urn:ietf:params:xml:ns:netconf:base:1.0";

/// The exchange of this operation. Its `message-id` is the call's correlation.
pub fn exchange(call: &Call, operation: Element) -> Result<Exchange, Fault> {
    let rpc = Element::new("rpc")
        .with_attribute("xmlns", BASE)
        .with_attribute("message-id", call.correlation.to_string())
        .with(operation);
    Ok(message(rpc.to_xml()?))
}

/// `<edit-config>` of a datastore; the change says itself what is done with which element.
pub fn edit_config(datastore: &'static str, rollback: bool, change: Element) -> Element {
    let undo = Element::new("error-option").with_text("rollback-on-error");
    Element::new("edit-config")
        .with(Element::new("target").with(Element::new(datastore)))
        .with(Element::new("default-operation").with_text("merge"))
        .with_all(rollback.then_some(undo))
        .with(Element::new("config").with(change))
}

/// `<get-config>` of a datastore, with a subtree filter; an empty one lets nothing through (RFC 6241, section 6.4.2).
pub fn get_config(datastore: &'static str, filter: Option<Element>) -> Element {
    Element::new("get-config")
        .with(Element::new("source").with(Element::new(datastore)))
        .with(Element::new("filter").with_attribute("type", "subtree").with_all(filter))
}

/// An element with what shall be done with it.
pub fn operation(element: Element, operation: &str) -> Element {
    element.with_attribute("xmlns:nc", BASE).with_attribute("nc:operation", operation)
}

/// Reads a reply.
///
/// # Errors
/// It is no reply of NETCONF.
pub fn read(bytes: &[u8]) -> Result<Element, Fault> {
    let reply = xml::parse(bytes)?;
    if reply.local_name() != "rpc-reply" {
        return Err(malformed("it is no `rpc-reply`"));
    }
    Ok(reply)
}

/// What came of an operation that only succeeds.
pub fn ok(reply: &Element) -> Result<(), Fault> {
    reply.child("ok").map(|_| ()).ok_or_else(|| malformed("it holds no `ok`"))
}

/// What was asked for.
pub fn data(reply: &Element) -> Result<&Element, Fault> {
    reply.child("data").ok_or_else(|| malformed("it holds no `data`"))
}

pub fn malformed(what: &str) -> Fault {
    Fault::MalformedReply(format!("the device's reply makes no sense: {what}"))
}
