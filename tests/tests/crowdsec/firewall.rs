//! What enforces: a real firewall bouncer programs nftables in a network namespace, and packets get lost.
//!
//! Bans of ranges are not tried here: the bouncer of Debian 12 makes a set that holds single addresses alone, and says
//! nothing of a range that it leaves out.

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
const BYSTANDER: &str = "203.0.113.10";

/// Longer than it takes a packet to get there, and an answer to get back.
const PATIENCE: Duration = Duration::from_millis(500);

/// A firewall and a machine behind it that has two addresses, joined by a cable.
struct Network {
    // The first: it ends before its namespace does.
    _bouncer: Server,
    firewall: Namespace,
    _behind: Namespace,
    port: u16,
    tasks: [AbortHandle; 2],
}

impl Network {
    /// None where this machine cannot have it.
    async fn start(crowdsec: &CrowdSec) -> Result<Option<Self>> {
        const TESTS: &str = "tests with CrowdSec's firewall bouncer";
        if !namespace::available(TESTS).await? || !PACKAGES.ensure(TESTS).await? {
            return Ok(None);
        }
        let (firewall, behind) = (Namespace::new("firewall")?, Namespace::new("behind")?);
        firewall.join("eth0", &format!("{FIREWALL}/24"), &behind, &format!("{CLIENT}/24"))?;
        behind.ip(&["address", "add", &format!("{BYSTANDER}/24"), "dev", "eth0"])?;
        let service = listen(&behind, "0.0.0.0:0")?;
        let port = service.local_addr()?.port();
        let accepting = tokio::spawn(async move { while service.accept().await.is_ok() {} });
        let door = listen(&firewall, "127.0.0.1:0")?;
        let api = door.local_addr()?;
        let carrying = tokio::spawn(carry(door, crowdsec.address()));
        let tasks = [accepting.abort_handle(), carrying.abort_handle()];

        let configuration = crowdsec.folder().join("bouncer.yaml");
        let text = include_str!("bouncer.yaml").replace("{api}", &api.to_string()).replace("{key}", BOUNCER_KEY);
        fs::write(&configuration, text.replace("{folder}", crowdsec.folder().to_str().unwrap()))?;
        let mut command = firewall.command("/usr/bin/crowdsec-firewall-bouncer");
        command.arg("-c").arg(configuration);
        let mut bouncer = Server::spawn("crowdsec-firewall-bouncer", &command, crowdsec.folder().join("bouncer.log"))?;
        let programmed = || async {
            let mut list = firewall.command("/usr/sbin/nft");
            list.args(["list", "set", "ip", "crowdsec", "crowdsec-blacklists"]);
            list.output().is_ok_and(|output| output.status.success())
        };
        bouncer.ready(programmed).await?;
        Ok(Some(Self { _bouncer: bouncer, firewall, _behind: behind, port, tasks }))
    }

    /// Whether a packet from this address gets through the firewall: the answer to a connection that it opens.
    fn passes(&self, address: &str) -> Result<bool> {
        let service = SocketAddr::new(address.parse()?, self.port);
        self.firewall.within(|| TcpStream::connect_timeout(&service, PATIENCE).is_ok())
    }

    /// Waits until the client's packets are cut, or pass again; the bystander's pass all the time.
    async fn until_client(&self, passes: bool) {
        let what = format!("the client's packets to pass: {passes}");
        until(&what, async || (self.passes(CLIENT).unwrap() == passes).then_some(())).await;
        assert!(self.passes(BYSTANDER).unwrap(), "only the client's packets are cut");
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        self.tasks.iter().for_each(AbortHandle::abort);
    }
}

fn listen(namespace: &Namespace, address: &str) -> Result<tokio::net::TcpListener> {
    let listener = namespace.within(|| TcpListener::bind(address))??;
    listener.set_nonblocking(true)?;
    Ok(tokio::net::TcpListener::from_std(listener)?)
}

/// Carries connections to a server that is not in the same namespace.
async fn carry(door: tokio::net::TcpListener, server: SocketAddr) {
    while let Ok((mut inside, _)) = door.accept().await {
        tokio::spawn(async move {
            // Whoever hangs up, the other side is told by the end of the connection.
            if let Ok(mut outside) = tokio::net::TcpStream::connect(server).await {
                let _ = copy_bidirectional(&mut inside, &mut outside).await;
            }
        });
    }
}

#[tokio::test]
async fn a_ban_cuts_packets_and_its_deletion_joins_them_again() -> Result<()> {
    let Some(scene) = Scene::set().await? else { return Ok(()) };
    let Some(network) = Network::start(&scene.crowdsec).await? else { return Ok(()) };
    let stage = &scene.stage;
    assert!(network.passes(CLIENT)?, "before the ban");
    scene.decide("d", &ban(CLIENT)).await;
    network.until_client(false).await;
    stage.one("a deletion", stage.acme().delete(&decision("d"))).await.expect(200);
    network.until_client(true).await;

    scene.decide("again", &ban(CLIENT)).await;
    network.until_client(false).await;
    let unban = stage.operator().post("/v1/backends/far/actions/delete-decisions?tenant=acme").key("unban");
    stage.one("an action", unban.json(&json!({"spec": {"value": CLIENT}}))).await.expect(200);
    network.until_client(true).await;
    Ok(())
}
