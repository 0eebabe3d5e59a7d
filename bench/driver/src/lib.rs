//! The driver that is measured: a firewall's policy, a list of rules that are called and written otherwise on the
//! backend's side. Every field is translated both ways, and nothing is passed through, so what it costs is what a
//! driver of this sort costs.
//!
//! Natively it is an ordinary library, which is what the sandbox is compared with.

mod backend;
mod network;
mod policy;
#[cfg(not(target_arch = "wasm32"))]
pub mod sample;

use crosspoint_sdk::prelude::*;

use backend::{Page, Status, Stored};
use policy::{PolicySpec, PolicyView};

/// The kind of object that there is.
pub const KIND: &str = "policy";

/// The driver.
#[derive(Debug)]
pub struct Bench;

crosspoint_sdk::export!(Bench, fixtures = "../fixtures.json");

impl Driver for Bench {
    fn describe() -> Description {
        let policy = kind(KIND, "A list of packet filter rules under one name")
            .spec::<PolicySpec>()
            .result::<PolicyView>()
            .verbs([Verb::Create, Verb::Read, Verb::Replace, Verb::Delete, Verb::Find, Verb::List])
            .reissuable([Verb::Replace, Verb::Delete])
            .marker()
            .conditional();
        driver("bench", env!("CARGO_PKG_VERSION"), "A backend to measure with")
            .auth(AuthScheme::ApiKey(ApiKey::Header("X-Api-Key".to_owned())))
            .auth(AuthScheme::None)
            .kind(policy)
            .probe()
            .build()
    }

    fn encode(call: &Call) -> Result<Exchange, Fault> {
        let policy = || path("/policies/{id}", &[("id", call.backend_id()?)]);
        let policies = || path("/policies", &[]);
        let only_if = call.precondition.as_deref();
        let http = match (call.kind.as_str(), &call.verb) {
            (KIND, Verb::Create) => Http::post(policies()?).json(&call.spec::<PolicySpec>()?.stored(&call.marker)?),
            (KIND, Verb::Read) => Http::get(policy()?),
            (KIND, Verb::Replace) => {
                Http::put(policy()?).json(&call.spec::<PolicySpec>()?.stored(&call.marker)?).if_match(only_if)
            }
            (KIND, Verb::Delete) => Http::delete(policy()?).if_match(only_if),
            (KIND, Verb::Find) => Http::get(policies()?.query("remark", &call.marker)),
            (KIND, Verb::List) => {
                Http::get(policies()?.query_if("limit", call.page_size).query_if("after", call.page_token.as_deref()))
            }
            ("", Verb::Probe) => Http::get(path("/status", &[])?),
            _ => return Err(call.unsupported()),
        };
        http.into_exchange()
    }

    fn decode(call: &Call, _context: &[u8], reply: &Reply) -> Result<Outcome, Fault> {
        let http = reply.http()?.success()?;
        match &call.verb {
            Verb::Delete => outcome(&())?.into(),
            Verb::Probe => outcome(&http.json::<Status>()?)?.into(),
            Verb::Find => {
                let mut found = page(http)?.0;
                found.retain(|policy| policy.marker.as_deref() == Some(call.marker.as_str()));
                outcome(&())?.found(found).into()
            }
            Verb::List => {
                let (found, next) = page(http)?;
                outcome(&())?.found(found).next_page(next).into()
            }
            _ => {
                let (policy, _) = http.json::<Stored>()?.view()?;
                outcome(&policy)?.id(&policy.id).revision(http.etag()).into()
            }
        }
    }
}

fn page(http: &HttpReply) -> Result<(Vec<Found>, Option<String>), Fault> {
    let page: Page = http.json()?;
    let found = page.policies.into_iter().map(|stored| {
        let (policy, marker) = stored.view()?;
        let revision = Some(format!("\"{}\"", policy.revision));
        Ok(Found { revision, marker, ..found(&policy.id, &policy)? })
    });
    Ok((found.collect::<Result<_, Fault>>()?, page.next))
}

#[cfg(test)]
mod tests {
    #[test]
    fn it_keeps_the_contract() {
        crosspoint_sdk::harness::check::<super::Bench>();
    }
}
