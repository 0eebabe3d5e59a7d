//! What enforces: a real firewall bouncer programs nftables in a network namespace, and packets get lost.

use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use anyhow::Result;
use crosspoint_tests::host::until;
use crosspoint_tests::namespace::{self, Namespace};
use crosspoint_tests::packages::Packages;
use crosspoint_tests::server::Server;
use tokio::io::copy_bidirectional;
use tokio::task::AbortHandle;

use super::testbed::BOUNCER_KEY;
use super::*;

static PACKAGES: Packages = Packages {
    names: &["crowdsec-firewall-bouncer", "nftables"],
    programs: &["/usr/bin/crowdsec-firewall-bouncer", "/usr/sbin/nft"],
};

const FIREWALL: &str = "203.0.113.1";
const CLIENT: &str = "203.0.113.9";

/// Longer than it takes a packet to get there, and an answer to get back.
const PATIENCE: Duration = Duration::from_millis(500);

/// A firewall and a client of it, joined by a cable.
struct Network {
    // The first: it ends before its namespace does.
    _bouncer: Server,
    way_to_api: AbortHandle,
    service: TcpListener,
    _firewall: Namespace,
    client: Namespace,
}

impl Network {
    /// None where this machine cannot have it.
    async fn start(crowdsec: &CrowdSec) -> Result<Option<Self>> {
        const TESTS: &str = "tests with CrowdSec's firewall bouncer";
        if !namespace::available(TESTS).await? || !PACKAGES.ensure(TESTS).await? {
            return Ok(None);
        }
        let (firewall, client) = (Namespace::new("firewall")?, Namespace::new("client")?);
        firewall.join("eth0", &format!("{FIREWALL}/24"), &client, &format!("{CLIENT}/24"))?;
        let service = firewall.within(|| TcpListener::bind((FIREWALL, 0)))??;
        let (door, way_to_api) = way_to(crowdsec.address(), &firewall)?;

        let configuration = crowdsec.folder().join("bouncer.yaml");
        let text = include_str!("bouncer.yaml").replace("{api}", &door.to_string()).replace("{key}", BOUNCER_KEY);
        fs::write(&configuration, text.replace("{folder}", crowdsec.folder().to_str().unwrap()))?;
        let mut command = firewall.command("/usr/bin/crowdsec-firewall-bouncer");
        command.arg("-c").arg(configuration);
        let mut bouncer = Server::spawn("crowdsec-firewall-bouncer", &command, crowdsec.folder().join("bouncer.out"))?;
        let programmed = || async {
            let mut list = firewall.command("/usr/sbin/nft");
            list.args(["list", "set", "ip", "crowdsec", "crowdsec-blacklists"]);
            list.output().is_ok_and(|output| output.status.success())
        };
        bouncer.ready(programmed).await?;
        Ok(Some(Self { _bouncer: bouncer, way_to_api, service, _firewall: firewall, client }))
    }

    /// Whether the client's packets get to the firewall's service, and the answers back.
    fn reaches(&self) -> Result<bool> {
        let service = self.service.local_addr()?;
        self.client.within(|| TcpStream::connect_timeout(&service, PATIENCE).is_ok())
    }

    /// Waits until they do, or do not.
    async fn until(&self, reaches: bool, what: &str) {
        until(what, async || (self.reaches().unwrap() == reaches).then_some(())).await;
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        self.way_to_api.abort();
    }
}

/// A way from a namespace's own loopback interface to a server outside.
fn way_to(server: SocketAddr, namespace: &Namespace) -> Result<(SocketAddr, AbortHandle)> {
    let door = namespace.within(|| TcpListener::bind("127.0.0.1:0"))??;
    let address = door.local_addr()?;
    door.set_nonblocking(true)?;
    let door = tokio::net::TcpListener::from_std(door)?;
    let carrying = tokio::spawn(async move {
        while let Ok((mut inside, _)) = door.accept().await {
            tokio::spawn(async move {
                // Whoever hangs up, the other side is told by the end of the connection.
                if let Ok(mut outside) = tokio::net::TcpStream::connect(server).await {
                    let _ = copy_bidirectional(&mut inside, &mut outside).await;
                }
            });
        }
    });
    Ok((address, carrying.abort_handle()))
}

#[tokio::test]
async fn a_ban_cuts_packets_and_its_deletion_joins_them_again() -> Result<()> {
    let Some(scene) = Scene::set().await? else { return Ok(()) };
    let Some(network) = Network::start(&scene.crowdsec).await? else { return Ok(()) };
    let stage = &scene.stage;
    assert!(network.reaches()?, "before the ban");
    scene.decide("other", &ban("203.0.113.200")).await;
    scene.decide("d", &ban(CLIENT)).await;
    network.until(false, "the ban to be in force").await;

    stage.one("a deletion", stage.acme().delete(&decision("d"))).await.expect(200);
    network.until(true, "the ban to be lifted").await;

    let range = json!({"scope": "Range", "value": "203.0.113.8/30", "type": "ban", "duration": "1h"});
    scene.decide("range", &range).await;
    network.until(false, "the ban of the range to be in force").await;
    stage.one("a deletion", stage.acme().delete(&decision("range"))).await.expect(200);
    network.until(true, "the ban of the range to be lifted").await;
    Ok(())
}
