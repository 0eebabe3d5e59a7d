use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use serde_json::Value;

use super::client::{Call, Client};
use super::wait::within;

/// One server-sent event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its id: the log index.
    pub id: u64,
    /// Its name: what sort of thing it is about.
    pub name: String,
    /// Its data.
    pub data: Value,
}

impl Event {
    /// What happened, and to which CMP object: `mapping.active web`.
    #[must_use]
    pub fn told(&self) -> String {
        let text = |member: &str| self.data[member].as_str().unwrap_or_default().to_owned();
        format!("{} {}", text("type"), text("cmp_id")).trim_end().to_owned()
    }
}

/// An event stream being followed.
pub struct Events {
    body: Incoming,
    read: String,
}

impl Events {
    /// Follows all events after this index.
    pub async fn after(client: &Client, index: u64) -> Self {
        Self::of(client.get(&format!("/v1/events?after={index}"))).await
    }

    /// Follows what this request asks for.
    pub async fn of(call: Call) -> Self {
        let response = call.open().await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self { body: response.into_body(), read: String::new() }
    }

    /// The next event; none when the stream has ended.
    pub async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(end) = self.read.find("\n\n") {
                let frame: String = self.read.drain(..end + 2).collect();
                match event(&frame) {
                    Some(event) => return Some(event),
                    None => continue,
                }
            }
            let frame = within("an event", self.body.frame()).await?.ok()?;
            self.read += std::str::from_utf8(frame.data_ref().unwrap()).unwrap();
        }
    }

    /// All that is left of a stream that ends.
    pub async fn take_to_end(&mut self) -> Vec<Event> {
        let mut events = Vec::new();
        while let Some(event) = self.next().await {
            events.push(event);
        }
        events
    }

    /// The next so many events.
    pub async fn take(&mut self, count: usize) -> Vec<Event> {
        let mut events = Vec::new();
        while events.len() < count {
            events.push(self.next().await.expect("the stream ended"));
        }
        events
    }
}

/// A frame as an event; none if it is a comment, as heartbeats are.
fn event(frame: &str) -> Option<Event> {
    let field = |name: &str| {
        frame.lines().find_map(|line| Some(line.strip_prefix(name)?.strip_prefix(':')?.trim_start().to_owned()))
    };
    let data = serde_json::from_str(&field("data")?).unwrap();
    Some(Event { id: field("id").unwrap().parse().unwrap(), name: field("event").unwrap(), data })
}
