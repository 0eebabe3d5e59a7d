use axum::response::Response;
use serde_json::json;

/// What NEO says where it does not do as asked.
pub struct Refusal {
    status: u16,
    message: String,
    location: Option<String>,
}

impl Refusal {
    pub fn new(status: u16, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), location: None }
    }

    pub fn not_found(what: &str) -> Self {
        Self::new(404, format!("There is no such {what}"))
    }

    /// To the login page.
    pub fn to_login(from: &str) -> Self {
        Self { location: Some(format!("/neo/login?next={from}")), ..Self::new(302, "Redirecting") }
    }

    pub fn response(self) -> Response {
        let mut response = Response::builder().status(self.status).header("content-type", "application/json");
        if let Some(location) = self.location {
            response = response.header("location", location);
        }
        response.body(json!({"message": self.message}).to_string().into()).unwrap()
    }
}
