use crosspoint_contract::{FIXTURES_SECTION, METADATA_SECTION, Verb};
use serde_json::{Value, json};

use super::super::{BuildError, Generation, Package};
use super::{built, create, engine, forge};
use crate::driver::v1::INTERFACE;

async fn build(bytes: Vec<u8>) -> Result<Generation, BuildError> {
    Generation::build(&engine(), &Package::read(bytes).unwrap()).await
}

fn fixture(exchange: &Value) -> Value {
    json!([{"name": "a thing is posted", "call": {"verb": "create", "kind": "thing", "spec": {}}, "exchange": exchange,
        "reply": {"http": {"status": 201, "body": {"json": {"id": "t-1"}}}},
        "outcome": {"backend_id": "t-1", "result": {"id": "t-1"}}}])
}

fn with_fixtures(bytes: &[u8], fixtures: &Value) -> Vec<u8> {
    forge::resection(bytes, FIXTURES_SECTION, fixtures.to_string().as_bytes())
}

#[tokio::test]
async fn a_generation_knows_what_the_driver_says_of_itself() {
    let Some(bytes) = built("hostile") else { return };
    let engine = engine();
    let package = Package::read(bytes).unwrap();
    let first = Generation::build(&engine, &package).await.unwrap();
    assert_eq!((first.name(), first.label(), first.digest()), ("hostile", "hostile@0.1.0", package.digest()));
    assert_eq!(first.version(), &semver::Version::new(0, 1, 0));
    assert_eq!(first.kind("thing").unwrap().kind().name, "thing");
    assert!(first.kind("nothing").is_none() && first.action("nothing").is_none());
    let second = Generation::build(&engine, &package).await.unwrap();
    assert!(second.number() > first.number());
}

#[tokio::test]
async fn a_spec_is_checked_against_the_drivers_schema() {
    let Some(bytes) = built("hostile") else { return };
    let generation = build(bytes).await.unwrap();
    let kind = generation.kind("thing").unwrap();
    assert_eq!(kind.validate_spec(&Verb::Create, &json!({"do": "trap"})), Ok(()));
    let violations = kind.validate_spec(&Verb::Create, &json!({"do": "trap", "size": "large"})).unwrap_err();
    assert_eq!(violations[0].pointer, "/size");
    assert_eq!(kind.validate_spec(&Verb::Read, &Value::Null), Ok(()));
    assert!(generation.validate_configuration(&json!(17)).is_err());
}

#[tokio::test]
async fn a_driver_that_passes_its_fixtures_is_built() {
    let Some(bytes) = built("hostile") else { return };
    let exchange = json!({"http": {"method": "POST", "target": "/things",
        "headers": [["content-type", "application/json"]],
        "body": {"json": {"do": "nothing", "in": "encode", "size": 0}}}});
    if let Err(error) = build(with_fixtures(&bytes, &fixture(&exchange))).await {
        panic!("{error}");
    }
}

#[tokio::test]
async fn a_driver_that_fails_a_fixture_is_told_which() {
    let Some(bytes) = built("hostile") else { return };
    let exchange = json!({"http": {"method": "PUT", "target": "/things"}});
    let error = build(with_fixtures(&bytes, &fixture(&exchange))).await.unwrap_err();
    assert!(matches!(&error, BuildError::Fixtures { mismatches, .. } if mismatches.len() == 1), "{error}");
    assert!(error.to_string().contains("fixture `a thing is posted`, encode: expected"), "{error}");
}

#[tokio::test]
async fn a_driver_that_traps_in_a_fixture_is_not_built() {
    let Some(bytes) = built("hostile") else { return };
    let fixtures = json!([{"name": "it traps", "call": {"verb": "create", "kind": "thing", "spec": {"do": "trap"}}}]);
    let error = build(with_fixtures(&bytes, &fixtures)).await.unwrap_err();
    assert!(matches!(&error, BuildError::Call(call) if call.driver == "hostile@0.1.0"), "{error}");
}

#[tokio::test]
async fn a_driver_that_is_not_what_its_package_says_is_told_the_difference() {
    let Some(bytes) = built("hostile") else { return };
    let metadata = forge::metadata(crosspoint_contract::CONTRACT);
    let error = build(forge::resection(&bytes, METADATA_SECTION, &metadata)).await.unwrap_err();
    let BuildError::Description { problems, .. } = &error else { panic!("{error}") };
    assert_eq!(problems.len(), 2, "{problems:?}");
    assert!(problems[0].contains("`describe` gives name `hostile`, but the package's metadata `forged`"));
}

#[tokio::test]
async fn a_component_that_only_claims_to_be_a_driver_does_not_link() {
    let error = build(forge::exporting(INTERFACE).finish()).await.unwrap_err();
    assert!(matches!(error, BuildError::Link(_)), "{error}");
    assert!(error.to_string().contains("does not export `describe`"), "{error}");
}

#[tokio::test]
async fn a_driver_translates_the_same_call_the_same_way() {
    let Some(bytes) = built("hostile") else { return };
    let generation = build(bytes).await.unwrap();
    let call = create(json!({"size": 3}));
    assert_eq!(generation.encode(&call).await.unwrap(), generation.encode(&call).await.unwrap());
}

#[tokio::test]
async fn every_built_driver_passes_its_own_checks() {
    for name in ["firewall", "neutron"] {
        let Some(bytes) = built(name) else { continue };
        // A driver under construction is a module without a contract: not this test's business.
        let Ok(package) = Package::read(bytes) else { continue };
        if let Err(error) = Generation::build(&engine(), &package).await {
            panic!("{name}: {error}");
        }
    }
}
