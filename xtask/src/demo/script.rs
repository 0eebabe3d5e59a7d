//! What happens in the demo, act by act.

use std::time::Duration;

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    client::{Reply, Request},
    play::Play,
    stage_set::StageSet,
    swap::{self, CALLERS},
};

/// The rule that most acts are about, and one whose creation is in doubt for a while.
const WEB: &str = "web-443";
const DNS: &str = "dns-53";

const WEB_RULE: &str = r#"{"spec": {"name": "web", "source": "0.0.0.0/0", "destination": "192.0.2.80/32",
           "port": 443, "protocol": "tcp", "action": "permit"}, "labels": {"app": "shop"}}"#;
const DNS_RULE: &str = r#"{"spec": {"name": "dns", "source": "10.0.0.0/8", "destination": "192.0.2.53/32",
           "port": 53, "protocol": "udp", "action": "permit"}}"#;
const BAD_RULE: &str = r#"{"spec": {"name": "bad", "source": "10.0.0.0/8", "port": 70000,
           "protocol": "tpc", "action": "permit"}}"#;

/// How much of a driver a broken one is: enough to begin well.
const CUT: usize = 150_000;

/// How long a driver may take from its folder to its first call.
const LOADED: Duration = Duration::from_secs(30);

#[derive(Deserialize)]
struct Drivers {
    items: Vec<Driver>,
    rejected: Vec<Value>,
}

#[derive(Deserialize)]
struct Driver {
    version: String,
    generation: u64,
    last_failure: Option<Value>,
}

/// Performs all acts.
///
/// # Errors
/// At the first act that comes out differently than it must.
pub fn perform(play: &mut Play<'_>) -> Result<()> {
    load_driver(play)?;
    configure_backend(play)?;
    let tag = create(play)?;
    read_and_change(play, &tag)?;
    look_up(play)?;
    refuse(play)?;
    doubt(play)?;
    swap_driver(play)?;
    break_driver(play)?;
    delete(play)
}

fn rule(cmp_id: &str) -> String {
    format!("/v1/backends/fw-dc1/objects/rule/{cmp_id}")
}

fn load_driver(play: &mut Play<'_>) -> Result<()> {
    let about = "A driver is a Wasm module that imports nothing. Crosspoint watches a folder: a module that is put \
                 there is checked, compiled and published while calls run.";
    play.act("driver from a folder", about, |act| {
        let set = act.set;
        act.put_driver(&set.driver("firewall"), None)?;
        set.patience.until("the driver to be loaded", LOADED, || {
            Ok(drivers(set)?.items.iter().any(|driver| driver.version == "0.1.0").then_some(()))
        })?;
        act.command(&["--context", "operator", "driver", "list"], &["firewall", "0.1.0", "active"])?;
        act.exchanges(0)
    })
}

fn configure_backend(play: &mut Play<'_>) -> Result<()> {
    let about = "A backend is one firewall: its driver, its address, its API key. The key is sealed at rest, is never \
                 shown again, and never enters the sandbox.";
    play.act("backend", about, |act| {
        let set = act.set;
        let file = set.file("fw-dc1.json");
        act.show_file(&file)?;
        let words = ["--context", "operator", "backend", "put", "fw-dc1", "-f", &set.short(&file)];
        let said = act.command(&words, &["fw-dc1", "firewall", "api-key"])?;
        act.require(!said.text.contains(set.command_line.secret.1), || "the key should not be shown".to_owned());
        act.exchanges(0)
    })?;
    play.act("probe", "One harmless read tells whether it answers.", |act| {
        act.command(&["--context", "operator", "backend", "probe", "fw-dc1"], &["answered in", "FW-1"])?;
        act.exchanges(1)
    })
}

/// Dry run, creation, and the same again; gives the rule's entity tag.
fn create(play: &mut Play<'_>) -> Result<String> {
    let about = "Which exchange would it be? The driver is asked, the firewall is not. Secrets are `***`.";
    play.act("dry run", about, |act| {
        let request = Request::new("PUT", rule(WEB) + "?dry_run=true").json(WEB_RULE);
        let headers = json!([["content-type", "application/json"], ["x-api-key", "***"]]);
        act.call(&request, 200, &[("/verb", json!("create")), ("/exchange/headers", headers)])?;
        act.exchanges(0)?;
        act.mapping(WEB, None)
    })?;
    let request = || Request::new("PUT", rule(WEB)).header("Idempotency-Key", "order-4711").json(WEB_RULE);
    let about = "The CMP names the rule by its own id, the firewall by another; the mapping joins the two. The \
                 driver's marker in the rule's comment lets it be found again, whatever happens.";
    let tag = play.act("create", about, |act| {
        let values = [("/mapping/backend_id", json!("rule-1")), ("/operation/state", json!("succeeded"))];
        let reply = act.call(&request(), 201, &values)?;
        act.exchanges(1)?;
        act.mapping(WEB, Some("active"))?;
        reply.etag.context("the answer has no ETag")
    })?;
    let about = "The answer got lost, so the CMP asks again with the same key: it is told, and nothing is done twice.";
    play.act("the same again", about, |act| {
        let Reply { replayed, .. } = act.call(&request(), 200, &[("/mapping/backend_id", json!("rule-1"))])?;
        act.require(replayed, || "Idempotency-Replayed should be true".to_owned());
        act.exchanges(0)?;
        act.mapping(WEB, Some("active"))
    })?;
    Ok(tag)
}

fn read_and_change(play: &mut Play<'_>, tag: &str) -> Result<()> {
    play.act("read", "Reading an object asks the firewall: what it says is true now.", |act| {
        act.call(&Request::new("GET", rule(WEB)), 200, &[("/result/port", json!(443))])?;
        act.exchanges(1)?;
        act.mapping(WEB, Some("active"))
    })?;
    let patch = |port: u16| {
        let body = format!(r#"{{"spec": {{"port": {port}}}}}"#);
        Request::new("PATCH", rule(WEB)).header("If-Match", tag).json(body)
    };
    play.act("update", "Only what is named changes, and only if the rule is still as the CMP last saw it.", |act| {
        act.call(&patch(8443), 200, &[("/result/port", json!(8443)), ("/result/name", json!("web"))])?;
        act.exchanges(1)?;
        act.mapping(WEB, Some("active"))
    })?;
    let about = "The same entity tag once more is out of date. The firewall itself refuses, in the one exchange.";
    play.act("stale If-Match", about, |act| {
        act.call(&patch(9443), 412, &[("/code", json!("stale")), ("/sent", json!("yes"))])?;
        act.exchanges(1)?;
        act.mapping(WEB, Some("active"))
    })
}

fn look_up(play: &mut Play<'_>) -> Result<()> {
    let about = "Which object is which? Crosspoint knows both ways, and asks nobody.";
    play.act("look-up both ways", about, |act| {
        let row = [WEB, "rule-1", "active"];
        act.command(&["mapping", "lookup", "fw-dc1", "rule", "--cmp-id", WEB], &row)?;
        act.command(&["mapping", "lookup", "fw-dc1", "rule", "--backend-id", "rule-1"], &row)?;
        act.exchanges(0)
    })?;
    play.act("list", "The firewall's rules, with the CMP's id for each.", |act| {
        let request = Request::new("GET", "/v1/backends/fw-dc1/objects/rule");
        act.call(&request, 200, &[("/items/0/cmp_id", json!(WEB)), ("/items/0/backend_id", json!("rule-1"))])?;
        act.exchanges(1)
    })
}

fn refuse(play: &mut Play<'_>) -> Result<()> {
    let about = "What does not fit the driver's schema is refused before anything is sent, with a JSON Pointer for \
                 each fault. It leaves no trace.";
    play.act("bad spec", about, |act| {
        let values = [("/code", json!("invalid_spec")), ("/sent", json!("no")), ("/errors/1/pointer", json!("/port"))];
        act.call(&Request::new("PUT", rule("bad-1")).json(BAD_RULE), 422, &values)?;
        act.exchanges(0)?;
        act.mapping("bad-1", None)
    })
}

fn doubt(play: &mut Play<'_>) -> Result<()> {
    let about = "The firewall makes the rule and then holds its reply back. Crosspoint cannot know that, and says so: \
                 `sent: maybe`. The mapping is unknown, not lost and not guessed.";
    let id = play.act("no reply in time", about, |act| {
        let hold = r#"{"method": "POST", "hold": "after_effect"}"#;
        act.arrange(&Request::new("POST", "/_sim/next").json(hold))?;
        let values = [("/code", json!("backend_timeout")), ("/sent", json!("maybe"))];
        let reply = act.call(&Request::new("PUT", rule(DNS)).json(DNS_RULE), 504, &values)?;
        act.exchanges(1)?;
        act.mapping(DNS, Some("unknown"))?;
        let problem: Value = serde_json::from_str(&reply.text)?;
        let id = problem.get("operation_id").and_then(Value::as_str).context("the problem names no operation")?;
        Ok(id.to_owned())
    })?;
    play.act("what is in doubt", "Doubt is a state that can be listed.", |act| {
        act.command(&["operation", "list", "--state", "unknown"], &[id.as_str(), "maybe"])?;
        act.exchanges(0)?;
        act.mapping(DNS, Some("unknown"))
    })?;
    play.act("resolve", "One look for the marker ends it: the rule is there, and now it is mapped.", |act| {
        act.command(&["operation", "resolve", &id], &["rule-2", "active"])?;
        act.exchanges(1)?;
        act.mapping(DNS, Some("active"))?;
        act.arrange(&Request::new("POST", "/_sim/release"))
    })
}

fn swap_driver(play: &mut Play<'_>) -> Result<()> {
    let about = format!(
        "{CALLERS} callers create, change, read and delete rules without a pause while the next version is uploaded. \
         Calls that began with the old version end with it. The new one also tells whether a rule is `shadowed`."
    );
    play.act("swap under load", &about, |act| {
        let set = act.set;
        let before = drivers(set)?.items.first().map_or(0, |driver| driver.generation);
        let tally = swap::under_load(&set.cmp, &set.patience, || {
            let next = set.short(&set.driver("firewall-next"));
            act.command(&["--context", "operator", "driver", "load", &next], &["0.2.0", "active"]).map(drop)
        })?;
        let after = drivers(set)?.items.first().map_or(0, |driver| driver.generation);
        act.count(tally.calls);
        act.note(
            "callers",
            &format!(
                "{} calls, {} failed, the slowest took {} ms\n\
             {:>4} answers from generation {before}, firewall@0.1.0, without `shadowed`\n\
             {:>4} answers from generation {after}, firewall@0.2.0, with `shadowed`",
                tally.calls,
                tally.failures.len(),
                tally.slowest.as_millis(),
                tally.old,
                tally.new,
            ),
        );
        act.exchanges(tally.calls)?;
        act.expect("failed calls", 0, tally.failures.len());
        for failure in tally.failures.iter().take(3) {
            act.note("failed", failure);
        }
        act.require(after > before, || format!("the generation should be later than {before}, and is {after}"));
        Ok(())
    })
}

fn break_driver(play: &mut Play<'_>) -> Result<()> {
    let about = "Half a module is put into the folder. It might still be being copied, so Crosspoint gives it five \
                 seconds; then it is refused, the version before stays, and the operator is told why.";
    play.act("broken driver", about, |act| {
        let set = act.set;
        act.put_driver(&set.driver("firewall-next"), Some(CUT))?;
        set.patience.until("the broken driver to be refused", LOADED, || {
            let drivers = drivers(set)?;
            let refused = !drivers.rejected.is_empty() || drivers.items.iter().any(|it| it.last_failure.is_some());
            Ok(refused.then_some(()))
        })?;
        let parts = ["firewall", "0.2.0", "active", "not taken", "because"];
        act.command(&["--context", "operator", "driver", "list"], &parts)?;
        act.call(&Request::new("GET", rule(WEB)), 200, &[("/result/shadowed", json!(false))])?;
        act.exchanges(1)?;
        act.mapping(WEB, Some("active"))
    })
}

fn delete(play: &mut Play<'_>) -> Result<()> {
    play.act("delete", "The rule goes, and its mapping with it.", |act| {
        act.command(&["object", "delete", "fw-dc1", "rule", WEB], &["succeeded"])?;
        act.exchanges(1)?;
        act.mapping(WEB, None)
    })
}

fn drivers(set: &StageSet) -> Result<Drivers> {
    set.operator.get("/v1/drivers")
}
