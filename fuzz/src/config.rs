//! Any text as the configuration file: it is refused with words that name a place, or it is a configuration that says the
//! same when it is written down.

use std::cell::LazyCell;
use std::fs;

use crosspoint::config::{Config, Overrides};
use tempfile::NamedTempFile;

/// The longest complaint, beside what it repeats of the file.
const WORDS: usize = 4096;

thread_local! {
    static FILE: LazyCell<NamedTempFile> = LazyCell::new(|| NamedTempFile::with_suffix(".toml").unwrap());
}

/// Any bytes as a file.
pub fn target(bytes: &[u8]) {
    let overrides = Overrides { auth_mode: Some("off".to_owned()), ..Overrides::default() };
    match load(bytes, &overrides) {
        Ok(config) => {
            let written = toml::to_string(&config).expect("a configuration can be written");
            assert_eq!(load(written.as_bytes(), &overrides), Ok(config), "{written}");
        }
        Err(words) => assert!((1..=bytes.len() * 8 + WORDS).contains(&words.len()), "{words}"),
    }
}

fn load(bytes: &[u8], overrides: &Overrides) -> Result<Config, String> {
    FILE.with(|file| {
        fs::write(file.path(), bytes).unwrap();
        Config::load(Some(file.path()), overrides).map_err(|error| error.to_string())
    })
}
