//! Paths cannot be broken out of.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use crosspoint_sdk::prelude::*;
use percent_encoding::percent_decode_str;
use proptest::prelude::*;

/// What a value looks like that wants to get out.
fn hostile() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("/".to_owned()),
        Just("..".to_owned()),
        Just(".".to_owned()),
        Just("\\".to_owned()),
        Just("%2e".to_owned()),
        Just("%2F".to_owned()),
        Just("?".to_owned()),
        Just("#".to_owned()),
        Just("@".to_owned()),
        Just(":".to_owned()),
        Just("{id}".to_owned()),
        Just("\r\n".to_owned()),
        Just("\0".to_owned()),
        ".{0,4}",
    ];
    prop::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn a_value_stays_in_its_segment(value in hostile()) {
        match path("/v1/rules/{id}/hits", &[("id", &value)]) {
            Ok(target) => {
                let text = target.as_str();
                let segments: Vec<&str> = text.split('/').collect();
                prop_assert_eq!(segments.len(), 5, "{}", text);
                prop_assert_eq!((segments[1], segments[2], segments[4]), ("v1", "rules", "hits"));
                prop_assert!(text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~/%".contains(&b)), "{}", text);
                // What arrives is what was given, and even a server that decodes first finds no way up.
                let decoded = percent_decode_str(segments[3]).decode_utf8().unwrap();
                prop_assert_eq!(decoded.as_ref(), value.as_str());
                prop_assert!(decoded.split(['/', '\\']).all(|part| part != "." && part != ".."), "{}", text);
            }
            Err(fault) => prop_assert_eq!(fault.name(), "invalid"),
        }
    }

    #[test]
    fn two_values_in_one_segment_make_no_dot_segment(a in "[.a]{1,2}", b in "[.a]{1,2}") {
        if let Ok(target) = path("/x/{a}{b}", &[("a", &a), ("b", &b)]) {
            prop_assert!(!["/x/.", "/x/.."].contains(&target.as_str()));
        }
    }

    #[test]
    fn a_query_value_stays_a_value(name in "[a-z]{1,4}", value in hostile()) {
        let target = path("/x", &[]).unwrap().query(&name, &value).query("last", 1);
        let query = target.as_str().strip_prefix("/x?").unwrap();
        let pairs: Vec<(&str, &str)> = query.split('&').map(|pair| pair.split_once('=').unwrap()).collect();
        prop_assert_eq!(pairs.len(), 2);
        prop_assert_eq!(pairs[0].0, name.as_str());
        let decoded = percent_decode_str(pairs[0].1).decode_utf8().unwrap();
        prop_assert_eq!(decoded.as_ref(), value.as_str());
        prop_assert_eq!(pairs[1], ("last", "1"));
        prop_assert!(!query.contains(['#', '?', '/', '\\']));
    }
}

#[test]
fn empty_and_dot_values_are_the_callers_fault() {
    for value in ["", ".", "..", "a/../b", "..\\x", "a\nb", "\u{7f}"] {
        assert_eq!(path("/x/{id}", &[("id", value)]).unwrap_err().name(), "invalid", "{value:?}");
    }
}

#[test]
fn a_wrong_template_is_the_drivers_fault() {
    let wrong: [(&str, &[(&str, &str)]); 9] = [
        ("x", &[]),
        ("", &[]),
        ("//host/x", &[]),
        ("/x?y=1", &[]),
        ("/x%2e", &[]),
        ("/x\\y", &[]),
        ("/x/{id", &[("id", "1")]),
        ("/x/{id}", &[]),
        ("/x", &[("id", "1")]),
    ];
    for (template, values) in wrong {
        assert_eq!(path(template, values).unwrap_err().name(), "other", "{template}");
    }
}

#[test]
fn slashes_in_a_name_are_kept_as_data() {
    let target = path("/interfaces/{name}", &[("name", "ethernet1/1 é")]).unwrap();
    assert_eq!(target.as_str(), "/interfaces/ethernet1%2F1%20%C3%A9");
}
