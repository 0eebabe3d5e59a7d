use std::io::{self, Read, Write};

use comfy_table::{Cell, ContentLineStyle, Table, TableStyle};
use serde_json::Value;

/// For whom an answer is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Output {
    /// For people.
    #[default]
    Table,
    /// For machines.
    Json,
}

/// What a command takes from outside and gives back, so that tests can stand in for both sides.
pub(super) struct Terminal<'a> {
    pub(super) out: &'a mut dyn Write,
    pub(super) err: &'a mut dyn Write,
    pub(super) input: &'a mut dyn Read,
    /// An environment variable; none where it is empty.
    pub(super) environment: &'a dyn Fn(&str) -> Option<String>,
    pub(super) output: Output,
}

impl Terminal<'_> {
    /// Shows an answer: as it is to machines, or as `table` shows it to people.
    pub(super) fn show(&mut self, answer: &Value, people: impl FnOnce(&Value) -> String) -> io::Result<()> {
        match self.output {
            Output::Json => self.json(answer),
            Output::Table => self.say(&people(answer)),
        }
    }

    /// A line, or several, for people.
    pub(super) fn say(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.out, "{}", text.trim_end())
    }

    /// What is worth knowing and not part of the answer: to standard error.
    pub(super) fn note(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.err, "{}", text.trim_end())
    }

    pub(super) fn json(&mut self, value: &Value) -> io::Result<()> {
        writeln!(self.out, "{value:#}")
    }
}

/// A table without lines, as people and `awk` like it.
pub(super) fn table<const N: usize>(titles: [&str; N], rows: impl IntoIterator<Item = [String; N]>) -> String {
    const PLAIN: TableStyle =
        TableStyle::new().header_lines(ContentLineStyle::none()).content_lines(ContentLineStyle::none());
    let mut table = Table::new();
    table.load_style(PLAIN).set_header(titles.map(Cell::new));
    for row in rows {
        table.add_row(row.map(|text| Cell::new(clean(&text))));
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table.trim_fmt()
}

/// Names and values under each other; what has no value is left out.
pub(super) fn fields(pairs: impl IntoIterator<Item = (&'static str, String)>) -> String {
    let pairs: Vec<_> = pairs.into_iter().filter(|(_, value)| !value.is_empty()).collect();
    let width = pairs.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
    let line = |(name, value): (&str, String)| {
        let label = format!("{name}:");
        let value = clean_lines(&value).replace('\n', &format!("\n{:indent$}", "", indent = width + 2));
        format!("{label:width$} {value}", width = width + 1)
    };
    pairs.into_iter().map(line).collect::<Vec<_>>().join("\n")
}

/// A member as people read it: text without quotes, nothing for `null`, lists with commas.
pub(super) fn text(value: &Value, pointer: &str) -> String {
    value.pointer(pointer).map(plain).unwrap_or_default()
}

fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(", "),
        Value::Object(members) => {
            members.iter().map(|(name, value)| format!("{name}={}", plain(value))).collect::<Vec<_>>().join(", ")
        }
        other => other.to_string(),
    }
}

/// A member's elements; none where it is no list.
pub(super) fn items<'v>(value: &'v Value, pointer: &str) -> &'v [Value] {
    value.pointer(pointer).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// A member as indented JSON; nothing for `null`.
pub(super) fn indented(value: &Value, pointer: &str) -> String {
    match value.pointer(pointer) {
        None | Some(Value::Null) => String::new(),
        Some(value) => format!("{value:#}"),
    }
}

/// Text on one line that cannot move a terminal's cursor: backends say what they like.
pub(super) fn clean(text: &str) -> String {
    text.chars().flat_map(|character| visible(character, false)).collect()
}

/// The same, with its line breaks.
pub(super) fn clean_lines(text: &str) -> String {
    text.chars().flat_map(|character| visible(character, true)).collect()
}

fn visible(character: char, breaks: bool) -> Box<dyn Iterator<Item = char>> {
    // Marks that reorder text show one thing and mean another.
    let reorders = matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    if character == '\n' && breaks || !(character.is_control() || reorders) {
        Box::new(std::iter::once(character))
    } else {
        Box::new(character.escape_default())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

    use serde_json::json;

    use super::*;

    #[test]
    fn a_table_has_aligned_columns_and_no_trailing_space() {
        let shown = table(["NAME", "N"], [["a".to_owned(), "1".to_owned()], ["longer".to_owned(), String::new()]]);
        assert_eq!(shown, "NAME    N\na       1\nlonger");
    }

    #[test]
    fn fields_without_a_value_are_left_out() {
        let shown = fields([("id", "7".to_owned()), ("problem", String::new()), ("state", "two\nlines".to_owned())]);
        assert_eq!(shown, "id:    7\nstate: two\n       lines");
    }

    #[test]
    fn text_from_a_backend_cannot_drive_the_terminal() {
        assert_eq!(clean("a\u{1b}[2Jb\nc\u{202e}d"), "a\\u{1b}[2Jb\\nc\\u{202e}d");
        assert_eq!(clean_lines("a\r\nb"), "a\\r\nb");
        assert!(!table(["NAME"], [["\u{1b}]0;x".to_owned()]]).contains('\u{1b}'));
        assert!(!fields([("name", "\u{1b}]0;x".to_owned())]).contains('\u{1b}'));
    }

    #[test]
    fn members_read_like_text() {
        let value = json!({"a": {"b": ["x", 1, null]}, "n": null});
        assert_eq!(text(&value, "/a/b"), "x, 1, ");
        assert_eq!(text(&value, "/a"), "b=x, 1, ");
        assert_eq!((text(&value, "/n"), text(&value, "/none")), (String::new(), String::new()));
    }
}
