use crosspoint_contract::fixture::{Fixture, Mismatch};
use crosspoint_contract::{Call, Description, Json, Outcome, State, Verb};

use super::schema::misfit;
use super::{assert_none, guarded};
use crate::Driver;

/// Runs fixtures, a JSON array: `run_fixtures::<Firewall>(include_bytes!("../fixtures.json"))`.
///
/// A panic is a mismatch, whatever the fixture expects; so are a kind that the description does not name and a result that
/// does not fit the driver's own schema.
///
/// # Panics
/// With every mismatch, or with what is wrong with the file.
pub fn run_fixtures<D: Driver>(json: &[u8]) {
    let description = D::describe();
    let wrong: Vec<String> = parse(json)
        .iter()
        .filter_map(|fixture| run::<D>(&description, fixture).err())
        .map(|mismatch| mismatch.to_string())
        .collect();
    assert_none("the driver does not translate as its fixtures say", &wrong);
}

/// The fixtures of a file.
pub(super) fn parse(json: &[u8]) -> Vec<Fixture> {
    match Fixture::parse_all(json) {
        Ok(fixtures) => fixtures,
        #[allow(clippy::panic, reason = "an assertion about a test's own data")]
        Err(error) => panic!("the fixtures cannot be read: {error}"),
    }
}

fn run<D: Driver>(description: &Description, fixture: &Fixture) -> Result<(), Mismatch> {
    let differs = |phase, expected: &str, actual: String| Mismatch {
        fixture: fixture.name.clone(),
        phase,
        expected: expected.to_owned(),
        actual,
    };
    let call = &fixture.call;
    if !call.kind.is_empty() && description.kind(&call.kind).is_none() {
        return Err(differs("call", "a kind that `describe` names", call.kind.clone()));
    }
    let encoded = guarded(|| D::encode(call)).map_err(|panic| differs("encode", "no panic", panic))?;
    let Some(reply) = fixture.check_encode(&encoded)? else { return Ok(()) };
    let context = encoded.map(|exchange| exchange.context.0).unwrap_or_default();
    let decoded = guarded(|| D::decode(call, &context, reply)).map_err(|panic| differs("decode", "no panic", panic))?;
    fixture.check_decode(&decoded)?;
    let schema = result_schema(description, call);
    let misfits =
        decoded.iter().flat_map(|outcome| results(call, outcome)).filter_map(|result| misfit(schema?, result));
    match misfits.reduce(|all, next| format!("{all}; {next}")) {
        Some(misfits) => Err(differs("decode", "results that fit the driver's own schema", misfits)),
        None => Ok(()),
    }
}

/// The schema that the results of such a call promise to fit, if any does.
fn result_schema<'a>(description: &'a Description, call: &Call) -> Option<&'a Json> {
    let kind = description.kind(&call.kind);
    match (&call.verb, kind) {
        (Verb::Delete | Verb::Poll | Verb::Probe | Verb::Login, _) => None,
        (Verb::Action(name), Some(kind)) => kind.action(name).map(|action| &action.result_schema),
        (Verb::Action(name), None) => {
            description.actions.iter().find(|action| action.name == *name).map(|action| &action.result_schema)
        }
        (_, kind) => kind.map(|kind| &kind.result_schema),
    }
}

/// The results in an outcome: its objects', or its own once the backend is done.
fn results<'a>(call: &Call, outcome: &'a Outcome) -> Vec<&'a Json> {
    match (&call.verb, &outcome.state) {
        (Verb::Find | Verb::List, _) => outcome.found.iter().map(|found| &found.result).collect(),
        (_, State::Active) => vec![&outcome.result],
        (_, State::Pending(_)) => Vec::new(),
    }
}
