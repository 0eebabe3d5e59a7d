//! The custom sections' bytes, made while the driver is compiled.

use crosspoint_contract::CONTRACT;

/// The pieces of the metadata's JSON. Nothing needs escaping: [`metadata_len`] refuses names that would.
const fn pieces<'a>(name: &'a str, version: &'a str) -> [&'a str; 9] {
    [
        "{\"contract\":\"",
        CONTRACT,
        "\",\"name\":\"",
        name,
        "\",\"version\":\"",
        version,
        "\",\"built_with\":\"crosspoint-sdk ",
        env!("CARGO_PKG_VERSION"),
        "\"}",
    ]
}

/// The length of [`metadata`] in bytes.
///
/// # Panics
/// At compile time, where `name` or `version` is not fit to be one.
#[must_use]
pub const fn metadata_len(name: &str, version: &str) -> usize {
    assert!(is_name(name), "a driver's name is `[a-z][a-z0-9-]*`");
    assert!(is_version(version), "a driver's version is a semantic version");
    let pieces = pieces(name, version);
    let mut rest: &[&str] = &pieces;
    let mut length = 0;
    while let [piece, tail @ ..] = rest {
        length += piece.len();
        rest = tail;
    }
    length
}

/// [`crosspoint_contract::Metadata`] as JSON.
#[must_use]
pub const fn metadata<const N: usize>(name: &str, version: &str) -> [u8; N] {
    let mut bytes = [0; N];
    let mut room: &mut [u8] = &mut bytes;
    let pieces = pieces(name, version);
    let mut rest: &[&str] = &pieces;
    while let [piece, tail @ ..] = rest {
        room = copy(room, piece.as_bytes());
        rest = tail;
    }
    bytes
}

/// A slice of known length as an array.
#[must_use]
pub const fn array<const N: usize>(slice: &[u8]) -> [u8; N] {
    let mut bytes = [0; N];
    copy(&mut bytes, slice);
    bytes
}

/// A package's name without a trailing `-driver`.
#[must_use]
pub const fn base_name(package: &str) -> &str {
    match package.as_bytes() {
        [base @ .., b'-', b'd', b'r', b'i', b'v', b'e', b'r'] => package.split_at(base.len()).0,
        _ => package,
    }
}

/// The first of some strings: a macro's argument before its default.
#[must_use]
pub const fn first<'a>(strings: &[&'a str]) -> &'a str {
    match strings {
        [first, ..] => first,
        [] => "",
    }
}

/// As [`first`].
#[must_use]
pub const fn first_bytes<'a>(slices: &[&'a [u8]]) -> &'a [u8] {
    match slices {
        [first, ..] => first,
        [] => &[],
    }
}

/// Whether two strings are the same.
#[must_use]
pub const fn same(a: &str, b: &str) -> bool {
    let (mut a, mut b) = (a.as_bytes(), b.as_bytes());
    while let ([x, a_tail @ ..], [y, b_tail @ ..]) = (a, b) {
        if *x != *y {
            return false;
        }
        (a, b) = (a_tail, b_tail);
    }
    a.is_empty() && b.is_empty()
}

/// Copies as much as there is room for, and gives the room that is left.
const fn copy<'a>(mut room: &'a mut [u8], mut from: &[u8]) -> &'a mut [u8] {
    while let [byte, tail @ ..] = from {
        match room.split_first_mut() {
            Some((slot, left)) => {
                *slot = *byte;
                room = left;
            }
            None => return &mut [],
        }
        from = tail;
    }
    room
}

const fn is_name(name: &str) -> bool {
    let mut rest = name.as_bytes();
    let [b'a'..=b'z', ..] = rest else { return false };
    while let [byte, tail @ ..] = rest {
        if !matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-') {
            return false;
        }
        rest = tail;
    }
    true
}

/// Three dotted numbers and perhaps more. The host parses it in full; here it must only be safe to write as JSON.
const fn is_version(version: &str) -> bool {
    let mut rest = version.as_bytes();
    let mut dots = 0;
    while let [byte, tail @ ..] = rest {
        match byte {
            b'.' => dots += 1,
            b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | b'-' | b'+' => {}
            _ => return false,
        }
        rest = tail;
    }
    dots >= 2
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use crosspoint_contract::Metadata;

    use super::*;

    #[test]
    fn the_metadata_reads_back_as_the_contract_defines_it() {
        const LENGTH: usize = metadata_len("open-stack2", "1.2.3-rc.1+7");
        let metadata: Metadata = serde_json::from_slice(&metadata::<LENGTH>("open-stack2", "1.2.3-rc.1+7")).unwrap();
        assert_eq!((metadata.name.as_str(), metadata.version.as_str()), ("open-stack2", "1.2.3-rc.1+7"));
        assert_eq!(metadata.contract, CONTRACT);
        assert!(metadata.built_with.starts_with("crosspoint-sdk "));
    }

    #[test]
    fn names_and_versions_that_would_need_escaping_are_refused() {
        assert!(["", "9a", "A", "a_b", "a\"", "-a"].iter().all(|name| !is_name(name)));
        assert!(["", "1", "1.2", "1.2.3\"", "1.2.3 "].iter().all(|version| !is_version(version)));
    }

    #[test]
    fn a_package_called_x_driver_holds_driver_x() {
        assert_eq!(["neutron-driver", "neutron", "driver"].map(base_name), ["neutron", "neutron", "driver"]);
    }
}
