//! Drivers that no toolchain makes: the hostile driver with other function bodies in it, and modules made from nothing.

use crosspoint_contract::{CONTRACT, FIXTURES_SECTION, METADATA_SECTION};
use crosspoint_tests::host::driver;
use serde_json::{Value, json};
use wasm_encoder::{
    BlockType, CodeSection, ConstExpr, CustomSection, DataSection, ExportKind, ExportSection, Function,
    FunctionSection, GlobalSection, GlobalType, MemorySection, MemoryType, Module, RawSection, Section as _, SectionId,
    StartSection, TypeSection, ValType,
};
use wasmparser::{Operator, Parser, Payload};

const INTERFACE: &str = "crosspoint:driver/translator@1.0.0";
/// Where the stack of a Rust driver is, and so nothing that it needs before it runs.
pub const SPACE: u32 = 1024;

/// The hostile driver whose `function` does nothing but return a pointer to these words (offset, value), which it
/// writes to [`SPACE`] first.
pub fn returning(function: &str, words: &[(u32, u32)]) -> Vec<u8> {
    with_body(function, &returning_at(SPACE, words))
}

/// A body that writes the words from `SPACE` on and returns a pointer.
pub fn returning_at(pointer: u32, words: &[(u32, u32)]) -> Function {
    let mut body = Function::new([]);
    let mut code = body.instructions();
    for (offset, value) in words {
        code.i32_const((SPACE + offset).cast_signed()).i32_const(value.cast_signed());
        code.i32_store(wasm_encoder::MemArg { offset: 0, align: 0, memory_index: 0 });
    }
    code.i32_const(pointer.cast_signed()).end();
    body
}

/// A body that never comes back.
pub fn looping() -> Function {
    let mut body = Function::new([]);
    body.instructions().loop_(BlockType::Empty).br(0).end().unreachable().end();
    body
}

/// The hostile driver with another body in this function of the contract, and nothing done to free what it returned.
pub fn with_body(function: &str, body: &Function) -> Vec<u8> {
    let bytes = driver("hostile");
    let mut nothing = Function::new([]);
    nothing.instructions().end();
    let changed = [(format!("{INTERFACE}#{function}"), body), (format!("cabi_post_{INTERFACE}#{function}"), &nothing)];
    let mut places = Vec::new();
    for payload in Parser::new(0).parse_all(&bytes) {
        if let Payload::ExportSection(exports) = payload.unwrap() {
            places =
                exports.into_iter().map(Result::unwrap).map(|export| (export.name.to_owned(), export.index)).collect();
        }
    }
    let body_of = |index: usize| {
        let (name, _) = places
            .iter()
            .find(|(name, at)| *at as usize == index && changed.iter().any(|(changed, _)| changed == name))?;
        changed.iter().find(|(changed, _)| changed == name).map(|(_, body)| *body)
    };
    let mut code = CodeSection::new();
    let mut replaced = 0;
    let bodies = Parser::new(0).parse_all(&bytes).filter_map(|payload| match payload.unwrap() {
        Payload::CodeSectionEntry(body) => Some(body.range()),
        _ => None,
    });
    // A driver imports nothing, so a function's index is its place in the code.
    for (index, original) in bodies.enumerate() {
        if let Some(body) = body_of(index) {
            code.function(body);
            replaced += 1;
        } else {
            code.raw(&bytes[original]);
        }
    }
    assert_eq!(replaced, changed.len(), "the hostile driver does not export `{function}` as it should");
    let mut out = bytes[..8].to_vec();
    for payload in Parser::new(0).parse_all(&bytes) {
        match payload.unwrap().as_section() {
            Some((id, _)) if id == SectionId::Code as u8 => code.append_to(&mut out),
            Some((id, range)) => RawSection { id, data: &bytes[range] }.append_to(&mut out),
            None => {}
        }
    }
    out
}

/// A driver with another custom section in place of the one of this name.
pub fn resection(bytes: &[u8], name: &str, data: &[u8]) -> Vec<u8> {
    let mut out = bytes[..8].to_vec();
    for payload in Parser::new(0).parse_all(bytes) {
        let payload = payload.unwrap();
        if matches!(&payload, Payload::CustomSection(section) if section.name() == name) {
            continue;
        }
        if let Some((id, range)) = payload.as_section() {
            RawSection { id, data: &bytes[range] }.append_to(&mut out);
        }
    }
    CustomSection { name: name.into(), data: data.into() }.append_to(&mut out);
    out
}

/// The hostile driver with these fixtures.
pub fn with_fixtures(fixtures: &[u8]) -> Vec<u8> {
    resection(&driver("hostile"), FIXTURES_SECTION, fixtures)
}

/// The hostile driver with this metadata.
pub fn with_metadata(metadata: &Value) -> Vec<u8> {
    resection(&driver("hostile"), METADATA_SECTION, metadata.to_string().as_bytes())
}

/// Metadata like the hostile driver's own.
pub fn metadata() -> Value {
    json!({"contract": CONTRACT, "name": "hostile", "version": "0.1.0"})
}

/// The component type that the SDK writes into every driver.
fn component_type() -> (String, Vec<u8>) {
    let bytes = driver("hostile");
    let found = Parser::new(0).parse_all(&bytes).find_map(|payload| match payload.unwrap() {
        Payload::CustomSection(section) if section.name().starts_with("component-type") => {
            Some((section.name().to_owned(), section.data().to_vec()))
        }
        _ => None,
    });
    found.unwrap()
}

/// A driver from nothing, with places to put a bomb in. Its functions trap.
pub struct Bomb {
    pub memory: u64,
    pub globals: u32,
    pub exports: u32,
    pub segments: u32,
    pub functions: Vec<Function>,
    /// Runs [`Bomb::functions`]'s first when the instance is made.
    pub start: bool,
    pub types: TypeSection,
    /// What `describe` does; it traps if nothing is said.
    pub describe: Function,
    /// At [`DATA`].
    pub data: Vec<u8>,
}

/// Where a bomb has its data.
const DATA: u32 = 4096;

impl Bomb {
    pub fn new() -> Self {
        let mut types = TypeSection::new();
        types.ty().function([], [ValType::I32]);
        types.ty().function([ValType::I32], [ValType::I32]);
        types.ty().function([ValType::I32; 4], [ValType::I32]);
        types.ty().function([], []);
        let (functions, data) = (Vec::new(), Vec::new());
        Self { memory: 1, globals: 0, exports: 0, segments: 0, functions, start: false, types, describe: trap(), data }
    }

    /// One that describes itself by this name and version, and with this schema of its configuration.
    pub fn described(name: &str, version: &str, schema: &str) -> Self {
        let data = description(name, version, schema);
        Self {
            memory: (u64::from(DATA) + data.len() as u64).div_ceil(64 << 10),
            describe: returning_at(DATA, &[]),
            data,
            ..Self::new()
        }
    }

    pub fn finish(&self) -> Vec<u8> {
        const TRANSLATOR: [(&str, u32); 3] = [("describe", 0), ("encode", 1), ("decode", 1)];
        let trap = trap();
        let (mut functions, mut exports, mut code) = (FunctionSection::new(), ExportSection::new(), CodeSection::new());
        for (index, (name, ty)) in TRANSLATOR.into_iter().enumerate() {
            functions.function(ty);
            code.function(if name == "describe" { &self.describe } else { &trap });
            exports.export(&format!("{INTERFACE}#{name}"), ExportKind::Func, u32::try_from(index).unwrap());
        }
        functions.function(2);
        code.function(&trap);
        exports.export("cabi_realloc", ExportKind::Func, 3).export("memory", ExportKind::Memory, 0);
        for body in &self.functions {
            functions.function(3);
            code.function(body);
        }
        (0..self.exports).for_each(|number| {
            exports.export(&format!("e{number}"), ExportKind::Func, 3);
        });
        let mut memories = MemorySection::new();
        let maximum = None;
        memories.memory(MemoryType {
            minimum: self.memory,
            maximum,
            memory64: false,
            shared: false,
            page_size_log2: None,
        });
        let mut globals = GlobalSection::new();
        (0..self.globals).for_each(|_| {
            globals
                .global(GlobalType { val_type: ValType::I64, mutable: true, shared: false }, &ConstExpr::i64_const(7));
        });
        let mut data = DataSection::new();
        (0..self.segments).for_each(|number| {
            data.active(0, &ConstExpr::i32_const((number % 60_000).cast_signed()), [1]);
        });
        data.active(0, &ConstExpr::i32_const(DATA.cast_signed()), self.data.iter().copied());
        let mut module = Module::new();
        module.section(&self.types).section(&functions).section(&memories).section(&globals).section(&exports);
        if self.start {
            module.section(&StartSection { function_index: 4 });
        }
        module.section(&code).section(&data);
        let (name, component) = component_type();
        module.section(&CustomSection { name: name.into(), data: component.into() });
        module.finish()
    }
}

fn trap() -> Function {
    let mut trap = Function::new([]);
    trap.instructions().unreachable().end();
    trap
}

/// A description in the canonical ABI, to stand at [`DATA`]: HTTP, one endpoint, no authentication, no kinds.
fn description(name: &str, version: &str, schema: &str) -> Vec<u8> {
    const SIZE: u32 = 172;
    let mut strings = Vec::new();
    let mut text = |text: &str| {
        let at = DATA + SIZE + u32::try_from(strings.len()).unwrap();
        strings.extend_from_slice(text.as_bytes());
        strings.resize(strings.len().next_multiple_of(4), 0);
        (at, u32::try_from(text.len()).unwrap())
    };
    let (name, version, schema, role) = (text(name), text(version), text(schema), text("default"));
    // One endpoint role: its name, an empty summary, and that it is required. Then one scheme: none.
    let tables = DATA + SIZE + u32::try_from(strings.len()).unwrap();
    let words = [
        (0, name.0),
        (4, name.1),
        (8, version.0),
        (12, version.1),
        (88, tables),
        (92, 1),
        (96, tables + 20),
        (100, 1),
        (104, schema.0),
        (108, schema.1),
        (112, tables),
        (120, tables),
        (132, 1),
        (136, 1),
    ];
    let mut bytes = vec![0; SIZE as usize];
    for (offset, word) in words {
        bytes[offset..offset + 4].copy_from_slice(&u32::to_le_bytes(word));
    }
    bytes.extend(strings);
    bytes.extend([role.0, role.1, 0, 0, 1, 0].iter().flat_map(|word| word.to_le_bytes()));
    bytes
}

/// The value that a driver's stack pointer begins with, and the lowest address of its data.
pub fn stack_and_data(bytes: &[u8]) -> (i32, i32) {
    let constant = |operators: wasmparser::OperatorsReader<'_>| match operators.into_iter().next() {
        Some(Ok(Operator::I32Const { value })) => value,
        other => panic!("no constant: {other:?}"),
    };
    let (mut stack, mut lowest) = (None, i32::MAX);
    for payload in Parser::new(0).parse_all(bytes) {
        match payload.unwrap() {
            Payload::GlobalSection(globals) => {
                let first = globals.into_iter().next().unwrap().unwrap();
                stack = Some(constant(first.init_expr.get_operators_reader()));
            }
            Payload::DataSection(segments) => {
                for segment in segments {
                    if let wasmparser::DataKind::Active { offset_expr, .. } = segment.unwrap().kind {
                        lowest = lowest.min(constant(offset_expr.get_operators_reader()));
                    }
                }
            }
            _ => {}
        }
    }
    (stack.unwrap(), lowest)
}
