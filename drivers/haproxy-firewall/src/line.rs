//! Lines of commands, and what makes sure that no argument becomes more than an argument.

use crosspoint_sdk::prelude::*;

/// One or several commands on one line.
#[derive(Clone, Debug, Default)]
pub struct Line(String);

impl Line {
    /// One command. The words are written as they are; the arguments so that they stay arguments.
    pub fn command(words: &str, arguments: &[&str]) -> Self {
        Self::default().and(words, arguments)
    }

    /// One more. HAProxy does one after the other, whatever comes of each.
    pub fn and(mut self, words: &str, arguments: &[&str]) -> Self {
        if !self.0.is_empty() {
            self.0.push(';');
        }
        self.0.push_str(words);
        for argument in arguments {
            self.0.push(' ');
            escape(argument, &mut self.0);
        }
        self
    }

    /// The bytes to send.
    pub fn into_bytes(mut self) -> Vec<u8> {
        self.0.push('\n');
        self.0.into_bytes()
    }
}

/// A backslash takes from the next character what it may mean to HAProxy: the end of an argument, of a command, of a line
/// or the start of what it calls a payload. It may stand before any character, so it stands before all but a few.
fn escape(argument: &str, line: &mut String) {
    for character in argument.chars() {
        let plain = !character.is_ascii() || character.is_ascii_alphanumeric() || "-._/:@%+=,~*?".contains(character);
        if !plain {
            line.push('\\');
        }
        line.push(character);
    }
}

/// An argument that can be written, is shown as it was written, and means an entry by its text.
///
/// # Errors
/// [`Fault::Invalid`] at `pointer`.
pub fn check(argument: &str, pointer: &str) -> Result<(), Fault> {
    let why = if argument.is_empty() {
        "it is empty"
    } else if argument.chars().any(char::is_control) {
        "it holds a control character, which HAProxy's runtime API cannot be given"
    } else if argument.starts_with('#') {
        "it starts with `#`, by which HAProxy names an entry by its number"
    } else if argument.trim() != argument {
        "it starts or ends with white space"
    } else {
        return Ok(());
    };
    Err(Fault::invalid(pointer, why))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What HAProxy makes of what it is sent, after its management guide, section 9.3: a line ends with a line feed,
    /// semicolons part commands and white space words, and a backslash makes any of these an ordinary character. A word
    /// `<<` at the end of a line starts a payload. A second line would never be looked at, and is an error here.
    fn understood(sent: &[u8]) -> Option<Vec<Vec<String>>> {
        let sent = std::str::from_utf8(sent).ok()?;
        let (mut commands, mut words, mut word) = (Vec::new(), Vec::new(), None::<String>);
        let mut characters = sent.chars();
        loop {
            match characters.next()? {
                '\\' => word.get_or_insert_default().push(characters.next()?),
                '\n' if characters.as_str().is_empty() => break,
                '\n' | '\0' => return None,
                ' ' | '\t' => words.extend(word.take()),
                ';' => {
                    words.extend(word.take());
                    commands.push(std::mem::take(&mut words));
                }
                character => word.get_or_insert_default().push(character),
            }
        }
        words.extend(word.take());
        commands.push(words);
        (!sent.trim_end().ends_with("<<")).then_some(commands)
    }

    fn argument() -> impl Strategy<Value = String> {
        let nasty = prop::sample::select(vec![
            ";", "\\", "\n", "\r", " ", "\t", "<<", "<", "#", "\"", "'", "@1", "del acl", "\u{0}", "\u{85}", "ü",
        ]);
        prop_oneof![
            any::<String>(),
            prop::collection::vec(prop_oneof![nasty.prop_map(str::to_owned), "[a-z]{1,3}"], 1..8)
                .prop_map(|parts| parts.concat())
        ]
    }

    proptest! {
        #[test]
        fn an_argument_that_is_not_refused_is_one_argument_and_no_command(key in argument(), value in argument()) {
            if check(&key, "").is_ok() && check(&value, "").is_ok() {
                let sent = Line::command("add map", &["/f", &key, &value]).and("show map", &["/f"]).into_bytes();
                let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
                let meant = vec![words(&["add", "map", "/f", &key, &value]), words(&["show", "map", "/f"])];
                prop_assert_eq!(understood(&sent), Some(meant));
            }
        }
    }

    #[test]
    fn what_could_not_be_one_argument_is_refused() {
        for argument in ["", "a\nb", "a\0", "\u{7f}", "#0x55f9f8d49820", " a", "a "] {
            assert!(check(argument, "/pattern").is_err(), "{argument:?}");
        }
        for argument in ["a b", "a;b", "a\\b", "<<", "\"", "ü", "@1"] {
            assert!(check(argument, "/pattern").is_ok(), "{argument:?}");
        }
    }
}
