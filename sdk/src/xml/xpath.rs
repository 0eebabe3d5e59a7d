/// `value` as a string in an `XPath` expression, quotes included. `XPath` 1.0 has no escapes, so a value with both kinds of
/// quote becomes a `concat(…)`.
///
/// ```
/// use crosspoint_sdk::xml::xpath_literal;
///
/// assert_eq!(xpath_literal("web"), "'web'");
/// assert_eq!(xpath_literal("it's"), "\"it's\"");
/// assert_eq!(xpath_literal("'\""), r#"concat("'",'"')"#);
/// ```
#[must_use]
pub fn literal(value: &str) -> String {
    if !value.contains('\'') {
        return format!("'{value}'");
    }
    if !value.contains('"') {
        return format!("\"{value}\"");
    }
    // Every piece ends behind an apostrophe or before one, and so holds one kind of quote alone.
    let pieces: Vec<String> = value
        .split_inclusive('\'')
        .flat_map(|piece| match piece.strip_suffix('\'') {
            Some(before) => [Some(before), Some("'")],
            None => [Some(piece), None],
        })
        .flatten()
        .filter(|piece| !piece.is_empty())
        .map(|piece| if piece == "'" { "\"'\"".to_owned() } else { format!("'{piece}'") })
        .collect();
    format!("concat({})", pieces.join(","))
}
