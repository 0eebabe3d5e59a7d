//! The tutorial driver: the small firewall of `examples/firewall-appliance`. `docs/drivers.md` walks through it.

#[cfg(test)]
mod live;
mod rule;

use crosspoint_sdk::prelude::*;

use rule::{Committed, Refusal, RuleList, RulePatch, RuleSpec, RuleView, Status};

const NAME: &str = "firewall";
const VERSION: &str = if cfg!(feature = "next") { "0.2.0" } else { "0.1.0" };

/// Longest comment that the appliance takes, in characters.
const COMMENT: usize = 255;

/// The driver.
#[derive(Debug)]
pub struct Firewall;

#[cfg(not(feature = "next"))]
crosspoint_sdk::export!(Firewall, name = NAME, version = VERSION, fixtures = "../fixtures.json");
#[cfg(feature = "next")]
crosspoint_sdk::export!(Firewall, name = NAME, version = VERSION, fixtures = "../fixtures-next.json");

impl Driver for Firewall {
    fn describe() -> Description {
        let rule = kind("rule", "A packet filter rule")
            .spec::<RuleSpec>()
            .patch::<RulePatch>()
            .result::<RuleView>()
            .verbs([Verb::Create, Verb::Read, Verb::Replace, Verb::Update, Verb::Delete, Verb::Find, Verb::List])
            .reissuable([Verb::Replace, Verb::Update, Verb::Delete])
            .marker()
            .creation(Creation::Conditional)
            .conditional()
            .action(action("reset-hits", "Set the hit counter to zero").result::<RuleView>().reissuable());
        driver(NAME, VERSION, "A small firewall appliance, simulated: the tutorial driver")
            .unauthorized_precedes_effects()
            .auth(AuthScheme::ApiKey(ApiKey::Header("X-Api-Key".to_owned())))
            .auth(AuthScheme::None)
            .kind(rule)
            .action(action("commit", "Put the rules in force").result::<Committed>())
            .probe()
            .build()
    }

    fn encode(call: &Call) -> Result<Exchange, Fault> {
        let rule = || path("/api/v1/rules/{id}", &[("id", call.backend_id()?)]);
        let rules = || path("/api/v1/rules", &[]);
        let only_if = call.precondition.as_deref();
        let http = match (call.kind.as_str(), &call.verb) {
            ("rule", Verb::Create) => Http::post(rules()?).json(&marked_spec(call)?),
            ("rule", Verb::Read) => Http::get(rule()?),
            ("rule", Verb::Replace) => Http::put(rule()?).json(&marked_spec(call)?).if_match(only_if),
            ("rule", Verb::Update) => Http::patch(rule()?).json(&marked_patch(call)?).if_match(only_if),
            ("rule", Verb::Delete) => Http::delete(rule()?).if_match(only_if),
            ("rule", Verb::Find) => Http::get(rules()?.query("comment", &call.marker)),
            ("rule", Verb::List) => {
                Http::get(rules()?.query_if("limit", call.page_size).query_if("after", call.page_token.as_deref()))
            }
            ("rule", Verb::Action(name)) if name == "reset-hits" => {
                Http::post(path("/api/v1/rules/{id}/hit-count:reset", &[("id", call.backend_id()?)])?)
            }
            ("", Verb::Action(name)) if name == "commit" => Http::post(path("/api/v1/commit", &[])?),
            ("", Verb::Probe) => Http::get(path("/api/v1/status", &[])?),
            _ => return Err(call.unsupported()),
        };
        http.into_exchange()
    }

    fn decode(call: &Call, _context: &[u8], reply: &Reply) -> Result<Outcome, Fault> {
        let http = reply.http()?;
        if !http.is_success() {
            return Err(refusal(call, http));
        }
        match &call.verb {
            Verb::Delete => outcome(&())?.into(),
            Verb::Probe => outcome(&http.json::<Status>()?)?.into(),
            Verb::Action(name) if name == "commit" => outcome(&http.json::<Committed>()?)?.into(),
            Verb::Find => {
                let mut found = found_rules(http)?.0;
                // The appliance looks for a part of the comment; only a whole marker counts.
                found.retain(|rule| rule.marker.as_deref() == Some(call.marker.as_str()));
                outcome(&())?.found(found).into()
            }
            Verb::List => {
                let (found, next) = found_rules(http)?;
                outcome(&())?.found(found).next_page(next).into()
            }
            _ => {
                let (rule, _) = http.json::<RuleView>()?.without_marker();
                outcome(&rule)?.id(&rule.id).revision(http.etag()).into()
            }
        }
    }
}

/// The whole spec, with the marker in its comment.
fn marked_spec(call: &Call) -> Result<RuleSpec, Fault> {
    let mut spec: RuleSpec = call.spec()?;
    spec.comment = marker::fit(&spec.comment, &call.marker, COMMENT, "/comment")?;
    Ok(spec)
}

/// The patch. A new comment must not lose the marker; a comment that is left alone keeps it.
fn marked_patch(call: &Call) -> Result<RulePatch, Fault> {
    let mut patch: RulePatch = call.spec()?;
    if let Some(comment) = &mut patch.comment {
        *comment = marker::fit(comment, &call.marker, COMMENT, "/comment")?;
    }
    Ok(patch)
}

fn found_rules(http: &HttpReply) -> Result<(Vec<Found>, Option<String>), Fault> {
    let list: RuleList = http.json()?;
    let found = list.rules.into_iter().map(|rule| {
        let revision = Some(rule.etag());
        let (rule, marker) = rule.without_marker();
        Ok(Found { revision, marker, ..found(&rule.id, &rule)? })
    });
    Ok((found.collect::<Result<_, Fault>>()?, list.next))
}

/// The appliance says in the body what it does not like; where it does not, the status speaks.
fn refusal(call: &Call, http: &HttpReply) -> Fault {
    let Ok(Refusal { error }) = http.json() else { return fault_for_status(http, &http.hint()) };
    match (http.status, error.field) {
        (400, Some(field)) => Fault::invalid(format!("/{}", field.replace('.', "/")), error.message),
        (409, _) if call.verb == Verb::Create => {
            Fault::AlreadyExists(Existing { message: error.message, backend_id: error.id })
        }
        _ => fault_for_status(http, &error.message),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn it_keeps_the_contract() {
        crosspoint_sdk::harness::check::<super::Firewall>();
    }
}
