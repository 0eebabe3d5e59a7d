use std::collections::BTreeSet;

use crosspoint_contract::{Action, AuthScheme, Description, Json, Kind, Verb};

use super::assert_none;
use super::schema::compile;
use crate::Driver;

/// Checks what the host checks of a description when it loads a driver, so far as that needs no host.
///
/// # Panics
/// With a list of what is wrong.
pub fn check_description<D: Driver>() {
    assert_none("the driver's description is not valid", &faults(&D::describe()));
}

fn faults(description: &Description) -> Vec<String> {
    let mut wrong = Vec::new();
    name(&mut wrong, "the driver", &description.name);
    if description.summary.trim().is_empty() {
        wrong.push("the driver has no summary".to_owned());
    }
    unique(&mut wrong, "endpoint role", description.endpoints.iter().map(|role| role.name.as_str()));
    if !description.endpoints.iter().any(|role| role.name == "default") {
        wrong.push("no endpoint role is called `default`".to_owned());
    }
    unique(&mut wrong, "authentication scheme", description.authentication.iter().map(AuthScheme::name));
    if description.authentication.is_empty() {
        wrong.push("there is no way of authenticating; `none` is one".to_owned());
    }
    schema(&mut wrong, "the configuration", &description.configuration_schema);
    let limits = &description.limits;
    let concurrency = [Some(limits.mutation_concurrency), Some(limits.read_concurrency)];
    if concurrency.into_iter().chain([limits.reply_timeout_ms, limits.reply_size]).any(|limit| limit == Some(0)) {
        wrong.push("a limit is 0, which would let nothing through".to_owned());
    }
    unique(&mut wrong, "kind", description.kinds.iter().map(|kind| kind.name.as_str()));
    for kind in &description.kinds {
        check_kind(&mut wrong, kind);
    }
    check_actions(&mut wrong, "the backend", &description.actions);
    if description.actions.iter().any(|action| action.asynchronous) {
        wrong.push("an action on the backend cannot be asynchronous: there is no `poll` to follow it with".to_owned());
    }
    wrong
}

fn check_kind(wrong: &mut Vec<String>, kind: &Kind) {
    let place = format!("kind `{}`", kind.name);
    name(wrong, &place, &kind.name);
    schema(wrong, &format!("{place}: spec"), &kind.spec_schema);
    schema(wrong, &format!("{place}: result"), &kind.result_schema);
    if let Some(patch) = &kind.patch_schema {
        schema(wrong, &format!("{place}: patch"), patch);
    }
    let verbs: Vec<String> = kind.verbs.iter().map(|support| support.verb.to_string()).collect();
    unique(wrong, &format!("{place}: verb"), verbs.iter().map(String::as_str));
    if kind.verbs.is_empty() && kind.actions.is_empty() {
        wrong.push(format!("{place} has neither verbs nor actions"));
    }
    let has = |verb: Verb| kind.supports(&verb).is_some();
    if has(Verb::Update) != kind.patch_schema.is_some() {
        wrong.push(format!("{place}: a patch schema and verb `update` go together"));
    }
    if kind.marker && !(has(Verb::Create) && has(Verb::Find)) {
        wrong.push(format!("{place} claims to carry a marker, which needs `create` to store it and `find` to find it"));
    }
    if kind.conditional && ![Verb::Update, Verb::Replace, Verb::Delete].into_iter().any(has) {
        wrong.push(format!("{place} claims to be conditional, but has no verb with a precondition"));
    }
    let asynchronous =
        kind.verbs.iter().any(|support| support.asynchronous) || kind.actions.iter().any(|action| action.asynchronous);
    if asynchronous && !has(Verb::Poll) {
        wrong.push(format!("{place} has something asynchronous, but no `poll` to follow it with"));
    }
    for support in &kind.verbs {
        let verb = &support.verb;
        if matches!(verb, Verb::Probe | Verb::Login | Verb::Action(_)) {
            wrong.push(format!("{place}: `{verb}` is no verb of a kind"));
        }
        if support.asynchronous && matches!(verb, Verb::Read | Verb::Find | Verb::List | Verb::Poll) {
            wrong.push(format!("{place}: `{verb}` only reads, and so cannot be asynchronous"));
        }
    }
    check_actions(wrong, &place, &kind.actions);
}

fn check_actions(wrong: &mut Vec<String>, place: &str, actions: &[Action]) {
    unique(wrong, &format!("{place}: action"), actions.iter().map(|action| action.name.as_str()));
    for action in actions {
        let place = format!("{place}: action `{}`", action.name);
        name(wrong, &place, &action.name);
        schema(wrong, &format!("{place}: spec"), &action.spec_schema);
        schema(wrong, &format!("{place}: result"), &action.result_schema);
        if action.read_only && action.asynchronous {
            wrong.push(format!("{place} only reads, and so cannot be asynchronous"));
        }
    }
}

fn name(wrong: &mut Vec<String>, place: &str, name: &str) {
    let rest = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-".contains(&byte);
    if !(name.starts_with(|first: char| first.is_ascii_lowercase()) && name.bytes().all(rest)) {
        wrong.push(format!("{place}: a name is `[a-z][a-z0-9_-]*`, not `{name}`"));
    }
}

fn schema(wrong: &mut Vec<String>, place: &str, schema: &Json) {
    if !schema.value().is_object() {
        wrong.push(format!("{place}: the schema is not a JSON object but {schema:?}"));
    } else if let Err(error) = compile(schema) {
        wrong.push(format!("{place}: the schema is none: {error}"));
    }
}

fn unique<'a>(wrong: &mut Vec<String>, what: &str, names: impl Iterator<Item = &'a str>) {
    let mut seen = BTreeSet::new();
    wrong.extend(names.filter(|name| !seen.insert(*name)).map(|name| format!("{what} `{name}` stands there twice")));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{action, driver, kind};

    #[test]
    fn a_plain_description_is_valid() {
        let plain = driver("switch", "1.0.0", "A switch")
            .kind(kind("vlan", "A VLAN").verbs([Verb::Create, Verb::Read]).action(action("reset", "Start again")))
            .build();
        assert_eq!(faults(&plain), Vec::<String>::new());
    }

    #[test]
    fn everything_that_is_wrong_is_named_at_once() {
        let mut broken = driver("Switch", "1.0.0", "")
            .kind(
                kind("vlan", "")
                    .verbs([Verb::Update, Verb::Update, Verb::Login])
                    .asynchronous([Verb::Update, Verb::Read])
                    .marker(),
            )
            .kind(kind("vlan", "").conditional())
            .build();
        broken.endpoints.clear();
        broken.configuration_schema = Json::null();
        broken.limits.read_concurrency = 0;
        let text = faults(&broken).join("\n");
        for part in [
            "not `Switch`",
            "no summary",
            "`default`",
            "the configuration",
            "let nothing through",
            "kind `vlan` stands there twice",
            "verb `update` stands there twice",
            "go together",
            "carry a marker",
            "conditional",
            "no `poll`",
            "`login` is no verb",
            "`read` only reads",
            "neither verbs nor actions",
        ] {
            assert!(text.contains(part), "{part} is missing in:\n{text}");
        }
    }
}
