//! The key-value daemon as a process.

use std::net::SocketAddr;

use clap::Parser;
use kvdaemon::Daemon;
use tokio::signal::unix::{SignalKind, signal};

/// A small key-value daemon that speaks messages of 4096 bytes. It keeps its entries in memory.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// Where to listen; port 0 takes any free port.
    #[arg(long, default_value = "127.0.0.1:7390")]
    listen: SocketAddr,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let mut daemon = Daemon::start(arguments.listen).await?;
    println!("key-value daemon at {}", daemon.url());
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    daemon.stop().await;
    Ok(())
}
