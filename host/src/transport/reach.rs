//! Where backends may be: the addresses that a connection may be opened to.
//!
//! A backend's configuration names a host, and whoever controls that name's DNS chooses the address. So addresses are
//! judged when a connection is made, after the name was resolved, and each of them.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::str::FromStr;
use std::sync::OnceLock;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Where hosts and clouds keep what is for this machine alone, its credentials among it: link-local networks, and the
/// metadata services that lie elsewhere.
const LOCAL: [IpNet; 7] = [
    v4(Ipv4Addr::new(169, 254, 0, 0), 16),
    v4(Ipv4Addr::new(100, 100, 100, 200), 32),
    v4(Ipv4Addr::new(168, 63, 129, 16), 32),
    v4(Ipv4Addr::new(192, 0, 0, 192), 32),
    v6(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0), 10),
    v6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0), 32),
    v6(Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0), 32),
];

const fn v4(address: Ipv4Addr, length: u8) -> IpNet {
    IpNet::V4(Ipv4Net::new_assert(address, length))
}

const fn v6(address: Ipv6Addr, length: u8) -> IpNet {
    IpNet::V6(Ipv6Net::new_assert(address, length))
}

/// A network, written `10.0.0.0/8`; an address alone is a network of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network(IpNet);

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let network = text.parse().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
        network.map(Self).map_err(|_| format!("`{text}` is no network: write, for instance, 10.0.0.0/8 or 2001:db8::7"))
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for Network {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Network {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// Why no connection is opened to an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Barred {
    /// No backend can be there.
    #[error("{0} is no address that a backend can have")]
    Never(IpAddr),
    /// It leads back to where the caller came from.
    #[error("{0} is Crosspoint's own address")]
    Own(SocketAddr),
    /// The operator's configuration closes it.
    #[error("{0} is closed to backends by [backends] deny")]
    Denied(IpAddr),
    /// It is not among what the operator's configuration opens.
    #[error("{0} is not among the networks of [backends] allow")]
    NotAllowed(IpAddr),
    /// It is for this machine alone.
    #[error("{0} is link-local or a metadata service: if a backend is there, list it in [backends] allow")]
    Local(IpAddr),
}

/// Where backends may be.
#[derive(Debug, Default)]
pub struct Reach {
    allow: Vec<Network>,
    deny: Vec<Network>,
    own: OnceLock<SocketAddr>,
}

impl Reach {
    /// Backends may be in `allow` alone, or anywhere if that is empty, and never in `deny`.
    #[must_use]
    pub fn new(allow: Vec<Network>, deny: Vec<Network>) -> Self {
        Self { allow, deny, own: OnceLock::new() }
    }

    /// Closes the API's own listener, once its address is known.
    pub fn close(&self, listener: SocketAddr) {
        // There is one listener; a second one would change nothing.
        let _ = self.own.set(listener);
    }

    /// Judges an address that a connection is about to be opened to.
    ///
    /// # Errors
    /// Why it must not be.
    pub fn judge(&self, address: SocketAddr) -> Result<(), Barred> {
        let ip = address.ip().to_canonical();
        self.judge_ip(ip)?;
        embedded(ip).map_or(Ok(()), |ip| self.judge_ip(IpAddr::V4(ip)))?;
        if self.is_own(SocketAddr::new(ip, address.port())) { Err(Barred::Own(address)) } else { Ok(()) }
    }

    fn judge_ip(&self, ip: IpAddr) -> Result<(), Barred> {
        let never = match ip {
            IpAddr::V4(ip) => ip.octets().starts_with(&[0]) || ip.is_broadcast(),
            IpAddr::V6(ip) => ip.is_unspecified(),
        };
        let listed = |networks: &[Network]| networks.iter().any(|network| network.0.contains(&ip));
        if never || ip.is_multicast() {
            Err(Barred::Never(ip))
        } else if listed(&self.deny) {
            Err(Barred::Denied(ip))
        } else if listed(&self.allow) {
            Ok(())
        } else if LOCAL.iter().any(|network| network.contains(&ip)) {
            Err(Barred::Local(ip))
        } else if self.allow.is_empty() {
            Ok(())
        } else {
            Err(Barred::NotAllowed(ip))
        }
    }

    /// Whether the API's own listener answers there. One that listens everywhere answers at every address that this
    /// machine has, and those are the ones that a socket can be bound to.
    fn is_own(&self, address: SocketAddr) -> bool {
        self.own.get().is_some_and(|own| {
            let everywhere = || own.ip().is_unspecified() && UdpSocket::bind((address.ip(), 0)).is_ok();
            own.port() == address.port() && (own.ip().to_canonical() == address.ip() || everywhere())
        })
    }
}

/// The IPv4 address that a gateway would go on to (NAT64: RFC 6052; 6to4: RFC 3056).
fn embedded(ip: IpAddr) -> Option<Ipv4Addr> {
    let IpAddr::V6(ip) = ip else { return None };
    match ip.octets() {
        [0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0, a, b, c, d] | [0x20, 0x02, a, b, c, d, ..] => {
            Some(Ipv4Addr::new(a, b, c, d))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

    use super::*;

    fn reach(allow: &[&str], deny: &[&str]) -> Reach {
        let networks = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect();
        Reach::new(networks(allow), networks(deny))
    }

    fn judge(reach: &Reach, ip: &str) -> Result<(), Barred> {
        reach.judge(SocketAddr::new(ip.parse().unwrap(), 443))
    }

    #[test]
    fn what_is_never_a_backend_is_closed_however_it_is_written() {
        let open = reach(&["0.0.0.0/0", "::/0"], &[]);
        for ip in ["0.0.0.0", "0.1.2.3", "255.255.255.255", "224.0.0.1", "::", "ff02::1", "::ffff:0.0.0.0", "64:ff9b::"]
        {
            assert!(matches!(judge(&open, ip), Err(Barred::Never(_))), "{ip}");
        }
    }

    #[test]
    fn metadata_is_closed_however_it_is_written_unless_it_is_listed() {
        for ip in [
            "169.254.169.254",
            "::ffff:169.254.169.254",
            "64:ff9b::a9fe:a9fe",
            "2002:a9fe:a9fe::1",
            "fe80::1",
            "fd00:ec2::254",
            "fd20:ce::254",
            "100.100.100.200",
            "168.63.129.16",
            "192.0.0.192",
        ] {
            assert!(matches!(judge(&Reach::default(), ip), Err(Barred::Local(_))), "{ip}");
        }
        let host_interface = reach(&["169.254.3.0/24"], &[]);
        assert_eq!(judge(&host_interface, "169.254.3.254"), Ok(()));
        assert!(matches!(judge(&host_interface, "169.254.169.254"), Err(Barred::Local(_))));
    }

    #[test]
    fn what_is_allowed_closes_everything_else_and_what_is_denied_is_denied_all_the_same() {
        let some = reach(&["10.0.0.0/8", "2001:db8::7"], &["10.9.0.0/16"]);
        assert_eq!((judge(&some, "10.1.2.3"), judge(&some, "2001:db8::7")), (Ok(()), Ok(())));
        assert!(matches!(judge(&some, "10.9.0.1"), Err(Barred::Denied(_))));
        for ip in ["192.0.2.1", "127.0.0.1", "2001:db8::8"] {
            assert!(matches!(judge(&some, ip), Err(Barred::NotAllowed(_))), "{ip}");
        }
        assert_eq!(judge(&Reach::default(), "127.0.0.1"), Ok(()));
        assert!(judge(&reach(&[], &["127.0.0.0/8"]), "::ffff:127.0.0.1").is_err());
    }

    #[test]
    fn the_apis_own_listener_is_closed_and_its_neighbours_are_not() {
        let one = Reach::default();
        one.close("127.0.0.1:8440".parse().unwrap());
        let everywhere = Reach::default();
        everywhere.close("[::]:8440".parse().unwrap());
        for own in ["127.0.0.1:8440", "[::ffff:127.0.0.1]:8440"] {
            assert!(matches!(one.judge(own.parse().unwrap()), Err(Barred::Own(_))), "{own}");
            assert!(matches!(everywhere.judge(own.parse().unwrap()), Err(Barred::Own(_))), "{own}");
        }
        for other in ["127.0.0.1:8441", "192.0.2.1:8440"] {
            assert_eq!(one.judge(other.parse().unwrap()), Ok(()), "{other}");
            assert_eq!(everywhere.judge(other.parse().unwrap()), Ok(()), "{other}");
        }
    }

    #[test]
    fn a_network_is_a_network_or_one_address() {
        assert_eq!("10.0.0.0/8".parse::<Network>().unwrap().to_string(), "10.0.0.0/8");
        assert_eq!("::1".parse::<Network>().unwrap().to_string(), "::1/128");
        assert!("fw.example".parse::<Network>().unwrap_err().contains("10.0.0.0/8"));
    }
}
