//! What a parser lets pass although programs disagree about it: names that stand twice, numbers that would be rounded,
//! and nesting without end.
//!
//! A name that stands twice has its first value for one reader and its last for another (RFC 8259, section 4), so what
//! was checked would not be what is carried out. A number that 64 bits do not hold would reach the backend as another
//! one (section 6). Both are refused where they come in, so that nothing behind has to think of them.
//!
//! One pass without recursion, before the parser. It judges text that is JSON; text that is none is left to the parser.

use std::borrow::Cow;

use crosspoint_contract::Violation;

/// Deepest nesting: what follows (schemas, drivers) may recurse.
const DEEPEST: usize = 64;

/// An object or an array that is not closed yet.
enum Open<'a> {
    /// The names so far, and whether the last of them still has its value to come or is having it.
    Object { names: Vec<Cow<'a, str>>, named: bool },
    /// The index of the present item.
    Array { index: usize },
}

/// Checks a JSON text.
///
/// # Errors
/// The first thing that is wrong, with its JSON Pointer.
pub fn check(text: &str) -> Result<(), Violation> {
    let mut open: Vec<Open<'_>> = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.bytes().next() {
        let mut length = 1;
        match first {
            b'{' => open.push(Open::Object { names: Vec::new(), named: false }),
            b'[' => open.push(Open::Array { index: 0 }),
            b'}' | b']' => close(&mut open)?,
            b',' => match open.last_mut() {
                Some(Open::Object { named, .. }) => *named = false,
                Some(Open::Array { index }) => *index += 1,
                None => {}
            },
            b'"' => {
                let string = string(rest);
                length = string.len();
                if let Some(Open::Object { names, named: named @ false }) = open.last_mut() {
                    names.push(content(string));
                    *named = true;
                }
            }
            b'-' | b'0'..=b'9' => {
                let number = number(rest);
                length = number.len();
                if !is_exact(number) {
                    let message = "is a number that 64 bits do not hold exactly: write fewer digits, or a string";
                    return Err(Violation { pointer: pointer(&open), message: message.to_owned() });
                }
            }
            _ => {}
        }
        if open.len() > DEEPEST {
            open.pop();
            let message = format!("is nested too deep: {DEEPEST} is the most");
            return Err(Violation { pointer: pointer(&open), message });
        }
        rest = rest.get(length..).unwrap_or_default();
    }
    Ok(())
}

/// Leaves the innermost object or array; an object's names must be unique.
fn close(open: &mut Vec<Open<'_>>) -> Result<(), Violation> {
    let Some(Open::Object { mut names, .. }) = open.pop() else { return Ok(()) };
    names.sort_unstable();
    let twice = names.windows(2).find_map(|pair| match pair {
        [one, other] if one == other => Some(one),
        _ => None,
    });
    match twice {
        None => Ok(()),
        Some(name) => Err(Violation {
            pointer: pointer(open) + &segment(name),
            message: "stands there twice: say which of the two it shall be".to_owned(),
        }),
    }
}

/// The string at the beginning of the text, quotes included.
fn string(text: &str) -> &str {
    let mut escaped = false;
    let end = text.bytes().skip(1).position(|byte| {
        let ends = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends
    });
    end.and_then(|end| text.get(..end + 2)).unwrap_or(text)
}

/// What a string says.
fn content(string: &str) -> Cow<'_, str> {
    let inner = string.get(1..string.len() - 1).unwrap_or_default();
    if !inner.contains('\\') {
        return Cow::Borrowed(inner);
    }
    serde_json::from_str(string).map_or(Cow::Borrowed(inner), Cow::Owned)
}

/// The number at the beginning of the text.
fn number(text: &str) -> &str {
    let end = text.find(|c: char| !matches!(c, '0'..='9' | '+' | '-' | '.' | 'e' | 'E'));
    end.and_then(|end| text.get(..end)).unwrap_or(text)
}

/// Whether a program that holds numbers in 64 bits, as whole or as floating ones, holds this one as it is.
fn is_exact(number: &str) -> bool {
    if number.bytes().all(|byte| byte == b'-' || byte.is_ascii_digit()) {
        return number.parse::<i64>().is_ok() || number.parse::<u64>().is_ok();
    }
    match number.parse::<f64>() {
        Ok(held) if held.is_finite() => decimal(number) == decimal(&format!("{held:e}")),
        // It is no number at all, which the parser says in its own words; or it is none that is held.
        held => held.is_err(),
    }
}

/// A number's significant digits and the power of ten of the last of them; none where that itself is beyond all bounds.
fn decimal(number: &str) -> Option<(String, i64)> {
    let (mantissa, exponent) = number.split_once(['e', 'E']).unwrap_or((number, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{}{fraction}", whole.trim_start_matches('-'));
    let digits = digits.trim_start_matches('0');
    let significant = digits.trim_end_matches('0');
    if significant.is_empty() {
        return Some((String::new(), 0));
    }
    let places = |count: usize| i64::try_from(count).ok();
    let last = exponent.parse::<i64>().ok()?.checked_sub(places(fraction.len())?)?;
    Some((significant.to_owned(), last.checked_add(places(digits.len() - significant.len())?)?))
}

/// The JSON Pointer (RFC 6901) of the value that is being read.
fn pointer(open: &[Open<'_>]) -> String {
    open.iter()
        .map(|open| match open {
            Open::Object { names, .. } => names.last().map_or_else(String::new, |name| segment(name)),
            Open::Array { index } => format!("/{index}"),
        })
        .collect()
}

/// One step of a JSON Pointer (RFC 6901).
pub fn segment(name: &str) -> String {
    format!("/{}", name.replace('~', "~0").replace('/', "~1"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn place(text: &str) -> Option<String> {
        check(text).err().map(|violation| violation.pointer)
    }

    #[test]
    fn a_name_that_stands_twice_is_found_at_every_depth_however_it_is_written() {
        for (text, pointer) in [
            (r#"{"a":1,"a":1}"#, "/a"),
            (r#"{"a":1,"\u0061":2}"#, "/a"),
            (r#"{"":1,"":2}"#, "/"),
            (r#"{"x":[0,{"y":{"a/b":1,"c":2,"a\/b":3}}]}"#, "/x/1/y/a~1b"),
            ("{ \"é\" : 1 ,\n\"\\u00e9\":{}}", "/é"),
            (r#"[{"a":1},{"a":{"a":1,"b":{},"a":[]}}]"#, "/1/a/a"),
        ] {
            assert_eq!(place(text).as_deref(), Some(pointer), "{text}");
        }
        for text in [r#"{"a":{"a":{"a":"a"}},"b":["a","a"]}"#, r#"[{"a":1},{"a":1}]"#, r#"{"a":"\",\"a\":1"}"#] {
            assert_eq!(place(text), None, "{text}");
        }
    }

    #[test]
    fn a_number_that_would_be_rounded_is_found_and_one_that_is_kept_passes() {
        for number in [
            "0",
            "-0",
            "9007199254740993",
            "18446744073709551615",
            "-9223372036854775808",
            "0.1",
            "1.50",
            "1e2",
            "1E+2",
            "0.30000000000000004",
            "123456789.125",
            "5e-324",
            "1.7976931348623157e308",
            "0.000e999999999999999999999",
            "100000e-5",
            "-2.5e-3",
        ] {
            assert_eq!(place(number), None, "{number}");
        }
        for number in [
            "18446744073709551616",
            "-9223372036854775809",
            "1e400",
            "-1e400",
            "1e-400",
            "1e99999999999999999999",
            "3.14159265358979323846",
            "0.1000000000000000055511151231257827",
            "9007199254740993.0",
            "1e23000",
        ] {
            assert_eq!(place(&format!(r#"{{"a":[0,{number}]}}"#)).as_deref(), Some("/a/1"), "{number}");
        }
    }

    #[test]
    fn what_is_nested_too_deep_is_found_and_brackets_in_strings_nest_nothing() {
        assert_eq!(place(&format!("{}{}", "[".repeat(DEEPEST), "]".repeat(DEEPEST))), None);
        assert!(place(&"[".repeat(DEEPEST + 1)).is_some());
        assert!(place(&r#"{"a":"#.repeat(1_000_000)).is_some());
        assert_eq!(place(&format!(r#""{}""#, "[{".repeat(100))), None);
    }

    proptest! {
        #[test]
        fn whatever_a_json_writer_writes_passes_and_reads_back_as_it_was(value in value()) {
            let text = value.to_string();
            prop_assert_eq!(check(&text), Ok(()));
            prop_assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
        }

        #[test]
        fn any_text_is_judged_without_a_panic(text in r#"([\[\]{}",:\\0-9eE+.\-é]|"\\u0061"|"a":)*"#) {
            let _ = check(&text);
        }
    }

    fn value() -> impl Strategy<Value = Value> {
        let number = any::<f64>().prop_filter("finite", |number| number.is_finite());
        let leaf = prop_oneof![
            any::<u64>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            number.prop_map(Value::from),
            any::<String>().prop_map(Value::from),
            any::<Option<bool>>().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::btree_map(any::<String>(), inner, 0..5)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }
}
