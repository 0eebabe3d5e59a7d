//! Keys.
//!
//! A key's value is the CMP's alone, to the byte, and so is its name. The marker stands in a key of its own: the creation
//! writes both in one transaction, if and only if the key is not there yet, and nothing else ever writes the marker's key.
//! So a key carries a marker if and only if the marker's key names it and was last written at the revision at which the
//! key was created. A key that was deleted and made anew by somebody else carries none.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crosspoint_sdk::KindBuilder;
use crosspoint_sdk::prelude::*;

use crate::proto::{
    Compare, DeleteRangeRequest, Is, KeyValue, Of, PutRequest, RangeRequest, RangeResponse, Request as Op, Response,
    To, TxnRequest, TxnResponse, ask, method, read,
};
use crate::{Configuration, lease};

pub const NAME: &str = "key";

/// Longest key, in bytes: it is the object's id, and a host keeps no longer ones.
const LONGEST: usize = 512;
/// How many keys a page has if nobody says, and at most.
const PAGE: u32 = 100;
const LARGEST_PAGE: u32 = 1000;

/// What the CMP asks for. One of `value` and `base64` must be given.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KeySpec {
    /// The key itself. It is set at creation.
    #[schemars(length(min = 1, max = 512))]
    key: String,
    /// The value, if it is text.
    value: Option<String>,
    /// The value in base64, if it is not.
    base64: Option<String>,
    /// The id of the lease that the key is bound to: it is gone when the lease ends.
    #[schemars(regex(pattern = "^[0-9a-fA-F]{1,16}$"))]
    lease: Option<String>,
}

/// A key, as etcd shows it.
#[derive(Debug, Serialize, JsonSchema)]
pub struct KeyView {
    /// The key itself.
    key: String,
    /// The value, if it is text.
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<String>,
    /// The value in base64, if it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    base64: Option<String>,
    /// The id of the lease that the key is bound to.
    #[serde(skip_serializing_if = "Option::is_none")]
    lease: Option<String>,
    /// The cluster's revision when the key was created.
    create_revision: i64,
    /// The cluster's revision when the key was last changed.
    mod_revision: i64,
    /// How often it was written since its creation.
    version: i64,
}

pub fn kind() -> KindBuilder {
    crosspoint_sdk::kind(NAME, "A key with its value")
        .spec::<KeySpec>()
        .result::<KeyView>()
        .verbs([Verb::Create, Verb::Read, Verb::Replace, Verb::Delete, Verb::Find, Verb::List])
        .reissuable([Verb::Replace, Verb::Delete])
        .creation(Creation::Conditional)
        .conditional()
        .marker()
}

pub fn encode(call: &Call) -> Result<Exchange, Fault> {
    let configuration: Configuration = call.configuration()?;
    match &call.verb {
        Verb::Create => {
            let written = Written::of(call, &configuration)?;
            let marker = marker_key(call, &configuration);
            let absent = compare(&written.key, Is::Equal, Of::Create, To::CreateRevision(0));
            let txn = TxnRequest {
                compare: vec![absent],
                success: vec![written.put(false), written.put_marker(marker)],
                failure: Vec::new(),
            };
            Ok(ask(method::TXN, txn))
        }
        Verb::Find => {
            let written = Written::of(call, &configuration)?;
            let success = vec![range(&written.key), range(&marker_key(call, &configuration))];
            Ok(ask(method::TXN, TxnRequest { success, ..TxnRequest::default() }))
        }
        Verb::Read => {
            let key = own(call, &configuration)?.as_bytes().to_vec();
            Ok(ask(method::RANGE, RangeRequest { key, ..RangeRequest::default() }))
        }
        Verb::Replace => {
            let key = own(call, &configuration)?;
            let written = Written::of(call, &configuration)?;
            if written.key != key.as_bytes() {
                return Err(Fault::invalid("/key", format!("it is set at creation only, to `{key}`")));
            }
            let txn = TxnRequest {
                compare: vec![unchanged(call, key)?],
                success: vec![written.put(true)],
                failure: vec![range(key.as_bytes())],
            };
            Ok(ask(method::TXN, txn))
        }
        Verb::Delete => {
            let key = own(call, &configuration)?;
            let delete = |key: Vec<u8>| Op::Delete(DeleteRangeRequest { key }).into();
            let txn = TxnRequest {
                compare: vec![unchanged(call, key)?],
                success: vec![delete(key.as_bytes().to_vec()), delete(marker_key(call, &configuration))],
                failure: vec![range(key.as_bytes())],
            };
            Ok(ask(method::TXN, txn))
        }
        Verb::List => list(call, &configuration),
        _ => Err(call.unsupported()),
    }
}

pub fn decode(call: &Call, reply: &HttpReply) -> Result<Outcome, Fault> {
    let configuration: Configuration = call.configuration()?;
    match &call.verb {
        Verb::Create => {
            let txn: TxnResponse = read(reply)?;
            let Written { key, value, lease } = Written::of(call, &configuration)?;
            if !txn.succeeded {
                let text = String::from_utf8_lossy(&key).into_owned();
                let message = format!("etcd has key `{text}` already");
                return Err(Fault::AlreadyExists(Existing { message, backend_id: Some(text) }));
            }
            let (create_revision, mod_revision) = (revision(&txn)?, revision(&txn)?);
            shown(&KeyValue { key, value, lease, create_revision, mod_revision, version: 1 })
        }
        Verb::Read => match read::<RangeResponse>(reply)?.kvs.first() {
            Some(found) => shown(found),
            None => Err(absent(call)),
        },
        Verb::Replace => {
            let txn = done(call, reply)?;
            let Written { key, value, lease } = Written::of(call, &configuration)?;
            let Some(Response::Put(put)) = txn.response(0) else {
                return Err(Fault::MalformedReply("the transaction's first answer is not that to a put".to_owned()));
            };
            let before = put.prev_kv.clone().unwrap_or_default();
            let mod_revision = revision(&txn)?;
            let version = before.version.saturating_add(1);
            shown(&KeyValue { key, value, lease, create_revision: before.create_revision, mod_revision, version })
        }
        Verb::Delete => done(call, reply).and_then(|_| outcome(&())?.into()),
        Verb::Find => {
            let txn: TxnResponse = read(reply)?;
            let carries = |(key, marker): &(&KeyValue, &KeyValue)| {
                marker.value == key.key && marker.mod_revision == key.create_revision
            };
            let both = txn.ranged(0)?.zip(txn.ranged(1)?).filter(carries);
            let found = both.map(|(key, _)| listed(key, Some(&call.marker))).transpose()?.flatten();
            outcome(&())?.found(found.into_iter().collect()).into()
        }
        Verb::List => {
            let RangeResponse { kvs, more } = read(reply)?;
            let own = kvs.iter().filter(|key| !key.key.starts_with(configuration.marker_prefix.as_bytes()));
            let found = own.map(|key| listed(key, None)).collect::<Result<Vec<_>, Fault>>()?;
            let next = kvs.last().filter(|_| more).map(|last| after(&last.key, &configuration));
            outcome(&())?.found(found.into_iter().flatten().collect()).next_page(next).into()
        }
        _ => Err(call.unsupported()),
    }
}

/// A spec, as it goes to etcd.
struct Written {
    key: Vec<u8>,
    value: Vec<u8>,
    lease: i64,
}

impl Written {
    fn of(call: &Call, configuration: &Configuration) -> Result<Self, Fault> {
        let KeySpec { key, value, base64, lease } = call.spec()?;
        check(&key, configuration).map_err(|reason| Fault::invalid("/key", reason))?;
        let value = match (value, base64) {
            (Some(value), None) => value.into_bytes(),
            (None, Some(base64)) => {
                STANDARD.decode(base64).map_err(|error| Fault::invalid("/base64", error.to_string()))?
            }
            _ => return Err(Fault::invalid("", "one of `value` and `base64` must be given")),
        };
        let lease = match lease {
            Some(id) => lease::parse(&id).ok_or_else(|| Fault::invalid("/lease", "it is no id of a lease"))?,
            None => 0,
        };
        Ok(Self { key: key.into_bytes(), value, lease })
    }

    fn put(&self, prev_kv: bool) -> crate::proto::RequestOp {
        let Self { key, value, lease } = self;
        Op::Put(PutRequest { key: key.clone(), value: value.clone(), lease: *lease, prev_kv }).into()
    }

    /// The marker names the key, and ends with the lease that the key is created with.
    fn put_marker(&self, marker: Vec<u8>) -> crate::proto::RequestOp {
        Op::Put(PutRequest { key: marker, value: self.key.clone(), lease: self.lease, prev_kv: false }).into()
    }
}

fn check(key: &str, configuration: &Configuration) -> Result<(), String> {
    let Configuration { prefix, marker_prefix } = configuration;
    if key.is_empty() || key.len() > LONGEST {
        return Err(format!("a key has 1 to {LONGEST} bytes"));
    }
    if key.chars().any(char::is_control) {
        return Err("a key that is an id holds no control character".to_owned());
    }
    if key.starts_with(marker_prefix.as_str()) {
        return Err(format!("keys that start with `{marker_prefix}` hold markers"));
    }
    if !key.starts_with(prefix.as_str()) {
        return Err(format!("the keys of this backend start with `{prefix}`"));
    }
    Ok(())
}

/// The key that the call is about. An id that could not be one of this backend's is that of nothing.
fn own<'a>(call: &'a Call, configuration: &Configuration) -> Result<&'a str, Fault> {
    let key = call.backend_id()?;
    check(key, configuration).map_err(|reason| Fault::NotFound(format!("no key of this backend: {reason}")))?;
    Ok(key)
}

fn marker_key(call: &Call, configuration: &Configuration) -> Vec<u8> {
    [configuration.marker_prefix.as_bytes(), call.marker.as_bytes()].concat()
}

fn range(key: &[u8]) -> crate::proto::RequestOp {
    Op::Range(RangeRequest { key: key.to_vec(), ..RangeRequest::default() }).into()
}

fn compare(key: &[u8], result: Is, target: Of, to: To) -> Compare {
    Compare { result: result.into(), target: target.into(), key: key.to_vec(), target_union: Some(to) }
}

/// That the key is there, and has the revision that the CMP demands, if it does.
fn unchanged(call: &Call, key: &str) -> Result<Compare, Fault> {
    let Some(demanded) = &call.precondition else {
        return Ok(compare(key.as_bytes(), Is::Greater, Of::Version, To::Version(0)));
    };
    let revision = demanded.parse().ok().filter(|revision| *revision > 0);
    let revision = revision.ok_or_else(|| Fault::Stale(format!("`{demanded:.64}` is no revision of etcd")))?;
    Ok(compare(key.as_bytes(), Is::Equal, Of::Mod, To::ModRevision(revision)))
}

/// The transaction, if its condition held.
fn done(call: &Call, reply: &HttpReply) -> Result<TxnResponse, Fault> {
    let txn: TxnResponse = read(reply)?;
    if txn.succeeded {
        return Ok(txn);
    }
    match txn.ranged(0)? {
        Some(key) => Err(Fault::Stale(format!("the key has changed: its revision is {}", key.mod_revision))),
        None => Err(absent(call)),
    }
}

fn absent(call: &Call) -> Fault {
    Fault::NotFound(format!("etcd has no key `{}`", call.backend_id.as_deref().unwrap_or_default()))
}

fn revision(txn: &TxnResponse) -> Result<i64, Fault> {
    let revision = txn.header.as_ref().map(|header| header.revision).filter(|revision| *revision > 0);
    revision.ok_or_else(|| Fault::MalformedReply("the reply has no revision".to_owned()))
}

fn list(call: &Call, configuration: &Configuration) -> Result<Exchange, Fault> {
    let prefix = configuration.prefix.as_bytes();
    let start = match &call.page_token {
        Some(token) => {
            let start = STANDARD.decode(token).ok().filter(|start| start.as_slice() >= prefix);
            start.ok_or_else(|| Fault::invalid("", "the page token is none of this list"))?
        }
        // The empty key is no key; this is the first one.
        None if prefix.is_empty() => vec![0],
        None => prefix.to_vec(),
    };
    let limit = call.page_size.unwrap_or(PAGE).clamp(1, LARGEST_PAGE);
    Ok(ask(method::RANGE, RangeRequest { key: start, range_end: end(prefix), limit: limit.into() }))
}

/// The first key after all that start with `prefix`; a single zero byte, which is etcd's word for the end, where there is
/// none.
fn end(prefix: &[u8]) -> Vec<u8> {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if let Some(next) = last.checked_add(1) {
            end.push(next);
            return end;
        }
    }
    vec![0]
}

/// Where a list goes on after this key: behind it, and behind the markers if it is one of them.
fn after(key: &[u8], configuration: &Configuration) -> String {
    let markers = configuration.marker_prefix.as_bytes();
    let behind = end(markers);
    if key.starts_with(markers) && behind != [0] {
        return STANDARD.encode(behind);
    }
    STANDARD.encode([key, &[0]].concat())
}

/// A key of a list; none for one whose name cannot be an id.
fn listed(key: &KeyValue, marker: Option<&str>) -> Result<Option<Found>, Fault> {
    let Some(view) = KeyView::of(key) else { return Ok(None) };
    let (revision, marker) = (Some(key.mod_revision.to_string()), marker.map(str::to_owned));
    Ok(Some(Found { revision, marker, ..found(&view.key, &view)? }))
}

fn shown(key: &KeyValue) -> Result<Outcome, Fault> {
    let view = KeyView::of(key);
    let view = view.ok_or_else(|| Fault::MalformedReply("etcd answered with another key".to_owned()))?;
    outcome(&view)?.id(&view.key).revision(Some(key.mod_revision.to_string())).into()
}

impl KeyView {
    fn of(key: &KeyValue) -> Option<Self> {
        let name = std::str::from_utf8(&key.key).ok()?;
        if name.is_empty() || name.len() > LONGEST || name.chars().any(char::is_control) {
            return None;
        }
        let (value, base64) = match std::str::from_utf8(&key.value) {
            Ok(text) => (Some(text.to_owned()), None),
            Err(_) => (None, Some(STANDARD.encode(&key.value))),
        };
        Some(Self {
            key: name.to_owned(),
            value,
            base64,
            lease: (key.lease != 0).then(|| lease::hex(key.lease)),
            create_revision: key.create_revision,
            mod_revision: key.mod_revision,
            version: key.version,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_ends_behind_all_keys_of_its_prefix() {
        assert_eq!(end(b"a/"), b"a0");
        assert_eq!(end(b"a\xff"), b"b");
        assert_eq!(end(b"\xff\xff"), b"\0");
        assert_eq!(end(b""), b"\0");
    }

    #[test]
    fn a_list_goes_on_behind_the_markers() {
        let configuration = Configuration { prefix: String::new(), marker_prefix: "m/".to_owned() };
        assert_eq!(after(b"a", &configuration), STANDARD.encode(b"a\0"));
        assert_eq!(after(b"m/xp-1", &configuration), STANDARD.encode(b"m0"));
    }
}
