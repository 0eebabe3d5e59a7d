//! Hazards of a disk that fails and of a machine that breaks while the node runs.

use std::time::Duration;

use super::disk::SimDisk;
use super::notes::{Command, Machines, Model, Notes, append, contents, write};
use super::{eager, node, patient, wait_for};
use crate::sync::{OpenError, ProposeError, Replica, SingleNode};

#[tokio::test]
async fn a_failing_log_stops_the_node_says_why_and_leaves_reads_alone() {
    let disk = SimDisk::default();
    let node = node(&disk);
    node.propose(write("key", "value")).await.unwrap();
    disk.break_file("log.redb");
    let failed = node.propose(write("key", "other")).await.unwrap_err();
    assert!(failed.to_string().contains("the disk is broken"), "{failed}");
    let refused = node.propose(write("key", "third")).await.unwrap_err();
    assert!(matches!(&refused, ProposeError::Stopped(reason) if reason.contains("the disk is broken")), "{refused}");
    assert!(node.status().error.unwrap().contains("the disk is broken"));
    assert_eq!(contents(&*node.snapshot()).unwrap(), Model::of([&write("key", "value")]).0);
    assert!(node.close().await.unwrap_err().to_string().contains("the disk is broken"));
}

#[tokio::test]
async fn a_commit_that_fails_on_its_sync_is_uncertain() {
    let disk = SimDisk::default();
    let node = node(&disk);
    disk.hold("log.redb", true);
    let proposed = node.propose(write("key", "value"));
    wait_for(&node, "taken", |status| status.queue == 0);
    let waiting = node.propose(write("key", "other"));
    disk.break_file("log.redb");
    disk.hold("log.redb", false);
    let failed = proposed.await.unwrap_err();
    assert!(failed.may_have_committed(), "{failed}");
    let refused = waiting.await.unwrap_err();
    assert!(matches!(refused, ProposeError::Stopped(_)), "{refused}");
}

#[tokio::test]
async fn a_failing_checkpoint_stops_the_node_and_loses_nothing() {
    let disk = SimDisk::default();
    let node = SingleNode::open_on(&disk, Notes::default(), eager()).unwrap();
    disk.break_file("state.redb");
    node.propose(write("key", "value")).await.unwrap();
    wait_for(&node, "stopped", |status| status.error.is_some());
    assert!(node.status().error.unwrap().starts_with("the state cannot be written"));
    let refused = node.propose(write("key", "other")).await.unwrap_err();
    assert!(!refused.may_have_committed(), "{refused}");
    drop(node);
    let node = self::node(&disk.copy());
    assert_eq!(contents(&*node.snapshot()).unwrap(), Model::of([&write("key", "value")]).0);
}

/// What lies in no memory has to come from the file whose writing failed.
#[tokio::test]
async fn a_full_disk_leaves_every_row_readable_and_loses_nothing() {
    let disk = SimDisk::default();
    let node = node(&disk);
    let mut commands: Vec<_> = (0..500).map(|number| write(&format!("key-{number}"), &"x".repeat(300))).collect();
    for command in &commands {
        node.propose(command.clone()).await.unwrap();
    }
    node.close().await.unwrap();
    drop(node);
    for file in ["state.redb", "log.redb"] {
        let node = SingleNode::open_on(&disk, Notes::default(), eager()).unwrap();
        disk.fill(file);
        let last = write("key-7", file);
        let proposed = node.propose(last.clone()).await;
        if file == "state.redb" {
            proposed.unwrap();
            commands.push(last);
        } else {
            assert!(proposed.unwrap_err().to_string().contains("free some space"));
        }
        wait_for(&node, "stopped", |status| status.error.is_some());
        assert!(node.status().error.unwrap().contains("free some space"));
        assert_eq!(contents(&*node.snapshot()).unwrap(), Model::of(&commands).0, "{file}");
        drop(node);
        disk.free(file);
        assert_eq!(contents(&*self::node(&disk).snapshot()).unwrap(), Model::of(&commands).0, "{file}");
    }
}

async fn breaks_on(command: Command, text: &str) {
    let disk = SimDisk::default();
    let node = node(&disk);
    node.propose(append("key", "a")).await.unwrap();
    let failed =
        tokio::time::timeout(Duration::from_secs(20), node.propose(command)).await.expect("it hangs").unwrap_err();
    assert!(failed.may_have_committed(), "it is in the log, and a sound machine will apply it");
    assert!(failed.to_string().contains("at index 2") && failed.to_string().contains(text), "{failed}");
    let refused = node.propose(append("key", "b")).await.unwrap_err();
    assert!(matches!(refused, ProposeError::Stopped(_)), "{refused}");
    assert_eq!(contents(&*node.snapshot()).unwrap(), Model::of([&append("key", "a")]).0, "nothing of it is shown");
    drop(node);

    let opened = SingleNode::open_on(&disk, Notes::default(), patient());
    assert!(matches!(opened, Err(OpenError::Replay { index: 2, ref reason }) if reason.contains(text)));
    let repaired = Machines::<1> { sound: true, ..Notes::default() };
    let node = SingleNode::open_on(&disk, repaired, patient()).unwrap();
    assert_eq!(node.propose(append("key", "c")).await.unwrap().index, 3);
    assert_eq!(contents(&*node.snapshot()).unwrap().len(), 2);
}

#[tokio::test]
async fn a_panic_in_the_machine_stops_the_node_and_hangs_nobody() {
    breaks_on(Command::Panic, "panic: as the test wants it, at 2").await;
}

#[tokio::test]
async fn an_error_of_the_state_stops_the_node() {
    breaks_on(Command::Fail, "as the test wants it").await;
}

#[test]
fn dropping_a_node_waits_for_the_commit_under_way() {
    let disk = SimDisk::default();
    let node = node(&disk);
    disk.hold("log.redb", true);
    drop(node.propose(write("under", "way")));
    wait_for(&node, "taken", |status| status.queue == 0);
    drop(node.propose(write("waiting", "in the queue")));
    let dropping = std::thread::spawn(move || drop(node));
    disk.hold("log.redb", false);
    dropping.join().unwrap();
    let applied = self::node(&disk).status().applied;
    assert!((1..=2).contains(&applied), "{applied} commands are left");
}
