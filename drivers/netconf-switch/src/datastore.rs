//! Actions on the datastores as a whole (RFC 6241, sections 7.3, 8.3 and 8.7).

use crosspoint_sdk::ActionBuilder;
use crosspoint_sdk::prelude::*;
use crosspoint_sdk::xml::Element;

use crate::rpc;

/// An action.
pub struct Operation {
    name: &'static str,
    summary: &'static str,
    element: fn() -> Element,
}

/// All of them. Each comes to the same when it is done twice.
pub const ALL: [Operation; 3] = [
    Operation {
        name: "commit",
        summary: "Put the candidate configuration in force",
        element: || Element::new("commit"),
    },
    Operation {
        name: "discard",
        summary: "Make the candidate configuration what is in force",
        element: || Element::new("discard-changes"),
    },
    Operation {
        name: "save",
        summary: "Have the device start with what is in force now (capability :startup)",
        element: || {
            Element::new("copy-config")
                .with(Element::new("target").with(Element::new("startup")))
                .with(Element::new("source").with(Element::new("running")))
        },
    },
];

impl Operation {
    pub fn action(&self) -> ActionBuilder {
        action(self.name, self.summary).result::<()>()
    }
}

/// The request of an action.
pub fn encode(call: &Call, name: &str) -> Result<Exchange, Fault> {
    let operation = ALL.iter().find(|operation| operation.name == name).ok_or_else(|| call.unsupported())?;
    rpc::exchange(call, (operation.element)())
}
