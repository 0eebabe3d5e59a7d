//! Whatever way the bytes come in, the same messages come out; and what goes out comes in as it was.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use crosspoint_contract::{Framing, LengthPrefix};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::json;

use super::{Codec, FrameError};

const LIMIT: usize = 100;

fn codec(framing: &Framing) -> Codec {
    Codec::new(framing, LIMIT).unwrap()
}

fn prefixed(offset: u32, width: u8, big_endian: bool, adjustment: i32) -> Framing {
    Framing::LengthPrefixed(LengthPrefix { offset, width, big_endian, adjustment, maximum: 90 })
}

/// All messages of these pieces, up to the first error, the end of the connection included.
fn decode<'a>(codec: &Codec, pieces: impl IntoIterator<Item = &'a [u8]>) -> (Vec<Vec<u8>>, Option<FrameError>) {
    let (mut decoder, mut messages) = (codec.decoder(), Vec::new());
    for piece in pieces {
        decoder.buffer().extend_from_slice(piece);
        loop {
            match decoder.message() {
                Ok(Some(message)) => messages.push(message),
                Ok(None) => break,
                Err(error) => return (messages, Some(error)),
            }
        }
    }
    let last = decoder.end();
    messages.extend(last.clone().ok().flatten());
    (messages, last.err())
}

fn whole(framing: &Framing, bytes: &[u8]) -> (Vec<String>, Option<FrameError>) {
    let (messages, error) = decode(&codec(framing), [bytes]);
    (messages.iter().map(|message| message.escape_ascii().to_string()).collect(), error)
}

/// Cuts bytes at any places.
fn cut<'a>(bytes: &'a [u8], places: &[Index]) -> Vec<&'a [u8]> {
    let mut places: Vec<_> = places.iter().map(|place| place.index(bytes.len() + 1)).collect();
    places.extend([0, bytes.len()]);
    places.sort_unstable();
    places.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect()
}

/// A framing, and messages that it can carry.
fn carried() -> impl Strategy<Value = (Framing, Vec<Vec<u8>>)> {
    let fixed = (1..40_u32).prop_flat_map(|size| {
        vec(vec(any::<u8>(), size as usize), 0..6).prop_map(move |messages| (Framing::Fixed(size), messages))
    });
    let sizes = (0..8_u32, prop::sample::select(vec![1_u8, 2, 4, 8]), any::<bool>(), -12..12_i32);
    let prefixed = (sizes, vec(vec(any::<u8>(), 0..40), 0..6)).prop_map(|(how, bodies)| {
        let (offset, width, big_endian, adjustment) = how;
        let message = |body: Vec<u8>| {
            let value = i64::try_from(body.len()).unwrap() - i64::from(adjustment);
            let value = u64::try_from(value).ok()?;
            let field = if big_endian { value.to_be_bytes() } else { value.to_le_bytes() };
            let width = usize::from(width);
            let field = if big_endian { &field[8 - width..] } else { &field[..width] };
            Some([&vec![7; offset as usize], field, &body].concat())
        };
        let framing = prefixed(offset, width, big_endian, adjustment);
        (framing, bodies.into_iter().filter_map(message).collect())
    });
    let delimited = (vec(prop::sample::select(b"ab\r\n".to_vec()), 1..4), vec(vec(0..b'd', 0..40), 0..6));
    let delimited = delimited.prop_map(|(delimiter, messages)| {
        let framing = Framing::Delimited(delimiter.into());
        let codec = codec(&framing);
        (framing, messages.into_iter().filter(|message| codec.encode(message).is_ok()).collect())
    });
    let json = vec(value(), 0..6).prop_map(|values| {
        (Framing::JsonValues, values.iter().map(|value| value.to_string().into_bytes()).collect::<Vec<_>>())
    });
    let until_close = vec(vec(any::<u8>(), 1..LIMIT), 0..=1).prop_map(|messages| (Framing::UntilClose, messages));
    prop_oneof![fixed, prefixed, delimited, json, until_close]
}

fn value() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        any::<u16>().prop_map(|number| json!([number])),
        "[a\"\\\\{}\\[\\] é\n]{0,6}".prop_map(|text| json!(text)),
        Just(json!({})),
    ];
    let nested = leaf.prop_recursive(3, 8, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..3).prop_map(|items| json!(items)),
            ("[a\"\\\\}]{0,3}", inner).prop_map(|(key, value)| json!({ (key): value })),
        ]
    });
    nested.prop_filter("short enough", |value| value.to_string().len() <= LIMIT)
}

/// Any framing, for bytes of which nothing is known.
fn any_framing() -> impl Strategy<Value = Framing> {
    prop_oneof![
        (1..9_u32).prop_map(Framing::Fixed),
        (0..3_u32, prop::sample::select(vec![1_u8, 2, 4, 8]), any::<bool>(), -3..3_i32)
            .prop_map(|(offset, width, big, adjustment)| prefixed(offset, width, big, adjustment)),
        vec(any::<u8>(), 1..3).prop_map(|delimiter| Framing::Delimited(delimiter.into())),
        Just(Framing::JsonValues),
        Just(Framing::UntilClose),
    ]
}

proptest! {
    #[test]
    fn what_is_sent_is_what_arrives_however_it_is_split((framing, messages) in carried(), places: [Index; 6]) {
        let codec = codec(&framing);
        let bytes: Vec<u8> = messages.iter().flat_map(|message| codec.encode(message).unwrap()).collect();
        prop_assert_eq!(&decode(&codec, cut(&bytes, &places)), &(messages.clone(), None));
        prop_assert_eq!(&decode(&codec, bytes.chunks(1)), &(messages, None), "byte by byte");
    }

    #[test]
    fn any_bytes_give_the_same_however_they_are_split(
        framing in any_framing(),
        bytes in prop_oneof![vec(any::<u8>(), 0..300), vec(prop::sample::select(b"{}[]\"\\,:1-te \n\0\x01".to_vec()), 0..60)],
        places: [Index; 4],
    ) {
        let codec = codec(&framing);
        let (messages, error) = decode(&codec, [bytes.as_slice()]);
        prop_assert!(messages.iter().all(|message| message.len() <= LIMIT));
        let (split, fault) = decode(&codec, cut(&bytes, &places));
        prop_assert_eq!((&split, fault.is_some()), (&messages, error.is_some()), "{:?} or {:?}", fault, error);
        let (single, fault) = decode(&codec, bytes.chunks(1));
        prop_assert_eq!((&single, fault.is_some()), (&messages, error.is_some()), "{:?} or {:?}", fault, error);
    }

    #[test]
    fn a_decoder_keeps_no_more_than_its_limit(framing in any_framing(), bytes in vec(any::<u8>(), 0..600)) {
        let mut decoder = codec(&framing).decoder();
        for byte in &bytes {
            decoder.buffer().extend_from_slice(&[*byte]);
            let error = std::iter::from_fn(|| decoder.message().transpose()).find_map(Result::err);
            if error.is_some() {
                break;
            }
            prop_assert!(decoder.partial().len() <= LIMIT + 2, "{} bytes are kept", decoder.partial().len());
        }
    }

    #[test]
    fn a_prompt_ends_a_reply_however_it_is_split(output in "[a-z \n]{0,60}", places: [Index; 6]) {
        let codec = Codec::prompted(b"\n> ", LIMIT).unwrap();
        let bytes = format!("{output}\n> ");
        prop_assert_eq!(decode(&codec, cut(bytes.as_bytes(), &places)), (vec![output.into_bytes()], None));
    }
}

#[test]
fn json_values_may_touch_and_may_be_far_apart() {
    let seen = whole(&Framing::JsonValues, b" {}\r\n\t{\"a\":\"}\\\"\"}[1]\"x\"\"\\\\\"[]true false 1 -2.5e3 null");
    let expected =
        ["{}", r#"{\"a\":\"}\\\"\"}"#, "[1]", r#"\"x\""#, r#"\"\\\\\""#, "[]", "true", "false", "1", "-2.5e3", "null"];
    assert_eq!(seen, (expected.map(str::to_owned).to_vec(), None));
}

#[test]
fn what_is_no_json_is_an_error() {
    for wrong in
        ["x{}", "}", "{]", "{\"a\" 1}", "{\"a\":\"\u{1}\"}", "[1,]", "truefalse ", "\u{7f}", "{HELLO}", "[01]", ","]
    {
        let (messages, error) = whole(&Framing::JsonValues, wrong.as_bytes());
        assert!(
            messages.is_empty() && matches!(error, Some(FrameError::Malformed(_))),
            "{wrong}: {messages:?} {error:?}"
        );
    }
    let text = [b"[\"", &[0xff][..], b"\"]"].concat();
    assert!(matches!(whole(&Framing::JsonValues, &text).1, Some(FrameError::Malformed(_))));
}

#[test]
fn json_may_be_so_deep_and_no_deeper() {
    let nested = |depth: usize| ["[".repeat(depth), "]".repeat(depth)].concat();
    let codec = Codec::new(&Framing::JsonValues, 1000).unwrap();
    assert_eq!(decode(&codec, [nested(127).as_bytes()]).0.len(), 1);
    let (messages, error) = decode(&codec, [nested(128).as_bytes()]);
    assert!(messages.is_empty() && matches!(error, Some(FrameError::Malformed(_))), "{error:?}");
}

#[test]
fn a_length_counts_what_the_protocol_says_it_counts() {
    // The field counts what follows it; the whole message; what follows two bytes that come after it.
    assert_eq!(whole(&prefixed(0, 1, true, 0), b"\x02ab\x00"), (vec!["\\x02ab".into(), "\\x00".into()], None));
    assert_eq!(whole(&prefixed(0, 2, true, -2), b"\0\x04ab"), (vec!["\\x00\\x04ab".into()], None));
    assert_eq!(whole(&prefixed(1, 2, false, 2), b"t\x01\0xya"), (vec!["t\\x01\\x00xya".into()], None));
}

#[test]
fn a_length_that_cannot_be_is_an_error_at_once() {
    let malformed = |framing: &Framing, bytes: &[u8]| {
        assert!(matches!(whole(framing, bytes).1, Some(FrameError::Malformed(_))), "{:?}", whole(framing, bytes));
    };
    malformed(&prefixed(0, 2, true, -2), b"\0\x01");
    malformed(&prefixed(0, 1, true, -1), b"\0");
    malformed(&prefixed(0, 1, true, -12), b"\x05");
    for framing in [prefixed(0, 4, true, 0), prefixed(0, 8, true, 0), prefixed(0, 8, false, i32::MIN)] {
        assert_eq!(whole(&framing, &[0xff; 8]), (Vec::new(), Some(FrameError::TooLarge(90))));
    }
    assert_eq!(whole(&prefixed(0, 1, true, 0), b"\x5a"), (Vec::new(), Some(FrameError::TooLarge(90))));
    assert_eq!(whole(&prefixed(0, 1, true, 0), b"\x59"), (Vec::new(), None), "ninety with the field: not yet whole");
}

#[test]
fn what_goes_on_for_too_long_is_an_error() {
    let too_large = (Vec::new(), Some(FrameError::TooLarge(LIMIT)));
    let long = [b'1'; LIMIT + 1];
    assert_eq!(whole(&Framing::UntilClose, &long), too_large);
    assert_eq!(whole(&Framing::Delimited(b"\r\n".to_vec().into()), &[&long[..], b"1"].concat()), too_large);
    assert_eq!(whole(&Framing::Delimited(b"\n".to_vec().into()), &[&long[..], b"\n"].concat()), too_large);
    assert_eq!(whole(&Framing::JsonValues, &long), too_large);
    assert_eq!(
        decode(&Codec::prompted(b"> ", LIMIT).unwrap(), [[&long[..], b"> "].concat().as_slice()]).1,
        too_large.1
    );
    assert_eq!(whole(&Framing::UntilClose, &long[1..]).1, None, "as long as allowed");
    assert_eq!(whole(&Framing::Delimited(b"\n".to_vec().into()), &[&long[1..], b"\n"].concat()).1, None);
    assert_eq!(decode(&Codec::prompted(b"> ", LIMIT).unwrap(), [[&long[1..], b"> "].concat().as_slice()]).1, None);
}

#[test]
fn half_a_message_is_none() {
    assert_eq!(whole(&Framing::Fixed(4), b"abc"), (Vec::new(), None));
    assert_eq!(whole(&Framing::Delimited(b"\n".to_vec().into()), b"abc"), (Vec::new(), None));
    assert_eq!(whole(&Framing::JsonValues, b"{\"a\":1"), (Vec::new(), None));
    assert_eq!(whole(&Framing::UntilClose, b""), (Vec::new(), None), "no reply is not an empty reply");
}

#[test]
fn what_would_not_arrive_as_one_message_is_refused() {
    let refused = |codec: &Codec, message: &[u8], why: &str| {
        let error = codec.encode(message).expect_err(why);
        assert!(error.contains(why), "{error}");
    };
    let fixed = codec(&Framing::Fixed(4));
    assert_eq!(fixed.encode(b"abcd").unwrap(), b"abcd");
    refused(&fixed, b"abc", "has 4 bytes, and this one has 3");
    let counted = codec(&prefixed(1, 1, true, 0));
    assert_eq!(counted.encode(b"t\x01x").unwrap(), b"t\x01x");
    refused(&counted, b"t\x02x", "has 3 bytes, but its length field says 4");
    refused(&counted, b"t", "end before its length field");
    refused(&counted, &[&[b't', 90][..], &[0; 90]].concat(), "at most 90 bytes");
    let lines = codec(&Framing::Delimited(b"\r\n".to_vec().into()));
    assert_eq!(lines.encode(b"a\nb").unwrap(), b"a\nb\r\n");
    refused(&lines, b"a\r\nb", "holds the delimiter \"\\r\\n\"");
    refused(&codec(&Framing::Delimited(b"aba".to_vec().into())), b"xab", "holds the delimiter");
    let json = codec(&Framing::JsonValues);
    assert_eq!(json.encode(b" {\"a\": 1}\n").unwrap(), b" {\"a\": 1}\n");
    for wrong in [&b""[..], b"{}{}", b"{", b"\xff", b"nul"] {
        refused(&json, wrong, "JSON");
    }
    let prompted = Codec::prompted(b"> ", LIMIT).unwrap();
    assert_eq!(prompted.encode(b"show acl").unwrap(), b"show acl\n");
    for wrong in [&b"show\nclear"[..], b"show\r", b"a\0", b""] {
        refused(&prompted, wrong, "command");
    }
    refused(&codec(&Framing::UntilClose), b"", "asks for nothing");
}

#[test]
fn framings_that_cannot_be_are_refused() {
    let error = |framing: Framing| Codec::new(&framing, LIMIT).unwrap_err();
    assert!(error(Framing::Fixed(0)).contains("0 bytes"));
    assert!(error(Framing::Fixed(101)).contains("101 bytes, and replies may have 100"));
    assert!(error(Framing::Delimited(Vec::new().into())).contains("empty delimiter"));
    assert!(error(prefixed(0, 3, true, 0)).contains("1, 2, 4 or 8"));
    assert!(error(prefixed(89, 2, true, 0)).contains("beyond the 90 bytes"));
    assert!(error(prefixed(u32::MAX, 8, true, 0)).contains("beyond"));
    assert!(error(Framing::Grpc).contains("no framing"));
    assert!(Codec::prompted(b"", LIMIT).is_err());
}
