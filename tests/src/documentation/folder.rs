//! The folder in which a document's commands run.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context as _, Result, ensure};

/// A folder that looks like the project's: everything in it can be read, and whatever is written stays in it.
///
/// It stays when the test is over, for whoever wants to see what became of it.
#[derive(Debug)]
pub(super) struct Folder(PathBuf);

impl Folder {
    /// Makes it anew, of links into the project.
    pub fn make(project: &Path, document: &str) -> Result<Self> {
        let target = profile().parent().map(Path::to_owned).context("cargo's target folder has no parent")?;
        let path = target.join("documentation").join(document.replace(['/', '.'], "-"));
        if path.exists() {
            fs::remove_dir_all(&path).with_context(|| format!("cannot clear {}", path.display()))?;
        }
        fs::create_dir_all(&path)?;
        for entry in fs::read_dir(project)? {
            let entry = entry?;
            let name = entry.file_name();
            // Cargo writes its lock file, which must not be the project's.
            if entry.file_type()?.is_file() {
                fs::copy(entry.path(), path.join(&name))?;
            } else if name != ".git" && name != "target" {
                symlink(entry.path(), path.join(&name))?;
            }
        }
        symlink(&target, path.join("target"))?;
        let folder = Self(path);
        // Drivers that a document builds are its own.
        folder.unfold(Path::new("target/drivers"))?;
        Ok(folder)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Writes a file, with the folders above it.
    pub fn write(&self, name: &str, text: &str) -> Result<()> {
        let inside = Path::new(name).components().all(|part| matches!(part, Component::Normal(_)));
        ensure!(inside, "a file is written into the document's folder: `{name}`");
        if let Some(parent) = Path::new(name).parent() {
            self.unfold(parent)?;
        }
        fs::write(self.0.join(name), text).with_context(|| format!("cannot write {name}"))
    }

    /// Turns a path of links into one of folders that hold links, so that something can be put there.
    fn unfold(&self, relative: &Path) -> Result<()> {
        let mut path = self.0.clone();
        for part in relative.components() {
            path.push(part);
            let Ok(original) = fs::read_link(&path) else {
                fs::create_dir_all(&path)?;
                continue;
            };
            fs::remove_file(&path)?;
            fs::create_dir(&path)?;
            for entry in fs::read_dir(&original).into_iter().flatten() {
                let entry = entry?;
                symlink(entry.path(), path.join(entry.file_name()))?;
            }
        }
        Ok(())
    }
}

/// Cargo's folder of the profile that the tests are built with, such as `target/debug`.
pub(super) fn profile() -> PathBuf {
    let test = std::env::current_exe().unwrap_or_default();
    test.ancestors().nth(2).unwrap_or(&test).to_owned()
}
