#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use super::*;
use proptest::prelude::*;

#[test]
fn it_keeps_the_contract() {
    crosspoint_sdk::harness::check::<PanOs>();
}

fn verb() -> impl Strategy<Value = Verb> {
    use Verb::{Create, Delete, Find, List, Login, Poll, Probe, Read, Replace, Update};
    let action = Verb::Action("move".to_owned());
    prop::sample::select(vec![Create, Read, Replace, Update, Delete, Find, List, Poll, Probe, Login, action])
}

fn kind() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["address", "service", "tag", "security-rule", "commit", "none"])
}

/// XML that has something of what PAN-OS says.
fn body() -> impl Strategy<Value = String> {
    let leaf =
        prop_oneof![Just(String::new()), "[a-z0-9 >\\[\\]-]{0,9}", Just("FIN".to_owned()), Just("&amp;".to_owned())];
    let name = "response|result|entry|address|msg|line|job|id|status|progress|tag|member|key";
    let attributes = prop::sample::select(vec![
        "",
        " status=\"success\"",
        " status=\"success\" code=\"19\"",
        " status=\"error\" code=\"12\"",
        " status='error' id='name'",
        " name=\"web\"",
        " code=\"7\"",
    ]);
    leaf.prop_recursive(5, 24, 4, move |inner| {
        (name, attributes.clone(), prop::collection::vec(inner, 0..4))
            .prop_map(|(name, attributes, inner)| format!("<{name}{attributes}>{}</{name}>", inner.concat()))
    })
}

fn spec() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("null".to_owned()),
        ".{0,12}",
        ("[^\"\\\\\\x00-\\x1f]{0,12}", "[^\"\\\\\\x00-\\x1f]{0,12}").prop_map(|(name, text)| {
            format!(r#"{{"name":"{name}","type":"fqdn","value":"{text}","description":"{text}","tags":["{name}"]}}"#)
        }),
    ]
}

/// The fields of a form.
fn fields(body: &[u8]) -> Vec<(String, String)> {
    let decode = |text: &str| {
        let mut bytes = text.bytes();
        let mut decoded = Vec::new();
        while let Some(byte) = bytes.next() {
            decoded.push(match byte {
                b'%' => {
                    let digits: String = bytes.by_ref().take(2).map(char::from).collect();
                    u8::from_str_radix(&digits, 16).unwrap()
                }
                byte => byte,
            });
        }
        String::from_utf8(decoded).unwrap()
    };
    let body = std::str::from_utf8(body).unwrap();
    body.split('&')
        .map(|field| field.split_once('=').unwrap())
        .map(|(name, value)| (decode(name), decode(value)))
        .collect()
}

proptest! {
    #[test]
    fn no_reply_makes_it_panic(
        verb in verb(),
        kind in kind(),
        status in prop_oneof![Just(200_u16), any::<u16>(), prop::sample::select(vec![400, 403, 429, 500, 503])],
        body in prop_oneof![
            body().prop_map(|inner| format!("<response status=\"success\"><result>{inner}</result></response>")),
            body(),
            any::<Vec<u8>>().prop_map(|bytes| String::from_utf8_lossy(&bytes).into_owned()),
        ],
        spec in spec(),
    ) {
        let call = Call {
            marker: "xp-1".to_owned(),
            backend_id: Some("1".to_owned()),
            spec: Json::trusted(spec),
            configuration: Json::trusted("{}".to_owned()),
            ..Call::new(verb, kind)
        };
        let reply = Reply::Http(HttpReply { status, headers: Vec::new(), body: body.into() });
        let _ = PanOs::decode(&call, &[], &reply);
    }

    #[test]
    fn no_call_makes_it_panic_or_speak_of_more_than_its_own_entry(
        verb in verb(), kind in kind(), id in any::<String>(), marker in "xp-[a-z2-7]{1,26}", spec in spec(),
    ) {
        let call = Call {
            backend_id: Some(id.clone()),
            marker: marker.clone(),
            page_token: Some(id.clone()),
            poll_token: Some(id.clone()),
            spec: Json::trusted(spec),
            configuration: Json::trusted("{}".to_owned()),
            ..Call::new(verb, kind)
        };
        let Ok(exchange) = PanOs::encode(&call) else { return Ok(()) };
        let Request::Http(request) = exchange.request else { panic!("no HTTP") };
        prop_assert_eq!((request.method.as_str(), request.target.as_str()), ("POST", "/api/"));
        let fields = fields(request.body.as_ref());
        let names: Vec<&str> = fields.iter().map(|(name, _)| name.as_str()).collect();
        let known = ["type", "action", "xpath", "element", "cmd", "where", "dst"];
        prop_assert!(names.iter().all(|name| known.contains(name)), "{:?}", names);
        for (name, value) in &fields {
            if matches!(name.as_str(), "element" | "cmd") {
                // Whatever was in the spec, it is one well-formed element with no markup of its own.
                crosspoint_sdk::xml::parse(value.as_bytes()).unwrap();
            }
        }
        if let (Some((_, xpath)), Verb::Read | Verb::Delete | Verb::Replace) =
            (fields.iter().find(|(name, _)| name == "xpath"), &call.verb)
        {
            let tail = format!("/entry[@name={}]", crosspoint_sdk::xml::xpath_literal(&id));
            prop_assert!(xpath.ends_with(&tail), "{}", xpath);
        }
    }
}
