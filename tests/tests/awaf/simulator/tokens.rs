use http::Method;
use serde_json::json;

use super::refusal::Refusal;
use super::{Answer, PASSWORD, Request, USERNAME};

/// The tokens of the one user. At most 100 are good at a time.
#[derive(Default)]
pub struct Tokens {
    live: Vec<String>,
    granted: u32,
    exhausted: bool,
}

const MOST: usize = 100;

impl Tokens {
    pub fn granted(&self) -> u32 {
        self.granted
    }

    pub fn live(&self) -> usize {
        self.live.len()
    }

    pub fn end(&mut self) {
        self.live.clear();
    }

    pub fn exhaust(&mut self) {
        self.exhausted = true;
    }

    pub fn login(&mut self, request: &Request) -> Answer {
        if request.method != Method::POST {
            return Err(request.wrong_method());
        }
        let given = request.object("login", &["username", "password", "loginProviderName"])?;
        if given.get("loginProviderName") != Some(&json!("tmos")) {
            return Err(Refusal::new(400, "Bad Request: unknown login provider"));
        }
        if given.get("username") != Some(&json!(USERNAME)) || given.get("password") != Some(&json!(PASSWORD)) {
            return Err(Refusal::new(401, "Authentication failed."));
        }
        if self.exhausted || self.live.len() >= MOST {
            return Err(Refusal::new(400, format!("user {USERNAME} has reached maximum active login tokens")));
        }
        self.granted += 1;
        let token = format!("TOKEN{:021}", self.granted);
        self.live.push(token.clone());
        let granted = json!({
            "username": USERNAME,
            "loginReference": {"link": "https://localhost/mgmt/cm/system/authn/providers/tmos/login"},
            "loginProviderName": "tmos",
            "token": {
                "token": token, "name": token, "userName": USERNAME, "authProviderName": "tmos", "timeout": 1200,
                "kind": "shared:authz:tokens:authtokenitemstate",
                "selfLink": format!("https://localhost/mgmt/shared/authz/tokens/{token}"),
            },
            "generation": 0,
        });
        Ok((200, granted))
    }

    /// The token of a request, if it is good.
    pub fn check(&self, request: &Request) -> Result<String, Refusal> {
        let Some(token) = request.header("x-f5-auth-token") else {
            let text = "Authorization failed: no user authentication header or token detected.";
            return Err(Refusal::new(401, text));
        };
        match self.live.iter().find(|live| *live == token) {
            Some(token) => Ok(token.clone()),
            None => Err(Refusal::new(401, "X-F5-Auth-Token does not exist.")),
        }
    }

    /// A user ends none but its own tokens.
    pub fn logout(&mut self, request: &Request, own: &str, named: &str) -> Answer {
        if request.method != Method::DELETE {
            return Err(request.wrong_method());
        }
        if own != named {
            return Err(Refusal::new(400, "Authorization failed"));
        }
        self.live.retain(|live| live != named);
        Ok((200, json!({"token": named})))
    }
}
