//! The simulated firewall as a process.

use std::net::SocketAddr;

use clap::Parser;
use firewall_appliance::{API_KEY, Appliance};
use tokio::signal::unix::{SignalKind, signal};

/// A small simulated firewall. Its API is at /api/v1; /_sim/requests shows what it was asked.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// Where to listen; port 0 takes any free port.
    #[arg(long, default_value = "127.0.0.1:8480")]
    listen: SocketAddr,
    /// The key wanted in X-Api-Key; empty for none.
    #[arg(long, default_value = API_KEY)]
    api_key: String,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let key = Some(arguments.api_key).filter(|key| !key.is_empty());
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let mut appliance = Appliance::start_with_key(arguments.listen, key).await?;
    println!("firewall appliance at {}", appliance.url());
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    appliance.stop().await;
    Ok(())
}
