//! Whether the links in the Markdown files lead somewhere: to files that exist and to headings that they have.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use super::tree;
use crate::project::Project;

/// What one Markdown file has to offer and asks for.
#[derive(Default)]
struct Page {
    /// What its headings are called in a link.
    anchors: BTreeSet<String>,
    /// Where its links and pictures point.
    links: Vec<String>,
}

pub fn check(project: &Project) -> Result<()> {
    let mut pages = BTreeMap::new();
    for file in tree::files(&project.root)? {
        if file.extension().is_some_and(|extension| extension == "md") {
            let text = fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
            pages.insert(file, Page::read(&text));
        }
    }
    let mut broken = Vec::new();
    for (file, page) in &pages {
        for link in page.links.iter().filter(|link| !leads_somewhere(link, file, &pages)) {
            let file = file.strip_prefix(&project.root).unwrap_or(file);
            broken.push(format!("{}: the link `{link}` leads nowhere", file.display()));
        }
    }
    if !broken.is_empty() {
        bail!("{}", broken.join("\n"));
    }
    println!("{} files, {} links", pages.len(), pages.values().map(|page| page.links.len()).sum::<usize>());
    Ok(())
}

/// Links to other sites are taken on trust: a check must not depend on them.
fn leads_somewhere(link: &str, from: &Path, pages: &BTreeMap<PathBuf, Page>) -> bool {
    if link.contains("://") || link.starts_with("mailto:") {
        return true;
    }
    let (path, anchor) = link.split_once('#').map_or((link, None), |(path, anchor)| (path, Some(anchor)));
    let target = if path.is_empty() { Ok(from.to_owned()) } else { from.with_file_name(path).canonicalize() };
    match (target, anchor) {
        (Err(_), _) => false,
        (Ok(_), None) => true,
        (Ok(target), Some(anchor)) => pages.get(&target).is_none_or(|page| page.anchors.contains(anchor)),
    }
}

impl Page {
    fn read(text: &str) -> Self {
        let mut page = Self::default();
        let mut heading: Option<String> = None;
        for event in Parser::new_ext(text, Options::ENABLE_TABLES) {
            match event {
                Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
                Event::End(TagEnd::Heading(_)) => page.anchors.extend(heading.take().map(|text| anchor(&text))),
                Event::Text(text) | Event::Code(text) => {
                    if let Some(heading) = &mut heading {
                        heading.push_str(&text);
                    }
                }
                Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                    page.links.push(dest_url.into_string());
                }
                _ => {}
            }
        }
        page
    }
}

/// A heading as the usual renderers name it: lower case, words joined by hyphens, nothing but letters and digits.
fn anchor(heading: &str) -> String {
    let kept = heading.trim().chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
    use super::*;

    #[test]
    fn links_in_code_are_not_links() {
        let page = Page::read("`[a](b)`\n\n```\n[c](d)\n```\n\n[e](f.md#g) and [h][i]\n\n[i]: j.md\n");
        assert_eq!(page.links, ["f.md#g", "j.md"]);
    }

    #[test]
    fn a_heading_is_found_by_its_anchor() {
        let page = Page::read("## The `call` path, in *one* go\n");
        assert!(page.anchors.contains("the-call-path-in-one-go"));
    }
}
