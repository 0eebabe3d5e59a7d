//! A document as a list of things to do.

use anyhow::{Result, bail};
use pulldown_cmark::{CodeBlockKind, Event, Parser, Tag, TagEnd};

/// What a document has to be done, in its order.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Page {
    pub steps: Vec<Step>,
}

/// One thing to do.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Step {
    /// Where the document says so; the first line is 1.
    pub line: usize,
    pub task: Task,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Task {
    /// Write this file.
    Write { name: String, text: String },
    /// Run this command, and see this.
    Run { command: String, shown: Option<String> },
}

impl Page {
    /// Reads a document in Markdown.
    pub fn read(text: &str) -> Result<Self> {
        let mut page = Self::default();
        let mut block: Option<(String, usize, String)> = None;
        let mut comment = false;
        for (event, range) in Parser::new(text).into_offset_iter() {
            match event {
                Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(info))) => {
                    let line = text.get(..range.start).unwrap_or_default().lines().count() + 1;
                    block = Some((info.into_string(), line, String::new()));
                }
                Event::Text(part) => {
                    if let Some((_, _, content)) = &mut block {
                        content.push_str(&part);
                    }
                }
                Event::End(TagEnd::CodeBlock) => {
                    if let Some((info, line, content)) = block.take() {
                        page.take(&info, line, content, comment)?;
                    }
                    comment = false;
                }
                Event::Html(html) => comment |= html.trim_start().starts_with("<!--"),
                Event::Start(Tag::HtmlBlock) | Event::End(TagEnd::HtmlBlock) => {}
                _ => comment = false,
            }
        }
        Ok(page)
    }

    fn take(&mut self, info: &str, line: usize, content: String, comment: bool) -> Result<()> {
        match info.split_once(',').unwrap_or((info, "")) {
            ("console", "") => self.take_commands(line, &content),
            ("console", "ignore") if comment => Ok(()),
            ("console", "ignore") => bail!("line {line}: an HTML comment right above has to say why this is not run"),
            ("console" | "sh" | "bash" | "shell" | "zsh", _) => {
                bail!("line {line}: a block of commands is `console` or, with a reason, `console,ignore`; not `{info}`")
            }
            (_, file) => {
                if let Some(name) = file.strip_prefix("file=") {
                    self.steps.push(Step { line, task: Task::Write { name: name.to_owned(), text: content } });
                }
                Ok(())
            }
        }
    }

    fn take_commands(&mut self, fence: usize, content: &str) -> Result<()> {
        let mut lines = (fence + 1..).zip(content.lines()).peekable();
        while let Some((line, text)) = lines.next() {
            let Some(first) = text.strip_prefix("$ ") else {
                bail!("line {line}: a command begins with `$ `, and output follows one");
            };
            let mut command = first.to_owned();
            while command.ends_with('\\') {
                let Some((_, more)) = lines.next() else { bail!("line {line}: the command does not end") };
                command = command + "\n" + more;
            }
            let mut shown = String::new();
            while let Some((_, output)) = lines.next_if(|(_, text)| !text.starts_with("$ ")) {
                shown = shown + output + "\n";
            }
            let shown = Some(shown).filter(|shown| !shown.trim().is_empty());
            self.steps.push(Step { line, task: Task::Run { command, shown } });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

    use super::*;

    fn run(line: usize, command: &str, shown: Option<&str>) -> Step {
        Step { line, task: Task::Run { command: command.to_owned(), shown: shown.map(str::to_owned) } }
    }

    #[test]
    fn commands_and_files_are_found_with_their_lines_and_in_their_order() {
        let page = Page::read(
            "# Title\n\n```toml,file=a/b.toml\nx = 1\n```\n\ntext\n\n\
             ```console\n$ one \\\n    --more\nprinted\n\nagain\n$ two\n```\n\n```json\n{}\n```\n",
        );
        let file = Task::Write { name: "a/b.toml".to_owned(), text: "x = 1\n".to_owned() };
        let steps = vec![
            Step { line: 3, task: file },
            run(10, "one \\\n    --more", Some("printed\n\nagain\n")),
            run(15, "two", None),
        ];
        assert_eq!(page.unwrap().steps, steps);
    }

    #[test]
    fn a_command_that_nobody_runs_needs_a_reason() {
        let error = |text| Page::read(text).unwrap_err().to_string();
        assert!(error("```sh\nls\n```\n").contains("line 1: a block of commands is `console`"));
        assert!(error("text\n\n```console,ignore\n$ ls\n```\n").contains("line 3: an HTML comment right above"));
        assert!(error("<!-- far away -->\n\ntext\n\n```console,ignore\n$ ls\n```\n").contains("line 5"));
        assert_eq!(Page::read("<!-- no disk -->\n```console,ignore\n$ ls\n```\n").unwrap(), Page::default());
    }

    #[test]
    fn output_without_a_command_is_an_error() {
        assert!(Page::read("```console\nls\n```\n").unwrap_err().to_string().contains("line 2: a command begins"));
    }
}
