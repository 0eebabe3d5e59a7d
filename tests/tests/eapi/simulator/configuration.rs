use std::collections::BTreeMap;

/// A configuration.
#[derive(Clone, Debug, PartialEq)]
pub struct Configuration {
    pub vlans: BTreeMap<u16, Vlan>,
    pub ports: BTreeMap<String, Port>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Vlan {
    pub name: Option<String>,
    pub suspended: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Port {
    pub description: String,
    pub trunk: bool,
    pub access: u16,
    pub native: u16,
    /// `None` where all VLANs are allowed.
    pub allowed: Option<String>,
    pub shutdown: bool,
}

impl Default for Port {
    fn default() -> Self {
        Self { description: String::new(), trunk: false, access: 1, native: 1, allowed: None, shutdown: false }
    }
}

impl Configuration {
    /// The factory's.
    pub fn with_ports(count: u16) -> Self {
        let name = |number| (format!("Ethernet{number}"), Port::default());
        let first = Vlan { name: Some("default".to_owned()), ..Vlan::default() };
        Self { vlans: BTreeMap::from([(1, first)]), ports: (1..=count).map(name).collect() }
    }

    /// What differs from the factory's.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for (id, vlan) in self.vlans.iter().filter(|(id, _)| **id != 1) {
            lines.push(format!("vlan {id}"));
            lines.extend(vlan.name.as_ref().map(|name| format!("   name {name}")));
            lines.extend(vlan.suspended.then(|| "   state suspend".to_owned()));
        }
        for (name, port) in self.ports.iter().filter(|(_, port)| **port != Port::default()) {
            lines.push(format!("interface {name}"));
            lines.extend((!port.description.is_empty()).then(|| format!("   description {}", port.description)));
            lines.extend(port.shutdown.then(|| "   shutdown".to_owned()));
            lines.extend((port.access != 1).then(|| format!("   switchport access vlan {}", port.access)));
            lines.extend((port.native != 1).then(|| format!("   switchport trunk native vlan {}", port.native)));
            lines.extend(port.allowed.as_ref().map(|vlans| format!("   switchport trunk allowed vlan {vlans}")));
            lines.extend(port.trunk.then(|| "   switchport mode trunk".to_owned()));
        }
        lines
    }
}

impl Vlan {
    /// The name, which the switch makes up where nobody gave one.
    pub fn shown(&self, id: u16) -> String {
        self.name.clone().unwrap_or_else(|| format!("VLAN{id:04}"))
    }
}
