use axum::body::Body;
use axum::http::Method;
use axum::response::Response;
use serde_json::{Map, Value, json};

/// What was asked, as the envelope repeats it.
pub struct Asked {
    pub method: Method,
    pub vdom: String,
    pub table: String,
    pub key: Option<String>,
}

/// An answer in its envelope.
pub struct Answer {
    status: u16,
    members: Map<String, Value>,
}

impl Answer {
    pub fn success(members: &Value) -> Self {
        Self { status: 200, members: members.as_object().cloned().unwrap() }
    }

    /// An error that its status alone tells.
    pub fn status(status: u16) -> Self {
        Self { status, members: Map::new() }
    }

    /// An error with a number, and what the command line says.
    pub fn error(status: u16, code: i64, complaint: Option<String>) -> Self {
        let mut answer = Self::status(status);
        answer.members.insert("error".to_owned(), code.into());
        answer.members.insert("revision_changed".to_owned(), false.into());
        if let Some(complaint) = complaint {
            let text = format!("{complaint}\nCommand fail. Return code {code}\n");
            answer.members.insert("cli_error".to_owned(), text.into());
        }
        answer
    }

    /// With one more member.
    pub fn with(&mut self, name: &str, value: Value) {
        self.members.insert(name.to_owned(), value);
    }

    pub fn response(self, asked: &Asked) -> Response {
        let mut envelope = json!({
            "http_method": asked.method.as_str(),
            "http_status": self.status,
            "status": if self.status == 200 { "success" } else { "error" },
            "vdom": asked.vdom,
            "path": "firewall",
            "name": asked.table,
            "serial": "FGVM010000000000",
            "version": "v7.4.3",
            "build": 2573,
        });
        if let Some(key) = &asked.key {
            envelope["mkey"] = json!(key);
        }
        envelope.as_object_mut().unwrap().extend(self.members);
        let response = Response::builder().status(self.status).header("content-type", "application/json");
        response.body(Body::from(envelope.to_string())).unwrap()
    }
}

/// A page of the web server, which stands before the API.
pub fn page(status: u16, title: &str) -> Response {
    let page = format!("<!DOCTYPE html>\n<html><head><title>{title}</title></head><body></body></html>\n");
    Response::builder().status(status).header("content-type", "text/html").body(Body::from(page)).unwrap()
}
