//! Crosspoint as it is shipped: its defaults, but for a backend's limits, which would hold back the load.

use anyhow::Result;
use serde_json::json;

use super::{Started, Surroundings};
use crate::host::Site;
use crate::places;
use crate::relay::server::Server;
use crate::relay::workload::{BACKEND, Door};

/// More than there are connections.
const ENOUGH: u32 = 4096;

pub async fn start(around: &Surroundings<'_>) -> Result<Started> {
    let site = Site::at(around.folder.clone(), "")?;
    let log = around.folder.join("log");
    let mut server = Server::start("crosspoint", &mut site.command()?, log, around.cores)?;
    server.listens(site.address).await?;
    site.load(&places::driver("bench")?).await?;
    let limits = json!({"mutation_concurrency": ENOUGH, "read_concurrency": ENOUGH, "queue": ENOUGH});
    site.put_backend(BACKEND, "bench", around.origin, &limits).await?;
    Ok((site.address, Door::Relay, vec![server]))
}
