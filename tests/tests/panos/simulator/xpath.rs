/// Which entries of a container an expression selects.
#[derive(Debug, PartialEq)]
pub enum Selected {
    /// The container itself.
    All,
    /// The one of this name.
    Named(String),
    /// Those in whose element the text stands.
    Containing(String, String),
}

/// The containers of a virtual system that this firewall has.
pub const CONTAINERS: [&str; 4] = ["address", "service", "tag", "rulebase/security/rules"];

const VSYS: &str = "/config/devices/entry[@name='localhost.localdomain']/vsys/entry[@name='vsys1']/";

/// Reads the little `XPath` that the guide shows: a way to a container, and at most one step to its entries.
pub fn read(xpath: &str) -> Result<(&'static str, Selected), (&'static str, String)> {
    let bad = || ("6", format!("the xpath {xpath} is not valid"));
    let other = xpath.contains("/vsys/entry[@name='vsys");
    let absent = || if other { ("7", "Object doesn't exist".to_owned()) } else { bad() };
    let rest = xpath.strip_prefix(VSYS).ok_or_else(absent)?;
    let container = CONTAINERS.into_iter().find(|container| {
        rest.strip_prefix(container).is_some_and(|rest| rest.is_empty() || rest.starts_with("/entry["))
    });
    let container = container.ok_or_else(bad)?;
    let step = rest.strip_prefix(container).unwrap_or_default();
    if step.is_empty() {
        return Ok((container, Selected::All));
    }
    let predicate = step.strip_prefix("/entry[").and_then(|step| step.strip_suffix(']')).ok_or_else(bad)?;
    if let Some(value) = predicate.strip_prefix("@name=") {
        return Ok((container, Selected::Named(literal(value).ok_or_else(bad)?)));
    }
    let arguments = predicate.strip_prefix("contains(").and_then(|rest| rest.strip_suffix(')')).ok_or_else(bad)?;
    let (element, value) = arguments.split_once(',').ok_or_else(bad)?;
    if !element.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-') {
        return Err(bad());
    }
    Ok((container, Selected::Containing(element.to_owned(), literal(value.trim()).ok_or_else(bad)?)))
}

/// A string between quotes of one kind, which do not stand in it.
fn literal(text: &str) -> Option<String> {
    let quote = text.chars().next().filter(|quote| ['\'', '"'].contains(quote))?;
    let value = text.strip_prefix(quote)?.strip_suffix(quote)?;
    (!value.contains(quote)).then(|| value.to_owned())
}
