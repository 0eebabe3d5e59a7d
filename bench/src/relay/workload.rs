//! What is done, and how it is written on the wire.

use std::fmt;
use std::net::SocketAddr;

use bench_driver::{KIND, sample};

use super::origin;
use crate::host::CALLER;

/// What the backend is called.
pub const BACKEND: &str = "bench";
/// How many objects of each size are read.
pub const OBJECTS: u64 = 256;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// An object is read.
    Read,
    /// An object is created, under an id that was never used before.
    Mutation,
}

/// How many bytes of JSON an object has, on either side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    Small,
    Large,
}

impl Size {
    pub const ALL: [Self; 2] = [Self::Small, Self::Large];

    pub fn bytes(self) -> usize {
        match self {
            Self::Small => 1 << 10,
            Self::Large => 16 << 10,
        }
    }
}

/// One row of the table: `read-1k-64` is reads of 1 KB over 64 connections.
#[derive(Clone, Copy, Debug)]
pub struct Workload {
    pub verb: Verb,
    pub size: Size,
    pub connections: usize,
}

impl Workload {
    /// All of them; reads first, while little is stored.
    pub fn all() -> impl Iterator<Item = Self> {
        let rows = [Verb::Read, Verb::Mutation].into_iter().flat_map(|verb| Size::ALL.map(|size| (verb, size)));
        rows.flat_map(|(verb, size)| [1, 64, 512].map(|connections| Self { verb, size, connections }))
    }

    /// Whether all parts of `filter` (`read`, `16k`, `mutation-1k`) are parts of its name.
    pub fn is(&self, filter: &str) -> bool {
        let name = self.to_string();
        filter.split('-').all(|part| name.split('-').any(|own| own == part))
    }
}

impl fmt::Display for Workload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verb = match self.verb {
            Verb::Read => "read",
            Verb::Mutation => "mutation",
        };
        write!(f, "{verb}-{}k-{}", self.size.bytes() >> 10, self.connections)
    }
}

/// What is spoken at the contestant's door.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// Crosspoint's API: the contestant translates, and remembers which object is which.
    Relay,
    /// The backend's own API: the contestant passes it on.
    Proxy,
}

/// One request after the other: a number in a text that stays the same.
pub struct Requests {
    before: String,
    after: String,
    /// Numbers below this come again and again.
    cycle: u64,
}

impl Requests {
    /// What `workload` sends.
    pub fn of(workload: Workload, door: Door, address: SocketAddr) -> Self {
        match workload.verb {
            Verb::Read => Self::read(workload.size, door, address),
            Verb::Mutation => Self::create("made", workload.size, door, address),
        }
    }

    /// The objects that are read later, to be created.
    pub fn objects(size: Size, address: SocketAddr) -> Self {
        Self::create("kept", size, Door::Relay, address)
    }

    fn read(size: Size, door: Door, address: SocketAddr) -> Self {
        let path = match door {
            Door::Relay => object_path("kept", size),
            Door::Proxy => origin::path(size),
        };
        Self { before: format!("GET {path}"), after: format!("{}\r\n", head(address)), cycle: OBJECTS }
    }

    fn create(name: &str, size: Size, door: Door, address: SocketAddr) -> Self {
        let (start, body) = match door {
            Door::Relay => {
                // The whole body, not the spec in it, has the size.
                let spec = sample::spec(size.bytes() - r#"{"spec":}"#.len());
                (format!("PUT {}", object_path(name, size)), format!(r#"{{"spec":{spec}}}"#))
            }
            // The origin does not look at the query; the number has to stand somewhere.
            Door::Proxy => ("POST /policies?call=".to_owned(), sample::stored("", size.bytes()).to_string()),
        };
        let head = head(address);
        let after = format!("{head}content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        Self { before: start, after, cycle: u64::MAX }
    }

    /// Writes the request of this number, in place of what is in `buffer`.
    pub fn write(&self, number: u64, buffer: &mut Vec<u8>) {
        buffer.clear();
        buffer.extend_from_slice(self.before.as_bytes());
        buffer.extend_from_slice(format!("{:012}", number % self.cycle).as_bytes());
        buffer.extend_from_slice(self.after.as_bytes());
    }
}

/// Everything of an object's path but its number.
fn object_path(name: &str, size: Size) -> String {
    format!("/v1/backends/{BACKEND}/objects/{KIND}/{name}-{}-", size.bytes())
}

fn head(address: SocketAddr) -> String {
    format!(" HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {CALLER}\r\n")
}
