//! Reading what a compiled module asks of its host.

use anyhow::Result;
use wasmparser::{Parser, Payload};

/// The names of everything that the core module or component in `bytes` imports.
pub fn imports(bytes: &[u8]) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for payload in Parser::new(0).parse_all(bytes) {
        match payload? {
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    let import = import?;
                    names.push(format!("{}/{}", import.module, import.name));
                }
            }
            Payload::ComponentImportSection(section) => {
                for import in section {
                    names.push(import?.name.name.to_owned());
                }
            }
            _ => {}
        }
    }
    Ok(names)
}
