use serde_json::{Map, Value};

/// The parameters of a request.
#[derive(Default)]
pub struct Query {
    pub vdom: String,
    pub action: Option<String>,
    pub before: Option<String>,
    pub after: Option<String>,
    pub start: usize,
    pub count: Option<usize>,
    pub filter: Option<Filter>,
    pub format: Option<String>,
}

/// `MEMBER==VALUE` for the whole value, `MEMBER=@VALUE` for a part of it.
pub struct Filter {
    member: String,
    value: String,
    whole: bool,
}

impl Query {
    /// Fails where a parameter is not known, comes twice, or has no sense.
    pub fn of(text: &str) -> Result<Self, ()> {
        let mut query = Self { vdom: "root".to_owned(), ..Self::default() };
        let mut seen = Vec::new();
        for pair in text.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').ok_or(())?;
            let value = decoded(value).ok_or(())?;
            if seen.contains(&name) {
                return Err(());
            }
            seen.push(name);
            match name {
                "vdom" => query.vdom = value,
                "action" => query.action = Some(value),
                "before" => query.before = Some(value),
                "after" => query.after = Some(value),
                "start" => query.start = value.parse().map_err(drop)?,
                "count" => query.count = Some(value.parse().map_err(drop)?),
                "filter" => query.filter = Some(Filter::of(&value).ok_or(())?),
                "format" => query.format = Some(value),
                _ => return Err(()),
            }
        }
        Ok(query)
    }

    /// What of an entry is shown.
    pub fn shown(&self, entry: &Map<String, Value>) -> Value {
        let mut entry = entry.clone();
        if let Some(format) = &self.format {
            entry.retain(|name, _| format.split('|').any(|wanted| wanted == name));
        }
        entry.into()
    }
}

impl Filter {
    fn of(text: &str) -> Option<Self> {
        let (member, value, whole) = match (text.split_once("=="), text.split_once("=@")) {
            (Some((member, value)), _) => (member, value, true),
            (_, Some((member, value))) => (member, value, false),
            _ => return None,
        };
        (!member.is_empty()).then(|| Self { member: member.to_owned(), value: value.to_owned(), whole })
    }

    pub fn fits(&self, entry: &Map<String, Value>) -> bool {
        let text = match entry.get(&self.member) {
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
            None => return false,
        };
        if self.whole { text == self.value } else { text.contains(&self.value) }
    }
}

/// A text without its percent-encoding.
pub fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digits = [rest.next()?, rest.next()?];
        bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?);
    }
    String::from_utf8(bytes).ok()
}
