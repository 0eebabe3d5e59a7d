//! The ports that a document names, and the free ones that take their places.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};

use anyhow::Result;

/// Hosts whose ports are this machine's.
const HOSTS: [&str; 3] = ["127.0.0.1:", "localhost:", "0.0.0.0:"];

/// Crosspoint's own port, which commands use that name none.
pub(super) const CROSSPOINT: u16 = 8440;
/// The simulated firewall's.
const APPLIANCE: u16 = 8480;

/// Pairs of a port that a document names and the one that takes its place.
#[derive(Debug)]
pub(super) struct Ports(Vec<(u16, u16)>);

impl Ports {
    /// Finds a free port for each that the text names, and for those that commands use unsaid.
    pub fn of(text: &str) -> Result<Self> {
        let mut named = vec![CROSSPOINT, APPLIANCE];
        rewritten(text, |port| {
            named.push(port);
            port
        });
        named.sort_unstable();
        named.dedup();
        // Held until all are found, so that no two are the same.
        let mut held = Vec::new();
        let mut pairs = Vec::new();
        for port in named {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
            pairs.push((port, listener.local_addr()?.port()));
            held.push(listener);
        }
        Ok(Self(pairs))
    }

    /// The text with the free ports in place of the document's.
    pub fn chosen(&self, text: &str) -> String {
        rewritten(text, |port| self.0.iter().find(|(named, _)| *named == port).map_or(port, |(_, chosen)| *chosen))
    }

    /// The text with the document's ports in place of the free ones.
    pub fn named(&self, text: &str) -> String {
        rewritten(text, |port| self.0.iter().find(|(_, chosen)| *chosen == port).map_or(port, |(named, _)| *named))
    }

    /// The document's ports at which somebody listens.
    pub fn listening(&self) -> Vec<u16> {
        let listens = |port| TcpStream::connect(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).is_ok();
        self.0.iter().filter(|(_, chosen)| listens(*chosen)).map(|(named, _)| *named).collect()
    }
}

/// The text with each local port as `replace` says.
fn rewritten(text: &str, mut replace: impl FnMut(u16) -> u16) -> String {
    let mut done = String::new();
    let mut rest = text;
    while let Some(end) = HOSTS.iter().filter_map(|host| rest.find(host).map(|at| at + host.len())).min() {
        let (before, after) = rest.split_at(end);
        let digits = after.find(|c: char| !c.is_ascii_digit()).unwrap_or(after.len());
        let (port, after) = after.split_at(digits);
        done.push_str(before);
        match port.parse() {
            Ok(port) if port != 0 => done.push_str(&replace(port).to_string()),
            _ => done.push_str(port),
        }
        rest = after;
    }
    done + rest
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

    use super::*;

    #[test]
    fn local_ports_are_replaced_and_come_back_and_others_stay() {
        let text = "curl 127.0.0.1:9000/a http://localhost:8440, 127.0.0.1:0, xp.example:8440, 127.0.0.1:";
        let ports = Ports::of(text).unwrap();
        let chosen = ports.chosen(text);
        assert!(!chosen.contains("127.0.0.1:9000") && !chosen.contains("localhost:8440"), "{chosen}");
        assert!(chosen.contains("127.0.0.1:0, xp.example:8440, 127.0.0.1:"), "{chosen}");
        assert_eq!(ports.named(&chosen), text);
    }
}
