//! Packages that no server may take.

use crosspoint_tests::host::driver;
use wasm_encoder::{
    Component, ComponentImportSection, ComponentTypeRef, ComponentTypeSection, EntityType, ImportSection, InstanceType,
    Module, PrimitiveValType, TypeSection,
};

/// Each with a part of the reason that is to be given.
pub fn bad() -> Vec<(&'static str, Vec<u8>, &'static str)> {
    vec![
        ("empty", Vec::new(), "empty"),
        ("truncated", half_of("firewall"), "ends in the middle"),
        ("text", b"a driver, honestly".to_vec(), "it looks like text"),
        ("garbage", garbage(), "not valid WebAssembly"),
        ("another contract", of_another_contract(), "built for crosspoint:driver@9.0.0"),
        ("a failing fixture", with_a_failing_fixture(), "fails its own fixtures"),
        ("an impure module", importing_module(), "`env::now`"),
        ("an impure component", importing_component(), "`wasi:clocks/wall-clock@0.2.0`"),
    ]
}

/// A driver as it is while it is still being copied.
pub fn half_of(name: &str) -> Vec<u8> {
    let mut package = driver(name);
    package.truncate(package.len() / 2);
    package
}

/// WebAssembly's first bytes, and then nothing that means anything.
fn garbage() -> Vec<u8> {
    [b"\0asm\x01\0\0\0".as_slice(), &[0xff; 64]].concat()
}

fn of_another_contract() -> Vec<u8> {
    replaced(driver("firewall"), r#""contract":"crosspoint:driver@1.0.0""#, r#""contract":"crosspoint:driver@9.0.0""#)
}

/// The firewall driver, with a fixture that expects what it does not do.
fn with_a_failing_fixture() -> Vec<u8> {
    replaced(driver("firewall"), r#""target": "/api/v1/rules""#, r#""target": "/api/v1/rulez""#)
}

/// Everywhere, for what is in a section of its own may stand among the data as well.
fn replaced(mut package: Vec<u8>, from: &str, to: &str) -> Vec<u8> {
    assert_eq!(from.len(), to.len(), "or every offset behind it would be wrong");
    let places = package.windows(from.len()).enumerate().filter(|(_, window)| *window == from.as_bytes());
    let places: Vec<usize> = places.map(|(place, _)| place).collect();
    assert!(!places.is_empty(), "the firewall driver does not hold {from}");
    for place in places {
        package[place..place + to.len()].copy_from_slice(to.as_bytes());
    }
    package
}

fn importing_module() -> Vec<u8> {
    let mut module = Module::new();
    let mut types = TypeSection::new();
    types.ty().function([], []);
    module.section(&types);
    let mut imports = ImportSection::new();
    imports.import("env", "now", EntityType::Function(0));
    module.section(&imports);
    module.finish()
}

fn importing_component() -> Vec<u8> {
    let mut clock = InstanceType::new();
    clock.ty().function().params([] as [(&str, PrimitiveValType); 0]).result(Some(PrimitiveValType::U64.into()));
    clock.export("now", ComponentTypeRef::Func(0));
    let mut component = Component::new();
    let mut types = ComponentTypeSection::new();
    types.instance(&clock);
    component.section(&types);
    let mut imports = ComponentImportSection::new();
    imports.import("wasi:clocks/wall-clock@0.2.0", ComponentTypeRef::Instance(0));
    component.section(&imports);
    component.finish()
}
