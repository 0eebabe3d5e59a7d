//! An F5 Advanced WAF as far as its published REST API goes (iControl REST; `/mgmt/tm/asm` of BIG-IP 16): strict, and
//! with a state of its own.

mod collection;
mod policies;
mod refusal;
mod signature_sets;
mod tasks;
mod tokens;
mod whitelist_ips;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::extract::State as Shared;
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, Method, Uri, header};
use serde_json::{Map, Value, json};
use tokio::net::TcpListener;
use tokio::task::AbortHandle;

use refusal::Refusal;

pub const USERNAME: &str = "crosspoint";
pub const PASSWORD: &str = "p&ss \"word";

/// The id of a policy that is there from the start.
pub const POLICY: &str = "Xnm5-sgcAnOxSsK2uDZTkQ";

/// The id of a policy template.
pub const TEMPLATE: &str = "EzpBNMs9gbVsF5uuiBjYDw";

/// The id of an attack signature.
pub const SIGNATURE: &str = "pBeUaadz6x-Z55_GkLxfsg";

/// The id of a signature system.
pub const SYSTEM: &str = "EStDgGiP9nSPgKBhSlDyvQ";

type Object = Map<String, Value>;
type Answer = Result<(u16, Value), Refusal>;

/// A running appliance. It ends when it is dropped.
pub struct Simulator {
    url: String,
    state: Arc<Mutex<State>>,
    serving: AbortHandle,
}

#[derive(Default)]
struct State {
    tokens: tokens::Tokens,
    policies: Vec<policies::Policy>,
    sets: Vec<Object>,
    tasks: Vec<tasks::Task>,
    ids: u32,
    applying_fails: bool,
}

/// A request, as the parts of the simulator see it.
struct Request {
    method: Method,
    path: Vec<String>,
    query: Vec<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
}

impl Simulator {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let state = State { policies: vec![policies::Policy::built_in()], ..State::default() };
        let state = Arc::new(Mutex::new(state));
        let app = Router::new().fallback(handle).with_state(Arc::clone(&state));
        let serving = tokio::spawn(async move { axum::serve(listener, app).await }).abort_handle();
        Self { url, state, serving }
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// How many logins there were.
    pub fn logins(&self) -> u32 {
        lock(&self.state).tokens.granted()
    }

    /// How many tokens are good.
    pub fn tokens(&self) -> usize {
        lock(&self.state).tokens.live()
    }

    /// Ends all tokens, as time does.
    pub fn end_tokens(&self) {
        lock(&self.state).tokens.end();
    }

    /// Refuses to give more tokens than there are.
    pub fn give_no_more_tokens(&self) {
        lock(&self.state).tokens.exhaust();
    }

    /// Has policies that are applied from now on fail.
    pub fn fail_applying(&self) {
        lock(&self.state).applying_fails = true;
    }

    /// The policies of this name.
    pub fn policies(&self, name: &str) -> Vec<Value> {
        let state = lock(&self.state);
        let named = state.policies.iter().filter(|policy| policy.object["name"] == name);
        named.map(|policy| Value::from(policy.object.clone())).collect()
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn handle(
    Shared(state): Shared<Arc<Mutex<State>>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let answer = Request::read(method, &uri, headers, body).and_then(|request| lock(&state).answer(&request));
    let (status, body) = answer.unwrap_or_else(Refusal::told);
    let response = Response::builder().status(status).header(header::CONTENT_TYPE, "application/json; charset=UTF-8");
    response.body(body.to_string().into()).unwrap()
}

impl State {
    fn answer(&mut self, request: &Request) -> Answer {
        let path: Vec<&str> = request.path.iter().map(String::as_str).collect();
        if let ["mgmt", "shared", "authn", "login"] = path[..] {
            return self.tokens.login(request);
        }
        let token = self.tokens.check(request)?;
        match path[..] {
            ["mgmt", "shared", "authz", "tokens", named] => self.tokens.logout(request, &token, named),
            ["mgmt", "tm", "asm", "policies"] => self.policies(request),
            ["mgmt", "tm", "asm", "policies", id] => self.policy(request, id),
            ["mgmt", "tm", "asm", "policies", id, "whitelist-ips"] => self.whitelist_ips(request, id),
            ["mgmt", "tm", "asm", "policies", id, "whitelist-ips", ip] => self.whitelist_ip(request, id, ip),
            ["mgmt", "tm", "asm", "signature-sets"] => self.signature_sets(request),
            ["mgmt", "tm", "asm", "signature-sets", id] => self.signature_set(request, id),
            ["mgmt", "tm", "asm", "tasks", "apply-policy"] => self.apply(request),
            ["mgmt", "tm", "asm", "tasks", "apply-policy", id] => self.task(request, id),
            _ => Err(Refusal::new(404, format!("Public URI path not registered: /{}", path.join("/")))),
        }
    }

    /// A new id: 22 characters, as the hashes are that the appliance gives.
    fn id(&mut self) -> String {
        self.ids += 1;
        format!("sim-{:-<18}", self.ids)
    }
}

impl Request {
    fn read(method: Method, uri: &Uri, headers: HeaderMap, body: Bytes) -> Result<Self, Refusal> {
        let decode = |text: &str| {
            let decoded = percent_encoding::percent_decode_str(text).decode_utf8();
            decoded.map(String::from).map_err(|_| Refusal::new(400, "the URI is no text"))
        };
        let path = uri.path().trim_start_matches('/').split('/').map(decode).collect::<Result<_, _>>()?;
        let pairs = uri.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty());
        let query = pairs.map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Ok((decode(name)?, decode(value)?))
        });
        let query = query.collect::<Result<_, Refusal>>()?;
        Ok(Self { method, path, query, headers, body })
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The body, a JSON object that says so, with none but these members.
    fn object(&self, what: &str, members: &[&str]) -> Result<Object, Refusal> {
        if self.header("content-type") != Some("application/json") {
            return Err(Refusal::new(415, "the content type is not application/json"));
        }
        let Ok(Value::Object(object)) = serde_json::from_slice(&self.body) else {
            return Err(Refusal::new(
                400,
                format!("Could not parse the {what}. Found invalid JSON body in the request."),
            ));
        };
        match object.keys().find(|name| !members.contains(&name.as_str())) {
            Some(name) => {
                Err(Refusal::new(400, format!("Could not parse/validate the {what}. Unknown property '{name}'.")))
            }
            None => Ok(object),
        }
    }

    fn wrong_method(&self) -> Refusal {
        Refusal::new(405, format!("Operation not supported: {}", self.method))
    }
}

/// The id that a link names, if it is one into this collection.
fn linked(reference: Option<&Value>, collection: &str) -> Option<String> {
    let link = reference?.get("link")?.as_str()?;
    let id = link.strip_prefix("https://localhost")?.strip_prefix(collection)?.strip_prefix('/')?;
    Some(id.to_owned())
}

fn link(path: &str) -> Value {
    json!({"link": format!("https://localhost{path}?ver=16.1.0")})
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
