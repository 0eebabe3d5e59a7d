//! Folders and files that may not be read or written: said at the start, with what to do; and nothing is changed.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::path::Path;

use crosspoint_tests::host::{Host, Options, Scene, create, rule};
use serde_json::json;
use tempfile::TempDir;

use super::full::Mount;

/// Root may do anything, so root runs the process as somebody else.
const NOBODY: u32 = 65534;
const AS_NOBODY: &[&str] = &["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|this| this.uid() == 0)
}

fn options() -> Options {
    Options { under: if is_root() { AS_NOBODY } else { &[] }, ..Options::default() }
}

/// Gives everything below a folder to the user that the process runs as.
fn give_away(folder: &Path) {
    if is_root() {
        chown(folder, Some(NOBODY), Some(NOBODY)).unwrap();
        if folder.is_dir() {
            for entry in fs::read_dir(folder).unwrap() {
                give_away(&entry.unwrap().path());
            }
        }
    }
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// A host of that user's that was started once and has ended.
async fn stopped() -> Host {
    let folder = TempDir::with_prefix("crosspoint-").unwrap();
    give_away(folder.path());
    let mut host = Host::start_in(folder, Options { own_cache: true, ..options() }).await;
    assert_eq!(host.stop().await, Some(0));
    host
}

#[tokio::test]
async fn whatever_may_not_be_used_is_named_with_what_to_do() {
    let mut host = stopped().await;
    for (path, mode, parts) in [
        ("", 0o000, ["data", "Permission denied"]),
        ("store", 0o000, ["store", "belong to the user"]),
        ("store/log.redb", 0o000, ["log.redb", "belong to the user"]),
        ("store/log.redb", 0o400, ["log.redb", "belong to the user"]),
        ("store/state.redb", 0o400, ["state.redb", "belong to the user"]),
        ("packages", 0o000, ["packages", "Permission denied"]),
        ("secret.key", 0o000, ["secret.key", "Permission denied"]),
        ("secret.key", 0o644, ["secret.key", "chmod 600"]),
    ] {
        let path = host.data().join(path);
        let before = fs::metadata(&path).unwrap().mode();
        set_mode(&path, mode);
        let started = host.try_restart().await;
        if path.ends_with("packages") {
            // A folder of one's own is made usable again.
            assert_eq!(started, Ok(()));
            continue;
        }
        let log = started.expect_err(&format!("{} with mode {mode:o}", path.display()));
        assert!(parts.iter().all(|part| log.contains(part)), "{parts:?}: {log}");
        set_mode(&path, before);
        host.restart().await;
    }
}

#[tokio::test]
async fn a_data_folder_of_somebody_elses_is_refused() {
    if !is_root() {
        return crosspoint_tests::skip::skipped("a folder of another user's needs the right to make one: run as root");
    }
    let mut host = stopped().await;
    chown(host.data().join("packages"), Some(0), Some(0)).unwrap();
    let log = host.try_restart().await.expect_err("the folder is root's");
    assert!(log.contains("packages") && log.contains("not permitted"), "{log}");
}

#[tokio::test]
async fn a_file_where_a_folder_should_be_is_refused() {
    let mut host = stopped().await;
    for name in ["packages", "store"] {
        let (folder, aside) = (host.data().join(name), host.data().join("aside"));
        fs::rename(&folder, &aside).unwrap();
        fs::write(&folder, b"what is this?").unwrap();
        let log = host.try_restart().await.expect_err("a file is no folder");
        assert!(log.contains(name), "{log}");
        fs::remove_file(&folder).unwrap();
        fs::rename(&aside, &folder).unwrap();
    }
    host.restart().await;
}

#[tokio::test]
async fn a_file_system_that_becomes_readable_only_stops_changes_and_a_start() {
    let folder = TempDir::with_prefix("crosspoint-").unwrap();
    let Some(mount) = Mount::new(folder.path().join("data")) else { return };
    let mut scene = Scene::on(Host::start_in(folder, Options::default()).await, json!({})).await;
    scene.created("a").await;
    scene.host.kill().await;
    mount.remount("ro");
    let log = scene.host.try_restart().await.expect_err("nothing can be written");
    assert!(log.contains("Read-only file system") && log.contains("mount it writable"), "{log}");
    mount.remount("rw");
    scene.host.restart().await;
    assert_eq!(scene.mapping("a").await["state"], "active");
    scene.acme().put(&rule("b")).json(&create("b")).await.expect(201);
    drop(mount);
}
