//! XML: what is written can be read again, and what a stranger sends is bounded.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use crosspoint_sdk::contract::Fault;
use crosspoint_sdk::xml::{ATTRIBUTES, DEPTH, ELEMENTS, Element, parse, xpath_literal};
use proptest::prelude::*;

#[track_caller]
fn refused(xml: &str, why: &str) {
    match parse(xml.as_bytes()) {
        Err(Fault::MalformedReply(message)) => assert!(message.contains(why), "{message}"),
        other => panic!("{xml:.80}: {other:?}"),
    }
}

#[test]
fn a_reply_is_read_whatever_its_prefixes_comments_and_references() {
    let reply = parse(
        "\u{feff}<?xml version='1.0'?>\n<!-- a comment --><rpc-reply xmlns:if=\"urn:x\" message-id='1'>\n \
         <data><if:name>a &lt;b&gt; &amp; &quot;c&quot; &#x41;&#66;</if:name><empty/><name><![CDATA[<d>]]></name></data>\n\
         </rpc-reply>\n"
            .as_bytes(),
    )
    .unwrap();
    assert_eq!((reply.name(), reply.attribute("message-id")), ("rpc-reply", Some("1")));
    let data = reply.child("data").unwrap();
    let names: Vec<_> = data.named("name").map(Element::text).collect();
    assert_eq!(names, ["a <b> & \"c\" AB", "<d>"]);
    assert_eq!((data.children()[0].name(), data.children()[0].local_name()), ("if:name", "name"));
    assert_eq!((reply.text_at("data/empty"), reply.at("data/nothing"), reply.text()), (None, None, ""));
}

#[test]
fn what_is_not_well_formed_is_refused() {
    for (xml, why) in [
        ("", "empty"),
        (" \n", "empty"),
        ("<a>", "within `a`"),
        ("<a></b>", ""),
        ("</a>", ""),
        ("<a/><b/>", "after its end"),
        ("<a/>rest", "outside"),
        ("rest<a/>", "outside"),
        ("<a", ""),
        ("<a b=c/>", ""),
        ("<a>\u{1}</a>", "control"),
        ("<a>&#1;</a>", ""),
        ("<a>& b</a>", ""),
        ("<1/>", "no name"),
        ("<a/b></a/b>", "no name"),
        ("<a \"b\"=\"c\"/>", "no name"),
        ("<a b=\"&#1;\"/>", "control"),
        ("<>", ""),
    ] {
        refused(xml, why);
    }
    assert!(parse(&[0x3c, 0xff]).is_err());
}

#[test]
fn no_entity_grows_or_refers_elsewhere() {
    refused("<!DOCTYPE a [<!ENTITY b \"bb\">]><a>&b;</a>", "document type");
    refused("<!DOCTYPE a SYSTEM \"file:///etc/passwd\"><a/>", "document type");
    refused("<a>&b;</a>", "entity `b`");
    refused("<a b=\"&c;\"/>", "");
}

#[test]
fn depth_number_and_attributes_are_bounded() {
    let nested = |depth| "<a>".repeat(depth) + &"</a>".repeat(depth);
    assert!(parse(nested(DEPTH).as_bytes()).is_ok());
    refused(&nested(DEPTH + 1), "levels deep");
    // Far deeper than any stack.
    refused(&"<a>".repeat(1_000_000), "levels deep");
    let wide = |count: usize| format!("<a>{}</a>", "<b/>".repeat(count - 1));
    assert_eq!(parse(wide(ELEMENTS).as_bytes()).unwrap().children().len(), ELEMENTS - 1);
    refused(&wide(ELEMENTS + 1), "elements");
    let attributes = |count: usize| format!("<a {}/>", vec!["b=''"; count].join(" "));
    assert!(parse(attributes(ATTRIBUTES).as_bytes()).is_ok());
    refused(&attributes(ATTRIBUTES + 1), "attributes");
}

#[test]
fn a_character_that_no_xml_can_carry_is_refused_before_it_is_sent() {
    for text in ["\0", "a\u{1b}[31m", "\u{ffff}"] {
        assert!(matches!(Element::new("a").with_text(text).to_xml(), Err(Fault::Invalid(_))), "{text:?}");
        assert!(matches!(Element::new("a").with_attribute("b", text).to_xml(), Err(Fault::Invalid(_))), "{text:?}");
    }
}

/// The value of an `XPath` 1.0 string expression, as the grammar of section 3.7 reads it.
fn evaluated(expression: &str) -> String {
    let arguments = expression.strip_prefix("concat(").and_then(|rest| rest.strip_suffix(')')).unwrap_or(expression);
    let mut rest = arguments;
    let mut value = String::new();
    loop {
        let quote = rest.chars().next().unwrap();
        assert!(quote == '\'' || quote == '"', "{expression}");
        let (literal, after) = rest[1..].split_once(quote).unwrap();
        value += literal;
        match after.strip_prefix(',') {
            Some(more) => rest = more,
            None => break assert_eq!(after, "", "{expression}"),
        }
    }
    value
}

fn text() -> impl Strategy<Value = String> {
    // Everything that XML can carry, and much of what means something in it.
    prop_oneof!["[ -~\u{a0}-\u{d7ff}\t\n\r]{0,20}", "[<>&'\"/!\\[\\]; \n\t\r-]{0,12}"]
}

fn element() -> impl Strategy<Value = Element> {
    let leaf = (prop::sample::select(vec!["a", "b-c", "d.e"]), text(), text())
        .prop_map(|(name, value, text)| Element::new(name).with_attribute("name", value).with_text(text));
    leaf.prop_recursive(4, 24, 4, |inner| {
        (prop::collection::vec(inner, 0..4), text())
            .prop_map(|(children, text)| Element::new("parent").with_text(text).with_all(children))
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(element in element()) {
        let xml = element.to_xml().unwrap();
        prop_assert_eq!(parse(xml.as_bytes()).unwrap(), element, "{}", xml);
    }

    #[test]
    fn nothing_makes_it_panic(bytes in prop_oneof![
        any::<Vec<u8>>(),
        "[<>/a-c=\"'&;!\\[\\]CDATA?#x0-9 -]{0,60}".prop_map(String::into_bytes),
    ]) {
        let _ = parse(&bytes);
    }

    #[test]
    fn a_literal_is_the_value_and_nothing_else(value in "[a'\"\\]() ,]{0,12}") {
        prop_assert_eq!(evaluated(&xpath_literal(&value)), value);
    }
}
