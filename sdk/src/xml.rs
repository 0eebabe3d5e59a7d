//! XML, read with suspicion and written without surprises, for backends that speak it.
//!
//! ```
//! use crosspoint_sdk::xml::{self, Element};
//!
//! let address = Element::new("entry")
//!     .with_attribute("name", "R&D")
//!     .with(Element::new("fqdn").with_text("rd.example.com"));
//! assert_eq!(address.to_xml()?, "<entry name=\"R&amp;D\"><fqdn>rd.example.com</fqdn></entry>");
//!
//! let reply = xml::parse(br#"<response status="success"><result><job>27</job></result></response>"#)?;
//! assert_eq!(reply.attribute("status"), Some("success"));
//! assert_eq!(reply.at("result/job").map(Element::text), Some("27"));
//! # Ok::<(), crosspoint_sdk::contract::Fault>(())
//! ```
//!
//! What a stranger sent is bounded: [`DEPTH`] levels, [`ELEMENTS`] elements, [`ATTRIBUTES`] attributes on one of them. A
//! document type is refused and there are no entities but the five that XML itself has, so nothing can grow or refer
//! elsewhere. An element keeps its text and its children apart: where both are mixed, their order is lost.

mod element;
mod read;
mod xpath;

pub use element::Element;
pub use read::{ATTRIBUTES, DEPTH, ELEMENTS, parse};
pub use xpath::literal as xpath_literal;
