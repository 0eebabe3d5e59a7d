//! WebAssembly that no toolchain makes.

use wasm_encoder::{
    Component, ComponentExportKind, ComponentExportSection, ComponentImportSection, ComponentInstanceSection,
    ComponentTypeRef, ComponentTypeSection, CustomSection, EntityType, ImportSection, InstanceType, Module,
    PrimitiveValType, TypeBounds, TypeSection,
};

/// A component that exports an instance of this name with nothing in it.
pub fn exporting(name: &str) -> Component {
    let mut component = Component::new();
    let mut instances = ComponentInstanceSection::new();
    instances.export_items([] as [(&str, ComponentExportKind, u32); 0]);
    component.section(&instances);
    let mut exports = ComponentExportSection::new();
    exports.export(name, ComponentExportKind::Instance, 0, None);
    component.section(&exports);
    component
}

/// A component that imports an instance of this name: with a function in it, or with a type alone.
pub fn importing(name: &str, function: bool) -> Component {
    let mut instance = InstanceType::new();
    if function {
        instance.ty().function().params([("a", PrimitiveValType::U32)]).result(None);
        instance.export("now", ComponentTypeRef::Func(0));
    } else {
        instance.ty().defined_type().primitive(PrimitiveValType::U32);
        instance.export("a-type", ComponentTypeRef::Type(TypeBounds::Eq(0)));
    }
    let mut component = Component::new();
    let mut types = ComponentTypeSection::new();
    types.instance(&instance);
    component.section(&types);
    let mut imports = ComponentImportSection::new();
    imports.import(name, ComponentTypeRef::Instance(0));
    component.section(&imports);
    component
}

/// A core module that imports these functions.
pub fn module(imports: &[(&str, &str)]) -> Module {
    let mut module = Module::new();
    let mut types = TypeSection::new();
    types.ty().function([], []);
    module.section(&types);
    let mut section = ImportSection::new();
    for (from, name) in imports {
        section.import(from, name, EntityType::Function(0));
    }
    module.section(&section);
    module
}

pub fn custom<'a>(name: &'a str, data: &'a [u8]) -> CustomSection<'a> {
    CustomSection { name: name.into(), data: data.into() }
}

pub fn metadata(contract: &str) -> Vec<u8> {
    serde_json::json!({"contract": contract, "name": "forged", "version": "1.0.0"}).to_string().into_bytes()
}

/// Puts another custom section at the end of a core module, in place of one of the same name.
pub fn resection(bytes: &[u8], name: &str, data: &[u8]) -> Vec<u8> {
    use wasm_encoder::{Encode, Section};
    let mut out = bytes.get(..8).unwrap().to_vec();
    for payload in wasmparser::Parser::new(0).parse_all(bytes) {
        let payload = payload.unwrap();
        if matches!(&payload, wasmparser::Payload::CustomSection(section) if section.name() == name) {
            continue;
        }
        if let Some((id, range)) = payload.as_section() {
            out.push(id);
            bytes[range].encode(&mut out);
        }
    }
    let section = custom(name, data);
    section.append_to(&mut out);
    out
}
