//! Command lines, made of the driver's own words and of parts that were checked. Whatever a spec or an id says, it stays
//! where it was put: in its line, and in its place there.

use std::fmt;

use crosspoint_sdk::prelude::*;

/// One command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line(String);

impl Line {
    /// The line, as it goes to the switch.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// With one more word.
    pub fn word(self, word: &Word) -> Self {
        Self(format!("{} {}", self.0, word.0))
    }

    /// With a number.
    pub fn number(self, number: u16) -> Self {
        Self(format!("{} {number}", self.0))
    }

    /// With more of the driver's own words.
    pub fn then(self, words: &'static str) -> Self {
        Self(format!("{} {words}", self.0))
    }

    /// With a text to the end of the line.
    pub fn text(self, text: &Text) -> Self {
        Self(format!("{} {}", self.0, text.0))
    }
}

/// A line of the driver's own words.
pub fn line(words: &'static str) -> Line {
    Line(words.to_owned())
}

/// One word: a name, a port, a list of VLANs. It has no spaces, and nothing that means something to the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word(String);

impl Word {
    /// Checks a word.
    ///
    /// # Errors
    /// [`Fault::Invalid`] at `pointer` where it is none.
    pub fn new(text: &str, longest: usize, pointer: &str) -> Result<Self, Fault> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_.:/,-".contains(&byte);
        let begins = text.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric());
        if begins && text.len() <= longest && text.bytes().all(plain) {
            return Ok(Self(text.to_owned()));
        }
        let message =
            format!("a word of 1 to {longest} letters, digits and `_.:/,-` is needed, with a letter or digit first");
        Err(Fault::invalid(pointer, message))
    }
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a text may hold besides letters, digits and single spaces. `?` asks for help, `|` and `>` lead elsewhere, `!`
/// begins a comment; quotes, `\` and `<` are left out with them.
const MARKS: &[u8] = b".,:;/+=@#%&*()[]{}~^_$'-";

/// Words for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text(String);

impl Text {
    /// Checks a text.
    ///
    /// # Errors
    /// [`Fault::Invalid`] at `pointer` where it holds what the command line could take for its own, or spaces that the
    /// switch would not keep.
    pub fn new(text: &str, pointer: &str) -> Result<Self, Fault> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b' ' || MARKS.contains(&byte);
        if !text.bytes().all(plain) {
            let marks = String::from_utf8_lossy(MARKS);
            return Err(Fault::invalid(pointer, format!("only letters, digits, spaces and {marks} are allowed")));
        }
        if text.trim() != text || text.contains("  ") {
            return Err(Fault::invalid(pointer, "the switch keeps no spaces at an end, and not two in a row"));
        }
        Ok(Self(text.to_owned()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
