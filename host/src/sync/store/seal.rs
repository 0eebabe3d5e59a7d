//! How a log entry or a row lies in its file: `codec u8 | CRC-32 u32 (big-endian) | payload`.
//!
//! redb checks its pages only when it repairs a file, and a disk may return other bytes than it was given. The checksum
//! covers the entry's address too, so that one that lies in another's place is noticed.

/// The version of this layout.
const CODEC: u8 = 1;
const HEADER: usize = 5;

/// Why bytes are not what was sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// Even its head is cut off.
    #[error("it is too short")]
    Short,
    /// It was written in another way.
    #[error("it is of codec version {0}, and this program knows none above {CODEC}")]
    Codec(u8),
    /// It is not what was written, or not where it was written.
    #[error("its checksum does not match")]
    Checksum,
}

/// Wraps a payload that lies at an address.
#[must_use]
pub fn seal(address: &[u8], payload: &[u8]) -> Vec<u8> {
    let mut sealed = Vec::with_capacity(HEADER + payload.len());
    sealed.push(CODEC);
    sealed.extend(checksum(address, payload).to_be_bytes());
    sealed.extend_from_slice(payload);
    sealed
}

/// The payload of what was sealed for an address.
pub fn unseal<'a>(address: &[u8], sealed: &'a [u8]) -> Result<&'a [u8], SealError> {
    let (&codec, rest) = sealed.split_first().ok_or(SealError::Short)?;
    if codec != CODEC {
        return Err(SealError::Codec(codec));
    }
    let (expected, payload) = rest.split_first_chunk().ok_or(SealError::Short)?;
    if u32::from_be_bytes(*expected) == checksum(address, payload) { Ok(payload) } else { Err(SealError::Checksum) }
}

fn checksum(address: &[u8], payload: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(address);
    hasher.update(payload);
    hasher.finalize()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

    use super::*;

    #[test]
    fn what_is_sealed_comes_back() {
        for payload in [&b""[..], b"x", &[7; 5000]] {
            assert_eq!(unseal(b"here", &seal(b"here", payload)), Ok(payload));
        }
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_noticed() {
        let sealed = seal(b"here", b"payload");
        for bit in 0..sealed.len() * 8 {
            let mut flipped = sealed.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(unseal(b"here", &flipped).is_err(), "bit {bit}");
        }
        for len in 0..sealed.len() {
            assert!(unseal(b"here", &sealed[..len]).is_err(), "{len} bytes");
        }
    }

    #[test]
    fn an_entry_in_anothers_place_is_noticed() {
        assert_eq!(unseal(b"there", &seal(b"here", b"payload")), Err(SealError::Checksum));
    }
}
