use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::sync::mpsc::{Receiver, channel};
use tokio::time::timeout;

use super::super::{Candidate, Watch, WatchConfig, watch};
use super::forge;
use crate::driver::v1::INTERFACE;

const QUIET: Duration = Duration::from_millis(40);
const LONG: Duration = Duration::from_secs(20);
/// Long enough for a candidate that should not come to have come.
const SILENCE: Duration = Duration::from_millis(400);

fn start(folder: &Path) -> (Watch, Receiver<Candidate>) {
    let (sender, receiver) = channel(16);
    let config = WatchConfig {
        quiet: QUIET,
        patience: Duration::from_millis(800),
        rescan: Duration::from_millis(100),
        ..WatchConfig::new(folder)
    };
    (watch(config, sender), receiver)
}

fn driver(salt: &str) -> Vec<u8> {
    let mut component = forge::exporting(INTERFACE);
    component.section(&forge::custom("salt", salt.as_bytes()));
    component.finish()
}

async fn next(candidates: &mut Receiver<Candidate>) -> (PathBuf, Vec<u8>) {
    let Candidate { path, bytes, .. } = timeout(LONG, candidates.recv()).await.expect("no candidate came").unwrap();
    (path, bytes)
}

async fn nothing_more(candidates: &mut Receiver<Candidate>) {
    if let Ok(Some(candidate)) = timeout(SILENCE, candidates.recv()).await {
        panic!("{} should not have come", candidate.path.display());
    }
}

#[tokio::test]
async fn what_is_there_at_the_start_and_what_comes_later_is_offered_once() {
    let folder = tempfile::tempdir().unwrap();
    let (a, b) = (folder.path().join("a.wasm"), folder.path().join("b.wasm"));
    fs::write(&a, driver("a")).unwrap();
    fs::write(folder.path().join("notes.txt"), b"x").unwrap();
    fs::write(folder.path().join(".hidden.wasm"), driver("h")).unwrap();
    fs::create_dir(folder.path().join("folder.wasm")).unwrap();
    let (_watch, mut candidates) = start(folder.path());
    assert_eq!(next(&mut candidates).await, (a.clone(), driver("a")));
    fs::write(&b, driver("b")).unwrap();
    assert_eq!(next(&mut candidates).await, (b, driver("b")));
    // Touched, but the same.
    fs::write(&a, driver("a")).unwrap();
    nothing_more(&mut candidates).await;
}

#[tokio::test]
async fn a_file_that_is_replaced_by_a_rename_is_offered() {
    let folder = tempfile::tempdir().unwrap();
    let (a, temporary) = (folder.path().join("a.wasm"), folder.path().join(".a.partial"));
    fs::write(&a, driver("1")).unwrap();
    let (_watch, mut candidates) = start(folder.path());
    assert_eq!(next(&mut candidates).await.1, driver("1"));
    fs::write(&temporary, driver("2")).unwrap();
    fs::rename(&temporary, &a).unwrap();
    assert_eq!(next(&mut candidates).await, (a, driver("2")));
}

#[tokio::test]
async fn a_half_written_file_is_not_offered_until_it_is_whole() {
    let folder = tempfile::tempdir().unwrap();
    let a = folder.path().join("a.wasm");
    let whole = driver("a");
    let (_watch, mut candidates) = start(folder.path());
    fs::write(&a, &whole[..whole.len() / 2]).unwrap();
    nothing_more(&mut candidates).await;
    fs::write(&a, &whole).unwrap();
    assert_eq!(next(&mut candidates).await, (a, whole));
}

#[tokio::test]
async fn a_file_that_stays_broken_is_offered_in_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let a = folder.path().join("a.wasm");
    let whole = driver("a");
    let half = &whole[..whole.len() / 2];
    fs::write(&a, half).unwrap();
    let (_watch, mut candidates) = start(folder.path());
    assert_eq!(next(&mut candidates).await, (a, half.to_vec()));
}

#[tokio::test]
async fn the_folder_may_be_late_vanish_and_come_back() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("drivers");
    let a = folder.join("a.wasm");
    let (_watch, mut candidates) = start(&folder);
    nothing_more(&mut candidates).await;
    for salt in ["1", "2"] {
        fs::create_dir(&folder).unwrap();
        fs::write(&a, driver(salt)).unwrap();
        assert_eq!(next(&mut candidates).await, (a.clone(), driver(salt)));
        // The events of the new folder are heard, too.
        fs::write(&a, driver("again")).unwrap();
        assert_eq!(next(&mut candidates).await.1, driver("again"));
        fs::remove_dir_all(&folder).unwrap();
    }
}

#[tokio::test]
async fn a_link_counts_only_if_it_ends_inside_the_folder() {
    let (folder, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let secret = outside.path().join("secret.wasm");
    fs::write(&secret, driver("secret")).unwrap();
    symlink(&secret, folder.path().join("out.wasm")).unwrap();
    fs::create_dir(folder.path().join("..data")).unwrap();
    fs::write(folder.path().join("..data/in.wasm"), driver("in")).unwrap();
    let inside = folder.path().join("in.wasm");
    symlink("..data/in.wasm", &inside).unwrap();
    let (_watch, mut candidates) = start(folder.path());
    assert_eq!(next(&mut candidates).await, (inside, driver("in")));
    nothing_more(&mut candidates).await;
}

#[tokio::test]
async fn a_file_larger_than_any_package_is_offered_cut_and_not_read_whole() {
    let folder = tempfile::tempdir().unwrap();
    let file = fs::File::create(folder.path().join("a.wasm")).unwrap();
    file.set_len(super::super::PACKAGE_SIZE as u64 * 8).unwrap();
    let (_watch, mut candidates) = start(folder.path());
    assert_eq!(next(&mut candidates).await.1.len(), super::super::PACKAGE_SIZE + 1);
}
