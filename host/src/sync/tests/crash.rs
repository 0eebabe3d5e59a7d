//! Hazard: the power goes at any moment, once or again and again, and writes that were not synced are lost, kept or torn.

use futures_util::future::join_all;
use proptest::prelude::*;

use super::disk::SimDisk;
use super::notes::{Command, Model, Notes, append, contents};
use super::{eager, node};
use crate::sync::{Options, Replica, SingleNode};

/// Runs commands until they are done or the power is gone, in batches of up to `window`; gives how many were acknowledged.
fn run(disk: &SimDisk, options: Options, already: usize, commands: &[Command], window: usize) -> usize {
    let Ok(node) = SingleNode::open_on(disk, Notes::default(), options) else { return already };
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let mut acknowledged = already;
    for batch in commands.chunks(window) {
        let answers = runtime.block_on(join_all(batch.iter().map(|command| node.propose(command.clone()))));
        for answer in answers {
            match answer {
                Ok(committed) => {
                    acknowledged += 1;
                    assert_eq!(committed.index, acknowledged as u64, "acknowledged out of order");
                }
                Err(_) => return acknowledged,
            }
        }
    }
    acknowledged
}

/// Opens what is left, and checks that it is a prefix of the commands which has all that were acknowledged.
fn check(disk: &SimDisk, commands: &[Command], acknowledged: usize) -> usize {
    let node = node(disk);
    let applied = usize::try_from(node.status().applied).unwrap();
    assert!(applied >= acknowledged, "{acknowledged} commands were acknowledged, {applied} are left");
    assert!(applied <= commands.len());
    assert_eq!(contents(&*node.snapshot()).unwrap(), Model::of(&commands[..applied]).0);
    applied
}

#[test]
fn what_was_acknowledged_survives_a_power_cut_at_every_single_operation() {
    let commands: Vec<_> = (0..4).map(|n| append("key", &n.to_string())).collect();
    let mut cut = 1;
    loop {
        let disk = SimDisk::default();
        disk.cut_power_at(cut);
        let acknowledged = run(&disk, eager(), 0, &commands, 2);
        check(&disk.after_power_cut(cut), &commands, acknowledged);
        if disk.operations() < cut {
            assert_eq!(acknowledged, commands.len());
            break;
        }
        cut += 1;
    }
    assert!(cut > 100, "the power was cut at {cut} operations only");
}

fn command() -> impl Strategy<Value = Command> {
    let key = || prop::collection::vec(0..4_u8, 1..2);
    let text = || prop_oneof![4 => "[a-z]{0,20}", 1 => "[a-z]{5000}"];
    prop_oneof![
        3 => (1..3_u8, key(), text()).prop_map(|(table, key, text)| Command::Write { table, key, text }),
        3 => (1..3_u8, key(), text()).prop_map(|(table, key, text)| Command::Append { table, key, text }),
        2 => (1..3_u8, key()).prop_map(|(table, key)| Command::Erase { table, key }),
    ]
}

/// Operations before the power goes, what becomes of unsynced writes, batch size, and whether checkpoints are written.
fn life() -> impl Strategy<Value = (u64, u64, usize, bool)> {
    (1..400_u64, any::<u64>(), 1..6_usize, prop::bool::weighted(0.8))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_acknowledged_command_survives_any_number_of_power_cuts(
        commands in prop::collection::vec(command(), 1..40),
        lives in prop::collection::vec(life(), 1..4),
    ) {
        let mut disk = SimDisk::default();
        let mut kept = 0;
        for (cut, seed, window, checkpoints) in lives {
            let options = if checkpoints { eager() } else { super::patient() };
            disk.cut_power_at(cut);
            let acknowledged = run(&disk, options, kept, &commands[kept..], window);
            disk = disk.after_power_cut(seed);
            // What is checked is a copy: opening it repairs it, and the next life has to do so by itself.
            kept = check(&disk.copy(), &commands, acknowledged);
        }
    }
}
