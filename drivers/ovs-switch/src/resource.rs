//! What the kinds have in common, and what makes each different, as one table row.

use crosspoint_sdk::KindBuilder;
use crosspoint_sdk::prelude::*;
use serde::de::DeserializeOwned;

use crate::column::Column;
use crate::shown;

/// A kind of object: a type for its spec, in which every member may be missing, and the columns of its rows.
pub trait Resource: JsonSchema + DeserializeOwned {
    /// The type of its patch.
    type Patch: JsonSchema + DeserializeOwned;
    /// The kind's name.
    const NAME: &'static str;
    /// One line for people.
    const SUMMARY: &'static str;
    /// The database's table.
    const TABLE: &'static str;
    /// Whether a name belongs to it, unique on the switch and never changed.
    const NAMED: bool;
    /// The columns that a spec sets.
    const CONFIG: &'static [Column];
    /// The columns that only the switch sets.
    const STATUS: &'static [Column];
    /// What holds it.
    const PARENT: Parent;
    /// Whether an interface of the same name belongs to it.
    const INTERFACE: bool = false;
}

/// What refers to a row, without which the database drops it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parent {
    /// Nothing needs to.
    None,
    /// The switch, in this column.
    Switch(&'static str),
    /// The bridge that the spec's `bridge` names, in this column.
    Bridge(&'static str),
}

/// A [`Resource`] as a value, so that the code that handles objects exists once and not for each kind.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    pub name: &'static str,
    pub table: &'static str,
    pub named: bool,
    pub config: &'static [Column],
    pub status: &'static [Column],
    pub parent: Parent,
    pub interface: bool,
    /// Checks the shape of a spec, or of a patch.
    pub check: fn(&Call) -> Result<(), Fault>,
    pub describe: fn() -> KindBuilder,
}

impl Kind {
    pub const fn of<R: Resource>() -> Self {
        Self {
            name: R::NAME,
            table: R::TABLE,
            named: R::NAMED,
            config: R::CONFIG,
            status: R::STATUS,
            parent: R::PARENT,
            interface: R::INTERFACE,
            check: |call| match call.verb {
                Verb::Update => call.spec::<R::Patch>().map(drop),
                _ => call.spec::<R>().map(drop),
            },
            describe: describe::<R>,
        }
    }

    /// The columns to ask for.
    pub fn columns(&self) -> Vec<&'static str> {
        let name = self.named.then_some("name");
        let own = self.config.iter().chain(self.status).map(|column| column.name);
        ["_uuid", "_version"].into_iter().chain(name).chain(own).collect()
    }
}

fn describe<R: Resource>() -> KindBuilder {
    use Verb::{Create, Delete, Find, List, Read, Replace, Update};
    kind(R::NAME, R::SUMMARY)
        .spec::<R>()
        .patch::<R::Patch>()
        .result::<shown::Schema<R>>()
        .verbs([Create, Read, Replace, Update, Delete, Find, List])
        // Each says what the object shall be, not how to change it.
        .reissuable([Replace, Update, Delete])
        .marker()
        // A second object of a name is refused. What has no name may be there twice; not so with the same marker.
        .creation(if R::NAMED { Creation::Conditional } else { Creation::Duplicating })
        .conditional()
}
