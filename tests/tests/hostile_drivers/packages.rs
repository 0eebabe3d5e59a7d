//! Packages that are bombs, or not what they say. Each is refused with its reason; what served before goes on serving.

use crosspoint_contract::{FIXTURES_SECTION, METADATA_SECTION};
use crosspoint_tests::host::{Who, driver, within};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use wasm_encoder::{
    BlockType, EntityType, Function, GlobalType, ImportSection, MemoryType, Module, RefType, TableType, TypeSection,
    ValType,
};

use super::forge::{self, Bomb, metadata, resection, with_body, with_fixtures, with_metadata};
use super::laboratory::Laboratory;

/// So that a bomb is given up soon.
const SOON: &str = "deadline_ms = 400\nmemory_mib = 16\noutput_mib = 1\ncompile_s = 2\ncompile_mib = 512";

#[tokio::test]
async fn a_package_that_is_cut_off_anywhere_is_refused() {
    let laboratory = Laboratory::start().await;
    let whole = driver("hostile");
    let mut cuts: Vec<_> = (1..12).chain((1..24).map(|part| whole.len() * part / 24)).collect();
    cuts.push(whole.len() - 1);
    for cut in cuts {
        laboratory.rejected(whole[..cut].to_vec(), &[], &format!("cut at {cut}")).await;
    }
    laboratory.others_are_served().await;
}

#[tokio::test]
async fn a_package_of_a_hundred_megabytes_is_refused_before_it_has_come() {
    let laboratory = Laboratory::start().await;
    let mut upload = TcpStream::connect(laboratory.scene.host.address()).await.unwrap();
    let token = Who::Operator.token().unwrap();
    let head = format!(
        "POST /v1/drivers HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\ncontent-type: application/wasm\r\n\
         content-length: {}\r\n\r\n",
        100 << 20
    );
    upload.write_all(head.as_bytes()).await.unwrap();
    let mut answer = vec![0; 4096];
    let count = within("the refusal", upload.read(&mut answer)).await.unwrap();
    let answer = String::from_utf8_lossy(&answer[..count]);
    assert!(answer.starts_with("HTTP/1.1 413 ") && answer.contains("may have 67108864 bytes at most"), "{answer}");
    laboratory.others_are_served().await;
}

#[tokio::test]
async fn a_package_that_lies_about_itself_is_told_the_difference() {
    let laboratory = Laboratory::start().await;
    let lie = |member: &str, value: &str| {
        let mut metadata = metadata();
        metadata[member] = json!(value);
        with_metadata(&metadata)
    };
    for (package, reasons) in [
        (lie("name", "firewall"), ["`describe` gives name `hostile`", "metadata `firewall`"]),
        (lie("version", "9.9.9"), ["`describe` gives version `0.1.0`", "metadata `9.9.9`"]),
        (lie("contract", "crosspoint:driver@2.0.0"), ["built for crosspoint:driver@2.0.0", "rebuild the driver"]),
        (lie("contract", "wasi:http@0.2.0"), ["built for wasi:http@0.2.0", "rebuild the driver"]),
        (Bomb::described("Fire Wall", "1.0.0", "{}").finish(), ["`Fire Wall` is no name", "a-z"]),
        (Bomb::described("x", "one", "{}").finish(), ["version `one` is no semantic version", "x@one"]),
        (Bomb::described("x", "1.0.0", "{").finish(), ["configuration-schema is no JSON", "describe"]),
    ] {
        laboratory.rejected(package, &reasons, reasons[0]).await;
    }
    // A name or a version as long as a book is not repeated.
    for (name, version) in [("n".repeat(500_000), "1.0.0".to_owned()), ("x".to_owned(), "1".repeat(500_000))] {
        let package = Bomb::described(&name, &version, "{}").finish();
        let reason = laboratory.rejected(package, &["is no"], "a long name").await;
        assert!(reason.len() < 4096, "{} bytes", reason.len());
    }
    laboratory.others_are_served().await;
}

#[tokio::test]
async fn a_schema_that_is_none_or_a_bomb_is_refused_or_harmless() {
    let laboratory = Laboratory::start().await;
    let nested = |depth: usize| format!("{}{{}}{}", "{\"not\":".repeat(depth), "}".repeat(depth));
    let many_patterns = (0..2000).map(|n| format!("\"p{n}\":{{\"pattern\":\"^(\\\\w{{9}}){{9}}{n}$\"}}"));
    let many_patterns = format!("{{\"properties\":{{{}}}}}", many_patterns.collect::<Vec<_>>().join(","));
    let doubling = (0..40).map(|n| {
        format!("\"d{n}\":{{\"allOf\":[{{\"$ref\":\"#/$defs/d{0}\"}},{{\"$ref\":\"#/$defs/d{0}\"}}]}}", n + 1)
    });
    let doubling = doubling.collect::<Vec<_>>().join(",");
    let doubling = format!(
        "{{\"$ref\":\"#/$defs/d0\",\"$defs\":{{{doubling},\"d40\":{{\"type\":\"object\",\"required\":[\"x\"]}}}}}}"
    );
    for (what, schema, reason) in [
        ("no schema", "17".to_owned(), "schema is none"),
        ("an unknown type", r#"{"type": "sting"}"#.to_owned(), "schema is none"),
        ("another host", r#"{"$ref": "http://127.0.0.1:1/schema.json"}"#.to_owned(), "schema is none"),
        ("a file", r#"{"$ref": "file:///etc/passwd"}"#.to_owned(), "schema is none"),
        ("a pattern that looks back", r#"{"pattern": "(a)\\1"}"#.to_owned(), "schema is none"),
        ("a pattern without end", r#"{"pattern": "((a{1000}){1000}){1000}"}"#.to_owned(), "schema is none"),
        ("a thousand great patterns", many_patterns, "schema is none"),
        ("depth", nested(100_000), "nested deeper than"),
        ("size", format!("{{\"title\":\"{}\"}}", "x".repeat(900_000)), "schema is none"),
        ("doubling", doubling, "more than 20000 parts"),
        ("a circle", r##"{"$ref": "#/$defs/a", "$defs": {"a": {"not": {"$ref": "#"}}}}"##.to_owned(), "without an end"),
        ("a tree of itself", r##"{"items": {"allOf": [{"$ref": "#"}, {"$ref": "#"}]}}"##.to_owned(), "more than once"),
    ] {
        laboratory.rejected(Bomb::described("liar", "1.0.0", &schema).finish(), &[reason], what).await;
    }
    // Strange ones that are schemas all the same: what they say of a configuration comes soon.
    for (version, schema, fits) in [
        ("1.0.1", r#"{"$schema": "http://127.0.0.1:1/dialect"}"#, true),
        ("1.0.2", r##"{"type": "object", "additionalProperties": {"$ref": "#"}}"##, true),
        ("1.0.3", r#"{"properties": {"x": {"pattern": "^(a+)+$"}}}"#, false),
    ] {
        laboratory.scene.host.load_driver(Bomb::described("liar", version, schema).finish()).await;
        let configuration = json!({"driver": "liar", "endpoints": {"default": "http://127.0.0.1:1"},
            "configuration": if fits { json!({}) } else { json!({"x": format!("{}b", "a".repeat(50_000))}) }});
        let reply = laboratory.scene.operator().put("/v1/backends/liar").json(&configuration).await;
        assert_eq!(reply.status < 300, fits, "{schema}: {reply:#?}");
    }
    laboratory.others_are_served().await;
}

#[tokio::test]
async fn a_describe_that_does_harm_is_refused_with_what_it_did() {
    let laboratory = Laboratory::start().await;
    let mut trap = Function::new([]);
    trap.instructions().unreachable().end();
    let mut growing = Function::new([]);
    growing.instructions().i32_const(1 << 15).memory_grow(0).drop().unreachable().end();
    let start = |function| Bomb { functions: vec![function], start: true, ..Bomb::new() }.finish();
    let mut nothing = Function::new([]);
    nothing.instructions().end();
    for (what, package, reason) in [
        ("traps", with_body("describe", &trap), "describe: it trapped"),
        ("loops", with_body("describe", &forge::looping()), "ms of CPU"),
        ("grows", with_body("describe", &growing), "it wanted more memory than the limit of 16777216 bytes"),
        ("loops at its start", start(forge::looping()), "ms of CPU"),
        ("traps at its start", start(trap.clone()), "describe: it trapped"),
        ("starts well and traps", start(nothing), "describe: it trapped"),
        ("begins huge", Bomb { memory: 32_768, ..Bomb::new() }.finish(), "memory"),
    ] {
        laboratory.rejected(package, &[reason], what).await;
    }
    laboratory.others_are_served().await;
}

#[tokio::test]
async fn whatever_a_package_imports_it_is_told_that_drivers_import_nothing() {
    let laboratory = Laboratory::start().await;
    let table = TableType { element_type: RefType::FUNCREF, table64: false, minimum: 1, maximum: None, shared: false };
    let memory = MemoryType { minimum: 1, maximum: None, memory64: false, shared: false, page_size_log2: None };
    let global = GlobalType { val_type: ValType::I32, mutable: true, shared: false };
    for (name, import) in [
        ("function", EntityType::Function(0)),
        ("memory", EntityType::Memory(memory)),
        ("table", EntityType::Table(table)),
        ("global", EntityType::Global(global)),
        ("fd_write", EntityType::Function(0)),
    ] {
        let (mut module, mut types, mut imports) = (Module::new(), TypeSection::new(), ImportSection::new());
        types.ty().function([], []);
        let from = if name == "fd_write" { "wasi_snapshot_preview1" } else { "env" };
        imports.import(from, name, import);
        module.section(&types).section(&imports);
        let named = format!("`{from}::{name}`");
        laboratory.rejected(module.finish(), &["a driver has no imports", &named], name).await;
    }
}

#[tokio::test]
async fn a_bomb_in_a_custom_section_is_refused() {
    let laboratory = Laboratory::start().await;
    let fixture = |name: &str, spec: serde_json::Value| json!({"name": name, "call": {"verb": "create", "kind": "thing", "spec": spec}});
    let deep = format!("{}{}", "[".repeat(200_000), "]".repeat(200_000));
    let many = json!((0..1001).map(|n| fixture(&n.to_string(), json!({}))).collect::<Vec<_>>()).to_string();
    let looping = json!([fixture("it loops", json!({"do": "loop"}))]).to_string();
    let slow = json!((0..900).map(|n| fixture(&n.to_string(), json!({"do": "loop"}))).collect::<Vec<_>>()).to_string();
    for (what, package, reason) in [
        ("huge metadata", resection(&driver("hostile"), METADATA_SECTION, &vec![b' '; 1 << 20]), "at most"),
        ("deep metadata", resection(&driver("hostile"), METADATA_SECTION, &deep.as_bytes()[..60_000]), "JSON"),
        ("huge fixtures", with_fixtures(&vec![b' '; 5 << 20]), "at most"),
        ("deep fixtures", with_fixtures(deep.as_bytes()), "no fixtures"),
        ("many fixtures", with_fixtures(many.as_bytes()), "at most 1000"),
        ("a fixture that loops", with_fixtures(looping.as_bytes()), "ms of CPU"),
        ("many that loop", with_fixtures(slow.as_bytes()), "ms of CPU"),
        (
            "two of them",
            {
                let mut twice = with_fixtures(b"[]");
                let section = wasm_encoder::CustomSection { name: FIXTURES_SECTION.into(), data: b"[]".into() };
                wasm_encoder::Section::append_to(&section, &mut twice);
                twice
            },
            "twice",
        ),
    ] {
        laboratory.rejected(package, &[reason], what).await;
    }
    laboratory.others_are_served().await;
}

/// Small files that a compiler would work on for minutes, or until memory ends.
#[tokio::test]
async fn a_bomb_for_the_compiler_is_given_up_and_harms_nothing() {
    let laboratory = Laboratory::with(SOON).await;
    let mut locals = Function::new([(50_000, ValType::I64)]);
    locals.instructions().end();
    // Each of its many edges carries many values.
    let mut types = Bomb::new().types;
    types.ty().function([], [ValType::I32; 900]);
    let mut edges = Function::new([]);
    let mut code = edges.instructions();
    code.block(BlockType::FunctionType(4));
    for _ in 0..901 {
        code.i32_const(1);
    }
    code.br_table(vec![0; 100_000], 0).end();
    for _ in 0..900 {
        code.drop();
    }
    code.end();
    for (what, bomb) in [
        ("functions with many locals", Bomb { functions: vec![locals; 20_000], ..Bomb::new() }),
        ("a table of branches that carry values", Bomb { functions: vec![edges; 8], types, ..Bomb::new() }),
    ] {
        laboratory
            .rejected(bomb.finish(), &["compiling the driver takes more than", "the limit of this server"], what)
            .await;
        laboratory.others_are_served().await;
    }
}

/// More than any driver has of something. Whether that is too much may be decided anywhere, but it is decided.
#[tokio::test]
async fn a_package_with_too_much_of_anything_is_refused() {
    let laboratory = Laboratory::with(SOON).await;
    let mut deep = Function::new([]);
    for _ in 0..500_000 {
        deep.instructions().block(BlockType::Empty);
    }
    for _ in 0..=500_000 {
        deep.instructions().end();
    }
    for (what, bomb) in [
        ("nested blocks", Bomb { functions: vec![deep], ..Bomb::new() }),
        ("globals", Bomb { globals: 200_000, ..Bomb::new() }),
        ("exports", Bomb { exports: 100_000, ..Bomb::new() }),
        ("data segments", Bomb { segments: 90_000, ..Bomb::new() }),
        ("functions", Bomb { functions: vec![forge::looping(); 100_000], ..Bomb::new() }),
    ] {
        let reason = laboratory.rejected(bomb.finish(), &[], what).await;
        println!("{what}: {reason}");
        assert!(reason.len() < 4096, "{what}: {reason}");
        laboratory.others_are_served().await;
    }
}
