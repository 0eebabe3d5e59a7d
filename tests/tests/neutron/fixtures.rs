//! The fixtures that travel with the Neutron driver are recordings, and this keeps them true: it makes the same calls
//! again, through the driver, to a real Neutron and a real Keystone, and compares.
//!
//! `CROSSPOINT_RECORD=1` writes `drivers/neutron/fixtures.json` anew instead.

use std::collections::BTreeSet;

use anyhow::Result;
use crosspoint_sdk::prelude::*;
use crosspoint_tests::openstack;
use serde_json::{Map, Value, json};

use crate::recorder::{Recorder, write};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../drivers/neutron/fixtures.json");

/// An id of the right form that nothing has.
const NOBODY: &str = "11111111-2222-4333-8444-555555555555";

#[tokio::test]
async fn the_fixtures_say_what_neutron_does() -> Result<()> {
    let Some(openstack) = openstack::shared().await? else { return Ok(()) };
    let mut recorder = Recorder::new(openstack).await?;
    sessions(&mut recorder).await?;
    networks(&mut recorder).await?;
    pages(&mut recorder).await?;
    subnets_ports_and_routers(&mut recorder).await?;
    security_groups(&mut recorder).await?;
    floating_ips(&mut recorder).await?;
    qualities_of_service(&mut recorder).await?;
    trunks(&mut recorder).await?;
    let fixtures = recorder.finish();

    if std::env::var_os("CROSSPOINT_RECORD").is_some() {
        std::fs::write(FILE, write(&fixtures))?;
        return Ok(());
    }
    let kept: Vec<Value> = serde_json::from_slice(&std::fs::read(FILE)?)?;
    for (kept, now) in kept.iter().zip(&fixtures) {
        assert_eq!(difference(kept, now), None, "fixture {}", kept["name"]);
    }
    assert_eq!(kept.len(), fixtures.len());
    Ok(())
}

/// The first place where two values differ, with what stands there in each.
fn difference(kept: &Value, now: &Value) -> Option<String> {
    let at = |name: &str, kept: &Value, now: &Value| Some(format!("/{name}{}", difference(kept, now)?));
    match (kept, now) {
        (Value::Object(kept), Value::Object(now)) => {
            let names: BTreeSet<_> = kept.keys().chain(now.keys()).collect();
            let part = |parts: &Map<String, Value>, name: &str| parts.get(name).cloned().unwrap_or_default();
            names.into_iter().find_map(|name| at(name, &part(kept, name), &part(now, name)))
        }
        (Value::Array(kept), Value::Array(now)) if kept.len() == now.len() => {
            kept.iter().zip(now).enumerate().find_map(|(index, (kept, now))| at(&index.to_string(), kept, now))
        }
        (kept, now) => (kept != now).then(|| format!(": {kept} was recorded, {now} is said now")),
    }
}

async fn sessions(recorder: &mut Recorder) -> Result<()> {
    let (good, wrong) = (recorder.login("correct horse"), recorder.login("wrong horse"));
    recorder.step("a login gives a token and says how long it is good", good).await?;
    recorder.refused("unauthenticated", "a login with a wrong password is refused", wrong).await?;
    recorder.step("a probe lists the extensions", Call::new(Verb::Probe, "")).await?;

    let token = std::mem::replace(&mut recorder.token, "no-token".to_owned());
    recorder
        .refused(
            "unauthenticated",
            "a call without a good token is refused before it has an effect",
            Call::new(Verb::Probe, ""),
        )
        .await?;
    recorder.token = token;
    Ok(())
}

async fn networks(recorder: &mut Recorder) -> Result<()> {
    let spec = json!({"name": "blue", "description": "for the blue team", "mtu": 1400});
    let network = recorder.create("network", "xp-blue", &spec).await?;
    recorder.life(&network, &json!({"name": "azure", "description": null}), &json!({"name": "navy"})).await?;

    let adopt = Call { attributes: Json::null(), ..network.call(Verb::Read) };
    recorder.step("an object that is adopted is read with its attributes", adopt).await?;
    let other = Call { marker: "xp-nobody".to_owned(), ..network.search() };
    recorder.step("an object with another marker is not found", other).await?;
    let strange = Call { precondition: Some("\"etag\"".to_owned()), ..network.call(Verb::Delete) };
    recorder.refused("stale", "no object has a revision that is not Neutron's", strange).await?;
    let call = network.call(Verb::Replace);
    let spec = json!({"name": "navy", "provider:network_type": "vlan"});
    recorder
        .refused(
            "denied",
            "an attribute that Neutron did not show is for Neutron to refuse",
            Call { spec: spec.into(), ..call },
        )
        .await?;

    let create =
        |spec: Value| Call { spec: spec.into(), marker: "xp-red".to_owned(), ..Call::new(Verb::Create, "network") };
    recorder
        .refused("invalid", "an unknown attribute is refused before anything is sent", create(json!({"colour": "red"})))
        .await?;
    recorder
        .refused("invalid", "a value of a wrong type is refused before anything is sent", create(json!({"mtu": "big"})))
        .await?;
    let long = create(json!({"description": "x".repeat(250)}));
    recorder.refused("invalid", "a description that leaves no room for the marker is refused", long).await?;
    recorder
        .refused(
            "invalid",
            "Neutron names the attribute that it does not like",
            create(json!({"name": "x".repeat(256)})),
        )
        .await?;
    recorder.refused("denied", "what only administrators may do is denied", create(json!({"shared": true}))).await?;
    recorder.set_quota("network", 1).await?;
    recorder.refused("rejected", "a full quota is a rejection", create(json!({"name": "red"}))).await?;
    recorder.set_quota("network", -1).await?;

    recorder.delete(&network).await?;
    recorder.refused("not-found", "what is gone is not found", network.call(Verb::Read)).await?;
    recorder.refused("not-found", "what is gone cannot be deleted again", network.call(Verb::Delete)).await?;
    let mut call = network.call(Verb::Update);
    call.spec = json!({"name": "ghost"}).into();
    recorder.refused("not-found", "what is gone cannot be changed", call).await?;
    Ok(())
}

async fn pages(recorder: &mut Recorder) -> Result<()> {
    let (first, second) = recorder.two_networks().await?;
    let page = |token: Option<&str>| Call {
        page_size: Some(1),
        page_token: token.map(str::to_owned),
        ..Call::new(Verb::List, "network")
    };
    recorder.step("a page says where the next one starts", page(None)).await?;
    recorder.step("the next page starts after the last object of the one before", page(Some(&first))).await?;
    recorder.step("the last page names no other", page(Some(&second))).await?;
    recorder.remove("networks", &second).await?;
    recorder.refused("rejected", "a page token whose object is gone is refused", page(Some(&second))).await?;
    recorder.remove("networks", &first).await
}

async fn subnets_ports_and_routers(recorder: &mut Recorder) -> Result<()> {
    let network = recorder.network("lan").await?;
    let spec = json!({"network_id": network.id, "ip_version": 4, "cidr": "192.0.2.0/24", "description": "offices"});
    let subnet = recorder.create("subnet", "xp-lan-v4", &spec).await?;
    let mut whole = spec.clone();
    whole["name"] = json!("upstairs");
    whole["host_routes"] = json!([{"destination": "198.51.100.0/24", "nexthop": "192.0.2.9"}]);
    recorder.life(&subnet, &json!({"dns_nameservers": ["192.0.2.53"], "name": "offices"}), &whole).await?;
    let mut call = subnet.call(Verb::Replace);
    whole["cidr"] = json!("203.0.113.0/24");
    call.spec = whole.into();
    recorder
        .refused("invalid", "a replacement that would change what is fixed is refused before anything is sent", call)
        .await?;
    let mut call = subnet.call(Verb::Update);
    call.spec = json!({"cidr": "203.0.113.0/24"}).into();
    recorder
        .refused("invalid", "a patch that would change what is fixed is refused before anything is sent", call)
        .await?;
    let create =
        |spec: Value| Call { spec: spec.into(), marker: "xp-odd".to_owned(), ..Call::new(Verb::Create, "subnet") };
    let odd = json!({"network_id": network.id, "ip_version": 4, "cidr": "192.0.2.0/99"});
    recorder.refused("invalid", "Neutron names the block that is none", create(odd)).await?;
    recorder.refused("invalid", "Neutron refuses a block that overlaps with another", create(spec)).await?;

    let spec = json!({
        "network_id": network.id, "name": "desk",
        "fixed_ips": [{"subnet_id": subnet.id, "ip_address": "192.0.2.17"}],
    });
    let port = recorder.create("port", "xp-desk", &spec).await?;
    recorder.life(&port, &json!({"admin_state_up": false}), &spec).await?;
    let create =
        |spec: Value| Call { spec: spec.into(), marker: "xp-chair".to_owned(), ..Call::new(Verb::Create, "port") };
    recorder.refused("conflict", "an address that is taken is a conflict", create(spec)).await?;
    let nowhere = json!({"network_id": NOBODY});
    recorder.refused("invalid", "a network that is not there is a fault of the spec", create(nowhere)).await?;
    recorder.refused("conflict", "a network in use is a conflict", network.call(Verb::Delete)).await?;

    let router = recorder.create("router", "xp-gate", &json!({"name": "gate"})).await?;
    recorder.life(&router, &json!({"name": "door"}), &json!({"name": "gate", "description": "to the lan"})).await?;
    let interface = |action: &str| Call {
        spec: json!({"subnet_id": subnet.id}).into(),
        ..router.call(Verb::Action(action.to_owned()))
    };
    let (add, remove) = (interface("add_router_interface"), interface("remove_router_interface"));
    recorder.step("a router gets an interface", add.clone()).await?;
    recorder.refused("already-exists", "a second interface to the same subnet is there already", add.clone()).await?;
    recorder.refused("conflict", "a router with an interface cannot be deleted", router.call(Verb::Delete)).await?;
    recorder.step("a router loses an interface", remove.clone()).await?;
    recorder.refused("not-found", "an interface that is not there cannot be removed", remove).await?;
    recorder
        .refused("invalid", "an interface is to one of the two", Call { spec: json!({}).into(), ..add.clone() })
        .await?;
    let nowhere = json!({"subnet_id": NOBODY});
    recorder
        .refused(
            "invalid",
            "a subnet that is not there is a fault of the spec",
            Call { spec: nowhere.into(), ..add.clone() },
        )
        .await?;
    let verb = Verb::Action("explode".to_owned());
    recorder
        .refused("unsupported", "an action that Neutron does not have is unsupported", Call { verb, ..add })
        .await?;

    recorder.delete(&router).await?;
    recorder.delete(&port).await?;
    recorder.delete(&subnet).await?;
    recorder.remove("networks", &network.id).await
}

async fn security_groups(recorder: &mut Recorder) -> Result<()> {
    let group = recorder.create("security-group", "xp-web", &json!({"name": "web"})).await?;
    recorder.life(&group, &json!({"description": "the web"}), &json!({"name": "www"})).await?;
    let spec = json!({
        "security_group_id": group.id, "direction": "ingress", "protocol": "tcp",
        "port_range_min": 443, "port_range_max": 443, "remote_ip_prefix": "198.51.100.0/24", "description": "TLS",
    });
    let rule = recorder.create("security-group-rule", "xp-tls", &spec).await?;
    recorder.look(&rule).await?;
    let again =
        Call { spec: spec.into(), marker: "xp-tls-again".to_owned(), ..Call::new(Verb::Create, "security-group-rule") };
    recorder.refused("already-exists", "a rule that is there already is named", again).await?;
    let mut call = rule.call(Verb::Update);
    call.spec = json!({"description": "SSL"}).into();
    recorder.refused("unsupported", "a rule cannot be changed", call).await?;
    recorder.delete(&rule).await?;
    recorder.delete(&group).await
}

async fn floating_ips(recorder: &mut Recorder) -> Result<()> {
    let external = recorder.external_network("203.0.113.10").await?;
    let spec = json!({"floating_network_id": external, "description": "the way in"});
    let address = recorder.create("floating-ip", "xp-way-in", &spec).await?;
    recorder.life(&address, &json!({"description": "the way out"}), &spec).await?;
    let again = Call { spec: spec.into(), marker: "xp-more".to_owned(), ..Call::new(Verb::Create, "floating-ip") };
    recorder.refused("conflict", "a network without a free address is a conflict", again).await?;
    recorder.delete(&address).await
}

async fn qualities_of_service(recorder: &mut Recorder) -> Result<()> {
    let policy = recorder.create("qos-policy", "xp-gold", &json!({"name": "gold"})).await?;
    recorder.life(&policy, &json!({"description": "for those who pay"}), &json!({"name": "silver"})).await?;
    let changed = policy.call(Verb::Read);

    let kind = "qos-bandwidth-limit-rule";
    let spec = json!({"qos_policy_id": policy.id, "max_kbps": 10_000});
    let rule = recorder.create(kind, "xp-limit", &spec).await?;
    recorder.step("a rule makes a new revision of its policy", changed).await?;
    recorder.step("a rule is read with the id of its policy", rule.call(Verb::Read)).await?;
    let adopted = Call { attributes: Json::null(), ..rule.call(Verb::Read) };
    recorder.step("a rule that is adopted is read with its attributes", adopted).await?;
    let update = Call { spec: json!({"max_kbps": 20_000}).into(), ..rule.call(Verb::Update) };
    recorder.step("a rule's limit is changed", update).await?;
    let strict = Call { precondition: Some("1".to_owned()), ..rule.call(Verb::Delete) };
    recorder.refused("unsupported", "a rule has no revision that a condition could be about", strict).await?;
    let whole = Call { spec: spec.clone().into(), attributes: Json::null(), ..rule.call(Verb::Replace) };
    recorder.step("a rule gets a whole new spec, and defaults for what it leaves out", whole).await?;

    let create =
        |spec: Value| Call { spec: spec.into(), marker: "xp-other".to_owned(), ..Call::new(Verb::Create, kind) };
    let again = create(spec.clone());
    recorder.refused("already-exists", "a policy's second rule for a direction is there already", again).await?;
    let mut spec = spec;
    (spec["direction"], spec["max_burst_kbps"]) = (json!("ingress"), json!(500));
    let other = recorder.create(kind, "xp-down", &spec).await?;
    let turn = Call { spec: json!({"direction": "egress"}).into(), ..other.call(Verb::Update) };
    recorder.refused("conflict", "a rule cannot take a direction that another has", turn).await?;
    let page = |size: Option<u32>| Call { page_size: size, ..Call::new(Verb::List, kind) };
    recorder.step("rules are listed policy by policy", page(None)).await?;
    recorder.step("a page of rules is as many policies as have no more rules than are wanted", page(Some(3))).await?;

    spec["qos_policy_id"] = json!(NOBODY);
    let moved = Call { spec: spec.clone().into(), ..other.call(Verb::Replace) };
    recorder.refused("invalid", "a rule stays in its policy", moved).await?;
    recorder.refused("invalid", "a policy that is not there is a fault of the spec", create(spec.clone())).await?;
    let negative = create(json!({"qos_policy_id": policy.id, "max_kbps": 2_147_483_648_u32}));
    recorder.refused("invalid", "Neutron names the limit that it does not like", negative).await?;
    let lone = Call { backend_id: Some(NOBODY.to_owned()), ..other.call(Verb::Read) };
    recorder.refused("invalid", "a rule's own id is half of what is needed", lone).await?;
    recorder.refused("unsupported", "rules carry no marker to be found by", other.search()).await?;

    let network = recorder.create("network", "xp-fast", &json!({"qos_policy_id": policy.id})).await?;
    let port = json!({"network_id": network.id, "qos_policy_id": policy.id});
    let port = recorder.create("port", "xp-plug", &port).await?;
    recorder.refused("conflict", "a policy in use is a conflict", policy.call(Verb::Delete)).await?;
    for (name, made) in [("network", &network), ("port", &port)] {
        let bad = Call { spec: json!({"qos_policy_id": NOBODY}).into(), ..made.call(Verb::Update) };
        recorder
            .refused("invalid", &format!("a {name}'s policy that is not there is a fault of the spec"), bad)
            .await?;
        let free = Call { spec: json!({"qos_policy_id": null}).into(), ..made.call(Verb::Update) };
        recorder.step(&format!("a {name} is freed of its policy"), free).await?;
    }
    recorder.remove("ports", &port.id).await?;
    recorder.remove("networks", &network.id).await?;

    recorder.delete(&other).await?;
    recorder.refused("not-found", "a rule that is gone is not found", other.call(Verb::Read)).await?;
    recorder.delete(&policy).await?;
    recorder.refused("not-found", "a rule goes with its policy", rule.call(Verb::Read)).await?;
    let mut call = rule.call(Verb::Replace);
    call.spec = json!({"qos_policy_id": policy.id, "max_kbps": 1}).into();
    recorder.refused("not-found", "a rule that went with its policy cannot be replaced", call).await?;
    Ok(())
}

async fn trunks(recorder: &mut Recorder) -> Result<()> {
    let network = recorder.network("stem").await?;
    let [parent, first, second] = recorder.ports(&network.id).await?;
    let sub_port =
        |port: &str, vlan: u16| json!({"port_id": port, "segmentation_type": "vlan", "segmentation_id": vlan});
    let spec = json!({"port_id": parent, "name": "stem", "sub_ports": [sub_port(&first, 100)]});
    let trunk = recorder.create("trunk", "xp-stem", &spec).await?;
    recorder.life(&trunk, &json!({"description": "holds branches"}), &spec).await?;

    let act = |action: &str, sub_ports: Value| Call {
        spec: json!({"sub_ports": sub_ports}).into(),
        ..trunk.call(Verb::Action(action.to_owned()))
    };
    let (add, remove) = ("add_subports", "remove_subports");
    let taken = act(add, json!([sub_port(&second, 100)]));
    recorder.refused("conflict", "a VLAN that is taken is a conflict", taken).await?;
    let more = act(add, json!([sub_port(&second, 101)]));
    let outcome = recorder.step("a trunk gets a sub-port, and what is kept of it is new", more.clone()).await?;
    recorder.refused("conflict", "a port that is in a trunk is a conflict", more).await?;
    let mut whole = spec.clone();
    whole["sub_ports"] = json!([sub_port(&second, 101), sub_port(&first, 100)]);
    let mut replace = Call { spec: whole.into(), attributes: outcome.attributes, ..trunk.call(Verb::Replace) };
    recorder.step("a replacement may name the sub-ports that there are, in any order", replace.clone()).await?;
    replace.spec = spec.clone().into();
    recorder.refused("invalid", "a replacement that would change the sub-ports is refused", replace).await?;
    let patch = Call { spec: json!({"sub_ports": []}).into(), ..trunk.call(Verb::Update) };
    recorder.refused("invalid", "a patch that would change the sub-ports is refused", patch).await?;

    let less = act(remove, json!([{"port_id": second}]));
    recorder.step("a trunk loses a sub-port", less.clone()).await?;
    recorder.refused("invalid", "a sub-port that is not there is a fault of the spec", less).await?;
    let ghost = act(add, json!([sub_port(&second, 102), sub_port(NOBODY, 103)]));
    recorder.refused("invalid", "a port that is not there is named where it stands", ghost).await?;
    let wide = act(add, json!([sub_port(&second, 4095)]));
    recorder.refused("invalid", "a VLAN that there cannot be is a fault of the spec", wide).await?;
    recorder
        .refused(
            "invalid",
            "an action without sub-ports is refused before anything is sent",
            Call { spec: json!({}).into(), ..act(add, json!([])) },
        )
        .await?;
    recorder
        .refused("unsupported", "an action that trunks do not have is unsupported", act("saw_off", json!([])))
        .await?;

    let create =
        |spec: Value| Call { spec: spec.into(), marker: "xp-log".to_owned(), ..Call::new(Verb::Create, "trunk") };
    recorder.refused("conflict", "a port that carries a trunk is a conflict", create(spec)).await?;
    let nowhere = create(json!({"port_id": NOBODY}));
    recorder.refused("invalid", "a parent that is not there is a fault of the spec", nowhere).await?;
    recorder.delete(&trunk).await?;
    let gone = act(remove, json!([{"port_id": first}]));
    recorder.refused("not-found", "a trunk that is gone loses nothing", gone).await?;
    for port in [parent, first, second] {
        recorder.remove("ports", &port).await?;
    }
    recorder.remove("networks", &network.id).await
}
