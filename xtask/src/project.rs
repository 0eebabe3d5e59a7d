//! Where the project is and what is in it, as `cargo metadata` tells.

use std::path::PathBuf;

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::process;

/// The workspace.
#[derive(Deserialize)]
pub struct Project {
    /// The folder that holds the root `Cargo.toml`.
    #[serde(rename = "workspace_root")]
    pub root: PathBuf,
    /// Cargo's target folder; everything that these commands make goes below it.
    #[serde(rename = "target_directory")]
    pub target: PathBuf,
    /// The workspace's own packages.
    pub packages: Vec<Package>,
}

/// One package of the workspace.
#[derive(Deserialize)]
pub struct Package {
    /// Its name.
    pub name: String,
    /// Its features, with what each one switches on.
    pub features: std::collections::BTreeMap<String, Vec<String>>,
    targets: Vec<Target>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
    crate_types: Vec<String>,
}

impl Project {
    /// Asks cargo. Needs no network.
    pub fn load() -> Result<Self> {
        let mut metadata = process::cargo();
        metadata.args(["metadata", "--no-deps", "--format-version", "1"]);
        let text = process::output(&mut metadata)?;
        serde_json::from_str(&text).context("`cargo metadata` answered something unexpected")
    }

    /// Where the built drivers are gathered.
    pub fn drivers_folder(&self) -> PathBuf {
        self.target.join("drivers")
    }
}

impl Package {
    /// The file stem of the package's C-style library, which is what becomes a Wasm module.
    pub fn module_stem(&self) -> Option<String> {
        let target = self.targets.iter().find(|target| target.crate_types.iter().any(|kind| kind == "cdylib"))?;
        Some(target.name.replace('-', "_"))
    }
}
