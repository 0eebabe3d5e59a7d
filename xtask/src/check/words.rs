//! Whether the tree stands on its own: no file speaks of a folder outside it or of where somebody keeps it.

use std::fs;

use anyhow::{Result, bail};

use super::tree;
use crate::project::Project;

pub fn check(project: &Project) -> Result<()> {
    let here = project.root.to_string_lossy();
    // In two pieces, or this file would be the first to be found.
    let forbidden = [concat!("..", "/shared"), &*here];
    let mut found = Vec::new();
    for file in tree::files(&project.root)? {
        // Whatever is no text holds no words.
        let Ok(text) = fs::read_to_string(&file) else { continue };
        for (index, line) in text.lines().enumerate() {
            for word in forbidden.iter().filter(|word| line.contains(**word)) {
                let file = file.strip_prefix(&project.root).unwrap_or(&file);
                found.push(format!("{}:{}: must not mention `{word}`", file.display(), index + 1));
            }
        }
    }
    if !found.is_empty() {
        bail!("{}", found.join("\n"));
    }
    Ok(())
}
