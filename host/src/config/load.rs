use std::io;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

use super::{Config, SAMPLE};

/// Why there is no configuration. The process ends with status 64 before anything is bound.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("configuration file {}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A field cannot be what it was set to.
    #[error("{place}: {problem}{}", hint.as_ref().map(|hint| format!("\n  {hint}")).unwrap_or_default())]
    Field {
        /// Where it was set: the field, and the file's line or the flag and variable.
        place: String,
        /// What is wrong.
        problem: String,
        /// What to write instead.
        hint: Option<String>,
    },
}

/// What flags and the environment set, as it was written. Absent: as the file says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "named after the fields of `Config`")]
pub struct Overrides {
    pub listen: Option<String>,
    pub data_dir: Option<PathBuf>,
    pub drivers_dir: Option<PathBuf>,
    pub key_file: Option<PathBuf>,
    pub auth_mode: Option<String>,
    pub log_format: Option<String>,
    pub log_filter: Option<String>,
}

pub(super) fn load(file: Option<&Path>, overrides: &Overrides) -> Result<Config, ConfigError> {
    let source = match file {
        Some(path) => Source::read(path)?,
        None => Source { name: "the defaults".to_owned(), text: String::new() },
    };
    let mut config = source.parse()?;
    lay_over(&mut config, overrides)?;
    super::check::check(&config).map_err(|fault| ConfigError::Field {
        place: source.place_of(fault.field),
        problem: fault.problem,
        hint: Some(fault.hint),
    })?;
    Ok(config)
}

fn lay_over(config: &mut Config, overrides: &Overrides) -> Result<(), ConfigError> {
    fn set<T: DeserializeOwned>(
        target: &mut T,
        value: Option<&String>,
        flag: &str,
        field: &str,
    ) -> Result<(), ConfigError> {
        let Some(value) = value else { return Ok(()) };
        *target =
            toml::Value::String(value.clone()).try_into().map_err(|error: toml::de::Error| ConfigError::Field {
                place: format!("--{flag} or {}", variable(flag)),
                problem: format!("`{value}`: {}", error.message()),
                hint: example(field),
            })?;
        Ok(())
    }
    set(&mut config.listen, overrides.listen.as_ref(), "listen", "listen")?;
    set(&mut config.auth.mode, overrides.auth_mode.as_ref(), "auth-mode", "auth.mode")?;
    set(&mut config.log.format, overrides.log_format.as_ref(), "log-format", "log.format")?;
    set(&mut config.log.filter, overrides.log_filter.as_ref(), "log-filter", "log.filter")?;
    config.data_dir = overrides.data_dir.clone().unwrap_or_else(|| config.data_dir.clone());
    config.drivers_dir = overrides.drivers_dir.clone().or(config.drivers_dir.take());
    config.key_file_setting = overrides.key_file.clone().or(config.key_file_setting.take());
    Ok(())
}

fn variable(flag: &str) -> String {
    format!("CROSSPOINT_{}", flag.to_uppercase().replace('-', "_"))
}

/// A configuration file's text, and what to call it.
struct Source {
    name: String,
    text: String,
}

impl Source {
    fn read(path: &Path) -> Result<Self, ConfigError> {
        match std::fs::read_to_string(path) {
            Ok(text) => Ok(Self { name: path.display().to_string(), text }),
            Err(source) => Err(ConfigError::File { path: path.to_owned(), source }),
        }
    }

    fn parse(&self) -> Result<Config, ConfigError> {
        let parser = toml::Deserializer::parse(&self.text).map_err(|error| self.syntax(&error))?;
        serde_path_to_error::deserialize(parser).map_err(|error| {
            let field = plain(&error.path().to_string());
            self.field(&field, error.inner())
        })
    }

    /// Text that is no TOML: there is no field to name, so the line is shown.
    fn syntax(&self, error: &toml::de::Error) -> ConfigError {
        let line = error.span().map_or(1, |span| self.line_at(span.start));
        let shown = self.text.lines().nth(line - 1).unwrap_or_default().trim();
        ConfigError::Field {
            place: format!("{}, line {line}", self.name),
            problem: format!("not TOML, {}: {shown}", error.message().replace('\n', ", ")),
            hint: None,
        }
    }

    fn field(&self, field: &str, error: &toml::de::Error) -> ConfigError {
        let message = error.message();
        let line = error.span().map(|span| format!(" ({}, line {})", self.name, self.line_at(span.start)));
        // A field that is unknown or missing stands at its section, and the message names it.
        let place = if field.is_empty() { "the top level" } else { field };
        ConfigError::Field {
            place: format!("{place}{}", line.unwrap_or_default()),
            problem: message.to_owned(),
            hint: example(field),
        }
    }

    /// Where a field that parsed, but cannot be, was set: found by its name, since values don't keep their places.
    fn place_of(&self, field: &str) -> String {
        let name = field.rsplit('.').next().unwrap_or(field);
        let set_here =
            |line: &str| line.trim_start().strip_prefix(name).is_some_and(|rest| rest.trim_start().starts_with('='));
        let mut lines = (1..).zip(self.text.lines()).filter(|(_, line)| set_here(line));
        match (lines.next(), lines.next()) {
            (Some((line, _)), None) => format!("{field} ({}, line {line})", self.name),
            _ => field.to_owned(),
        }
    }

    fn line_at(&self, offset: usize) -> usize {
        1 + self.text.bytes().take(offset).filter(|byte| *byte == b'\n').count()
    }
}

/// `auth.token[0].role` as `auth.token.role`; the path of nothing is empty.
fn plain(path: &str) -> String {
    let mut depth = 0usize;
    let keep = |character: &char| {
        match character {
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            _ => return depth == 0,
        }
        false
    };
    let path: String = path.chars().filter(keep).collect();
    if path == "." { String::new() } else { path }
}

/// What the sample says of a field: the line to write.
fn example(field: &str) -> Option<String> {
    let (section, name) = field.rsplit_once('.').unwrap_or(("", field));
    let mut current = "";
    SAMPLE.lines().find_map(|line| {
        let line = line.strip_prefix('#').unwrap_or(line);
        if line.starts_with('[') {
            current = line.trim_matches(['[', ']']);
        }
        let sets = line.strip_prefix(name).is_some_and(|rest| rest.starts_with(" ="));
        (current == section && sets).then(|| {
            let section = if section.is_empty() { String::new() } else { format!(" in [{section}]") };
            format!("write, for instance{section}: {line}")
        })
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

    use super::super::{AuthMode, LogFormat};
    use super::*;

    fn load_text(text: &str, overrides: &Overrides) -> Result<Config, ConfigError> {
        let file = tempfile::NamedTempFile::with_suffix(".toml").unwrap();
        std::fs::write(file.path(), text).unwrap();
        load(Some(file.path()), overrides)
    }

    fn error(text: &str) -> String {
        load_text(text, &Overrides { auth_mode: Some("off".to_owned()), ..Overrides::default() })
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn flags_and_environment_win_over_the_file_and_the_file_over_the_defaults() {
        let overrides = Overrides {
            listen: Some("[::1]:9000".to_owned()),
            auth_mode: Some("off".to_owned()),
            log_format: Some("json".to_owned()),
            ..Overrides::default()
        };
        let config = load_text("data_dir = '/srv/xp'\nlisten = '127.0.0.1:1'\n", &overrides).unwrap();
        assert_eq!(config.listen.to_string(), "[::1]:9000");
        assert_eq!(config.data_dir, Path::new("/srv/xp"));
        assert_eq!((config.auth.mode, config.log.format), (AuthMode::Off, LogFormat::Json));
        assert_eq!(config.limits.body_bytes, 1_048_576);
    }

    #[test]
    fn an_unknown_field_is_named_with_its_line_and_the_fields_there_are() {
        let top = error("\nlisten = '127.0.0.1:1'\nlisen = 'x'\n");
        assert!(top.contains("line 3") && top.contains("`lisen`") && top.contains("`listen`"), "{top}");
        let nested = error("[limits]\nbody = 1\n");
        assert!(
            nested.contains("limits.body") && nested.contains("line 2") && nested.contains("`body_bytes`"),
            "{nested}"
        );
    }

    #[test]
    fn a_value_of_the_wrong_type_is_named_with_its_line_and_an_example() {
        let error = error("[limits]\nbody_bytes = 'much'\n");
        assert!(error.contains("limits.body_bytes (") && error.contains("line 2"), "{error}");
        assert!(error.contains("write, for instance in [limits]: body_bytes = 1048576"), "{error}");
    }

    #[test]
    fn an_address_without_a_port_is_refused_with_an_example() {
        let error = error("listen = 'localhost'\n");
        assert!(error.contains("listen (") && error.contains("listen = \"127.0.0.1:8440\""), "{error}");
    }

    #[test]
    fn a_token_pasted_as_its_own_digest_is_refused_and_not_repeated() {
        let error = error("[[auth.token]]\nname = 'cmp'\nrole = 'viewer'\nsha256 = 'xp_abcdef'\n");
        assert!(
            error.contains("auth.token.sha256") && error.contains("line 4") && !error.contains("abcdef"),
            "{error}"
        );
    }

    #[test]
    fn text_that_is_no_toml_is_shown_with_its_line() {
        let error = error("listen = '127.0.0.1:1'\ndata_dir = \n");
        assert!(error.contains("line 2") && error.contains("not TOML") && error.contains("data_dir"), "{error}");
    }

    #[test]
    fn a_bad_flag_is_named_with_its_variable() {
        let overrides = Overrides { log_format: Some("xml".to_owned()), ..Overrides::default() };
        let error = load(None, &overrides).unwrap_err().to_string();
        assert!(error.contains("--log-format or CROSSPOINT_LOG_FORMAT") && error.contains("`json`"), "{error}");
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let error = load(Some(Path::new("/nowhere/xp.toml")), &Overrides::default()).unwrap_err().to_string();
        assert!(error.contains("/nowhere/xp.toml"), "{error}");
    }

    #[test]
    fn a_value_that_cannot_be_is_named_with_its_line() {
        let error = error("[limits]\nidempotency_hours = 1\n");
        assert!(error.contains("limits.idempotency_hours (") && error.contains("line 2"), "{error}");
    }
}
