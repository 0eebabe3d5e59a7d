//! What a NETCONF message is, as far as the host must know (RFC 6241).

use std::borrow::Cow;

use quick_xml::events::{BytesStart, Event};
use quick_xml::name::{Namespace, ResolveResult};
use quick_xml::{NsReader, XmlVersion};

use super::framing::Framing;

/// The namespace of NETCONF's own elements.
const BASE: Namespace<'_> = Namespace("urn:ietf:params:xml:ns:netconf:base:1.0");

/// The capability of end-of-message framing, and that of chunked framing.
const CAPABILITY: [&str; 2] = ["urn:ietf:params:netconf:base:1.0", "urn:ietf:params:netconf:base:1.1"];

/// What we say first.
pub(super) const HELLO: &[u8] = br#"<?xml version="1.0" encoding="UTF-8"?>
<hello xmlns="urn:ietf:params:xml:ns:netconf:base:1.0"><capabilities><capability>urn:ietf:params:netconf:base:1.0</capability><capability>urn:ietf:params:netconf:base:1.1</capability></capabilities></hello>"#;

/// What we say last.
pub(super) const CLOSE: &[u8] =
    br#"<rpc xmlns="urn:ietf:params:xml:ns:netconf:base:1.0" message-id="close"><close-session/></rpc>"#;

/// Operations that change the session they run in. Sessions are shared by calls and belong to the host, so what one
/// call left behind (a lock, a stream of notifications) would be another's trouble.
const OF_THE_SESSION: [&str; 7] = [
    "close-session",
    "create-subscription",
    "establish-subscription",
    "lock",
    "partial-lock",
    "partial-unlock",
    "unlock",
];

/// The longest `message-id` taken from a driver.
const ID_LENGTH: usize = 64;

/// What came from the backend.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Incoming {
    /// A reply, and the `message-id` that it repeats.
    Reply(Option<String>),
    /// A notification, or anything else that nobody waits for.
    Unasked,
}

/// Takes a message from a driver: one `rpc` element with one operation. Returns its `message-id`.
///
/// # Errors
/// Why it is refused.
pub(in crate::transport::ssh) fn check(message: &[u8]) -> Result<String, String> {
    let text = std::str::from_utf8(message).map_err(|_| "is not UTF-8".to_owned())?;
    let mut reader = NsReader::from_str(text);
    let (mut depth, mut id, mut operations) = (0_usize, None, 0_usize);
    loop {
        let (namespace, event) = reader.read_resolved_event().map_err(|error| format!("is no XML: {error}"))?;
        let (start, empty) = match event {
            Event::Start(start) => (start, false),
            Event::Empty(start) => (start, true),
            Event::End(_) => {
                depth = depth.saturating_sub(1);
                continue;
            }
            Event::DocType(_) => return Err("holds a document type".to_owned()),
            Event::Text(text) if depth == 0 && !text.trim_ascii().is_empty() => {
                return Err("holds text outside its element".to_owned());
            }
            Event::CData(_) | Event::GeneralRef(_) if depth == 0 => {
                return Err("holds text outside its element".to_owned());
            }
            Event::Eof => break,
            _ => continue,
        };
        match depth {
            0 if id.is_some() => return Err("holds more than one element".to_owned()),
            0 if namespace != ResolveResult::Bound(BASE) || start.local_name().as_ref() != "rpc" => {
                return Err("is no `rpc` of NETCONF".to_owned());
            }
            0 => {
                let own = message_id(&start)?.ok_or("has no `message-id`")?;
                let simple = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
                if own.is_empty() || own.len() > ID_LENGTH || !own.chars().all(simple) {
                    return Err(format!("has a `message-id` that is not 1 to {ID_LENGTH} of A-Z, a-z, 0-9, -, _, ."));
                }
                id = Some(own);
            }
            1 => {
                operations += 1;
                // Whose operation it is, and which, must be the same to every reader.
                let plain = start.name().as_ref().matches(':').count() <= 1;
                if !plain || !matches!(namespace, ResolveResult::Bound(_)) {
                    return Err("asks for an operation of no namespace".to_owned());
                }
                let name = start.local_name();
                if OF_THE_SESSION.contains(&name.as_ref()) {
                    let name = name.as_ref();
                    return Err(format!("asks for `{name}`, which belongs to a session: sessions are the host's"));
                }
            }
            _ => {}
        }
        depth += usize::from(!empty);
    }
    match (id, operations) {
        _ if depth > 0 => Err("ends within an element".to_owned()),
        (None, _) => Err("holds no element".to_owned()),
        (Some(id), 1) => Ok(id),
        (Some(_), count) => Err(format!("holds {count} operations instead of one")),
    }
}

/// What a message from the backend is, by its first element alone: the rest is the driver's to understand.
///
/// # Errors
/// Why it is no NETCONF.
pub(super) fn read(message: &[u8]) -> Result<Incoming, String> {
    let text = std::str::from_utf8(message).map_err(|_| "is not UTF-8".to_owned())?;
    let mut reader = NsReader::from_str(text);
    let start = first(&mut reader)?;
    match start.local_name().as_ref() {
        "rpc-reply" => message_id(&start).map(Incoming::Reply),
        _ => Ok(Incoming::Unasked),
    }
}

/// Reads the backend's hello: the framing of what follows it.
///
/// # Errors
/// Why it is no hello, or that there is no version in common.
pub(super) fn hello(message: &[u8]) -> Result<Framing, String> {
    let text = std::str::from_utf8(message).map_err(|_| "is not UTF-8".to_owned())?;
    let mut reader = NsReader::from_str(text);
    let start = first(&mut reader)?;
    if start.local_name().as_ref() != "hello" {
        return Err(format!("begins with `{}`", shortened(start.local_name().as_ref())));
    }
    let (mut within, mut said, mut spoken) = (false, String::new(), [false; CAPABILITY.len()]);
    loop {
        match reader.read_event().map_err(|error| format!("is no XML: {error}"))? {
            Event::Start(start) => {
                within = start.local_name().as_ref() == "capability";
                said.clear();
            }
            Event::Text(text) if within => said.push_str(&text),
            Event::CData(text) if within => said.push_str(&text),
            Event::End(_) if within => {
                within = false;
                for (spoken, capability) in spoken.iter_mut().zip(CAPABILITY) {
                    *spoken |= said.trim() == capability;
                }
            }
            Event::Eof => break,
            _ => {}
        }
    }
    match spoken {
        [_, true] => Ok(Framing::Chunked),
        [true, false] => Ok(Framing::EndOfMessage),
        [false, false] => Err("names neither base:1.0 nor base:1.1".to_owned()),
    }
}

/// The start of the one element that a message is.
fn first<'a>(reader: &mut NsReader<&'a [u8]>) -> Result<BytesStart<'a>, String> {
    loop {
        match reader.read_event().map_err(|error| format!("is no XML: {error}"))? {
            Event::Start(start) | Event::Empty(start) => {
                return match reader.resolver().resolve_element(start.name()).0 {
                    ResolveResult::Bound(_) => Ok(start),
                    _ => Err(format!("begins with `{}`, of no namespace", shortened(start.local_name().as_ref()))),
                };
            }
            Event::Decl(_) | Event::Comment(_) | Event::PI(_) => {}
            Event::Text(text) if text.trim_ascii().is_empty() => {}
            Event::Eof => return Err("holds no element".to_owned()),
            _ => return Err("does not begin with an element".to_owned()),
        }
    }
}

fn message_id(start: &BytesStart<'_>) -> Result<Option<String>, String> {
    let attribute = start.try_get_attribute("message-id").map_err(|error| format!("is no XML: {error}"))?;
    let value = attribute.map(|attribute| attribute.normalized_value(XmlVersion::Explicit1_0).map(Cow::into_owned));
    value.transpose().map_err(|error| format!("is no XML: {error}"))
}

/// A stranger's word, for an error.
fn shortened(name: &str) -> String {
    name.chars().take(40).flat_map(char::escape_debug).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    const NS: &str = "xmlns='urn:ietf:params:xml:ns:netconf:base:1.0'";

    fn rpc(inner: &str) -> String {
        format!("<?xml version='1.0'?>\n<rpc {NS} message-id='7'>{inner}</rpc>\n")
    }

    #[test]
    fn a_driver_sends_one_rpc_with_one_operation_and_its_id() {
        assert_eq!(check(rpc("<get/>").as_bytes()).unwrap(), "7");
        assert_eq!(check(rpc("<!-- a --><get><filter><lock/></filter></get> ").as_bytes()).unwrap(), "7");
        let prefixed =
            "<nc:rpc xmlns:nc='urn:ietf:params:xml:ns:netconf:base:1.0' message-id='a-1'><nc:commit/></nc:rpc>";
        assert_eq!(check(prefixed.as_bytes()).unwrap(), "a-1");
        let refused = [
            String::new(),
            "get".to_owned(),
            "<rpc message-id='7'><get/></rpc>".to_owned(),
            format!("<rpc {NS}><get/></rpc>"),
            format!("<rpc {NS} message-id=''><get/></rpc>"),
            format!("<rpc {NS} message-id='a b'><get/></rpc>"),
            format!("<rpc {NS} message-id='&lt;'><get/></rpc>"),
            format!("<rpc {NS} message-id='7'/>"),
            format!("<hello {NS} message-id='7'><get/></hello>"),
            format!("<rpc {NS} message-id='7'><get/>"),
            format!("<rpc {NS} message-id='7'><get></rpc>"),
            rpc("<get/><commit/>"),
            rpc("<get/>") + "<!-- -->]]>]]>",
            rpc("<get/>") + &rpc("<get/>").replace("<?xml version='1.0'?>", ""),
            rpc("<lock><target><running/></target></lock>"),
            rpc("<nc:unlock xmlns:nc='urn:ietf:params:xml:ns:netconf:base:1.0'/>"),
            rpc("<close-session/>"),
            rpc("<nc:lo:lock xmlns:nc='urn:ietf:params:xml:ns:netconf:base:1.0'/>"),
            rpc("<no:get/>"),
            rpc("<get xmlns=''/>"),
            rpc("<create-subscription xmlns='urn:ietf:params:xml:ns:netconf:notification:1.0'/>"),
            format!("<!DOCTYPE a [<!ENTITY b 'c'>]><rpc {NS} message-id='7'><get/></rpc>"),
        ];
        for message in refused {
            assert!(check(message.as_bytes()).is_err(), "{message}");
        }
        assert!(check(b"\xff").is_err());
    }

    #[test]
    fn a_reply_is_told_from_what_nobody_waits_for() {
        let reply = |text: &str| read(text.as_bytes()).unwrap();
        assert_eq!(
            reply(&format!("<rpc-reply {NS} message-id='7'><ok/></rpc-reply>")),
            Incoming::Reply(Some("7".into()))
        );
        assert_eq!(reply(&format!("<?xml version='1.0'?><!-- --> <rpc-reply {NS}/>")), Incoming::Reply(None));
        assert_eq!(
            reply(&format!("<n:rpc-reply {} message-id='&#55;'/>", NS.replace('=', ":n="))),
            Incoming::Reply(Some("7".into()))
        );
        assert_eq!(reply("<notification xmlns='urn:ietf:params:xml:ns:netconf:notification:1.0'/>"), Incoming::Unasked);
        for wrong in ["", "login: ", "<rpc-reply message-id='7'/>", "<!DOCTYPE a><rpc-reply/>", "<rpc-reply"] {
            assert!(read(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_hello_says_which_framing_follows() {
        let hello = |capabilities: &[&str]| {
            let capabilities: Vec<_> =
                capabilities.iter().map(|capability| format!("<capability>\n {capability} </capability>")).collect();
            let capabilities = capabilities.concat();
            hello(
                format!("<hello {NS}><capabilities>{capabilities}</capabilities><session-id>4</session-id></hello>")
                    .as_bytes(),
            )
        };
        let [old, new] = CAPABILITY;
        assert_eq!(hello(&[old]).unwrap(), Framing::EndOfMessage);
        assert_eq!(hello(&[new]).unwrap(), Framing::Chunked);
        assert_eq!(hello(&["urn:x", new, "<![CDATA[urn:y]]>", old]).unwrap(), Framing::Chunked);
        assert!(hello(&[]).is_err());
        assert!(hello(&["urn:ietf:params:netconf:base:1.12"]).is_err());
        assert!(super::hello(format!("<rpc-reply {NS}/>").as_bytes()).is_err());
        assert!(super::hello(format!("<hello {NS}><capabilities>").as_bytes()).is_err());
        assert_eq!(super::hello(HELLO).unwrap(), Framing::Chunked);
        assert_eq!(
            check(CLOSE).unwrap_err(),
            "asks for `close-session`, which belongs to a session: sessions are the host's"
        );
    }
}
