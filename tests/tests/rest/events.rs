//! The event stream: in order, exactly once, from wherever a follower stopped.

use crosspoint_tests::host::{Client, Event, Events, Options, Scene, Who, create, rule, until};
use serde_json::json;

fn told(events: &[Event]) -> Vec<String> {
    events.iter().map(Event::told).collect()
}

async fn live(client: &Client, name: &str) {
    client.put(&rule(name)).json(&create(name)).await.expect(201);
    client.patch(&rule(name)).json(&json!({"spec": {"port": 80}})).await.expect(200);
    client.delete(&rule(name)).await.expect(200);
}

const LIFE: [&str; 6] = [
    "mapping.creating a",
    "mapping.active a",
    "mapping.updating a",
    "mapping.active a",
    "mapping.deleting a",
    "mapping.gone a",
];

#[tokio::test]
async fn an_objects_life_is_told_as_it_happens() {
    let scene = Scene::start().await;
    let mut events = Events::of(scene.acme().get("/v1/events")).await;
    live(&scene.acme(), "a").await;
    let seen = events.take(LIFE.len()).await;
    assert_eq!(told(&seen), LIFE);
    for event in &seen {
        assert_eq!((event.name.as_str(), &event.data["index"]), ("mapping", &json!(event.id)));
        assert_eq!(
            (&event.data["tenant"], &event.data["backend"], &event.data["kind"]),
            (&json!("acme"), &json!("fw"), &json!("rule"))
        );
    }
    assert_eq!(seen[1].data["backend_id"], "rule-1");
    assert!(seen.windows(2).all(|pair| pair[0].id < pair[1].id));
}

#[tokio::test]
async fn a_follower_that_comes_back_misses_nothing_and_hears_nothing_twice() {
    let scene = Scene::start().await;
    let acme = scene.acme();
    let mut events = Events::after(&acme, 0).await;
    live(&acme, "a").await;
    let mut seen = events.take(2).await;
    drop(events);
    live(&acme, "b").await;
    // It stops again and again, and each time resumes from the last one it heard.
    while seen.len() < 2 * LIFE.len() {
        let last = seen.last().unwrap().id.to_string();
        let mut events = Events::of(acme.get("/v1/events").header("last-event-id", &last)).await;
        seen.push(events.next().await.unwrap());
    }
    let expected: Vec<_> =
        ["a", "b"].iter().flat_map(|name| LIFE.map(|event| event.replace(" a", &format!(" {name}")))).collect();
    assert_eq!(told(&seen), expected);
}

#[tokio::test]
async fn the_stream_goes_on_over_a_crash() {
    let mut scene = Scene::start().await;
    let mut events = Events::after(&scene.acme(), 0).await;
    scene.created("a").await;
    let seen = events.take(1).await;
    scene.host.restart().await;
    assert!(events.take_to_end().await.len() <= 1, "the stream ends with the process");
    scene.created("b").await;
    let last = seen[0].id.to_string();
    let mut events = Events::of(scene.acme().get("/v1/events").header("last-event-id", &last)).await;
    assert_eq!(told(&events.take(3).await), ["mapping.active a", "mapping.creating b", "mapping.active b"]);
}

#[tokio::test]
async fn operators_hear_of_backends_and_drivers_and_of_every_tenant() {
    let scene = Scene::start().await;
    scene.created("a").await;
    let mut events = Events::after(&scene.operator(), 0).await;
    let seen = events.take(4).await;
    assert_eq!(told(&seen), ["driver.activated", "backend.put", "mapping.creating a", "mapping.active a"]);
    assert_eq!((seen[0].name.as_str(), &seen[0].data["driver"]), ("driver", &json!("firewall@0.1.0")));
    let mut callers = Events::after(&scene.acme(), 0).await;
    assert_eq!(callers.next().await.unwrap().told(), "mapping.creating a");
}

#[tokio::test]
async fn whoever_was_away_for_too_long_is_told_that_events_are_missing() {
    let mut scene = Scene::with(Options { limits: "events = 5", ..Options::default() }, json!({})).await;
    for number in 0..4 {
        scene.created(&format!("r-{number}")).await;
    }
    // What is too many is forgotten from time to time, and at the start.
    scene.host.restart().await;
    let gone = until("events to be forgotten", async || {
        let mut events = Events::after(&scene.acme(), 0).await;
        (events.next().await.unwrap().id > 4).then_some(())
    });
    gone.await;
    scene.acme().get("/v1/events?after=1").await.problem(410, "events_compacted");
    scene.acme().get("/v1/events").header("last-event-id", "2").await.problem(410, "events_compacted");
    let mut rest = Events::after(&scene.acme(), 0).await;
    let first = rest.next().await.unwrap();
    let mut resumed = Events::of(scene.acme().get("/v1/events").header("last-event-id", &first.id.to_string())).await;
    assert_eq!(resumed.next().await, rest.next().await);
}

#[tokio::test]
async fn a_place_that_is_none_is_refused() {
    let scene = Scene::start().await;
    for id in ["x", "-1", "1.5", ""] {
        scene.acme().get("/v1/events").header("last-event-id", id).await.problem(400, "invalid_request");
    }
    scene.acme().get("/v1/events?after=x").await.problem(400, "invalid_request");
    scene.host.client(Who::Nobody).get("/v1/events").await.problem(401, "unauthenticated");
}

#[tokio::test]
async fn followers_are_counted_while_they_follow() {
    let scene = Scene::start().await;
    let events = Events::after(&scene.acme(), 0).await;
    assert_eq!(scene.host.metric("crosspoint_event_subscribers").await, Some(1.0));
    drop(events);
    until("the follower to be gone", async || {
        (scene.host.metric("crosspoint_event_subscribers").await == Some(0.0)).then_some(())
    })
    .await;
}
