//! Unsigned numbers at a place in a message.

/// The number in `width` bytes (at most 8) from `offset` on; none if the message ends before.
pub(super) fn read(bytes: &[u8], offset: usize, width: usize, big_endian: bool) -> Option<u64> {
    let field = bytes.get(offset..offset.checked_add(width)?)?;
    let mut padded = [0; 8];
    if big_endian {
        padded.get_mut(8_usize.checked_sub(width)?..)?.copy_from_slice(field);
        Some(u64::from_be_bytes(padded))
    } else {
        padded.get_mut(..width)?.copy_from_slice(field);
        Some(u64::from_le_bytes(padded))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_read_in_every_width_and_either_order() {
        let bytes = [9, 1, 2, 3, 4, 5, 6, 7, 8];
        assert_eq!(read(&bytes, 1, 1, true), Some(1));
        assert_eq!(read(&bytes, 1, 2, true), Some(0x0102));
        assert_eq!(read(&bytes, 1, 4, false), Some(0x0403_0201));
        assert_eq!(read(&bytes, 1, 8, true), Some(0x0102_0304_0506_0708));
        assert_eq!(read(&bytes, 1, 8, false), Some(0x0807_0605_0403_0201));
        assert_eq!(read(&bytes, 2, 8, true), None, "the message ends before");
        assert_eq!(read(&bytes, usize::MAX, 8, true), None);
        assert_eq!(read(&[0; 64], 0, 9, true), None);
    }
}
