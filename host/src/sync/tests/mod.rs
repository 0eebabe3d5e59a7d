//! What must hold of a replica, hazard by hazard. The disk is simulated (see [`disk`]) where a test needs to hold it up,
//! break it, or take its power away.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod commit;
mod crash;
mod disk;
mod failure;
mod notes;
mod open;
mod scan;

use std::time::{Duration, Instant};

use disk::SimDisk;
use notes::Notes;

use super::{Options, Replica, SingleNode, Status};

/// A node on a simulated disk that writes no checkpoint by itself.
fn node(disk: &SimDisk) -> SingleNode<Notes> {
    SingleNode::open_on(disk, Notes::default(), patient()).unwrap()
}

/// No checkpoint before the node is closed.
fn patient() -> Options {
    Options { checkpoint_interval: Duration::from_hours(1), ..Options::default() }
}

/// A checkpoint after every batch.
fn eager() -> Options {
    Options { checkpoint_interval: Duration::ZERO, ..Options::default() }
}

/// Waits until a node's status is as wanted.
fn wait_for(node: &dyn Replica<Notes>, what: &str, wanted: impl Fn(&Status) -> bool) {
    let end = Instant::now() + Duration::from_secs(20);
    while !wanted(&node.status()) {
        assert!(Instant::now() < end, "never {what}: {:?}", node.status());
        std::thread::yield_now();
    }
}
