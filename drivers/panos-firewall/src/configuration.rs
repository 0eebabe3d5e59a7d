use crosspoint_sdk::prelude::*;
use crosspoint_sdk::xml::xpath_literal;

/// The one device of a configuration; Panorama calls itself so too.
const DEVICE: &str = "/config/devices/entry[@name='localhost.localdomain']";

/// Which part of the configuration a backend is: a virtual system of a firewall, or a device group of a Panorama.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Configuration {
    /// The virtual system of a firewall; `vsys1` unless a device group is named.
    #[schemars(length(min = 1, max = 63))]
    vsys: Option<String>,
    /// The device group of a Panorama, instead of a virtual system.
    #[schemars(length(min = 1, max = 63))]
    device_group: Option<String>,
    /// Which of a device group's rules are meant: those before the firewalls' own, or those after.
    #[serde(default)]
    rulebase: Rulebase,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Rulebase {
    #[default]
    Pre,
    Post,
}

/// Where the entries of a kind are.
#[derive(Clone, Copy, Debug)]
pub enum Container {
    /// Directly in the virtual system or device group.
    Objects(&'static str),
    /// In its rules.
    Rules(&'static str),
}

impl Configuration {
    /// The `XPath` of a container.
    ///
    /// # Errors
    /// [`Fault::Other`] where the configuration names two places.
    pub fn xpath(&self, container: Container) -> Result<String, Fault> {
        let (place, rules) = match (&self.vsys, &self.device_group, self.rulebase) {
            (Some(_), Some(_), _) => {
                return Err(Fault::Other("the backend's configuration names a `vsys` and a `device_group`".to_owned()));
            }
            (_, Some(group), Rulebase::Pre) => {
                (format!("device-group/entry[@name={}]", xpath_literal(group)), "pre-rulebase")
            }
            (_, Some(group), Rulebase::Post) => {
                (format!("device-group/entry[@name={}]", xpath_literal(group)), "post-rulebase")
            }
            (vsys, None, _) => {
                (format!("vsys/entry[@name={}]", xpath_literal(vsys.as_deref().unwrap_or("vsys1"))), "rulebase")
            }
        };
        Ok(match container {
            Container::Objects(name) => format!("{DEVICE}/{place}/{name}"),
            Container::Rules(name) => format!("{DEVICE}/{place}/{rules}/{name}"),
        })
    }
}
