use crosspoint_contract::{PANIC_MARK, PANIC_TEXT};
use wasmtime::{Store, WasmCoreDump};

use super::Guest;

/// How far into a memory the mark is looked for, in bytes. A driver keeps it among its static data, which stand below
/// the heap.
const SEARCHED: usize = 4 << 20;

/// The text that a panicking driver left in its memory, if it is one that leaves a text.
pub fn last_words(error: &wasmtime::Error, store: &Store<Guest>) -> Option<String> {
    let dump = error.downcast_ref::<WasmCoreDump>()?;
    dump.memories().iter().find_map(|memory| {
        let data = memory.data(store);
        find(data.get(..SEARCHED).unwrap_or(data))
    })
}

/// The memory is the driver's, so nothing about it is certain: the length is checked and the text need not be UTF-8.
fn find(memory: &[u8]) -> Option<String> {
    let (first, _) = PANIC_MARK.split_first()?;
    let mut rest = memory;
    while let Some(at) = rest.iter().position(|byte| byte == first) {
        let (_, candidate) = rest.split_at(at);
        if let Some(text) = candidate.strip_prefix(&PANIC_MARK).and_then(text) {
            return Some(text);
        }
        rest = candidate.get(1..)?;
    }
    None
}

fn text(after_mark: &[u8]) -> Option<String> {
    let (length, text) = after_mark.split_first_chunk::<4>()?;
    let length =
        usize::try_from(u32::from_le_bytes(*length)).ok().filter(|length| (1..=PANIC_TEXT).contains(length))?;
    let text = String::from_utf8_lossy(text.get(..length)?);
    // One line: it stands in logs and errors.
    Some(text.chars().map(|it| if it.is_control() { ' ' } else { it }).collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;

    fn memory(length: u32, text: &[u8]) -> Vec<u8> {
        [&[1, 0, 1][..], &PANIC_MARK, &length.to_le_bytes(), text].concat()
    }

    #[test]
    fn the_text_after_the_mark_is_found() {
        assert_eq!(find(&memory(4, b"oh no, and more")).as_deref(), Some("oh n"));
    }

    #[test]
    fn a_mark_with_an_absurd_length_is_passed_over() {
        let mut bytes = memory(u32::MAX, b"");
        bytes.extend(memory(2, b"ok"));
        assert_eq!(find(&bytes).as_deref(), Some("ok"));
        assert_eq!(find(&memory(9, b"short")), None);
        assert_eq!(find(&PANIC_MARK), None);
    }

    #[test]
    fn what_is_no_text_or_no_line_becomes_one() {
        assert_eq!(find(&memory(4, &[0xff, b'x', b'\n', 0x1b])).as_deref(), Some("\u{fffd}x  "));
    }
}
