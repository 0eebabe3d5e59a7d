//! Files of the store that are not as they were written: what was acknowledged is all there, or it is refused in words
//! that say what to do. Never is less shown than there was.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use crosspoint_tests::host::{Host, Options, Scene, Who};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::frozen::recorded;

/// How many places are damaged one after the other; `CROSSPOINT_DAMAGES` says otherwise.
const DAMAGES: usize = 12;
const FILES: [&str; 2] = ["log.redb", "state.redb"];

/// A store with records in the state's file and beyond it, copied after the process was killed.
struct Store {
    data: TempDir,
    said: Value,
}

impl Store {
    async fn written() -> Self {
        let mut scene = Scene::start().await;
        for number in 0..30 {
            scene.created(&format!("r-{number}")).await;
        }
        let said = lists(&recorded(&scene.host).await);
        scene.host.kill().await;
        let data = TempDir::with_prefix("crosspoint-").unwrap();
        copy(&scene.host.data(), &data.path().join("data"));
        Self { data, said }
    }

    /// Starts on a damaged copy; tells whether the damage was noticed. All must be there, or it must be refused.
    async fn opened(&self, damage: &str, does: impl FnOnce(&Path)) -> Noticed {
        let folder = TempDir::with_prefix("crosspoint-").unwrap();
        copy(&self.data.path().join("data"), &folder.path().join("data"));
        does(&folder.path().join("data/store"));
        match Host::try_start_in(folder, Options::default()).await {
            Err(log) => {
                // redb may have panicked on the way; what counts is what is said at last.
                let said = log.lines().find(|line| line.starts_with("crosspoint:")).unwrap_or_default();
                assert!(FILES.iter().any(|file| said.contains(file)) && said.contains("restore"), "{damage}: {log}");
                Noticed::AtTheStart
            }
            Ok(host) => {
                let operator = host.client(Who::Operator);
                for (list, then) in self.said.as_object().unwrap() {
                    let now = operator.get(list).await;
                    if now.status == 503 {
                        let words = now.problem(503, "store_unavailable").string("/detail");
                        assert!(words.contains("restore a backup"), "{damage}: {words}");
                        return Noticed::ByARead;
                    }
                    assert_eq!(now.expect(200)["/items"], *then, "{damage}: {list}");
                }
                Noticed::Not
            }
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Noticed {
    AtTheStart,
    ByARead,
    Not,
}

/// What is said of records, and not of a process.
fn lists(recorded: &Value) -> Value {
    let names = ["/v1/mappings?limit=1000", "/v1/operations?limit=1000"];
    names.iter().map(|name| ((*name).to_owned(), recorded[name.split('?').next().unwrap()].clone())).collect()
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let (path, to) = (entry.as_ref().unwrap().path(), to.join(entry.unwrap().file_name()));
        if path.is_dir() {
            copy(&path, &to);
        } else {
            fs::copy(&path, &to).unwrap();
        }
    }
}

fn write(file: &Path, at: u64, bytes: &[u8]) {
    OpenOptions::new().write(true).open(file).unwrap().write_all_at(bytes, at).unwrap();
}

/// A number that follows from the one before (`SplitMix64`).
fn next(seed: &mut u64) -> u64 {
    *seed = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mixed = (*seed ^ (*seed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bytes_that_are_flipped_anywhere_are_noticed_or_harmless() {
    let store = Store::written().await;
    let damages = std::env::var("CROSSPOINT_DAMAGES").ok().map_or(DAMAGES, |number| number.parse().unwrap());
    let mut seed = 20_261_121;
    let mut noticed = Vec::new();
    for number in 0..damages {
        let file = FILES[number % 2];
        let bytes = fs::read(store.data.path().join("data/store").join(file)).unwrap();
        // Where there is anything: most of a file is room.
        let used: Vec<_> = (0..bytes.len()).step_by(512).filter(|&at| bytes[at..at + 512] != [0; 512]).collect();
        let block = used[usize::try_from(next(&mut seed)).unwrap_or(0) % used.len()];
        let at = block + usize::try_from(next(&mut seed) % 448).unwrap();
        let flipped: Vec<_> = bytes[at..at + 64].iter().map(|byte| byte ^ 0x55).collect();
        let damage = format!("64 bytes at {at} of {file}, damage {number}");
        noticed.push(store.opened(&damage, |folder| write(&folder.join(file), at as u64, &flipped)).await);
    }
    eprintln!("{noticed:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_row_is_noticed() {
    let store = Store::written().await;
    let text = b"\"cmp_id\":\"r-7\"";
    let spoil = |folder: &Path| {
        let file = folder.join("state.redb");
        let bytes = fs::read(&file).unwrap();
        let places: Vec<_> = (0..bytes.len() - text.len()).filter(|&at| bytes[at..].starts_with(text)).collect();
        assert!(!places.is_empty(), "the row is not in the file");
        for at in places {
            write(&file, (at + text.len() - 2) as u64, b"8");
        }
    };
    assert_ne!(store.opened("a row that is another's", spoil).await, Noticed::Not);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_that_are_cut_emptied_swapped_or_missing_are_refused() {
    let store = Store::written().await;
    for file in FILES {
        let path = |folder: &Path| folder.join(file);
        for keep in [0, 1, 4096, 100_000] {
            let cut = |folder: &Path| OpenOptions::new().write(true).open(path(folder)).unwrap().set_len(keep).unwrap();
            assert_eq!(store.opened(&format!("{keep} bytes of {file}"), cut).await, Noticed::AtTheStart);
        }
        let zeroed = |folder: &Path| write(&path(folder), 0, &[0; 4096]);
        assert_eq!(store.opened(&format!("a zeroed head of {file}"), zeroed).await, Noticed::AtTheStart);
        let text = |folder: &Path| fs::write(path(folder), "this is a letter".repeat(1000)).unwrap();
        assert_eq!(store.opened(&format!("text for {file}"), text).await, Noticed::AtTheStart);
    }
    let swapped = |folder: &Path| {
        fs::rename(folder.join(FILES[0]), folder.join("aside")).unwrap();
        fs::rename(folder.join(FILES[1]), folder.join(FILES[0])).unwrap();
        fs::rename(folder.join("aside"), folder.join(FILES[1])).unwrap();
    };
    assert_eq!(store.opened("swapped files", swapped).await, Noticed::AtTheStart);
    let log_gone = |folder: &Path| fs::remove_file(folder.join(FILES[0])).unwrap();
    assert_eq!(store.opened("a missing log", log_gone).await, Noticed::AtTheStart);
    // The log has forgotten nothing yet, so the state can be made anew from it; else it is refused.
    let state_gone = |folder: &Path| fs::remove_file(folder.join(FILES[1])).unwrap();
    store.opened("a missing state", state_gone).await;
}

/// A copy of one file from yesterday is as bad as another store's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_of_different_times_or_stores_are_refused() {
    let mut scene = Scene::start().await;
    scene.created("a").await;
    scene.host.stop().await;
    let (store, older) = (scene.host.data().join("store"), TempDir::new().unwrap());
    copy(&store, older.path());
    scene.host.restart().await;
    for number in 0..200 {
        scene.created(&format!("r-{number}")).await;
    }
    scene.host.stop().await;
    let other = Store::written().await;
    for file in FILES {
        let aside = fs::read(store.join(file)).unwrap();
        for (from, words) in
            [(older.path().to_owned(), "older copy"), (other.data.path().join("data/store"), "different stores")]
        {
            fs::copy(from.join(file), store.join(file)).unwrap();
            let log = scene.host.try_restart().await.expect_err("the files do not belong together");
            assert!(log.contains(words) && log.contains("restore both from one backup"), "{file}: {log}");
        }
        fs::write(store.join(file), aside).unwrap();
    }
    scene.host.restart().await;
    assert_eq!(scene.mapping("r-199").await["state"], "active");
    assert_eq!(scene.acme().get("/readyz").await.expect(200)["/status"], json!("ok"));
}
