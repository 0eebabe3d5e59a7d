#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
//! The driver contract as a boundary: files that are no drivers, drivers that do harm, and the way from one good
//! generation to the next. Built drivers come from `cargo xtask drivers`; without them their tests say so and pass.

mod cache;
mod forge;
mod generation;
mod package;
mod registry;
mod sandbox;
mod store;
mod watch;

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crosspoint_contract::{Call, HttpReply, Json, Reply, Verb};
use serde_json::{Value, json};

use super::{Engine, EngineConfig, Generation, Package};

/// A built driver's file, or a line that says how to get one.
fn built(name: &str) -> Option<Vec<u8>> {
    let folder = std::env::var("CROSSPOINT_DRIVERS_DIR").ok();
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target");
    let places = [
        folder.map(|folder| Path::new(&folder).join(format!("{name}.wasm"))),
        Some(target.join(format!("drivers/{name}.wasm"))),
        Some(target.join(format!("wasm32-unknown-unknown/driver/{name}_driver.wasm"))),
    ];
    let bytes = places.into_iter().flatten().find_map(|path| fs::read(path).ok());
    if bytes.is_none() {
        eprintln!("skipped: there is no {name}.wasm; `cargo xtask drivers` makes it");
    }
    bytes
}

/// Compiling a driver is most of what these tests would take, so they share what was compiled once.
fn cached(mut config: EngineConfig) -> EngineConfig {
    config.cache_dir = Some(Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/driver-cache"));
    config
}

fn engine() -> Engine {
    Engine::new(cached(EngineConfig { instances: 8, ..EngineConfig::default() })).unwrap()
}

/// The hostile driver on an engine of its own.
async fn hostile(config: EngineConfig) -> Option<Arc<Generation>> {
    let package = Package::read(built("hostile")?).unwrap();
    let engine = Engine::new(cached(config)).unwrap();
    Some(Arc::new(Generation::build(&engine, &package).await.unwrap()))
}

fn create(spec: Value) -> Call {
    Call { spec: Json::from(spec), ..Call::new(Verb::Create, "thing") }
}

fn created() -> Reply {
    let body = json!({"id": "t-1"}).to_string();
    Reply::Http(HttpReply { status: 201, headers: Vec::new(), body: body.into() })
}

/// Waits until `check` gives something; a test that would wait for ever fails.
async fn eventually<T>(what: &str, mut check: impl FnMut() -> Option<T>) -> T {
    let waiting = async {
        loop {
            if let Some(found) = check() {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let found = tokio::time::timeout(Duration::from_secs(20), waiting).await;
    found.unwrap_or_else(|_| panic!("never came true: {what}"))
}
