//! Networks and ports as the CMP writes them.

use std::fmt;
use std::net::Ipv4Addr;
use std::str::FromStr;

use crosspoint_sdk::prelude::*;

/// `10.1.2.0/24`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub(crate) struct Network {
    pub address: Ipv4Addr,
    pub prefix: u8,
}

impl Network {
    pub fn mask(self) -> Ipv4Addr {
        Ipv4Addr::from_bits(u32::MAX.checked_shl(u32::from(32 - self.prefix)).unwrap_or(0))
    }

    /// `None` where the mask has holes.
    pub fn masked(address: Ipv4Addr, mask: Ipv4Addr) -> Option<Self> {
        let ones = mask.to_bits().leading_ones();
        let network = Self { address, prefix: u8::try_from(ones).ok()? };
        (network.mask() == mask).then_some(network)
    }
}

impl FromStr for Network {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WRONG: &str = "a network is written as 10.1.2.0/24";
        let (address, prefix) = text.split_once('/').ok_or(WRONG)?;
        let network = Self { address: address.parse().or(Err(WRONG))?, prefix: prefix.parse().or(Err(WRONG))? };
        if network.prefix > 32 {
            return Err("a prefix is no longer than 32 bits");
        }
        if network.address.to_bits() & !network.mask().to_bits() != 0 {
            return Err("the address has bits outside the prefix");
        }
        Ok(network)
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

/// `443` or `8000-8080`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub(crate) struct Ports {
    pub low: u16,
    pub high: u16,
}

impl FromStr for Ports {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let port = |text: &str| text.parse::<u16>().or(Err("ports are written as 443 or 8000-8080"));
        let (low, high) = text.split_once('-').unwrap_or((text, text));
        let (low, high) = (port(low)?, port(high)?);
        if low > high { Err("the first port is greater than the last") } else { Ok(Self { low, high }) }
    }
}

impl fmt::Display for Ports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { low, high } = self;
        if low == high { write!(f, "{low}") } else { write!(f, "{low}-{high}") }
    }
}

macro_rules! as_text {
    ($($type:ty),*) => {$(
        impl TryFrom<String> for $type {
            type Error = &'static str;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                text.parse()
            }
        }

        impl From<$type> for String {
            fn from(value: $type) -> Self {
                value.to_string()
            }
        }
    )*};
}

as_text!(Network, Ports);
