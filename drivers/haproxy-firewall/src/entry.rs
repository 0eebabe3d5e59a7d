//! What identifies an entry: the file and the entry's text, with a space between.
//!
//! HAProxy has a number for each entry besides, but that is where the entry lies in memory. It is another after a restart,
//! and may be a stranger's as soon as the entry is gone. The text stays what it is, and may stand in the file.

use crosspoint_sdk::prelude::*;

use crate::Configuration;

/// The longest id that the host keeps, in bytes.
const LONGEST: usize = 512;

/// What an entry is an entry of.
#[derive(Clone, Copy, Debug)]
pub enum Holder {
    Acl,
    Map,
}

impl Holder {
    /// The files that the operator has named.
    pub fn files(self, call: &Call) -> Result<Vec<String>, Fault> {
        let configuration: Configuration = call.configuration()?;
        Ok(match self {
            Self::Acl => configuration.acls,
            Self::Map => configuration.maps,
        })
    }

    /// Checks that the operator has named this file.
    pub fn check(self, call: &Call, file: &str, pointer: &str) -> Result<(), Fault> {
        if self.files(call)?.iter().any(|known| known == file) {
            return Ok(());
        }
        Err(Fault::invalid(pointer, format!("the backend's configuration does not name `{file}`")))
    }
}

/// An entry's id.
pub fn id(file: &str, text: &str, pointer: &str) -> Result<String, Fault> {
    let id = format!("{file} {text}");
    if id.len() > LONGEST {
        return Err(Fault::invalid(pointer, format!("with the file's name, it is longer than {LONGEST} bytes")));
    }
    Ok(id)
}

/// The file and the text of the entry that a call is about.
pub fn of(holder: Holder, call: &Call) -> Result<(&str, &str), Fault> {
    let id = call.backend_id()?;
    let absent = || Fault::NotFound(format!("`{id}` is no entry of what the backend's configuration names"));
    let (file, text) = id.split_once(' ').ok_or_else(absent)?;
    // An operator may adopt by any id.
    holder.check(call, file, "").and_then(|()| crate::line::check(text, "")).map_err(|_| absent())?;
    Ok((file, text))
}
