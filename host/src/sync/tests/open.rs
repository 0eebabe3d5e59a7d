//! Hazards of opening: what was acknowledged must be there, and what is not this store must be refused in plain words.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use redb::{Database, TableDefinition};

use super::disk::SimDisk;
use super::notes::{Command, Machines, Model, Notes, append, contents, write};
use super::{eager, node, patient};
use crate::sync::store::Disk;
use crate::sync::{OpenError, ProposeError, Replica, ReplicaExt, SingleNode, Table};

/// Why a disk cannot be opened.
fn refusal(disk: &SimDisk) -> OpenError {
    SingleNode::open_on(disk, Notes::default(), patient()).err().expect("it was opened")
}

/// A disk with a closed store of some commands, half of them beyond the last checkpoint.
async fn written() -> (SimDisk, Vec<Command>) {
    let disk = SimDisk::default();
    let commands: Vec<_> = (0..40).map(|n| append(&format!("{}", n % 7), &format!("{n},"))).collect();
    let node = node(&disk);
    for command in &commands[..20] {
        node.propose(command.clone()).await.unwrap();
    }
    node.close().await.unwrap();
    drop(node);
    let node = self::node(&disk);
    for command in &commands[20..] {
        node.propose(command.clone()).await.unwrap();
    }
    drop(node);
    (disk, commands)
}

#[tokio::test]
async fn a_restart_keeps_everything_with_a_close_and_without() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("new/store");
    let mut commands = Vec::new();
    for round in 0..6 {
        let options = if round % 3 == 0 { eager() } else { patient() };
        let node = SingleNode::open(&path, Notes::default(), options).unwrap();
        assert_eq!(contents(&*node.snapshot()).unwrap(), Model::of(&commands).0);
        assert_eq!(node.status().applied, commands.len() as u64);
        for n in 0..10 {
            commands.push(append(&format!("{}", n % 3), &format!("{round}.{n} ")));
            let committed = node.propose(commands.last().unwrap().clone()).await.unwrap();
            assert_eq!(committed.index, commands.len() as u64);
        }
        if round % 2 == 0 {
            node.close().await.unwrap();
            assert_eq!(node.status().checkpoint, node.status().applied, "a closed store replays nothing");
            assert!(matches!(node.propose(append("0", "late")).await, Err(ProposeError::Stopped(_))));
            assert_eq!(contents(&*node.snapshot()).unwrap(), Model::of(&commands).0, "reads go on");
            node.close().await.unwrap();
        }
    }
}

#[cfg(unix)]
#[test]
fn only_the_owner_may_read_the_store() {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store");
    drop(SingleNode::open(&path, Notes::default(), patient()).unwrap());
    for (path, mode) in [(path.clone(), 0o700), (path.join("log.redb"), 0o600), (path.join("state.redb"), 0o600)] {
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, mode, "{}", path.display());
    }
}

#[tokio::test]
async fn a_second_open_of_the_same_directory_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let node = SingleNode::open(directory.path(), Notes::default(), patient()).unwrap();
    let refused = SingleNode::open(directory.path(), Notes::default(), patient()).err().unwrap();
    assert!(matches!(refused, OpenError::InUse), "{refused}");
    node.propose(write("still", "works")).await.unwrap();
    drop(node);
    SingleNode::open(directory.path(), Notes::default(), patient()).unwrap();
}

#[tokio::test]
async fn a_snapshot_outlives_its_node() {
    let node = node(&SimDisk::default());
    node.propose(write("key", "value")).await.unwrap();
    node.close().await.unwrap();
    let snapshot = node.snapshot();
    drop(node);
    assert_eq!(contents(&*snapshot).unwrap(), Model::of([&write("key", "value")]).0);
}

#[test]
fn a_directory_that_is_a_file_is_refused() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let refused = SingleNode::open(file.path(), Notes::default(), patient()).err().unwrap();
    assert!(matches!(refused, OpenError::Directory { .. }), "{refused}");
}

#[tokio::test]
async fn a_newer_machine_takes_the_store_over_and_an_older_one_is_refused_after() {
    let (disk, commands) = written().await;
    let node = SingleNode::open_on(&disk, Machines::<2>::default(), patient()).unwrap();
    assert_eq!(contents(&*node.snapshot()).unwrap(), Model::of(&commands).0);
    drop(node);
    let refused = refusal(&disk);
    assert!(matches!(refused, OpenError::Newer { found: 2, known: 1, .. }), "{refused}");
    assert!(refused.to_string().contains("written by a newer version"), "{refused}");
}

#[test]
fn a_newer_file_format_is_refused() {
    for file in ["log.redb", "state.redb"] {
        let disk = SimDisk::default();
        drop(node(&disk));
        rewrite_header(&disk, file, |header| header.replace("\"format\":1", "\"format\":9"));
        let refused = refusal(&disk);
        assert!(matches!(refused, OpenError::Newer { found: 9, known: 1, file: of, .. } if of == file), "{refused}");
    }
}

#[test]
fn a_file_that_is_no_database_is_refused_and_left_as_it_is() {
    for file in ["log.redb", "state.redb"] {
        let disk = SimDisk::default();
        drop(node(&disk));
        disk.edit(file, |bytes| *bytes = b"this is a letter, not a database".repeat(100));
        let before = disk.bytes(file);
        let refused = refusal(&disk);
        assert!(matches!(refused, OpenError::Foreign { file: of, .. } if of == file), "{refused}");
        assert_eq!(disk.bytes(file), before);
    }
}

#[test]
fn a_database_of_another_program_is_refused() {
    let disk = SimDisk::default();
    {
        disk.edit("log.redb", Vec::clear);
        let database = Database::builder().create_with_backend(disk.open("log.redb").unwrap()).unwrap();
        let transaction = database.begin_write().unwrap();
        transaction.open_table(TableDefinition::<u64, u64>::new("theirs")).unwrap().insert(1, 1).unwrap();
        transaction.commit().unwrap();
    }
    let refused = refusal(&disk);
    assert!(matches!(refused, OpenError::Foreign { file: "log.redb", .. }), "{refused}");
}

#[tokio::test]
async fn files_that_do_not_belong_together_are_refused() {
    let (disk, _) = written().await;
    let replaced = |file: &'static str, by: &SimDisk, its: &str| {
        let disk = disk.copy();
        disk.edit(file, |bytes| *bytes = by.bytes(its));
        let refused = refusal(&disk);
        assert!(matches!(refused, OpenError::Mismatched(_)), "{refused}");
        refused.to_string()
    };
    let (other, _) = written().await;
    assert!(replaced("log.redb", &other, "log.redb").contains("two different stores"));
    assert!(replaced("state.redb", &other, "state.redb").contains("two different stores"));
    assert!(replaced("log.redb", &disk, "state.redb").contains("holds what belongs into `state.redb`"));

    let older = disk.copy();
    let node = SingleNode::open_on(&disk, Notes::default(), eager()).unwrap();
    for _ in 0..300 {
        node.propose(append("0", "later")).await.unwrap();
    }
    node.close().await.unwrap();
    drop(node);
    let replaced = |file: &'static str| {
        let disk = disk.copy();
        disk.edit(file, |bytes| *bytes = older.bytes(file));
        refusal(&disk).to_string()
    };
    assert!(replaced("log.redb").contains("`log.redb` is an older copy"));
    assert!(replaced("state.redb").contains("`state.redb` is an older copy"));

    disk.remove("log.redb");
    assert!(refusal(&disk).to_string().contains("`log.redb` is missing"));
}

#[tokio::test]
async fn a_lost_state_is_rebuilt_from_a_log_that_has_forgotten_nothing() {
    let disk = SimDisk::default();
    let node = node(&disk);
    node.propose(write("key", "value")).await.unwrap();
    drop(node);
    disk.remove("state.redb");
    assert_eq!(contents(&*self::node(&disk).snapshot()).unwrap(), Model::of([&write("key", "value")]).0);
}

/// Changes one byte in every place where a file holds a text.
fn damage(disk: &SimDisk, file: &str, text: &[u8]) {
    disk.edit(file, |bytes| {
        let places: Vec<_> = (0..bytes.len() - text.len()).filter(|&at| bytes[at..].starts_with(text)).collect();
        assert!(!places.is_empty(), "the text is not in the file");
        for at in places {
            bytes[at + text.len() - 1] ^= 1;
        }
    });
}

#[tokio::test]
async fn a_damaged_entry_at_the_end_of_the_log_is_refused() {
    let (disk, _) = written().await;
    damage(&disk, "log.redb", br#""text":"39"#);
    let refused = refusal(&disk);
    assert!(matches!(refused, OpenError::Corrupt { file: "log.redb", .. }), "{refused}");
    assert!(refused.to_string().contains("the entry at index 40 is not as it was written"), "{refused}");
}

#[tokio::test]
async fn a_damaged_row_is_an_error_of_the_read_that_meets_it_and_of_no_other() {
    let (disk, commands) = written().await;
    node(&disk).close().await.unwrap();
    damage(&disk, "state.redb", b"2,9,16,23");
    let node = node(&disk);
    let failed = node.view(|state| state.get(Table(1), b"2")).unwrap_err();
    assert!(failed.to_string().contains("a row of `state.redb` is not as it was written"), "{failed}");
    assert!(contents(&*node.snapshot()).is_err());
    let sound = node.view(|state| state.get(Table(1), b"3")).unwrap();
    assert_eq!(sound.as_ref(), Model::of(&commands).0.get(&(1, b"3".to_vec())));
    let failed = node.propose(append("2", "more")).await.unwrap_err();
    assert!(failed.may_have_committed() && failed.to_string().contains("state.redb"), "{failed}");
}

/// Either the damage is noticed on opening, or by the read that meets it, or nothing that counts was hit.
#[tokio::test]
async fn damage_anywhere_is_noticed_or_harmless() {
    let (disk, commands) = written().await;
    let expected = Model::of(&commands).0;
    let (mut noticed, mut harmless) = (0, 0);
    for file in ["log.redb", "state.redb"] {
        let bytes = disk.bytes(file);
        let used: Vec<_> = (0..bytes.len()).step_by(64).filter(|&at| bytes[at..at + 64] != [0; 64]).collect();
        for &at in used.iter().step_by(used.len().div_ceil(150)) {
            let disk = disk.copy();
            disk.edit(file, |bytes| bytes[at..at + 64].iter_mut().for_each(|byte| *byte ^= 0x55));
            let Ok(node) = SingleNode::open_on(&disk, Notes::default(), patient()) else {
                noticed += 1;
                continue;
            };
            match contents(&*node.snapshot()) {
                Err(_) => noticed += 1,
                Ok(contents) => {
                    assert_eq!(contents, expected, "64 bytes at {at} of {file}");
                    harmless += 1;
                }
            }
            // redb may panic on closing when its map of free pages is damaged; all is durable by then.
            let _ = catch_unwind(AssertUnwindSafe(|| drop(node)));
        }
    }
    assert!(noticed >= 10 && harmless >= 10, "{noticed} noticed, {harmless} harmless");
}

/// The head of a file says where everything else is, so each of its bytes counts.
///
/// One thing cannot be told: in the log, after a crash, damage to what the last commit wrote there looks like a commit that
/// the crash cut off. A second sync for each commit would tell, and costs as much as the first.
#[tokio::test]
async fn every_damaged_byte_of_a_files_head_is_noticed_or_harmless() {
    let (closed, mut commands) = written().await;
    let open = closed.copy();
    let running = node(&open);
    commands.push(append("0", "last"));
    for node in [&node(&closed), &running] {
        node.propose(append("0", "last")).await.unwrap();
    }
    let crashed = open.copy();
    let expected = Model::of(&commands).0;
    let cut_off = Model::of(&commands[..commands.len() - 1]).0;
    for (disk, how) in [(crashed, "crashed"), (closed, "closed")] {
        for file in ["log.redb", "state.redb"] {
            // redb's header: 64 bytes, and two slots of 128.
            for at in 0..320 {
                for flip in [0x01, 0xFF] {
                    let disk = disk.copy();
                    disk.edit(file, |bytes| bytes[at] ^= flip);
                    let Ok(node) = SingleNode::open_on(&disk, Notes::default(), patient()) else { continue };
                    if let Ok(contents) = contents(&*node.snapshot()) {
                        let last_is_gone = how == "crashed" && file == "log.redb" && contents == cut_off;
                        assert!(contents == expected || last_is_gone, "byte {at} of {file} with {flip:#x}, {how}");
                    }
                    let _ = catch_unwind(AssertUnwindSafe(|| drop(node)));
                }
            }
        }
    }
}

#[tokio::test]
async fn a_file_cut_short_is_refused() {
    let (disk, _) = written().await;
    for file in ["log.redb", "state.redb"] {
        let len = disk.bytes(file).len();
        for keep in [0, 1, 9, 100, 512, 4096, len / 2] {
            let disk = disk.copy();
            disk.edit(file, |bytes| bytes.truncate(keep));
            let refused = refusal(&disk);
            assert!(!matches!(refused, OpenError::Io { .. }), "{keep} bytes of {file}: {refused}");
        }
    }
}

#[tokio::test]
async fn closing_waits_for_what_was_proposed() {
    let disk = SimDisk::default();
    let node = node(&disk);
    disk.hold("log.redb", true);
    let proposed = node.propose(write("key", "value"));
    assert!(tokio::time::timeout(Duration::from_millis(20), node.close()).await.is_err(), "it did not wait");
    assert!(matches!(node.propose(write("too", "late")).await, Err(ProposeError::Stopped(_))));
    disk.hold("log.redb", false);
    assert_eq!(proposed.await.unwrap().index, 1);
    node.close().await.unwrap();
    assert_eq!(node.status().checkpoint, 1);
}

fn rewrite_header(disk: &SimDisk, file: &'static str, rewrite: impl FnOnce(String) -> String) {
    let database = Database::builder().create_with_backend(disk.open(file).unwrap()).unwrap();
    let transaction = database.begin_write().unwrap();
    {
        let mut table = transaction.open_table(TableDefinition::<&str, &[u8]>::new("crosspoint")).unwrap();
        let header = String::from_utf8(table.remove("header").unwrap().unwrap().value().to_vec()).unwrap();
        table.insert("header", rewrite(header).as_bytes()).unwrap();
    }
    transaction.commit().unwrap();
}
