//! How an act looks on a terminal: what was typed, what was answered, what reached the firewall, where the mapping is.

use std::{env, io::IsTerminal};

use serde::Deserialize;
use serde_json::value::RawValue;

/// How wide a line may become, besides its indentation.
pub const WIDTH: usize = 96;

/// How far the text of an act is indented.
const MARGIN: &str = "    ";
/// How wide the names of what is shown are.
const LABEL: usize = 11;

/// The terminal, in colour if it is one.
#[derive(Clone, Copy)]
pub struct Screen {
    coloured: bool,
}

/// What a piece of text is, which decides on its colour.
#[derive(Clone, Copy)]
pub enum Tone {
    Title,
    Typed,
    Aside,
    Good,
    Bad,
}

impl Screen {
    pub fn new() -> Self {
        let wanted = env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Self { coloured: wanted && std::io::stdout().is_terminal() }
    }

    /// The text in the colour of its tone.
    pub fn tint(self, tone: Tone, text: &str) -> String {
        let code = match tone {
            Tone::Title => "1",
            Tone::Typed => "36",
            Tone::Aside => "2",
            Tone::Good => "32",
            Tone::Bad => "31",
        };
        if self.coloured { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    /// The head of an act.
    pub fn title(self, number: usize, title: &str, about: &str) {
        let rule = "─".repeat(WIDTH.saturating_sub(title.chars().count() + 1));
        println!("\n{} {}", self.tint(Tone::Title, &format!("{number:>2}  {title}")), self.tint(Tone::Aside, &rule));
        for line in filled(about) {
            println!("{MARGIN}{line}");
        }
    }

    /// What a person would type.
    pub fn typed(self, line: &str) {
        println!();
        for (index, line) in line.lines().enumerate() {
            let prompt = if index == 0 { "$ " } else { "  " };
            println!("{MARGIN}{}{}", self.tint(Tone::Aside, prompt), self.tint(Tone::Typed, line));
        }
    }

    /// What came of it, under a name.
    pub fn labelled(self, label: &str, text: &str) {
        let mut label = label;
        for line in text.lines().flat_map(folded) {
            println!("{MARGIN}{}{line}", self.tint(Tone::Aside, &format!("{label:LABEL$}")));
            label = "";
        }
    }

    /// What a command wrote, as it wrote it.
    pub fn written(self, text: &str) {
        for line in text.lines() {
            let bar = if line.is_empty() { "│" } else { "│ " };
            println!("{MARGIN}{}{line}", self.tint(Tone::Aside, bar));
        }
    }

    /// Whether an act went as it should.
    pub fn verdict(self, good: bool, text: &str) {
        let (tone, sign) = if good { (Tone::Good, "✓") } else { (Tone::Bad, "✗") };
        println!("{MARGIN}{}", self.tint(tone, &format!("{sign} {text}")));
    }
}

/// Prose in lines of at most [`WIDTH`].
fn filled(prose: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in prose.split_whitespace() {
        if let Some(line) = lines.last_mut()
            && line.chars().count() + 1 + word.chars().count() <= WIDTH
        {
            let gap = if line.is_empty() { "" } else { " " };
            line.push_str(gap);
            line.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}

/// A line of JSON or of a table in pieces of about [`WIDTH`], broken behind commas.
fn folded(line: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for piece in line.split_inclusive(',') {
        let fits = lines.last().is_some_and(|line| line.chars().count() + piece.chars().count() + LABEL <= WIDTH);
        match lines.last_mut() {
            Some(line) if fits || line.is_empty() => line.push_str(piece),
            _ => lines.push(format!("  {piece}")),
        }
    }
    lines
}

/// What an answer of Crosspoint may hold, as far as it is shown.
#[derive(Deserialize)]
struct Shape<'a> {
    // A dry run.
    #[serde(borrow)]
    exchange: Option<Exchange<'a>>,
    // A problem.
    code: Option<String>,
    sent: Option<String>,
    detail: Option<String>,
    operation_id: Option<String>,
    #[serde(default)]
    errors: Vec<Violation>,
    // The answer about an object.
    #[serde(borrow)]
    result: Option<&'a RawValue>,
    operation: Option<Operation>,
    // A list of objects.
    #[serde(borrow, default)]
    items: Vec<Item<'a>>,
}

#[derive(Deserialize)]
struct Exchange<'a> {
    method: String,
    url: String,
    headers: Vec<(String, String)>,
    #[serde(borrow)]
    body: &'a RawValue,
}

#[derive(Deserialize)]
struct Violation {
    pointer: String,
    message: String,
}

#[derive(Deserialize)]
struct Operation {
    verb: String,
    state: String,
    sent: String,
    driver: String,
}

#[derive(Deserialize)]
struct Item<'a> {
    backend_id: String,
    cmp_id: Option<String>,
    #[serde(borrow)]
    result: &'a RawValue,
}

/// What matters in an answer, in a few lines; the whole of it if it is nothing that we know.
pub fn gist(answer: &str) -> String {
    let Ok(shape) = serde_json::from_str::<Shape<'_>>(answer) else { return answer.to_owned() };
    let mut lines = Vec::new();
    if let Some(exchange) = shape.exchange {
        lines.push(format!("{} {}", exchange.method, exchange.url));
        lines.extend(exchange.headers.iter().map(|(name, value)| format!("{name}: {value}")));
        lines.push(exchange.body.to_string());
    }
    if let (Some(code), Some(sent)) = (shape.code, shape.sent) {
        let about = shape.operation_id.map(|id| format!(", operation {id}")).unwrap_or_default();
        lines.push(format!("{code}, sent: {sent}{about}"));
        lines.extend(shape.detail);
        lines.extend(shape.errors.iter().map(|Violation { pointer, message }| format!("at \"{pointer}\": {message}")));
    }
    if let Some(Operation { verb, state, sent, driver }) = shape.operation {
        lines.push(format!("{verb} {state}, sent: {sent}, by {driver}"));
    }
    lines.extend(shape.result.map(ToString::to_string));
    lines.extend(shape.items.iter().map(|item| {
        let cmp_id = item.cmp_id.as_deref().unwrap_or("(not mapped)");
        format!("{cmp_id} ↔ {}  {}", item.backend_id, item.result)
    }));
    if lines.is_empty() { answer.to_owned() } else { lines.join("\n") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_shows_its_code_its_doubt_and_its_pointers() {
        let problem = r#"{"code": "invalid_spec", "sent": "no", "detail": "it does not fit", "status": 422,
                          "errors": [{"pointer": "/port", "message": "too large"}]}"#;
        assert_eq!(gist(problem), "invalid_spec, sent: no\nit does not fit\nat \"/port\": too large");
    }

    #[test]
    fn what_is_not_known_is_shown_as_it_is() {
        assert_eq!(gist("<html>"), "<html>");
        assert_eq!(gist("{\"ok\":true}"), "{\"ok\":true}");
    }
}
