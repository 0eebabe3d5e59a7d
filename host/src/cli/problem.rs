use serde::Deserialize;
use serde_json::Value;

use super::terminal::{clean, clean_lines, fields};
use crate::sent::Sent;

/// What the server says when it cannot (RFC 9457), as far as the command line needs it.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Problem {
    #[serde(default)]
    pub(super) title: String,
    #[serde(default)]
    pub(super) detail: String,
    pub(super) code: String,
    #[serde(default)]
    pub(super) status: u16,
    #[serde(default)]
    pub(super) sent: Sent,
    #[serde(default)]
    retryable: bool,
    retry_after: Option<u64>,
    pub(super) operation_id: Option<String>,
    backend_status: Option<u64>,
    #[serde(default)]
    errors: Vec<Violation>,
}

#[derive(Clone, Debug, Deserialize)]
struct Violation {
    #[serde(default)]
    pointer: String,
    #[serde(default)]
    message: String,
}

impl Problem {
    /// Reads a problem; none where the answer is something else, which did not come from Crosspoint.
    pub(super) fn read(answer: &Value) -> Option<Self> {
        Self::deserialize(answer).ok()
    }

    /// The problem for people: what it is, whether the backend was reached, and what to do next.
    pub(super) fn explain(&self) -> String {
        let headline = match self.sent {
            Sent::Maybe => format!("in doubt: {}", clean(&self.title)),
            Sent::No | Sent::Yes => clean(&self.title),
        };
        let mut lines = vec![format!("{headline} ({}, HTTP {})", clean(&self.code), self.status)];
        if !self.detail.is_empty() && self.detail != self.title {
            lines.push(indent(&clean_lines(&self.detail)));
        }
        for violation in &self.errors {
            let at = if violation.pointer.is_empty() { "the whole" } else { &violation.pointer };
            lines.push(format!("  {}  {}", clean(at), clean(&violation.message)));
        }
        lines.push(indent(&fields([
            ("backend", self.reached()),
            ("retry", self.retry()),
            ("operation", self.operation_id.clone().unwrap_or_default()),
            ("next", self.next()),
        ])));
        lines.join("\n")
    }

    fn reached(&self) -> String {
        let reached = match self.sent {
            Sent::No => "not reached, nothing was changed",
            Sent::Maybe => "may have been reached, and may have done it",
            Sent::Yes => "reached, and it answered",
        };
        match self.backend_status {
            Some(status) => format!("{reached} (its status: {status})"),
            None => reached.to_owned(),
        }
    }

    fn retry(&self) -> String {
        match (self.retryable, self.retry_after) {
            (true, Some(seconds)) => format!("yes, after {seconds} s"),
            (true, None) => "yes".to_owned(),
            (false, _) => "no, not as it is".to_owned(),
        }
    }

    fn next(&self) -> String {
        match (&self.operation_id, self.sent) {
            (Some(id), Sent::Maybe) => format!("crosspoint operation resolve {id}"),
            (Some(id), Sent::No | Sent::Yes) => format!("crosspoint operation show {id}"),
            (None, Sent::Maybe) => "crosspoint operation list --state unknown".to_owned(),
            (None, Sent::No | Sent::Yes) => String::new(),
        }
    }
}

fn indent(text: &str) -> String {
    format!("  {}", text.replace('\n', "\n  "))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

    use serde_json::json;

    use super::*;

    fn explain(answer: &Value) -> String {
        Problem::read(answer).unwrap().explain()
    }

    #[test]
    fn a_refused_spec_shows_every_pointer_and_that_nothing_was_changed() {
        let shown = explain(&json!({
            "type": "urn:crosspoint:problem:invalid", "title": "The spec does not fit", "status": 422, "code": "invalid",
            "detail": "Two fields are wrong.", "sent": "no", "retryable": false,
            "errors": [{"pointer": "/spec/cidr", "message": "is no network"}, {"pointer": "", "message": "is too large"}],
        }));
        assert_eq!(
            shown,
            "The spec does not fit (invalid, HTTP 422)\n  Two fields are wrong.\n  /spec/cidr  is no network\n  \
             the whole  is too large\n  backend: not reached, nothing was changed\n  retry:   no, not as it is"
        );
    }

    #[test]
    fn a_lost_reply_shows_its_doubt_and_the_command_that_settles_it() {
        let shown = explain(&json!({
            "title": "No reply in time", "status": 504, "code": "backend_timeout", "sent": "maybe", "retryable": true,
            "retry_after": 30, "operation_id": "0190-7",
        }));
        for part in ["in doubt: No reply", "may have done it", "yes, after 30 s", "crosspoint operation resolve 0190-7"]
        {
            assert!(shown.contains(part), "{part} is not in\n{shown}");
        }
    }

    #[test]
    fn what_the_backend_answered_is_shown_with_its_status() {
        let shown = explain(&json!({
            "title": "Quota exceeded", "status": 409, "code": "rejected", "sent": "yes", "backend_status": 409,
            "operation_id": "0190-7",
        }));
        assert!(shown.contains("reached, and it answered (its status: 409)"), "{shown}");
        assert!(shown.contains("crosspoint operation show 0190-7"), "{shown}");
    }

    #[test]
    fn an_answer_that_is_no_problem_is_recognised() {
        assert!(Problem::read(&json!("<html>")).is_none());
        assert!(Problem::read(&json!({"error": "bad gateway"})).is_none());
    }
}
