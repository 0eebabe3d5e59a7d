use crosspoint_contract::fixture::{Fixture, Mismatch};
use crosspoint_contract::{Call, Json, Outcome, State, Verb, Violation};
use serde_json::Value;

use super::{BuildError, Generation};

/// How many mismatches are told at once.
const TOLD: usize = 5;

/// Runs a package's fixtures against its compiled component, each as a real call would run.
pub async fn run(generation: &Generation, fixtures: &[Fixture]) -> Result<(), BuildError> {
    let mut mismatches = Vec::new();
    for fixture in fixtures {
        if let Err(mismatch) = one(generation, fixture).await? {
            mismatches.push(mismatch);
        }
        if mismatches.len() == TOLD {
            break;
        }
    }
    if mismatches.is_empty() {
        return Ok(());
    }
    Err(BuildError::Fixtures { driver: generation.label().to_owned(), mismatches })
}

async fn one(generation: &Generation, fixture: &Fixture) -> Result<Result<(), Mismatch>, BuildError> {
    let encoded = generation.encode(&fixture.call).await?;
    let reply = match fixture.check_encode(&encoded) {
        Ok(reply) => reply,
        Err(mismatch) => return Ok(Err(mismatch)),
    };
    let (Some(reply), Ok(exchange)) = (reply, &encoded) else { return Ok(Ok(())) };
    let decoded = generation.decode(&fixture.call, exchange.context.as_ref(), reply).await?;
    Ok(fixture.check_decode(&decoded).and_then(|()| match &decoded {
        Ok(outcome) => check_result(generation, fixture, outcome),
        Err(_) => Ok(()),
    }))
}

/// What a driver gives must fit the schema that it promises in.
fn check_result(generation: &Generation, fixture: &Fixture, outcome: &Outcome) -> Result<(), Mismatch> {
    let check = |what: String, result: &Json| match validate(generation, &fixture.call, &result.value()) {
        Ok(()) => Ok(()),
        Err(violations) => Err(Mismatch {
            fixture: fixture.name.clone(),
            phase: "decode",
            expected: format!("{what} that fits the driver's own result schema"),
            actual: violations.iter().map(|it| format!("{} {}", it.pointer, it.message)).collect::<Vec<_>>().join(", "),
        }),
    };
    match &fixture.call.verb {
        Verb::Find | Verb::List => outcome
            .found
            .iter()
            .enumerate()
            .try_for_each(|(index, found)| check(format!("a result of found object {index}"), &found.result)),
        Verb::Create | Verb::Read | Verb::Replace | Verb::Update | Verb::Action(_) => match outcome.state {
            State::Active => check("a result".to_owned(), &outcome.result),
            State::Pending(_) => Ok(()),
        },
        Verb::Delete | Verb::Poll | Verb::Probe | Verb::Login => Ok(()),
    }
}

fn validate(generation: &Generation, call: &Call, result: &Value) -> Result<(), Vec<Violation>> {
    // An empty result says nothing about the object, and so nothing wrong.
    if result.is_null() {
        return Ok(());
    }
    let kind = generation.kind(&call.kind);
    match &call.verb {
        Verb::Action(name) => {
            let action = kind.map_or_else(|| generation.action(name), |kind| kind.action(name));
            action.map_or(Ok(()), |action| action.validate_result(result))
        }
        _ => kind.map_or(Ok(()), |kind| kind.validate_result(result)),
    }
}
