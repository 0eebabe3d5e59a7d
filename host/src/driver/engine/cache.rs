use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::path::{Path, PathBuf};

use wasmtime::Engine;
use wasmtime::component::Component;

use super::precompiled;
use crate::driver::digest::Digest;
use crate::driver::file;

/// How many compiled drivers are kept; the oldest go first.
const ENTRIES: usize = 128;
const EXTENSION: &str = "cwasm";

/// Compiled drivers on disk. An entry is the SHA-256 of the code and the code; its name says for which package and for
/// which engine it was compiled. What does not fit in any way is compiled again, so no entry is ever missed or harmful.
pub struct Cache {
    folder: PathBuf,
    /// Of the engine's version, target and configuration.
    engine: u64,
}

impl Cache {
    /// Makes the folder, or makes it private. Fails where it belongs to somebody else.
    pub fn open(folder: &Path, engine: &Engine) -> io::Result<Self> {
        file::private_folder(folder)?;
        let mut hasher = DefaultHasher::new();
        engine.precompile_compatibility_hash().hash(&mut hasher);
        Ok(Self { folder: folder.to_owned(), engine: hasher.finish() })
    }

    /// What was kept for this package and this engine.
    pub fn load(&self, engine: &Engine, package: Digest) -> Option<Component> {
        let entry = fs::read(self.path(package)).ok()?;
        let (sum, code) = entry.split_first_chunk::<32>()?;
        if Digest::of(code).as_bytes() != sum {
            tracing::warn!(%package, "the compiled driver on disk is damaged: it is compiled again");
            return None;
        }
        precompiled::load(engine, code)
            .inspect_err(|error| tracing::info!(%package, %error, "the compiled driver on disk is refused"))
            .ok()
    }

    /// Keeps a component. A failure costs time at the next start and nothing else.
    pub fn keep(&self, component: &Component, package: Digest) {
        let kept = component.serialize().map_err(io::Error::other).and_then(|code| {
            file::write(&self.path(package), &[Digest::of(&code).as_bytes(), &code], file::Durability::Relaxed)?;
            self.prune()
        });
        if let Err(error) = kept {
            tracing::warn!(%package, %error, "the compiled driver could not be kept");
        }
    }

    fn path(&self, package: Digest) -> PathBuf {
        self.folder.join(format!("{}-{:016x}.{EXTENSION}", package.hex(), self.engine))
    }

    fn prune(&self) -> io::Result<()> {
        let mut entries = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            if entry.path().extension().is_some_and(|extension| extension == EXTENSION) {
                entries.push((entry.metadata()?.modified()?, entry.path()));
            }
        }
        entries.sort();
        let surplus = entries.len().saturating_sub(ENTRIES);
        entries.iter().take(surplus).try_for_each(|(_, path)| fs::remove_file(path))
    }
}
