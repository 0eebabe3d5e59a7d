//! Hazards of committing in groups.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;

use super::disk::SimDisk;
use super::notes::{Command, Model, Notes, append, contents, write};
use super::{eager, node, patient, wait_for};
use crate::sync::{Options, ProposeError, Replica, ReplicaExt, SingleNode, Table};

/// A node whose layers move all the time.
fn checkpointing(disk: &SimDisk) -> SingleNode<Notes> {
    SingleNode::open_on(disk, Notes::default(), eager()).unwrap()
}

#[tokio::test]
async fn a_queue_of_any_length_costs_one_sync() {
    let disk = SimDisk::default();
    let node = node(&disk);
    let syncs = || (disk.syncs("log.redb"), disk.syncs("state.redb"));
    let before = syncs();
    disk.hold("log.redb", true);
    let first = node.propose(append("key", "0"));
    wait_for(&node, "taken", |status| status.queue == 0);
    let rest: Vec<_> = (1..500).map(|n| node.propose(append("key", &format!(",{n}")))).collect();
    assert_eq!(node.status().queue, 499);
    assert_eq!(node.status().durable, 0);
    disk.hold("log.redb", false);

    assert_eq!(first.await.unwrap().index, 1);
    let indexes: Vec<_> = join_all(rest).await.into_iter().map(|committed| committed.unwrap().index).collect();
    assert_eq!(indexes, (2..=500).collect::<Vec<_>>());
    assert_eq!(syncs(), (before.0 + 2, before.1));
}

#[tokio::test]
async fn nothing_is_acknowledged_or_shown_before_it_is_durable() {
    let disk = SimDisk::default();
    let node = node(&disk);
    disk.hold("log.redb", true);
    let mut proposed = node.propose(write("key", "value"));
    wait_for(&node, "taken", |status| status.queue == 0);
    assert!(tokio::time::timeout(Duration::from_millis(20), &mut proposed).await.is_err());
    assert!(contents(&*node.snapshot()).unwrap().is_empty(), "a read neither waits for the disk nor sees the future");
    assert_eq!(*node.applied().borrow(), 0);
    disk.hold("log.redb", false);
    assert_eq!(proposed.await.unwrap().response, 5);
}

#[tokio::test]
async fn an_answered_command_is_in_the_next_snapshot() {
    let node = checkpointing(&SimDisk::default());
    for n in 0..50_u64 {
        let committed = node.propose(append("key", "x")).await.unwrap();
        assert_eq!(committed.index, n + 1);
        let length = node.view(|state| state.get(Table(1), b"key")).unwrap().unwrap().len();
        assert_eq!(length as u64, committed.index);
        assert_eq!(committed.response, length);
    }
}

#[tokio::test]
async fn a_change_of_the_applied_index_comes_after_its_snapshot() {
    let node = Arc::new(checkpointing(&SimDisk::default()));
    let mut applied = node.applied();
    let proposer = tokio::spawn({
        let node = Arc::clone(&node);
        async move {
            for _ in 0..200 {
                node.propose(append("key", "x")).await.unwrap();
            }
        }
    });
    while *applied.borrow_and_update() < 200 {
        let index = *applied.borrow();
        let length = node.view(|state| state.get(Table(1), b"key")).unwrap().unwrap_or_default().len();
        assert!(length as u64 >= index);
        applied.changed().await.unwrap();
    }
    proposer.await.unwrap();
}

#[tokio::test]
async fn a_reader_never_sees_half_a_batch() {
    let disk = SimDisk::default();
    let machine = Notes::default();
    let barrier = Arc::clone(&machine.barrier);
    let node = SingleNode::open_on(&disk, machine, patient()).unwrap();
    disk.hold("log.redb", true);
    let first = node.propose(write("first", "batch"));
    wait_for(&node, "taken", |status| status.queue == 0);
    let batch = [write("second", "batch"), Command::Meet, write("third", "row")].map(|command| node.propose(command));
    disk.hold("log.redb", false);
    first.await.unwrap();

    barrier.wait(); // The writer is in the middle of the second batch.
    let early = node.snapshot();
    assert_eq!(contents(&*early).unwrap(), Model::of([&write("first", "batch")]).0);
    barrier.wait();
    for committed in join_all(batch).await {
        committed.unwrap();
    }
    assert_eq!(contents(&*node.snapshot()).unwrap().len(), 4);
    assert_eq!(contents(&*early).unwrap().len(), 1, "a snapshot stays as it is");
}

#[tokio::test]
async fn dropping_the_future_does_not_withdraw_the_command() {
    let disk = SimDisk::default();
    let node = node(&disk);
    disk.hold("log.redb", true);
    drop(node.propose(write("never", "polled")));
    drop(tokio::time::timeout(Duration::from_millis(1), node.propose(write("polled", "once"))).await);
    disk.hold("log.redb", false);
    assert_eq!(node.propose(write("last", "one")).await.unwrap().index, 3);
    assert_eq!(contents(&*node.snapshot()).unwrap().len(), 3);
}

#[tokio::test]
async fn a_full_queue_refuses_as_busy_and_recovers() {
    let disk = SimDisk::default();
    let options = Options { queue_commands: 2, ..patient() };
    let node = SingleNode::open_on(&disk, Notes::default(), options).unwrap();
    disk.hold("log.redb", true);
    let taken = node.propose(write("a", ""));
    wait_for(&node, "taken", |status| status.queue == 0);
    let queued = [node.propose(write("b", "")), node.propose(write("c", ""))];
    let refused = node.propose(write("d", "")).await.unwrap_err();
    assert_eq!(refused, ProposeError::Busy);
    assert!(!refused.may_have_committed());
    disk.hold("log.redb", false);
    taken.await.unwrap();
    for queued in queued {
        queued.await.unwrap();
    }
    assert_eq!(node.propose(write("d", "")).await.unwrap().index, 4, "a refused command takes no index");
}

#[tokio::test]
async fn a_queue_is_full_by_bytes_too_and_takes_one_large_command_when_empty() {
    let disk = SimDisk::default();
    let options = Options { queue_bytes: 1000, command_bytes: 5000, ..patient() };
    let node = SingleNode::open_on(&disk, Notes::default(), options).unwrap();
    node.propose(write("large", &"x".repeat(3000))).await.unwrap();
    disk.hold("log.redb", true);
    let taken = node.propose(write("a", ""));
    wait_for(&node, "taken", |status| status.queue == 0);
    let queued = node.propose(write("b", &"x".repeat(600)));
    assert_eq!(node.propose(write("c", &"x".repeat(600))).await, Err(ProposeError::Busy));
    disk.hold("log.redb", false);
    taken.await.unwrap();
    queued.await.unwrap();
    let too_large = node.propose(write("d", &"x".repeat(5000))).await.unwrap_err();
    assert!(matches!(too_large, ProposeError::TooLarge { limit: 5000, .. }), "{too_large}");
}

#[tokio::test]
async fn a_command_that_could_not_be_replayed_never_reaches_the_log() {
    let node = node(&SimDisk::default());
    let refused = node.propose(Command::Unreadable(super::notes::Unreadable)).await.unwrap_err();
    assert!(matches!(refused, ProposeError::Unstorable(_)), "{refused}");
    assert_eq!(node.propose(write("key", "value")).await.unwrap().index, 1);
}

#[tokio::test]
async fn the_log_forgets_what_a_checkpoint_holds_and_nothing_else() {
    let disk = SimDisk::default();
    let node = checkpointing(&disk);
    let mut size = 0;
    for round in 0..3 {
        // In the first round nothing is forgotten at all, so no later one has a reason for a larger file.
        disk.hold("state.redb", round == 0);
        for n in 0..100 {
            node.propose(write(&format!("{}", n % 10), &"x".repeat(10_000))).await.unwrap();
        }
        disk.hold("state.redb", false);
        wait_for(&node, "written", |status| status.checkpoint == status.applied);
        if round == 0 {
            size = disk.bytes("log.redb").len();
        }
    }
    assert!(disk.bytes("log.redb").len() <= 2 * size, "the log's file grows without end");
    assert_eq!(contents(&*node.snapshot()).unwrap().len(), 10);
}

#[tokio::test]
async fn a_large_overlay_is_written_early_and_holds_commands_up_at_twice_its_size() {
    let disk = SimDisk::default();
    let options = Options { overlay_bytes: 10_000, ..patient() };
    let node = SingleNode::open_on(&disk, Notes::default(), options).unwrap();
    let row = |n: u64| write(&n.to_string(), &"x".repeat(1000));
    disk.hold("state.redb", true);
    // Nine rows fill the overlay; a checkpoint of them begins, and nine more fill it again.
    for n in 1..=18 {
        node.propose(row(n)).await.unwrap();
    }
    let mut held_up = node.propose(row(19));
    assert!(tokio::time::timeout(Duration::from_millis(20), &mut held_up).await.is_err());
    assert_eq!((node.status().queue, node.status().durable, node.status().checkpoint), (1, 18, 0));
    let before = node.snapshot();
    disk.hold("state.redb", false);
    held_up.await.unwrap();
    wait_for(&node, "written", |status| status.checkpoint >= 18);
    assert_eq!(contents(&*before).unwrap().len(), 18);
    assert_eq!(contents(&*node.snapshot()).unwrap().len(), 19);
}
