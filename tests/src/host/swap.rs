use std::fs;

use serde_json::json;

use super::places::driver;
use super::wait::until;
use super::{Host, Who};

/// The two versions of the firewall driver: the name of the package, and the version in it. The second alone tells what
/// shadows a rule.
pub const VERSIONS: [(&str, &str); 2] = [("firewall", "0.1.0"), ("firewall-next", "0.2.0")];

/// How one version of the firewall driver comes in place of the other.
#[derive(Clone, Copy, Debug)]
pub enum Way {
    /// By an upload.
    Upload,
    /// By a rename in the watched folder.
    Folder,
    /// By going back to the one before.
    RollBack,
    /// By name, of one that was active earlier.
    Activate,
}

impl Way {
    /// Has the version take over, and waits until it has.
    pub async fn swap(self, host: &Host, (name, version): (&str, &str)) {
        let operator = host.client(Who::Operator);
        match self {
            Self::Upload => drop(host.load_driver(driver(name)).await),
            Self::Folder => {
                let (half, whole) = (host.drivers_folder().join("half"), host.drivers_folder().join("firewall.wasm"));
                fs::write(&half, driver(name)).unwrap();
                fs::rename(half, whole).unwrap();
            }
            Self::RollBack => drop(operator.post("/v1/drivers/firewall:rollback").await.expect(200)),
            Self::Activate => {
                let which = json!({"version": version});
                drop(operator.post("/v1/drivers/firewall:activate").json(&which).await.expect(200));
            }
        }
        host.until_active(version).await;
    }
}

impl Host {
    /// The version of the firewall driver that is active.
    pub async fn active(&self) -> String {
        self.client(Who::Operator).get("/v1/drivers/firewall").await.expect(200).string("/version")
    }

    /// Waits until this version of the firewall driver is active.
    pub async fn until_active(&self, version: &str) {
        until(&format!("version {version}"), async || (self.active().await == version).then_some(())).await;
    }
}
