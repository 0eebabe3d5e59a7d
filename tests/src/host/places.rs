use std::env;
use std::fs;
use std::path::PathBuf;

/// Cargo's folder of the profile that the tests are built with, such as `target/debug`.
fn profile_folder() -> PathBuf {
    let test = env::current_exe().unwrap();
    let dependencies = test.parent().unwrap();
    dependencies.parent().unwrap().to_owned()
}

/// The binary under test.
pub(super) fn crosspoint() -> PathBuf {
    let path = env::var_os("CROSSPOINT_BIN").map_or_else(|| profile_folder().join("crosspoint"), PathBuf::from);
    assert!(path.is_file(), "{} is not there: run `cargo build --workspace --bins` first", path.display());
    path
}

/// Where all processes keep compiled drivers, so that each is compiled once for all tests.
pub(super) fn cache() -> PathBuf {
    profile_folder().parent().unwrap().join("testcache")
}

/// A driver of this workspace, as it is shipped.
#[must_use]
pub fn driver(name: &str) -> Vec<u8> {
    let beside = || profile_folder().parent().unwrap().join("drivers");
    let folder = env::var_os("CROSSPOINT_DRIVERS_DIR").map_or_else(beside, PathBuf::from);
    let path = folder.join(format!("{name}.wasm"));
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}: run `cargo xtask drivers` first", path.display()))
}
