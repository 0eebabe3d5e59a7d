//! What is in a package: read, compiled and checked just as a server would, without one.

use anyhow::Context;
use serde_json::{Value, json};

use crate::driver::{Engine, EngineConfig, Generation, Package};

/// Reads a package and has it describe itself, under the same limits as in a server.
///
/// # Errors
/// Whatever a server would refuse it for, in the same words.
pub fn inspect(bytes: &[u8]) -> anyhow::Result<Value> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let package = Package::read(bytes.to_vec())?;
        let engine = Engine::new(EngineConfig { instances: 1, ..EngineConfig::default() })?;
        let generation = Generation::build(&engine, &package)
            .await
            .context("the package is readable, but no server would load it")?;
        let metadata = package.metadata();
        Ok(json!({
            "name": generation.name(),
            "version": generation.version().to_string(),
            "digest": generation.digest().to_string(),
            "contract": metadata.map_or(crosspoint_contract::CONTRACT, |metadata| metadata.contract.as_str()),
            "built_with": metadata.map(|metadata| metadata.built_with.as_str()),
            "size": bytes.len(),
            "fixtures": package.fixtures().len(),
            "description": generation.description(),
        }))
    })
}
