//! An NVIDIA NEO as far as its published REST API guide goes (2.7): strict, and with a state of its own. What the guide
//! does not say is in the driver's README, and is done here in the plainest way.

mod jobs;
mod refusal;
mod resources;
mod services;
mod sessions;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::extract::State as Shared;
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, Method, Uri};
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};
use tokio::net::TcpListener;
use tokio::task::AbortHandle;

pub use jobs::Trouble;

use refusal::Refusal;

pub const USERNAME: &str = "admin";
pub const PASSWORD: &str = "p&ss w=rd+";

/// The type of the services, as the operator names it.
pub const SERVICE_TYPE: &str = "VLAN";

type Object = Map<String, Value>;
type Answer = Result<Told, Refusal>;

/// A running NEO. It ends when it is dropped.
pub struct Simulator {
    url: String,
    state: Arc<Mutex<State>>,
    serving: AbortHandle,
}

/// How NEO answers a change of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Changes {
    /// It is done when it is answered.
    AtOnce,
    /// It becomes a job.
    ByJob,
}

/// How a session that has ended is met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unknown {
    /// 401.
    Unauthorized,
    /// 302 to the login page.
    LoginPage,
}

struct State {
    changes: Changes,
    unknown: Unknown,
    sessions: sessions::Sessions,
    services: Vec<Object>,
    jobs: Vec<jobs::Job>,
    trouble: Option<Trouble>,
    ids: u32,
}

/// A request, as the parts of the simulator see it.
struct Request {
    method: Method,
    target: String,
    path: Vec<String>,
    query: Vec<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
}

/// An answer that is no refusal.
struct Told {
    status: u16,
    location: Option<String>,
    cookie: Option<String>,
    body: Value,
}

impl Simulator {
    pub async fn start(changes: Changes, unknown: Unknown) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let state = State {
            changes,
            unknown,
            sessions: sessions::Sessions::default(),
            services: vec![services::built_in()],
            jobs: Vec::new(),
            trouble: None,
            ids: 0,
        };
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
        lock(&self.state).sessions.granted()
    }

    /// Ends all sessions, as time does.
    pub fn end_sessions(&self) {
        lock(&self.state).sessions.end();
    }

    /// The next job meets this.
    pub fn trouble(&self, trouble: Trouble) {
        lock(&self.state).trouble = Some(trouble);
    }

    /// NEO forgets its jobs.
    pub fn forget_jobs(&self) {
        lock(&self.state).jobs.clear();
    }

    /// The services of this name.
    pub fn services(&self, name: &str) -> Vec<Value> {
        let state = lock(&self.state);
        state.services.iter().filter(|service| service["name"] == name).cloned().map(Value::from).collect()
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
    answer.map_or_else(Refusal::response, Told::response)
}

impl State {
    fn answer(&mut self, request: &Request) -> Answer {
        let path: Vec<&str> = request.path.iter().map(String::as_str).collect();
        if let ["neo", "login"] = path[..] {
            return self.sessions.login(request);
        }
        self.sessions.check(request, self.unknown)?;
        match path[..] {
            ["neo", "resources", "systems"] => resources::systems(request, None),
            ["neo", "resources", "systems", id] => resources::systems(request, Some(id)),
            ["neo", "resources", "ports"] => resources::ports(request, None),
            ["neo", "resources", "ports", id] => resources::ports(request, Some(id)),
            ["neo", "app", "services"] => self.all_services(request),
            ["neo", "app", "services", id] => self.service(request, id),
            ["neo", "app", "jobs", id] => self.job(request, id),
            _ => Err(Refusal::not_found("page")),
        }
    }

    fn id(&mut self) -> u32 {
        self.ids += 1;
        self.ids
    }
}

impl Request {
    fn read(method: Method, uri: &Uri, headers: HeaderMap, body: Bytes) -> Result<Self, Refusal> {
        let path = uri.path().trim_start_matches('/').split('/').map(decode).collect::<Result<_, _>>()?;
        let query = pairs(uri.query().unwrap_or_default())?;
        Ok(Self { method, target: uri.to_string(), path, query, headers, body })
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The body, a JSON object that says so, with none but these members.
    fn object(&self, members: &[&str]) -> Result<Object, Refusal> {
        if self.header("content-type") != Some("application/json") {
            return Err(Refusal::new(415, "The content type is not application/json"));
        }
        let Ok(Value::Object(object)) = serde_json::from_slice(&self.body) else {
            return Err(Refusal::new(400, "The body is no JSON object"));
        };
        match object.keys().find(|name| !members.contains(&name.as_str())) {
            Some(name) => Err(Refusal::new(400, format!("Unknown attribute {name}"))),
            None => Ok(object),
        }
    }

    /// Only this method does.
    fn only(&self, method: &Method) -> Result<(), Refusal> {
        if self.method == *method { Ok(()) } else { Err(self.wrong_method()) }
    }

    fn wrong_method(&self) -> Refusal {
        Refusal::new(405, format!("{} is not allowed here", self.method))
    }
}

impl Told {
    fn new(status: u16, body: impl Into<Value>) -> Self {
        Self { status, location: None, cookie: None, body: body.into() }
    }

    fn response(self) -> Response {
        let mut response = Response::builder().status(self.status).header("content-type", "application/json");
        if let Some(location) = self.location {
            response = response.header("location", location);
        }
        if let Some(cookie) = self.cookie {
            response = response.header("set-cookie", cookie);
        }
        let body = if self.status == 204 { String::new() } else { self.body.to_string() };
        response.body(body.into()).unwrap()
    }
}

/// The names and values of a query or a form.
fn pairs(text: &str) -> Result<Vec<(String, String)>, Refusal> {
    let pairs = text.split('&').filter(|pair| !pair.is_empty());
    let pair = |pair: &str| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        Ok((decode(&name.replace('+', " "))?, decode(&value.replace('+', " "))?))
    };
    pairs.map(pair).collect()
}

fn decode(text: &str) -> Result<String, Refusal> {
    let decoded = percent_decode_str(text).decode_utf8();
    decoded.map(String::from).map_err(|_| Refusal::new(400, "The request is no text"))
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
