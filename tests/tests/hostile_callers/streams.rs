//! Event streams by the thousand, and places in the stream that are none.

use crosspoint_tests::host::{Events, Options, Scene, Who, until};
use serde_json::json;

#[tokio::test]
async fn a_thousand_followers_are_told_and_then_forgotten() {
    const FOLLOWERS: usize = 1000;
    let scene = Scene::start().await;
    let mut followers = Vec::new();
    for _ in 0..FOLLOWERS {
        followers.push(Events::of(scene.acme().get("/v1/events")).await);
    }
    assert_eq!(scene.host.metric("crosspoint_event_subscribers").await, Some(1000.0));
    scene.created("a").await;
    for follower in &mut followers {
        assert_eq!(follower.next().await.unwrap().told(), "mapping.creating a");
    }
    drop(followers);
    until("the followers to be gone", async || {
        (scene.host.metric("crosspoint_event_subscribers").await == Some(0.0)).then_some(())
    })
    .await;
}

#[tokio::test]
async fn followers_are_connections_and_end_where_connections_do() {
    let options = Options { limits: "connections = 50\nidle_timeout = '1s'", ..Options::default() };
    let scene = Scene::with(options, json!({})).await;
    let mut followers = Vec::new();
    let refused = loop {
        match scene.acme().get("/v1/events").open().await {
            Ok(stream) => followers.push(stream),
            Err(_) => break true,
        }
        assert!(followers.len() <= 50, "there is no limit");
    };
    assert!(refused && followers.len() >= 40, "{}", followers.len());
    drop(followers);
    until("a caller to be served", async || scene.acme().get("/v1/mappings").attempt().await.ok()).await;
}

#[tokio::test]
async fn a_quiet_stream_outlives_an_idle_connection() {
    let options = Options { limits: "idle_timeout = '500ms'", ..Options::default() };
    let scene = Scene::with(options, json!({})).await;
    let mut events = Events::of(scene.acme().get("/v1/events")).await;
    for _ in 0..3 {
        super::raw::Raw::connect(&scene).await.closed().await;
    }
    scene.created("a").await;
    assert_eq!(events.next().await.unwrap().told(), "mapping.creating a");
}

#[tokio::test]
async fn a_place_in_the_stream_that_no_event_has_is_refused() {
    let scene = Scene::start().await;
    scene.created("a").await;
    for place in ["18446744073709551616", "1e3", "0x1", "1,2", "1 2", "é", "-0", "%31", "1;2", "\t", "null"] {
        let refused = scene.acme().get("/v1/events").header("last-event-id", place).attempt().await.unwrap();
        assert_eq!(refused.status, 400, "{place}: {refused:#?}");
    }
    for query in ["after=18446744073709551616", "after=1e3", "after=%00", "after=1&after=2", "after=-1", "after="] {
        scene.acme().get(&format!("/v1/events?{query}")).await.problem(400, "invalid_request");
    }
    // From another store, or from the time before a backup: going on from there would miss events without a word.
    for place in ["18446744073709551615", "1000000"] {
        scene.acme().get("/v1/events").header("last-event-id", place).await.problem(410, "events_compacted");
        scene.acme().get(&format!("/v1/events?after={place}")).await.problem(410, "events_compacted");
    }
    let twice = scene.acme().get("/v1/events").header("last-event-id", "1").header("last-event-id", "2");
    twice.await.problem(400, "invalid_request");
    scene.host.client(Who::Nobody).get("/v1/events").await.problem(401, "unauthenticated");
}
