use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde_json::json;

use super::super::{Engine, EngineConfig, EngineError, Generation, Package};
use super::{built, create};

fn config(folder: &Path) -> EngineConfig {
    EngineConfig { cache_dir: Some(folder.to_owned()), instances: 4, ..EngineConfig::default() }
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut entries: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    entries
}

/// Builds the hostile driver and lets it work once.
async fn works(config: EngineConfig, package: &Package) {
    let generation = Generation::build(&Engine::new(config).unwrap(), package).await.unwrap();
    assert!(generation.encode(&create(json!({}))).await.unwrap().is_ok());
}

#[tokio::test]
async fn a_compiled_driver_is_kept_in_private_and_used_again() {
    let Some(bytes) = built("hostile") else { return };
    let package = Package::read(bytes).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("compiled");
    works(config(&cache), &package).await;

    let [entry] = &entries(&cache)[..] else { panic!("{:?}", entries(&cache)) };
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&cache), mode(entry)), (0o700, 0o600));
    let kept = fs::metadata(entry).unwrap().modified().unwrap();
    works(config(&cache), &package).await;
    assert_eq!(fs::metadata(entry).unwrap().modified().unwrap(), kept);
}

#[tokio::test]
async fn a_damaged_entry_is_compiled_again() {
    let Some(bytes) = built("hostile") else { return };
    let package = Package::read(bytes).unwrap();
    let folder = tempfile::tempdir().unwrap();
    works(config(folder.path()), &package).await;
    let entry = &entries(folder.path())[0];
    let whole = fs::read(entry).unwrap();

    let mut flipped = whole.clone();
    flipped[whole.len() / 2] ^= 1;
    for damage in [flipped, whole[..whole.len() / 2].to_vec(), Vec::new()] {
        fs::write(entry, damage).unwrap();
        works(config(folder.path()), &package).await;
        assert_eq!(fs::read(entry).unwrap().len(), whole.len());
    }
}

#[tokio::test]
async fn an_engine_with_other_settings_has_entries_of_its_own() {
    let Some(bytes) = built("hostile") else { return };
    let package = Package::read(bytes).unwrap();
    let folder = tempfile::tempdir().unwrap();
    works(config(folder.path()), &package).await;
    // What another engine compiled stands under this engine's name: a fitting checksum, but foreign code.
    let entry = entries(folder.path()).remove(0);
    let foreign = b"\x7fELF foreign code".to_vec();
    fs::write(&entry, [super::super::Digest::of(&foreign).as_bytes().as_slice(), &foreign].concat()).unwrap();
    works(config(folder.path()), &package).await;
    assert!(fs::read(&entry).unwrap().len() > foreign.len() + 32);
}

#[tokio::test]
async fn what_a_crash_left_half_written_is_cleared_out() {
    let folder = tempfile::tempdir().unwrap();
    let (old, new) = (folder.path().join("x.cwasm.1.2.partial"), folder.path().join("x.cwasm.1.3.partial"));
    fs::write(&new, b"somebody is writing this").unwrap();
    let yesterday = SystemTime::now() - Duration::from_hours(24);
    fs::File::create(&old).unwrap().set_modified(yesterday).unwrap();
    drop(Engine::new(config(folder.path())).unwrap());
    assert_eq!(entries(folder.path()), [new]);
}

#[test]
fn a_cache_folder_that_is_a_file_is_named_in_the_error() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let Err(error) = Engine::new(config(file.path())) else { panic!("it should have been refused") };
    assert!(matches!(&error, EngineError::Cache { path, .. } if path == file.path()), "{error}");
}

#[test]
fn an_engine_that_is_dropped_stops_its_clock() {
    let engine = Engine::new(EngineConfig { instances: 1, ..EngineConfig::default() }).unwrap();
    let copy = engine.clone();
    drop(engine);
    assert!(copy.limits().deadline > Duration::ZERO);
    // Joins the thread, and so would hang if it went on.
    drop(copy);
}
