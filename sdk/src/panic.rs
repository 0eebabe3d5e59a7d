//! The last words of a driver.
//!
//! A driver has no imports and does not unwind, so a panic is a bare trap. The hook leaves the message where the host
//! finds it: in the instance's own memory, after [`PANIC_MARK`].

use std::fmt::{self, Write};
use std::hint::black_box;
use std::sync::Once;
use std::sync::atomic::{AtomicU8, Ordering};

use crosspoint_contract::{PANIC_MARK, PANIC_TEXT};

const HEADER: usize = PANIC_MARK.len() + size_of::<u32>();

/// Mark, length, text. Zero until a panic, so it costs no byte in the compiled module.
static LAST_WORDS: [AtomicU8; HEADER + PANIC_TEXT] = [const { AtomicU8::new(0) }; HEADER + PANIC_TEXT];

/// The mark is kept masked: a copy of it in the module's data would be found in place of the message.
const MASK: u8 = 0x5a;
const MASKED: [u8; PANIC_MARK.len()] = {
    let mut masked = PANIC_MARK;
    let mut rest: &mut [u8] = &mut masked;
    while let Some((byte, tail)) = rest.split_first_mut() {
        *byte ^= MASK;
        rest = tail;
    }
    masked
};

/// Makes panics leave their message behind. Called at the start of every exported function; the first call counts.
pub fn keep_last_words() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| std::panic::set_hook(Box::new(|panic| record(panic, &LAST_WORDS))));
}

fn record(panic: &dyn fmt::Display, words: &[AtomicU8]) {
    let (header, text) = words.split_at(HEADER);
    let mut text = Text { bytes: text, written: 0 };
    // Refused only when the text is full: what fitted stays.
    let _ = write!(text, "{panic}");
    let length = u32::try_from(text.written).unwrap_or(0).to_le_bytes();
    // The compiler must neither work the mask out beforehand nor find that nobody reads these bytes.
    let key = black_box(MASK);
    let mark = MASKED.iter().map(|byte| byte ^ key);
    for (slot, byte) in black_box(header).iter().zip(mark.chain(length)) {
        slot.store(byte, Ordering::Relaxed);
    }
}

/// Writes into the buffer without allocating: the panic may be about memory.
struct Text<'a> {
    bytes: &'a [AtomicU8],
    written: usize,
}

impl Write for Text<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for character in text.chars() {
            let mut utf8 = [0; 4];
            let utf8 = character.encode_utf8(&mut utf8).as_bytes();
            let slots = self.bytes.get(self.written..self.written + utf8.len()).ok_or(fmt::Error)?;
            for (slot, byte) in slots.iter().zip(utf8) {
                slot.store(*byte, Ordering::Relaxed);
            }
            self.written += utf8.len();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;

    fn words(message: &str) -> (Vec<u8>, usize, String) {
        let words = [const { AtomicU8::new(0) }; HEADER + PANIC_TEXT];
        record(&message, &words);
        let bytes: Vec<u8> = words.iter().map(|byte| byte.load(Ordering::Relaxed)).collect();
        let length = u32::from_le_bytes(bytes[16..20].try_into().unwrap()) as usize;
        (bytes[..16].to_vec(), length, String::from_utf8(bytes[20..20 + length].to_vec()).unwrap())
    }

    #[test]
    fn the_message_follows_the_mark_and_its_length() {
        assert_eq!(words("no such rule"), (PANIC_MARK.to_vec(), 12, "no such rule".to_owned()));
    }

    #[test]
    fn a_message_too_long_is_cut_at_a_character() {
        let (_, length, text) = words(&"é€".repeat(1000));
        assert!(length <= PANIC_TEXT && length > PANIC_TEXT - 4, "{length}");
        assert!("é€".repeat(1000).starts_with(&text));
    }
}
