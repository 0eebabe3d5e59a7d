//! Leases: what the suite asks of every driver, and what is particular to them.

use anyhow::Result;
use crosspoint_tests::host::until;
use crosspoint_tests::suite::Subject;
use serde_json::json;

use super::testbed::Etcd;
use super::{object, stage};

/// A list shows ids alone.
fn lease() -> Subject {
    Subject::of("lease", |n| json!({"ttl": 600 + n}))
        .showing(|_| json!({}))
        .confirming(|spec| if spec.get("ttl").is_some() { spec.clone() } else { json!({}) })
        .action("keep_alive", json!({}))
}

#[tokio::test]
async fn a_lease_lives_from_its_grant_to_its_end_one_call_each() -> Result<()> {
    let Some(etcd) = Etcd::start().await? else { return Ok(()) };
    let stage = stage(&etcd, json!({})).await?;
    stage.life(&lease()).await;
    Ok(())
}

#[tokio::test]
async fn whatever_a_call_about_a_lease_meets_it_is_one_call_and_the_truth_is_told() -> Result<()> {
    let Some(etcd) = Etcd::start().await? else { return Ok(()) };
    let stage = stage(&etcd, json!({})).await?;
    stage.troubles(&lease()).await;
    stage.doubt(&lease()).await;
    Ok(())
}

#[tokio::test]
async fn a_bad_time_is_refused_by_its_place() -> Result<()> {
    let Some(etcd) = Etcd::start().await? else { return Ok(()) };
    let stage = stage(&etcd, json!({})).await?;
    for ttl in [json!(0), json!(-1), json!("1"), json!(9_000_000_001_u64), json!(null)] {
        let put = stage.acme().put(&object("lease", "l")).json(&json!({"spec": {"ttl": ttl}}));
        let refused = stage.none("a bad spec", put).await.problem(422, "invalid_spec");
        assert_eq!(refused["/errors/0/pointer"], "/ttl", "{refused:#?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_key_ends_with_its_lease_and_its_marker_with_it() -> Result<()> {
    let Some(etcd) = Etcd::start().await? else { return Ok(()) };
    let stage = stage(&etcd, json!({})).await?;
    let lease = stage.acme().put(&object("lease", "l")).json(&json!({"spec": {"ttl": 600}}));
    let lease = stage.one("a grant", lease).await.expect(201).string("/mapping/backend_id");
    let bound = json!({"spec": {"key": "k", "value": "v", "lease": lease}});
    let made = stage.one("a creation", stage.acme().put(&object("key", "k")).json(&bound)).await.expect(201);
    assert_eq!(made["/result/lease"], lease.as_str());
    let read = stage.one("a read", stage.acme().get(&object("key", "k"))).await.expect(200);
    assert_eq!(read["/result/lease"], lease.as_str());
    assert_eq!(etcd.keys().await?.len(), 2, "the key and its marker");

    stage.one("a revocation", stage.acme().delete(&object("lease", "l"))).await.expect(200);
    assert_eq!(etcd.keys().await?, [""; 0]);
    stage.one("a read", stage.acme().get(&object("key", "k"))).await.problem(404, "backend_not_found");
    Ok(())
}

#[tokio::test]
async fn a_lease_that_is_not_kept_alive_ends_and_is_not_there_any_more() -> Result<()> {
    let Some(etcd) = Etcd::start().await? else { return Ok(()) };
    let stage = stage(&etcd, json!({})).await?;
    let lease = stage.acme().put(&object("lease", "l")).json(&json!({"spec": {"ttl": 1}}));
    let granted = stage.one("a grant", lease).await.expect(201);
    assert!(granted["/result/ttl"].as_i64().unwrap() >= 1, "{granted:#?}");
    until("the lease to end", async || {
        let read = stage.one("a read", stage.acme().get(&object("lease", "l"))).await;
        (read.status == 404).then_some(())
    })
    .await;
    let path = object("lease", "l") + "/actions/keep_alive";
    let kept = stage.acme().post(&path).json(&json!({"spec": {}})).key("k");
    stage.one("keeping alive what has ended", kept).await.problem(404, "backend_not_found");
    Ok(())
}
