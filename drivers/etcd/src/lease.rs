//! Leases.
//!
//! etcd lets whoever asks for a lease choose its id, and refuses one that is taken. The id of a lease is made of the CMP
//! object's marker, so a second creation of the same object is refused, and the object is found again by asking for that
//! id.

use crosspoint_sdk::KindBuilder;
use crosspoint_sdk::prelude::*;

use crate::proto::{
    Empty, LeaseGrantRequest, LeaseGrantResponse, LeaseKeepAliveResponse, LeaseLeasesResponse, LeaseRequest,
    LeaseTimeToLiveResponse, ask, method, read,
};

pub const NAME: &str = "lease";
const KEEP_ALIVE: &str = "keep_alive";

/// What the CMP asks for.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LeaseSpec {
    /// Seconds until the lease ends, and with it every key that is bound to it, unless it is kept alive. etcd lengthens
    /// what is shorter than its own election takes.
    #[schemars(range(min = 1, max = 9_000_000_000_u64))]
    ttl: i64,
}

/// A lease, as etcd shows it.
#[derive(Debug, Serialize, JsonSchema)]
pub struct LeaseView {
    /// Its id, in hexadecimal digits, as `etcdctl` writes it.
    id: String,
    /// Seconds for which it was granted.
    #[serde(skip_serializing_if = "Option::is_none")]
    ttl: Option<i64>,
    /// Seconds that are left.
    #[serde(skip_serializing_if = "Option::is_none")]
    remaining: Option<i64>,
}

pub fn kind() -> KindBuilder {
    crosspoint_sdk::kind(NAME, "A lease: a time to live that keys share")
        .spec::<LeaseSpec>()
        .result::<LeaseView>()
        .verbs([Verb::Create, Verb::Read, Verb::Delete, Verb::Find, Verb::List])
        .reissuable([Verb::Delete])
        .creation(Creation::Conditional)
        .marker()
        .action(action(KEEP_ALIVE, "Start its time anew").result::<LeaseView>().reissuable())
}

/// The id of the lease that carries a marker: FNV-1a, 64 bits, of which the sign is not used. A marker is the outcome of a
/// strong hash, and 63 bits of chance do not meet in practice.
pub fn id_of(marker: &str) -> i64 {
    let hash = marker
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    // 0 asks etcd to choose.
    i64::try_from(hash >> 1).unwrap_or(i64::MAX).max(1)
}

pub fn hex(id: i64) -> String {
    format!("{id:016x}")
}

/// The lease of this id; none for a text that is no id.
pub fn parse(text: &str) -> Option<i64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    i64::from_str_radix(text, 16).ok().filter(|id| digits && *id > 0)
}

pub fn encode(call: &Call) -> Result<Exchange, Fault> {
    let id = || {
        let text = call.backend_id()?;
        parse(text).ok_or_else(|| Fault::NotFound(format!("`{text:.64}` is no id of a lease")))
    };
    let exchange = match &call.verb {
        Verb::Create => {
            let LeaseSpec { ttl } = call.spec()?;
            ask(method::LEASE_GRANT, LeaseGrantRequest { ttl, id: id_of(&call.marker) })
        }
        Verb::Read => ask(method::LEASE_TIME_TO_LIVE, LeaseRequest { id: id()? }),
        Verb::Find => ask(method::LEASE_TIME_TO_LIVE, LeaseRequest { id: id_of(&call.marker) }),
        Verb::Delete => ask(method::LEASE_REVOKE, LeaseRequest { id: id()? }),
        Verb::List => ask(method::LEASE_LEASES, Empty {}),
        Verb::Action(name) if name == KEEP_ALIVE => ask(method::LEASE_KEEP_ALIVE, LeaseRequest { id: id()? }),
        _ => return Err(call.unsupported()),
    };
    Ok(exchange)
}

pub fn decode(call: &Call, reply: &HttpReply) -> Result<Outcome, Fault> {
    match &call.verb {
        Verb::Create => {
            let LeaseGrantResponse { id, ttl, error } = read(reply)?;
            if !error.is_empty() || id != id_of(&call.marker) {
                return Err(Fault::MalformedReply(format!("etcd granted another lease than was asked for: {error}")));
            }
            shown(LeaseView { id: hex(id), ttl: Some(ttl), remaining: Some(ttl) })
        }
        Verb::Read => match left(reply)? {
            Some(view) => shown(view),
            None => Err(absent()),
        },
        Verb::Find => {
            let found =
                left(reply)?.map(|view| Ok(Found { marker: Some(call.marker.clone()), ..found(&view.id, &view)? }));
            outcome(&())?.found(found.into_iter().collect::<Result<_, Fault>>()?).into()
        }
        Verb::List => {
            let LeaseLeasesResponse { leases } = read(reply)?;
            let views = leases.iter().map(|lease| LeaseView { id: hex(lease.id), ttl: None, remaining: None });
            let views = views.map(|view| found(&view.id, &view));
            outcome(&())?.found(views.collect::<Result<_, Fault>>()?).into()
        }
        Verb::Delete => outcome(&())?.into(),
        Verb::Action(name) if name == KEEP_ALIVE => {
            let LeaseKeepAliveResponse { id, ttl } = read(reply)?;
            // This is how etcd says that there is no such lease.
            if ttl <= 0 {
                return Err(absent());
            }
            outcome(&LeaseView { id: hex(id), ttl: Some(ttl), remaining: Some(ttl) })?.into()
        }
        _ => Err(call.unsupported()),
    }
}

fn left(reply: &HttpReply) -> Result<Option<LeaseView>, Fault> {
    let LeaseTimeToLiveResponse { id, ttl, granted_ttl } = read(reply)?;
    Ok((ttl >= 0).then(|| LeaseView { id: hex(id), ttl: Some(granted_ttl), remaining: Some(ttl) }))
}

fn shown(view: LeaseView) -> Result<Outcome, Fault> {
    outcome(&view)?.id(view.id).into()
}

fn absent() -> Fault {
    Fault::NotFound("etcd has no such lease: it ended, or was revoked".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_the_same_for_a_marker_each_time_and_another_for_another() {
        let ids = ["xp-1", "xp-2", "xp-12", ""].map(id_of);
        assert!(ids.iter().all(|id| *id > 0));
        assert_eq!(ids.map(hex).map(|text| parse(&text)), ids.map(Some));
        let mut different = ids.to_vec();
        different.sort_unstable();
        different.dedup();
        assert_eq!(different.len(), ids.len());
    }

    #[test]
    fn what_is_no_id_is_not_taken_for_one() {
        for text in ["", "0", "-1", "+1", "xyz", "ffffffffffffffff", "8000000000000000", " 1", "1 "] {
            assert_eq!(parse(text), None, "{text:?}");
        }
        assert_eq!(parse("7fffffffffffffff"), Some(i64::MAX));
    }
}
