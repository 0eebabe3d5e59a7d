//! Markers in text fields.
#![allow(clippy::unwrap_used)]

use crosspoint_sdk::marker::{LONGEST, fit, put, room, split, strip};
use proptest::prelude::*;

proptest! {
    #[test]
    fn a_text_comes_back_without_its_marker(text in ".{0,40}", marker in "[a-z0-9-]{1,32}") {
        let marked = put(&text, &marker);
        let whole = strip(&text, &marker);
        prop_assert_eq!(split(&marked), (whole, Some(marker.as_str())));
        prop_assert_eq!(&put(&marked, &marker), &marked, "marked twice");
    }

    #[test]
    fn a_text_that_fits_beside_the_marker_is_taken(text in ".{0,80}", marker in "[a-z0-9-]{1,32}", limit in 36_usize..100) {
        let length = text.chars().count();
        match fit(&text, &marker, limit, "/comment") {
            Ok(marked) => prop_assert!(marked.chars().count() <= limit),
            Err(fault) => {
                prop_assert!(length > room(limit));
                prop_assert_eq!(fault.name(), "invalid");
            }
        }
    }
}

#[test]
fn brackets_that_are_no_marker_stay() {
    for text in ["", "x", "x]", "[", "[]", "x [DMZ]", "x [a b]", "port[80]", &format!("[{}]", "a".repeat(LONGEST + 1))]
    {
        assert_eq!(split(text), (text, None), "{text}");
    }
    assert_eq!(strip("to the [dmz]", "xp-1"), "to the [dmz]");
    assert_eq!(split("[xp-1]"), ("", Some("xp-1")));
}
