//! Keys: what the suite asks of every driver, and what is particular to them.

use anyhow::Result;
use crosspoint_tests::suite::{FarSide as _, Subject, Trouble};
use serde_json::json;

use super::testbed::Etcd;
use super::{object, stage};

fn key() -> Subject {
    Subject::of("key", |n| json!({"key": format!("fw/rule-{n}"), "value": format!("deny {n}")}))
        .replacing(|n| json!({"key": format!("fw/rule-{n}"), "value": format!("allow {n}")}))
        .bad(json!({"key": ""}), "/key")
        .bad(json!({"key": "elsewhere"}), "/key")
        .bad(json!({"key": "fw/\u{7}"}), "/key")
        .bad(json!({"value": 7}), "/value")
        .bad(json!({"value": null}), "")
        .bad(json!({"base64": "AA=="}), "")
        .bad(json!({"value": null, "base64": "?"}), "/base64")
        .bad(json!({"lease": "x"}), "/lease")
        .refused(json!({"lease": "7f"}), 422, "invalid_spec")
}

#[tokio::test]
async fn a_key_lives_from_creation_to_deletion_one_call_each() -> Result<()> {
    let Some(etcd) = Etcd::start().await? else { return Ok(()) };
    let stage = stage(&etcd, json!({"prefix": "fw/"})).await?;
    stage.life(&key()).await;
    stage.refusals(&key()).await;
    Ok(())
}

#[tokio::test]
async fn whatever_a_call_about_a_key_meets_it_is_one_call_and_the_truth_is_told() -> Result<()> {
    let Some(etcd) = Etcd::start().await? else { return Ok(()) };
    let stage = stage(&etcd, json!({"prefix": "fw/"})).await?;
    stage.troubles(&key()).await;
    Ok(())
}

#[tokio::test]
async fn doubt_about_a_key_ends_with_one_call() -> Result<()> {
    let Some(etcd) = Etcd::start().await? else { return Ok(()) };
    let stage = stage(&etcd, json!({"prefix": "fw/"})).await?;
    stage.doubt(&key()).await;
    Ok(())
}

#[tokio::test]
async fn a_key_and_its_value_are_the_callers_to_the_byte() -> Result<()> {
    let Some(etcd) = Etcd::start().await? else { return Ok(()) };
    let stage = stage(&etcd, json!({})).await?;
    let text = json!({"spec": {"key": "/a b/\u{e9}", "value": "line\nline [xp-1]"}});
    let path = object("key", "text");
    let made = stage.one("a creation", stage.acme().put(&path).json(&text)).await.expect(201);
    assert_eq!(made["/result/value"], "line\nline [xp-1]");
    assert_eq!(etcd.value("/a b/\u{e9}").await?.as_deref(), Some("line\nline [xp-1]".as_bytes()));

    let bytes = json!({"spec": {"key": "bytes", "base64": "/wAB"}});
    stage.one("a creation", stage.acme().put(&object("key", "bytes")).json(&bytes)).await.expect(201);
    assert_eq!(etcd.value("bytes").await?.as_deref(), Some(&[0xff, 0, 1][..]));
    let read = stage.one("a read", stage.acme().get(&object("key", "bytes"))).await.expect(200);
    assert_eq!((&read["/result/base64"], &read["/result/value"]), (&json!("/wAB"), &json!(null)));

    // Besides what the caller made there are the two markers, which no list shows.
    let keys = etcd.keys().await?;
    assert_eq!(keys.len(), 4, "{keys:?}");
    assert_eq!(keys.iter().filter(|key| key.starts_with("crosspoint/marker/")).count(), 2, "{keys:?}");
    let operator = stage.operator();
    let list = stage.one("a list", operator.get("/v1/backends/far/objects/key?tenant=acme")).await.expect(200);
    assert_eq!(list.items().len(), 2, "{list:#?}");
    stage.one("a deletion", stage.acme().delete(&path)).await.expect(200);
    stage.one("a deletion", stage.acme().delete(&object("key", "bytes"))).await.expect(200);
    assert_eq!(etcd.keys().await?, [""; 0], "the markers go with their keys");
    assert!(stage.far.calls().iter().all(|path| path.starts_with("/etcdserverpb.KV/")), "{:?}", stage.far.calls());
    Ok(())
}

#[tokio::test]
async fn a_change_of_a_key_that_somebody_else_has_changed_is_stale() -> Result<()> {
    let Some(etcd) = Etcd::start().await? else { return Ok(()) };
    let stage = stage(&etcd, json!({})).await?;
    let path = object("key", "k");
    let spec = |value: &str| json!({"spec": {"key": "k", "value": value}});
    stage.one("a creation", stage.acme().put(&path).json(&spec("a"))).await.expect(201);
    let read = stage.one("a read", stage.acme().get(&path)).await.expect(200);
    let tag = read.header("etag").unwrap().to_owned();
    etcd.put("k", "b").await?;
    let put = stage.acme().put(&path).json(&spec("c")).header("if-match", &tag);
    stage.one("a change", put).await.problem(412, "stale");
    let delete = stage.acme().delete(&path).header("if-match", &tag);
    stage.one("a deletion", delete).await.problem(412, "stale");
    assert_eq!(etcd.value("k").await?.as_deref(), Some(&b"b"[..]));
    // Without a condition the caller has the last word.
    let put = stage.one("a change", stage.acme().put(&path).json(&spec("c"))).await.expect(200);
    assert_eq!(put["/result/version"], 3, "{put:#?}");
    etcd.delete("k").await?;
    stage
        .one("a change of what is gone", stage.acme().put(&path).json(&spec("d")))
        .await
        .problem(404, "backend_not_found");
    assert_eq!(etcd.value("k").await?, None, "it was not made anew");
    Ok(())
}

/// The case that a marker is for, and the one that would fool it: the same name, but another's key.
#[tokio::test]
async fn a_key_that_somebody_else_made_after_ours_was_gone_is_not_taken_for_ours() -> Result<()> {
    let Some(etcd) = Etcd::start().await? else { return Ok(()) };
    let stage = stage(&etcd, json!({})).await?;
    // "Not there" is believed after the operation's deadline, which these bring near.
    let limits = json!({"connect_timeout_ms": 1000, "reply_timeout_ms": 1000});
    let settings = json!({"driver": "etcd", "endpoints": {"default": stage.far.url()}, "limits": limits});
    stage.host.put_backend("far", &settings).await;
    let path = object("key", "k");
    let put = || stage.acme().put(&path).json(&json!({"spec": {"key": "k", "value": "ours"}}));
    stage.far.trouble(Trouble::LostReply);
    let lost = stage.one("a creation", put().key("one")).await.problem(502, "backend_connection_lost");
    assert_eq!(etcd.value("k").await?.as_deref(), Some(&b"ours"[..]), "it did happen");
    etcd.delete("k").await?;
    etcd.put("k", "theirs").await?;
    let resolve = format!("/v1/operations/{}:resolve", lost.string("/operation_id"));
    let ended = crosspoint_tests::host::until("the deadline to pass", async || {
        let reply = stage.one("a resolution", stage.acme().post(&resolve)).await;
        (reply["/code"] != "in_doubt").then_some(reply)
    });
    let ended = ended.await.expect(200);
    assert_eq!(ended["/operation/state"], "failed", "{ended:#?}");
    assert_eq!(etcd.value("k").await?.as_deref(), Some(&b"theirs"[..]));
    let refused = stage.one("a creation", put().key("two")).await.problem(409, "backend_already_exists");
    assert_eq!(refused["/sent"], "yes");
    // A marker that was left behind does no harm to a later creation in doubt.
    etcd.delete("k").await?;
    stage.far.trouble(Trouble::LostReply);
    let lost = stage.one("a creation", put().key("three")).await.problem(502, "backend_connection_lost");
    let resolve = format!("/v1/operations/{}:resolve", lost.string("/operation_id"));
    let found = stage.one("a resolution", stage.acme().post(&resolve)).await.expect(200);
    assert_eq!((&found["/operation/state"], &found["/mapping/backend_id"]), (&json!("succeeded"), &json!("k")));
    Ok(())
}
