use crosspoint_contract::{FIXTURES_SECTION, METADATA_SECTION};
use wasmparser::{Chunk, Encoding, Parser, Payload};

use super::PackageError;

/// What a WebAssembly binary is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Component,
    /// A core module, and whether it carries a component type.
    Module {
        component_type: bool,
    },
}

/// What one pass over the sections finds, nested modules included: where a linker made the component, the sections
/// that the driver's author wrote stand in the module inside.
#[derive(Debug)]
pub struct Walk<'a> {
    pub form: Form,
    pub metadata: Option<&'a [u8]>,
    pub fixtures: Option<&'a [u8]>,
    /// The names of what the outermost module or component imports.
    pub imports: Vec<String>,
    /// The names of what the outermost component exports.
    pub exports: Vec<String>,
}

impl<'a> Walk<'a> {
    pub fn through(bytes: &'a [u8]) -> Result<Self, PackageError> {
        let mut walk =
            Walk { form: Form::Component, metadata: None, fixtures: None, imports: Vec::new(), exports: Vec::new() };
        let mut depth = 0usize;
        let broken = |error: wasmparser::Error| broken(&error, bytes);
        for payload in Parser::new(0).parse_all(bytes) {
            match payload.map_err(broken)? {
                Payload::Version { encoding: Encoding::Module, .. } if depth == 0 => {
                    walk.form = Form::Module { component_type: false };
                }
                Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
                Payload::End(_) => depth = depth.saturating_sub(1),
                Payload::ImportSection(section) if depth == 0 => {
                    for import in section.into_imports() {
                        let import = import.map_err(broken)?;
                        walk.imports.push(format!("{}::{}", import.module, import.name));
                    }
                }
                Payload::ComponentImportSection(section) if depth == 0 => {
                    for import in section {
                        walk.imports.push(import.map_err(broken)?.name.name.to_owned());
                    }
                }
                Payload::ComponentExportSection(section) if depth == 0 => {
                    for export in section {
                        walk.exports.push(export.map_err(broken)?.name.name.to_owned());
                    }
                }
                Payload::CustomSection(section) => match section.name() {
                    METADATA_SECTION => once(&mut walk.metadata, section.data(), METADATA_SECTION)?,
                    FIXTURES_SECTION => once(&mut walk.fixtures, section.data(), FIXTURES_SECTION)?,
                    name if depth == 0 && name.starts_with("component-type") => {
                        if let Form::Module { component_type } = &mut walk.form {
                            *component_type = true;
                        }
                    }
                    _ => {}
                },
                _ => {}
            }
        }
        Ok(walk)
    }
}

fn once<'a>(place: &mut Option<&'a [u8]>, data: &'a [u8], section: &'static str) -> Result<(), PackageError> {
    match place.replace(data) {
        Some(_) => Err(PackageError::Section { section, problem: "stands in the package twice".to_owned() }),
        None => Ok(()),
    }
}

/// What the parser complains of. A section that is shorter than it says ends early as well, so where the file ends is
/// found out apart.
pub fn broken(error: &wasmparser::Error, bytes: &[u8]) -> PackageError {
    if ends_early(bytes) {
        return PackageError::Truncated { size: bytes.len() };
    }
    PackageError::Invalid { message: error.message().to_owned(), offset: error.offset() }
}

/// Whether the parser would go on if only there were more bytes.
pub fn ends_early(bytes: &[u8]) -> bool {
    let (mut parser, mut outer, mut rest) = (Parser::new(0), Vec::new(), bytes);
    // Between two sections of the outermost, a file may end.
    while !(rest.is_empty() && outer.is_empty()) {
        match parser.parse(rest, false) {
            Ok(Chunk::NeedMoreData(_)) => return true,
            Err(_) => return false,
            Ok(Chunk::Parsed { consumed, payload }) => {
                rest = rest.get(consumed..).unwrap_or_default();
                match payload {
                    Payload::ModuleSection { parser: inner, .. } | Payload::ComponentSection { parser: inner, .. } => {
                        outer.push(std::mem::replace(&mut parser, inner));
                    }
                    Payload::End(_) => match outer.pop() {
                        Some(continued) => parser = continued,
                        None => return false,
                    },
                    _ => {}
                }
            }
        }
    }
    false
}
