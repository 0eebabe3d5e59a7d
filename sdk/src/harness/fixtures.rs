use crosspoint_contract::Description;
use crosspoint_contract::fixture::{Fixture, Mismatch};

use super::{assert_none, guarded};
use crate::Driver;

/// Runs fixtures, a JSON array: `run_fixtures::<Firewall>(include_bytes!("../fixtures.json"))`.
///
/// A panic is a mismatch, whatever the fixture expects, and so is a kind that the description does not name.
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
    fixture.check_decode(&decoded)
}
