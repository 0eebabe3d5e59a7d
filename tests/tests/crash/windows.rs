//! Every window between two steps that a crash can come between: a debug build of Crosspoint is made to die exactly
//! there, and what it left behind is what the table of crashes promises.

mod administration;
mod calls;
mod doubts;

use crosspoint::failpoint::FailPoint;
use crosspoint_tests::host::{Call, Reply, Scene};

/// What has to be going on for a point to be passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scope {
    /// A call that changes something.
    Call,
    /// The end of a doubt.
    Doubt,
    /// A start after a crash.
    Start,
    /// A change of a driver or of a backend.
    Administration,
}

/// Each point belongs to the tests of one scope: a new one does not compile until it is given to one.
fn scope(point: FailPoint) -> Scope {
    match point {
        FailPoint::IntentReady
        | FailPoint::IntentRecorded
        | FailPoint::ExchangeOver
        | FailPoint::OutcomeRecorded
        | FailPoint::EntriesLogged
        | FailPoint::EntriesApplied
        | FailPoint::CheckpointWritten => Scope::Call,
        FailPoint::DoubtRead | FailPoint::ReissueRecorded | FailPoint::ReissueOver => Scope::Doubt,
        FailPoint::DoubtMarked => Scope::Start,
        FailPoint::PackageKept | FailPoint::DriverRecorded | FailPoint::BackendRecorded => Scope::Administration,
    }
}

fn points(wanted: Scope) -> impl Iterator<Item = FailPoint> {
    FailPoint::all().iter().copied().filter(move |point| scope(*point) == wanted)
}

/// Starts a process anew that dies when it passes the point for the so-manieth time. The one before ends in order, so that
/// nothing of its own is left to be done.
async fn arm(scene: &mut Scene, point: FailPoint, passage: usize) {
    assert_eq!(scene.host.stop().await, Some(0));
    scene.host.set_environment(&[("CROSSPOINT_FAILPOINT", &format!("{}:{passage}", point.name()))]);
    scene.host.restart().await;
    scene.host.set_environment(&[]);
}

/// Makes a call to a process that is armed, waits until that has died where it should, and starts another.
async fn die(call: Call, scene: &mut Scene, point: FailPoint) -> Result<Reply, String> {
    let reply = call.attempt().await;
    died(scene, point).await;
    reply
}

async fn died(scene: &mut Scene, point: FailPoint) {
    assert_eq!(scene.host.ended().await, None, "it ended by itself");
    scene.host.logs(&["ends at its fail point", &format!("{point:?}")]).await;
    scene.host.restart().await;
}

#[tokio::test]
async fn a_point_that_does_not_exist_is_refused_at_the_start() {
    let mut scene = Scene::start().await;
    for (wish, complaint) in [
        ("intent", "outcome-recorded"),
        ("", "outcome-recorded"),
        ("intent-ready:0", "1, 2"),
        ("intent-ready:x", "1, 2"),
    ] {
        scene.host.set_environment(&[("CROSSPOINT_FAILPOINT", wish)]);
        let log = scene.host.try_restart().await.unwrap_err();
        assert!(log.contains("CROSSPOINT_FAILPOINT") && log.contains(complaint), "{wish}: {log}");
    }
}
