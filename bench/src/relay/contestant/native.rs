//! The relay written by hand, see [`crate::relay::native`].

use std::process::Command;

use anyhow::{Context as _, Result};

use super::{Started, Surroundings};
use crate::relay::server::{Server, free_address};
use crate::relay::workload::Door;

pub async fn start(around: &Surroundings<'_>) -> Result<Started> {
    let address = free_address()?;
    let mut command = Command::new(std::env::current_exe().context("cannot tell where this program is")?);
    command.arg("native").arg("--listen").arg(address.to_string()).arg("--origin").arg(around.origin.to_string());
    command.arg("--data").arg(around.folder.join("ledger.redb"));
    let mut server = Server::start("native", &mut command, around.folder.join("log"), around.cores)?;
    server.listens(address).await?;
    Ok((address, Door::Relay, vec![server]))
}
