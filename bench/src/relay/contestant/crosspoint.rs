//! Crosspoint as it is shipped: its defaults, but for limits that would hold back the load.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use anyhow::{Result, bail};
use crosspoint::auth::TokenDigest;
use serde_json::json;

use super::{Started, Surroundings};
use crate::places;
use crate::relay::server::{Server, free_address};
use crate::relay::wire::Wire;
use crate::relay::workload::{BACKEND, Door, TOKEN};

/// Who configures; the measured calls come from a caller.
const OPERATOR: &str = "xp_the-token-of-whoever-prepares";
/// More than there are connections.
const ENOUGH: u32 = 4096;

pub async fn start(around: &Surroundings<'_>) -> Result<Started> {
    let address = free_address()?;
    let file = around.folder.join("crosspoint.toml");
    fs::write(&file, configuration(address, &around.folder))?;
    let mut command = Command::new(places::crosspoint()?);
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("CROSSPOINT_")) {
        command.env_remove(name);
    }
    command.arg("serve").arg("--config").arg(&file);
    let mut server = Server::start("crosspoint", &mut command, around.folder.join("log"), around.cores)?;
    server.listens(address).await?;
    ask(address, "POST /v1/drivers", "application/wasm", &places::driver("bench")?).await?;
    let settings = json!({
        "driver": "bench", "endpoints": {"default": format!("http://{}", around.origin)}, "http_version": "1.1",
        "limits": {"mutation_concurrency": ENOUGH, "read_concurrency": ENOUGH, "queue": ENOUGH},
    });
    let path = format!("PUT /v1/backends/{BACKEND}");
    ask(address, &path, "application/json", settings.to_string().as_bytes()).await?;
    Ok((address, Door::Relay, vec![server]))
}

fn configuration(address: SocketAddr, folder: &Path) -> String {
    let (operator, caller) = (TokenDigest::of(OPERATOR.as_bytes()), TokenDigest::of(TOKEN.as_bytes()));
    // What JSON quotes, TOML reads.
    let data = json!(folder.join("data"));
    format!(
        "listen = \"{address}\"\ndata_dir = {data}\n\
         [[auth.token]]\nname = \"operator\"\nsha256 = \"{operator}\"\nrole = \"operator\"\n\
         [[auth.token]]\nname = \"caller\"\nsha256 = \"{caller}\"\nrole = \"caller\"\ntenant = \"acme\"\n"
    )
}

async fn ask(address: SocketAddr, what: &str, content_type: &str, body: &[u8]) -> Result<()> {
    let mut wire = Wire::connect(address).await?;
    let head = format!(
        "{what} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {OPERATOR}\r\ncontent-type: {content_type}\r\n\
         content-length: {}\r\n\r\n",
        body.len()
    );
    wire.send(&[head.as_bytes(), body].concat()).await?;
    let response = wire.response().await?;
    if !(200..300).contains(&response.status) {
        bail!("{what} was answered {}: {}", response.status, String::from_utf8_lossy(&response.body));
    }
    Ok(())
}
