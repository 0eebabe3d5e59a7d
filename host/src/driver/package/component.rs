use std::panic::{AssertUnwindSafe, catch_unwind};

use crosspoint_contract::CONTRACT;
use wasmparser::component_types::{ComponentEntityType, ComponentItem};
use wasmparser::types::TypesRef;
use wasmparser::{Validator, WasmFeatures};
use wit_component::ComponentEncoder;

use super::PackageError;
use super::walk::{Walk, broken};
use crate::driver::engine::NEEDLESS;
use crate::driver::v1;

/// Turns a core module that carries its component type into a component.
pub fn of_module(module: &[u8]) -> Result<Vec<u8>, PackageError> {
    let encode = || ComponentEncoder::default().validate(false).module(module)?.encode();
    // The encoder is a build tool: on component types that no build tool made, it may panic.
    match catch_unwind(AssertUnwindSafe(encode)) {
        Ok(encoded) => encoded.map_err(|error| PackageError::Unfit(format!("{error:#}"))),
        Err(_) => Err(PackageError::Unfit("its component type makes no sense".to_owned())),
    }
}

/// Validates a component, and that it is a driver: nothing imported, and the interface of a generation that this host
/// speaks exported. `described` tells that the metadata has already named the contract.
pub fn check(component: &[u8], walk: Walk<'_>, described: bool) -> Result<(), PackageError> {
    let types = Validator::new_with_features(WasmFeatures::default().difference(NEEDLESS))
        .validate_all(component)
        .map_err(|error| broken(&error, component))?;
    let types = types.as_ref();
    let wanted: Vec<String> = walk
        .imports
        .into_iter()
        .filter(|name| !types.component_item_for_import(name).is_some_and(|item| only_types(item, types)))
        .collect();
    if !wanted.is_empty() {
        return Err(PackageError::Imports(wanted));
    }
    let exports = walk.exports;
    if exports.iter().any(|name| name == v1::INTERFACE) {
        return Ok(());
    }
    let (contract, _) = CONTRACT.split_once('@').unwrap_or((CONTRACT, ""));
    match exports.iter().find(|name| name.starts_with(contract)) {
        Some(found) if !described => Err(PackageError::Contract { found: package_of(found) }),
        _ => Err(PackageError::NoDriver(exports)),
    }
}

/// An import that names types and nothing that could be called costs nothing and gives nothing.
fn only_types(item: &ComponentItem, types: TypesRef<'_>) -> bool {
    match item.ty {
        ComponentEntityType::Type { .. } => true,
        ComponentEntityType::Instance(id) => types
            .get(id)
            .is_some_and(|it| it.exports.values().all(|item| matches!(item.ty, ComponentEntityType::Type { .. }))),
        _ => false,
    }
}

/// `package:name/interface@version` without the interface.
fn package_of(interface: &str) -> String {
    match (interface.split_once('/'), interface.split_once('@')) {
        (Some((package, _)), Some((_, version))) => format!("{package}@{version}"),
        _ => interface.to_owned(),
    }
}
