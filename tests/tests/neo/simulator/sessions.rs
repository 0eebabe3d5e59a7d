use http::Method;

use super::refusal::Refusal;
use super::{Answer, PASSWORD, Request, Told, USERNAME, Unknown, pairs};

/// The sessions of the one user.
#[derive(Default)]
pub struct Sessions {
    live: Vec<String>,
    granted: u32,
}

impl Sessions {
    pub fn granted(&self) -> u32 {
        self.granted
    }

    pub fn end(&mut self) {
        self.live.clear();
    }

    /// A form for a cookie.
    pub fn login(&mut self, request: &Request) -> Answer {
        request.only(&Method::POST)?;
        if request.header("content-type") != Some("application/x-www-form-urlencoded") {
            return Err(Refusal::new(415, "The login takes a form"));
        }
        let mut form = pairs(std::str::from_utf8(&request.body).unwrap_or_default())?;
        form.sort_unstable();
        let right = [("password", PASSWORD), ("username", USERNAME)];
        if !form.iter().map(|(name, value)| (name.as_str(), value.as_str())).eq(right) {
            return Err(Refusal::to_login("/neo"));
        }
        self.granted += 1;
        let session = format!(".SESSION{:03}.DubaoQ.I0UV", self.granted);
        let cookie = format!("session={session}; HttpOnly; Path=/");
        self.live.push(session);
        Ok(Told { cookie: Some(cookie), ..Told::new(200, "") })
    }

    /// Refuses a request without a session.
    pub fn check(&self, request: &Request, unknown: Unknown) -> Result<(), Refusal> {
        let mut cookies = request.header("cookie").unwrap_or_default().split("; ");
        let session = cookies.find_map(|cookie| cookie.strip_prefix("session="));
        if session.is_some_and(|session| self.live.iter().any(|live| live == session)) {
            return Ok(());
        }
        Err(match unknown {
            Unknown::Unauthorized => Refusal::new(401, "Unauthorized"),
            Unknown::LoginPage => Refusal::to_login(&request.target),
        })
    }
}
