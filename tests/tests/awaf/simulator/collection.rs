//! What all collections understand: a filter, and paging.

use serde_json::{Value, json};

use super::refusal::Refusal;
use super::{Answer, Object, Request};

/// Which objects of a collection are wanted.
type Filter = Box<dyn Fn(&Object) -> bool>;

/// The part of a collection that a request asks for.
pub fn page(request: &Request, kind: &str, objects: &[Object]) -> Answer {
    let mut filter: Filter = Box::new(|_| true);
    let (mut top, mut skip) = (usize::MAX, 0);
    for (name, value) in &request.query {
        let number = || value.parse::<usize>().map_err(|_| Refusal::new(400, format!("invalid value for '{name}'")));
        match name.as_str() {
            "$top" => top = number()?,
            "$skip" => skip = number()?,
            "$filter" => filter = parse(value)?,
            _ => return Err(Refusal::new(400, format!("unknown query parameter '{name}'"))),
        }
    }
    let matching: Vec<&Object> = objects.iter().filter(|object| filter(object)).collect();
    let items: Vec<&Object> = matching.iter().copied().skip(skip).take(top).collect();
    Ok((200, json!({"kind": kind, "selfLink": "https://localhost/mgmt", "totalItems": matching.len(), "items": items})))
}

/// `contains(NAME,'TEXT')` and `NAME eq TEXT`.
fn parse(filter: &str) -> Result<Filter, Refusal> {
    let member = |object: &Object, name: &str| object.get(name).and_then(Value::as_str).map(str::to_owned);
    if let Some((name, text)) = contains(filter) {
        return Ok(Box::new(move |object| member(object, &name).is_some_and(|member| member.contains(&text))));
    }
    if let Some((name, text)) = filter.split_once(" eq ") {
        let (name, text) = (name.to_owned(), text.trim_matches('\'').to_owned());
        return Ok(Box::new(move |object| member(object, &name).is_some_and(|member| member == text)));
    }
    Err(Refusal::new(400, format!("invalid filter: {filter}")))
}

fn contains(filter: &str) -> Option<(String, String)> {
    let (name, text) = filter.strip_prefix("contains(")?.strip_suffix(')')?.split_once(',')?;
    let text = text.strip_prefix('\'')?.strip_suffix('\'')?;
    (!text.contains('\'')).then(|| (name.to_owned(), text.to_owned()))
}

/// Text where text belongs.
pub fn text(object: &Object, name: &str, what: &str) -> Result<Option<String>, Refusal> {
    match object.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(Refusal::new(400, format!("Could not parse/validate the {what}. '{name}' is no string."))),
    }
}

/// One of the words that a member may be.
pub fn word(object: &Object, name: &str, words: &[&str], what: &str) -> Result<(), Refusal> {
    match text(object, name, what)? {
        Some(word) if !words.contains(&word.as_str()) => {
            Err(Refusal::new(400, format!("Could not parse/validate the {what}. '{word}' is no '{name}'.")))
        }
        _ => Ok(()),
    }
}

/// Booleans where booleans belong.
pub fn flags(object: &Object, names: &[&str], what: &str) -> Result<(), Refusal> {
    match names.iter().find(|name| object.get(**name).is_some_and(|flag| !flag.is_boolean())) {
        Some(name) => Err(Refusal::new(400, format!("Could not parse/validate the {what}. '{name}' is no boolean."))),
        None => Ok(()),
    }
}
