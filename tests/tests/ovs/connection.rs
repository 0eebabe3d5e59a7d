//! One connection, shared and kept: what is said on it besides calls, and what happens when it ends.

use anyhow::Result;
use crosspoint_tests::host::until;
use crosspoint_tests::suite::{BACKEND, FarSide as _, FramedFarSide};
use futures_util::future::join_all;
use serde_json::json;

use super::messages::{JsonRpc, stage};

#[tokio::test]
async fn a_silent_connection_is_kept_by_answering_the_servers_echo() -> Result<()> {
    let Some((database, stage)) = stage().await? else { return Ok(()) };
    // The server asks after a second of silence, and hangs up after another without an answer.
    database.ask(&["set-manager", "ptcp:0:127.0.0.1", "--", "set", "manager", ".", "inactivity_probe=1000"])?;
    let port = until("the server to listen", async || {
        let port = database.ask(&["get", "manager", ".", "status:bound_port"]).ok()?;
        port.trim_matches('"').parse::<u16>().ok()
    })
    .await;
    let far = FramedFarSide::before(([127, 0, 0, 1], port).into(), JsonRpc).await?;
    let settings = json!({
        "driver": "ovs-switch", "endpoints": {"default": far.url()}, "authentication": {"scheme": "none"},
    });
    stage.host.put_backend("probed", &settings).await;
    let probe = async || stage.operator().post("/v1/backends/probed:probe").await.expect(200);
    probe().await;
    until("two answers to the server", async || (far.asides() >= 2).then_some(())).await;
    probe().await;
    assert_eq!((far.exchanges(), far.connections()), (2, 1), "the connection was kept");
    Ok(())
}

#[tokio::test]
async fn many_calls_share_a_connection_and_each_gets_its_own_answer() -> Result<()> {
    let Some((_database, stage)) = stage().await? else { return Ok(()) };
    let put = |n: u32| {
        let body = json!({"spec": {"other_config": {"max-rate": n.to_string()}}});
        let path = format!("/v1/backends/{BACKEND}/objects/queue/q{n}");
        let call = stage.acme().put(&path).json(&body);
        async move { (n, call.await.expect(201)) }
    };
    let made = stage.making(100, "a hundred creations", join_all((0..100).map(put))).await;
    for (n, made) in made {
        assert_eq!(made["/result/other_config/max-rate"], n.to_string());
    }
    assert_eq!(stage.far.connections(), 1);
    Ok(())
}

#[tokio::test]
async fn a_database_that_was_killed_is_spoken_to_again_and_knows_what_it_said() -> Result<()> {
    let Some((mut database, stage)) = stage().await? else { return Ok(()) };
    let path = format!("/v1/backends/{BACKEND}/objects/queue/kept");
    let put = stage.acme().put(&path).json(&json!({"spec": {"dscp": 9}}));
    stage.one("a creation", put).await.expect(201);
    database.restart().await?;
    let read = until("a connection that is not the old one", async || {
        let read = stage.acme().get(&path).await;
        (read["/code"] != "backend_connection_lost").then_some(read)
    })
    .await;
    assert_eq!(read.expect(200)["/result/dscp"], 9, "what was confirmed is on the disk");
    Ok(())
}
