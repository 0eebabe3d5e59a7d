use serde_json::{Value, json};

/// What the appliance says where it does not do as asked.
pub struct Refusal {
    status: u16,
    message: String,
}

impl Refusal {
    pub fn new(status: u16, message: impl Into<String>) -> Self {
        Self { status, message: message.into() }
    }

    pub fn not_found(what: &str) -> Self {
        Self::new(404, format!("Could not find the {what}, it was either deleted or never existed."))
    }

    /// The status and the error envelope.
    pub fn told(self) -> (u16, Value) {
        let body = json!({
            "code": self.status,
            "message": self.message,
            "referer": "127.0.0.1",
            "restOperationId": 6_741_327,
            "errorStack": [],
            "kind": ":resterrorresponse",
        });
        (self.status, body)
    }
}
