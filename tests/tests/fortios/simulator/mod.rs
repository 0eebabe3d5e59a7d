//! A FortiGate as its REST API describes it: the tables `firewall/address`, `addrgrp`, `policy` and `vip` of two virtual
//! domains, with the envelope, the filters and the errors of FortiOS 7. It is stricter than a real one: it accepts no
//! parameter and no member that it does not know.

mod answer;
mod check;
mod query;
mod table;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, Method, Uri};
use axum::response::Response;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::AbortHandle;

use answer::{Answer, Asked};
use query::Query;
use table::Domain;

/// The token of the API administrator.
pub const TOKEN: &str = "n4w5f6Hkcb3xQ0m1Gp7sQt9d8yzjxr";

/// The appliance. Dropped, it stops.
pub struct FortiGate {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    serving: AbortHandle,
}

struct State {
    requests: usize,
    domains: BTreeMap<&'static str, Domain>,
}

impl FortiGate {
    /// Starts one with what every appliance has from the beginning.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let domains = BTreeMap::from([("root", Domain::new()), ("dmz", Domain::new())]);
        let state = Arc::new(Mutex::new(State { requests: 0, domains }));
        let kept = Arc::clone(&state);
        let handler = async move |method: Method, uri: Uri, headers: HeaderMap, body: Bytes| {
            lock(&kept).answer(&method, &uri, &headers, &body)
        };
        let serving = tokio::spawn(async move { axum::serve(listener, Router::new().fallback(handler)).await });
        Self { address, state, serving: serving.abort_handle() }
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How many requests have come.
    pub fn requests(&self) -> usize {
        lock(&self.state).requests
    }

    /// What a table of a virtual domain holds under this key.
    pub fn entry(&self, vdom: &str, table: &str, key: &str) -> Option<Value> {
        lock(&self.state).domains[vdom].table(table).unwrap().get(key).cloned().map(Value::Object)
    }

    /// The numbers of the policies, in the order in which they count.
    pub fn policies(&self, vdom: &str) -> Vec<u64> {
        let state = lock(&self.state);
        let policies = state.domains[vdom].table("policy").unwrap();
        policies.entries().iter().map(|policy| policy["policyid"].as_u64().unwrap()).collect()
    }
}

impl Drop for FortiGate {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl State {
    fn answer(&mut self, method: &Method, uri: &Uri, headers: &HeaderMap, body: &Bytes) -> Response {
        self.requests += 1;
        let authorized = headers.get("authorization").is_some_and(|value| value == format!("Bearer {TOKEN}").as_str());
        if !authorized {
            return answer::page(401, "401 Unauthorized");
        }
        let Some((table, key)) = place(uri.path()) else { return answer::page(404, "404 Not Found") };
        let asked = |vdom: &str| Asked {
            method: method.clone(),
            vdom: vdom.to_owned(),
            table: table.clone(),
            key: key.clone(),
        };
        let Ok(query) = Query::of(uri.query().unwrap_or_default()) else {
            return Answer::status(400).response(&asked("root"));
        };
        let asked = asked(&query.vdom);
        let Some(domain) = self.domains.get_mut(query.vdom.as_str()) else {
            return Answer::status(424).response(&asked);
        };
        domain.answer(&asked, &query, headers, body).response(&asked)
    }
}

/// The table and the key that a path names.
fn place(path: &str) -> Option<(String, Option<String>)> {
    let rest = path.strip_prefix("/api/v2/cmdb/firewall/")?;
    let (table, key) = match rest.split_once('/') {
        Some((table, key)) => (table, Some(query::decoded(key)?)),
        None => (rest, None),
    };
    table::NAMES.contains(&table).then(|| (table.to_owned(), key))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
