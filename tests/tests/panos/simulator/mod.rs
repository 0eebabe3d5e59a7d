//! A firewall with PAN-OS as its XML API shows it, written from the vendor's API guide. It takes what the guide allows and
//! refuses the rest with the guide's codes; it keeps a candidate configuration and a running one, and jobs.

mod commit;
mod configuration;
mod entry;
mod request;
mod schema;
mod xpath;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};
use tokio::net::TcpListener;
use tokio::task::AbortHandle;

use commit::Jobs;
use configuration::Configuration;
use request::Request;

/// The administrator's name.
pub const USER: &str = "api";
/// The administrator's password.
pub const PASSWORD: &str = "pan&os=1%";
/// The administrator's key, which the password is exchanged for.
pub const KEY: &str = "LUFRPT14MW5xOEo1R09KVlBZNnpnemh0VHRBOWl6TGM9bXcwM3JHUGVhRlNiY0dCR0srNERUQT09";
/// The key after all keys were expired.
pub const NEXT_KEY: &str = "LUFRPT1UWk9CeTlRMlRXSFhOcmFBWlJDQ0Y0M3RBTU09bXcwM3JHUGVhRlNiY0dCR0srNERUQT09";

/// A firewall. Dropped, it stops.
pub struct Simulator {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    serving: AbortHandle,
}

#[derive(Default)]
struct State {
    candidate: Configuration,
    running: Configuration,
    jobs: Jobs,
    expired: bool,
}

impl State {
    fn key(&self) -> &'static str {
        if self.expired { NEXT_KEY } else { KEY }
    }
}

/// What the guide calls a code, and what is said with it.
type Refusal = (&'static str, String);

impl Simulator {
    /// Starts one with nothing in it.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::<Mutex<State>>::default();
        let shared = state.clone();
        let handler = async move |method: Method, uri: Uri, headers: HeaderMap, body: Bytes| {
            answer(&shared, &method, &uri, &headers, &body)
        };
        let serving = tokio::spawn(async move { axum::serve(listener, Router::new().fallback(handler)).await });
        Self { address, state, serving: serving.abort_handle() }
    }

    /// Where it is.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// An entry of the candidate configuration as XML, if it is there: `address`, `security/rules`.
    pub fn entry(&self, container: &str, name: &str) -> Option<String> {
        self.state().candidate.entry(container, name).map(entry::Entry::xml)
    }

    /// The names in a container, in order.
    pub fn names(&self, container: &str) -> Vec<String> {
        self.state().candidate.names(container)
    }

    /// What somebody does who sits at the firewall: puts an entry there, whatever was there before.
    pub fn by_hand(&self, container: &str, name: &str, inner: &str) {
        self.state().candidate.by_hand(container, name, inner);
    }

    /// Whether what was committed last is what is configured.
    pub fn in_force(&self) -> bool {
        let state = self.state();
        state.running == state.candidate
    }

    /// Has the commits from now on fail, when they come to their end.
    pub fn fail_commits(&self) {
        self.state().jobs.fail = true;
    }

    /// Expires all keys; who logs in then gets another one.
    pub fn expire_keys(&self) {
        self.state().expired = true;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

fn answer(state: &Mutex<State>, method: &Method, uri: &Uri, headers: &HeaderMap, body: &[u8]) -> Response {
    if uri.path() != "/api/" {
        return xml(StatusCode::NOT_FOUND, "text/html", "<html><body>404 Not Found</body></html>".to_owned());
    }
    let request = match Request::read(method, uri, headers, body) {
        Ok(request) => request,
        Err(why) => return refused(StatusCode::BAD_REQUEST, "400", &why),
    };
    let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
    if request.kind == "keygen" {
        if let Err(why) = request.only(&["type", "user", "password"]) {
            return refused(StatusCode::BAD_REQUEST, "400", &why);
        }
        if (request.get("user"), request.get("password")) != (Some(USER), Some(PASSWORD)) {
            return credential();
        }
        let key = format!("<response status = 'success'><result><key>{}</key></result></response>", state.key());
        return xml(StatusCode::OK, "application/xml; charset=UTF-8", key);
    }
    if headers.get("x-pan-key").and_then(|key| key.to_str().ok()) != Some(state.key()) {
        return credential();
    }
    let State { candidate, running, jobs, .. } = &mut *state;
    let done = match request.kind.as_str() {
        "config" => candidate.act(&request),
        "commit" => jobs.enqueue(&request, candidate, running),
        "op" => jobs.operate(&request, candidate, running),
        "version" => request.only(&["type"]).map(|()| VERSION.to_owned()).map_err(|why| ("400", why)),
        other => Err(("400", format!("there is no type {other}"))),
    };
    match done {
        Ok(response) => xml(StatusCode::OK, "application/xml; charset=UTF-8", response),
        Err((code, why)) => refused(StatusCode::OK, code, &why),
    }
}

const VERSION: &str = "<response status=\"success\"><result><sw-version>11.1.4</sw-version><multi-vsys>off</multi-vsys>\
    <model>PA-VM</model><serial>007051000012345</serial></result></response>";

/// The shape of a bad key, which is not that of other errors.
fn credential() -> Response {
    let body = "<response status = 'error' code = '403'><result><msg>Invalid Credential</msg></result></response>";
    xml(StatusCode::FORBIDDEN, "application/xml; charset=UTF-8", body.to_owned())
}

fn refused(status: StatusCode, code: &str, why: &str) -> Response {
    xml(status, "application/xml; charset=UTF-8", error(code, "", why))
}

/// An error's response, or that of a part with its id.
fn error(code: &str, id: &str, why: &str) -> String {
    let why = why.replace("]]>", "]]]]><![CDATA[>");
    format!("<response status=\"error\" code=\"{code}\"{id}><msg><line><![CDATA[{why}]]></line></msg></response>")
}

fn xml(status: StatusCode, content_type: &'static str, body: String) -> Response {
    (status, [(header::CONTENT_TYPE, content_type)], body).into_response()
}
