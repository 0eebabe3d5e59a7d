use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use serde::{Deserialize, Serialize};

/// Servers under names, and the one in use. Kept in a file that its owner alone can read, for it holds tokens.
#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Contexts {
    /// The context that a command uses when none is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) current: Option<String>,
    #[serde(default)]
    pub(super) contexts: BTreeMap<String, Context>,
}

/// One server, and how to speak to it.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Context {
    pub(super) url: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) token: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) tenant: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) ca: Option<PathBuf>,
}

/// Where the file is: `CROSSPOINT_CONTEXTS`, else in the user's configuration folder.
pub(super) fn file(environment: &dyn Fn(&str) -> Option<String>) -> anyhow::Result<PathBuf> {
    if let Some(path) = environment("CROSSPOINT_CONTEXTS") {
        return Ok(path.into());
    }
    let folder = environment("XDG_CONFIG_HOME")
        .map(PathBuf::from)
        .or_else(|| environment("HOME").map(|home| Path::new(&home).join(".config")))
        .context("neither CROSSPOINT_CONTEXTS nor XDG_CONFIG_HOME nor HOME says where contexts are kept")?;
    Ok(folder.join("crosspoint").join("contexts.toml"))
}

impl Contexts {
    /// Reads the file; none there is no context.
    pub(super) fn read(path: &Path) -> anyhow::Result<Self> {
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(error).with_context(|| path.display().to_string()),
        };
        let mode = fs::metadata(path)?.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            let path = path.display();
            bail!("{path} holds tokens and can be read by others (mode {mode:o}): run `chmod 600 {path}`");
        }
        toml::from_str(&text).with_context(|| path.display().to_string())
    }

    /// Writes the file, whole or not at all.
    pub(super) fn write(&self, path: &Path) -> anyhow::Result<()> {
        let text = toml::to_string(self)?;
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let draft = path.with_extension(format!("{}.draft", std::process::id()));
        let written = DirBuilder::new().recursive(true).mode(0o700).create(folder).and_then(|()| {
            let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            fs::rename(&draft, path)
        });
        written.with_context(|| path.display().to_string())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

    use super::*;

    #[test]
    fn contexts_survive_the_file_which_its_owner_alone_can_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/contexts.toml");
        assert!(Contexts::read(&path).unwrap().contexts.is_empty());
        let context = Context { url: "https://xp".to_owned(), token: Some("xp_1".to_owned()), ..Context::default() };
        let contexts =
            Contexts { current: Some("dc1".to_owned()), contexts: [("dc1".to_owned(), context.clone())].into() };
        contexts.write(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let again = Contexts::read(&path).unwrap();
        assert!(again.current.as_deref() == Some("dc1") && again.contexts["dc1"] == context);
    }

    #[test]
    fn a_context_file_that_others_can_read_is_refused() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::set_permissions(file.path(), fs::Permissions::from_mode(0o644)).unwrap();
        assert!(Contexts::read(file.path()).err().unwrap().to_string().contains("chmod 600"));
    }

    #[test]
    fn the_file_is_where_the_environment_says() {
        let named = |pairs: &'static [(&str, &str)]| {
            file(&move |name| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()))
        };
        assert_eq!(named(&[("CROSSPOINT_CONTEXTS", "/c"), ("HOME", "/h")]).unwrap(), Path::new("/c"));
        assert_eq!(
            named(&[("XDG_CONFIG_HOME", "/x"), ("HOME", "/h")]).unwrap(),
            Path::new("/x/crosspoint/contexts.toml")
        );
        assert_eq!(named(&[("HOME", "/h")]).unwrap(), Path::new("/h/.config/crosspoint/contexts.toml"));
        assert!(named(&[]).is_err());
    }
}
