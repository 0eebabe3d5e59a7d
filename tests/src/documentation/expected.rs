//! Whether a command printed what a document shows.

/// Stands for anything in what is shown.
const ANYTHING: char = '…';

/// Whether `printed` is what is `shown`, white space aside.
pub(super) fn matches(shown: &str, printed: &str) -> bool {
    let (shown, printed) = (squeezed(shown), squeezed(printed));
    let Some((first, rest)) = shown.split_once(ANYTHING) else { return shown == printed };
    let (middle, last) = rest.rsplit_once(ANYTHING).unwrap_or(("", rest));
    let Some(mut left) = printed.strip_prefix(first).and_then(|left| left.strip_suffix(last)) else { return false };
    // The first place that fits is as good as any later one, since anything may follow it.
    for part in middle.split(ANYTHING) {
        let Some((_, after)) = left.split_once(part) else { return false };
        left = after;
    }
    true
}

fn squeezed(text: &str) -> String {
    text.split_whitespace().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_does_not_count() {
        assert!(matches("{\n  \"a\": 1\n}\n", "{\"a\":1}"));
        assert!(!matches("{\"a\": 1}", "{\"a\":2}"));
    }

    #[test]
    fn an_ellipsis_stands_for_anything_and_nothing() {
        for (shown, printed) in [
            ("…", ""),
            ("…", "a"),
            ("a…", "a"),
            ("a…c", "abc"),
            ("a…b…c", "a b c"),
            ("…b…", "abc"),
            ("a … d … e", "abcdxe"),
        ] {
            assert!(matches(shown, printed), "{shown} {printed}");
        }
        for (shown, printed) in [("a…", "b"), ("a…c", "ab"), ("a…a", "a"), ("a…b…c", "acbd"), ("…b…b…", "abc")]
        {
            assert!(!matches(shown, printed), "{shown} {printed}");
        }
    }
}
