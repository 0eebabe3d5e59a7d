//! What an operator sets: one TOML file, then the environment, then flags.
//!
//! `sample.toml` beside this file documents every field and holds every default; a test keeps it and the types in
//! step, and `crosspoint serve --print-config` prints it. Everything is checked before anything is bound: an error names
//! the field, where it stands, and what to write instead.

mod check;
mod load;
mod sections;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

pub use load::{ConfigError, Overrides};
pub use sections::{
    AuthMode, AuthSection, BackendsSection, DrainSection, DriverSection, LimitsSection, LogFormat, LogSection,
};

/// The documented sample file, as `crosspoint serve --print-config` prints it.
pub const SAMPLE: &str = include_str!("sample.toml");

/// The whole configuration, checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The address and port that the API listens on.
    pub listen: SocketAddr,
    /// Holds the store, the compiled drivers and the key.
    pub data_dir: PathBuf,
    /// A watched folder of drivers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drivers_dir: Option<PathBuf>,
    /// Where the key for sealed secrets is, if not in the data folder. Use [`Config::key_file`].
    #[serde(rename = "key_file", skip_serializing_if = "Option::is_none")]
    pub key_file_setting: Option<PathBuf>,
    /// Who may call.
    pub auth: AuthSection,
    /// What is bounded.
    pub limits: LimitsSection,
    /// Where backends may be.
    pub backends: BackendsSection,
    /// What a driver may use.
    pub driver: DriverSection,
    /// How the process ends.
    pub drain: DrainSection,
    /// What is logged.
    pub log: LogSection,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8440)),
            data_dir: PathBuf::from("crosspoint-data"),
            drivers_dir: None,
            key_file_setting: None,
            auth: AuthSection::default(),
            limits: LimitsSection::default(),
            backends: BackendsSection::default(),
            driver: DriverSection::default(),
            drain: DrainSection::default(),
            log: LogSection::default(),
        }
    }
}

impl Config {
    /// Reads the file, if one is named, lays the overrides over it, and checks the whole.
    pub fn load(file: Option<&Path>, overrides: &Overrides) -> Result<Self, ConfigError> {
        load::load(file, overrides)
    }

    /// The key that backend credentials are sealed with.
    #[must_use]
    pub fn key_file(&self) -> PathBuf {
        self.key_file_setting.clone().unwrap_or_else(|| self.data_dir.join("secret.key"))
    }

    /// The folder that holds compiled drivers.
    #[must_use]
    pub fn cache_dir(&self) -> PathBuf {
        self.driver.cache_dir.clone().unwrap_or_else(|| self.data_dir.join("cache"))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

    use super::*;

    fn uncommented(sample: &str) -> String {
        sample.lines().map(|line| line.strip_prefix('#').filter(|rest| !rest.starts_with(' ')).unwrap_or(line)).fold(
            String::new(),
            |mut text, line| {
                text.push_str(line);
                text.push('\n');
                text
            },
        )
    }

    #[test]
    fn the_sample_holds_exactly_the_defaults() {
        assert_eq!(toml::from_str::<Config>(SAMPLE).unwrap(), Config::default());
    }

    #[test]
    fn the_sample_documents_every_field_and_no_other() {
        let full: Config = toml::from_str(&uncommented(SAMPLE)).unwrap();
        let shown = toml::Table::try_from(&full).unwrap();
        let written: toml::Table = toml::from_str(&uncommented(SAMPLE)).unwrap();
        assert_eq!(paths(&shown), paths(&written));
        assert!(full.drivers_dir.is_some() && full.key_file_setting.is_some() && full.driver.cache_dir.is_some());
        let token = full.auth.token.first().unwrap();
        assert!(
            token.tenant.is_some() && token.backends.is_some() && token.kinds.is_some() && token.expires_at.is_some()
        );
    }

    fn paths(table: &toml::Table) -> Vec<String> {
        table
            .iter()
            .flat_map(|(name, value)| match value {
                toml::Value::Table(inner) => paths(inner).into_iter().map(|path| format!("{name}.{path}")).collect(),
                toml::Value::Array(items) if items.iter().all(toml::Value::is_table) => items
                    .iter()
                    .filter_map(toml::Value::as_table)
                    .flat_map(paths)
                    .map(|path| format!("{name}.{path}"))
                    .collect(),
                _ => vec![name.clone()],
            })
            .collect()
    }

    #[test]
    fn the_operators_guide_names_every_field() {
        const GUIDE: &str = include_str!("../../../docs/operators.md");
        let written: toml::Table = toml::from_str(&uncommented(SAMPLE)).unwrap();
        for path in paths(&written) {
            assert!(GUIDE.contains(&format!("| `{path}` |")), "docs/operators.md does not tell of `{path}`");
        }
    }

    #[test]
    fn the_key_and_the_cache_lie_in_the_data_folder_unless_said_otherwise() {
        let config = Config { data_dir: "/srv/xp".into(), ..Config::default() };
        assert_eq!(config.key_file(), Path::new("/srv/xp/secret.key"));
        assert_eq!(config.cache_dir(), Path::new("/srv/xp/cache"));
        let config = Config { key_file_setting: Some("/k".into()), ..config };
        assert_eq!(config.key_file(), Path::new("/k"));
    }
}
