use axum::http::{HeaderMap, Method, Uri, header};

/// A request's parameters, from the address and the body.
pub struct Request {
    /// The parameter `type`.
    pub kind: String,
    fields: Vec<(String, String)>,
}

impl Request {
    /// Takes a `POST` of a form. Secrets in the address are refused: the guide warns of them, as they end up in logs.
    pub fn read(method: &Method, uri: &Uri, headers: &HeaderMap, body: &[u8]) -> Result<Self, String> {
        let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        if method != Method::POST || content_type != "application/x-www-form-urlencoded" {
            return Err(format!("a POST of a form is expected, not a {method} of `{content_type}`"));
        }
        let query = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()).into_owned();
        let query: Vec<(String, String)> = query.collect();
        if query.iter().any(|(name, _)| name != "type") {
            return Err("only the type may stand in the address".to_owned());
        }
        let fields: Vec<(String, String)> =
            query.into_iter().chain(form_urlencoded::parse(body).into_owned()).collect();
        for (index, (name, _)) in fields.iter().enumerate() {
            if fields.iter().skip(index + 1).any(|(other, _)| other == name) {
                return Err(format!("parameter {name} is there twice"));
            }
        }
        let kind = fields.iter().find(|(name, _)| name == "type").map(|(_, kind)| kind.clone());
        Ok(Self { kind: kind.ok_or("the type is missing")?, fields })
    }

    /// A parameter's value.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The same, if it has to be there.
    pub fn need(&self, name: &str) -> Result<&str, (&'static str, String)> {
        self.get(name).ok_or_else(|| ("400", format!("parameter {name} is missing")))
    }

    /// Refuses parameters that the request does not have.
    pub fn only(&self, names: &[&str]) -> Result<(), String> {
        match self.fields.iter().find(|(name, _)| !names.contains(&name.as_str())) {
            Some((name, _)) => Err(format!("parameter {name} has no meaning here")),
            None => Ok(()),
        }
    }
}
