//! Commits: jobs that take their time.

use crosspoint_tests::host::Call;
use crosspoint_tests::suite::{FarSide as _, Subject};

use super::*;

fn commit() -> Subject {
    Subject::of("commit", |n| json!({"description": format!("release {n}")}))
}

/// Something to commit.
fn change(simulator: &Simulator, n: u32) {
    simulator.by_hand("tag", &format!("t-{n}"), "<color>color1</color>");
}

fn put(stage: &Stage<HttpFarSide>, n: u32) -> Call {
    stage.acme().put(&stage.object(&commit(), n)).key(&stage.key()).json(&json!({"spec": commit().spec(n)}))
}

#[tokio::test]
async fn a_commit_is_pending_until_its_job_is_done() {
    let (simulator, stage) = keyed().await;
    change(&simulator, 0);
    let begun = stage.one("a commit", put(&stage, 0)).await.expect(202);
    assert_eq!((&begun["/mapping/state"], &begun["/mapping/backend_id"]), (&json!("pending"), &json!("2")));
    let refresh = format!("/v1/operations/{}:refresh", begun.string("/operation/id"));
    for asked in 1..3 {
        let still = stage.one(&format!("asking {asked}"), stage.acme().post(&refresh)).await.expect(202);
        assert_eq!(still["/operation/state"], "pending", "{still:#?}");
        assert!(!simulator.in_force());
    }
    let done = stage.one("asking at last", stage.acme().post(&refresh)).await.expect(200);
    assert_eq!((&done["/operation/state"], &done["/mapping/state"]), (&json!("succeeded"), &json!("active")));
    assert!(simulator.in_force());
    let read = stage.one("a read", stage.acme().get(&stage.object(&commit(), 0))).await.expect(200);
    let expected = json!({
        "id": "2", "description": "release 0", "status": "finished", "result": "ok", "progress": 100,
        "details": ["Configuration committed successfully"], "warnings": [],
    });
    assert_eq!(read["/result"], expected);
    let listed = stage.one("a list", stage.acme().get(&stage.objects(&commit()))).await.expect(200);
    assert_eq!(listed.items().len(), 1, "the firewall's own jobs are none of these: {listed:#?}");
}

#[tokio::test]
async fn a_commit_that_fails_says_why() {
    let (simulator, stage) = keyed().await;
    change(&simulator, 0);
    simulator.fail_commits();
    let begun = stage.one("a commit", put(&stage, 0)).await.expect(202);
    let refresh = format!("/v1/operations/{}:refresh", begun.string("/operation/id"));
    for _ in 0..2 {
        stage.one("asking", stage.acme().post(&refresh)).await.expect(202);
    }
    let failed = stage.one("asking at last", stage.acme().post(&refresh)).await.expect(200);
    assert_eq!(failed["/operation/state"], "failed", "{failed:#?}");
    assert_eq!(failed["/operation/problem/code"], "backend_rejected", "{failed:#?}");
    assert!(failed.string("/operation/problem/detail").contains("interface ethernet1/1 has no zone"), "{failed:#?}");
    assert!(!simulator.in_force());
}

#[tokio::test]
async fn a_commit_of_nothing_and_one_beside_another_are_conflicts() {
    let (simulator, stage) = keyed().await;
    let refused = stage.one("a commit of nothing", put(&stage, 0)).await.problem(409, "backend_conflict");
    assert!(refused.string("/detail").contains("no changes to commit"), "{refused:#?}");
    change(&simulator, 1);
    stage.one("a commit", put(&stage, 1)).await.expect(202);
    let refused = stage.one("a commit beside it", put(&stage, 2)).await.problem(409, "backend_conflict");
    assert!(refused.string("/detail").contains("in progress"), "{refused:#?}");
}

#[tokio::test]
async fn a_commit_whose_reply_was_lost_is_found_among_the_jobs() {
    let (simulator, stage) = keyed().await;
    change(&simulator, 0);
    stage.change("a commit", put(&stage, 0)).await.success();
    change(&simulator, 1);
    stage.far.trouble(Trouble::LostReply);
    let lost = stage.one("a commit that nobody hears of", put(&stage, 1)).await.problem(502, "backend_connection_lost");
    assert_eq!(lost["/sent"], "maybe");
    let resolve = format!("/v1/operations/{}:resolve", lost.string("/operation_id"));
    let resolved = stage.one("a resolution", stage.acme().post(&resolve)).await.expect(200);
    assert_eq!(
        (&resolved["/operation/state"], &resolved["/mapping/backend_id"]),
        (&json!("succeeded"), &json!("3")),
        "{resolved:#?}"
    );
}
