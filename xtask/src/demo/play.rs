//! An act: one or more calls, shown with what reached the firewall and where the mapping stands, and held to what must
//! come of them.

use std::{collections::BTreeMap, fmt::Display, fs, path::Path, time::Instant};

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use serde_json::Value;

use super::{
    client::{Reply, Request, Said, Server, command_line},
    show::{Screen, Tone, gist},
    stage_set::StageSet,
};
use crate::stage::human;

/// The acts so far.
pub struct Play<'s> {
    set: &'s StageSet,
    screen: Screen,
    started: Instant,
    rows: Vec<Row>,
}

/// An act that is over.
struct Row {
    title: &'static str,
    calls: usize,
    exchanges: usize,
    good: bool,
}

/// The act that is on.
pub struct Act<'s> {
    pub set: &'s StageSet,
    screen: Screen,
    /// The last request of the firewall's record before this act.
    mark: u64,
    calls: usize,
    exchanges: usize,
    met: Vec<String>,
    differences: Vec<String>,
}

/// One line of the firewall's own record.
#[derive(Deserialize)]
struct Recorded {
    number: u64,
    method: String,
    path: String,
    status: Option<u16>,
    created: Option<String>,
}

#[derive(Deserialize)]
struct Mappings {
    items: Vec<Mapping>,
}

#[derive(Deserialize)]
struct Mapping {
    backend_id: Option<String>,
    state: String,
}

impl<'s> Play<'s> {
    pub fn new(set: &'s StageSet) -> Self {
        Self { set, screen: Screen::new(), started: Instant::now(), rows: Vec::new() }
    }

    /// Performs an act and gives what it gives.
    ///
    /// # Errors
    /// If anything came out differently; what, has been shown.
    pub fn act<T>(
        &mut self,
        title: &'static str,
        about: &str,
        perform: impl FnOnce(&mut Act<'s>) -> Result<T>,
    ) -> Result<T> {
        self.set.patience.check()?;
        self.screen.title(self.rows.len() + 1, title, about);
        let mut act = Act {
            set: self.set,
            screen: self.screen,
            mark: recorded(&self.set.firewall)?.last().map_or(0, |last| last.number),
            calls: 0,
            exchanges: 0,
            met: Vec::new(),
            differences: Vec::new(),
        };
        let performed = perform(&mut act);
        let good = performed.is_ok() && act.differences.is_empty();
        self.rows.push(Row { title, calls: act.calls, exchanges: act.exchanges, good });
        if let Err(error) = &performed {
            act.differences.push(format!("{error:#}"));
        }
        for difference in &act.differences {
            self.screen.verdict(false, difference);
        }
        match performed {
            Ok(result) if good => {
                self.screen.verdict(true, &act.met.join(", "));
                Ok(result)
            }
            _ => bail!("act {}, {title}: {}", self.rows.len(), act.differences.join("; ")),
        }
    }

    /// Shows a table of the acts.
    pub fn summary(&self) {
        let title = format!("{:<28}{:>7}{:>11}", "ACT", "CALLS", "EXCHANGES");
        println!("\n\n{}", self.screen.tint(Tone::Title, &title));
        for (index, Row { title, calls, exchanges, good }) in self.rows.iter().enumerate() {
            let sign = if *good { self.screen.tint(Tone::Good, "✓") } else { self.screen.tint(Tone::Bad, "✗") };
            println!("{:>2}  {title:<24}{calls:>7}{exchanges:>11}  {sign}", index + 1);
        }
        let calls: usize = self.rows.iter().map(|row| row.calls).sum();
        let exchanges: usize = self.rows.iter().map(|row| row.exchanges).sum();
        println!("{:<28}{calls:>7}{exchanges:>11}  in {}", "", human(self.started.elapsed()));
    }
}

impl Act<'_> {
    /// Makes a call as the CMP, which must be answered with `status` and, behind JSON Pointers, with these values.
    pub fn call(&mut self, request: &Request, status: u16, values: &[(&str, Value)]) -> Result<Reply> {
        self.calls += 1;
        self.screen.typed(&self.set.cmp.line(request));
        let reply = self.set.cmp.send(request)?;
        let etag = reply.etag.as_ref().map(|tag| format!(", ETag {tag}")).unwrap_or_default();
        let replayed = if reply.replayed { ", Idempotency-Replayed" } else { "" };
        let head = format!("{} in {} ms{etag}{replayed}", reply.status, reply.took.as_millis());
        self.screen.labelled("answer", &format!("{head}\n{}", gist(&reply.text)));
        self.expect("status", status, reply.status);
        let body: Value = serde_json::from_str(&reply.text).context("the answer is no JSON")?;
        for (pointer, expected) in values {
            let found = body.pointer(pointer).unwrap_or(&Value::Null);
            self.require(found == expected, || format!("{pointer} should be {expected}, and is {found}"));
        }
        Ok(reply)
    }

    /// Runs `crosspoint` with these words; it must succeed and write each of `parts`.
    pub fn command(&mut self, words: &[&str], parts: &[&str]) -> Result<Said> {
        self.calls += 1;
        self.screen.typed(&command_line(words));
        let said = self.set.command_line.run(words)?;
        self.screen.written(&said.text);
        self.require(said.code == Some(0), || format!("the command ended with {:?}", said.code));
        for part in parts {
            self.require(said.text.contains(part), || format!("the command should have written `{part}`"));
        }
        Ok(said)
    }

    /// Asks the firewall's simulation for something, which is no call.
    pub fn arrange(&mut self, request: &Request) -> Result<()> {
        self.screen.typed(&self.set.firewall.line(request));
        let reply = self.set.firewall.send(request)?;
        if reply.status >= 300 {
            bail!("the firewall's simulation answered {}: {}", reply.status, reply.text);
        }
        Ok(())
    }

    /// Puts a file into the folder that Crosspoint watches: `source`, or its first bytes alone.
    pub fn put_driver(&mut self, source: &Path, cut: Option<usize>) -> Result<()> {
        let set = self.set;
        let (from, to) = (set.short(source), set.short(&set.watched()));
        self.screen.typed(&match cut {
            None => format!("cp {from} {to}"),
            Some(length) => format!("head -c {length} {from} > {to}"),
        });
        let bytes = fs::read(source).with_context(|| format!("cannot read {from}"))?;
        let bytes = bytes.get(..cut.unwrap_or(bytes.len())).unwrap_or(&bytes);
        fs::write(set.watched(), bytes).with_context(|| format!("cannot write {to}"))
    }

    /// Shows a file that a command will read.
    pub fn show_file(&self, path: &Path) -> Result<()> {
        let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        self.screen.typed(&format!("cat {}", self.set.short(path)));
        self.screen.written(&text);
        Ok(())
    }

    /// Shows something that was seen, under a name.
    pub fn note(&self, label: &str, text: &str) {
        self.screen.labelled(label, text);
    }

    /// Counts calls that were made elsewhere.
    pub fn count(&mut self, calls: usize) {
        self.calls += calls;
    }

    /// Shows what reached the firewall in this act, by its own record: as many exchanges as expected.
    pub fn exchanges(&mut self, expected: usize) -> Result<()> {
        let recorded = recorded(&self.set.firewall)?;
        let made: Vec<_> = recorded.iter().filter(|request| request.number > self.mark).collect();
        self.screen.labelled("exchanges", &told(&made));
        self.exchanges = made.len();
        self.require(made.len() == expected, || format!("exchanges should be {expected}, and are {}", made.len()));
        self.met.push(format!("{expected} exchange{}", if expected == 1 { "" } else { "s" }));
        Ok(())
    }

    /// Shows the mapping of an object, which must be in this state, or gone.
    pub fn mapping(&mut self, cmp_id: &str, state: Option<&str>) -> Result<()> {
        let found: Mappings = self.set.cmp.get(&format!("/v1/mappings?backend=fw-dc1&kind=rule&cmp_id={cmp_id}"))?;
        let found = found.items.first();
        let text = found.map_or_else(
            || "none".to_owned(),
            |mapping| format!("{cmp_id} ↔ {}, {}", mapping.backend_id.as_deref().unwrap_or("?"), mapping.state),
        );
        self.screen.labelled("mapping", &text);
        self.expect("mapping", state.unwrap_or("none"), found.map_or("none", |mapping| &mapping.state));
        Ok(())
    }

    /// Holds `found` to what is expected, and goes on.
    pub fn expect<T: Display + PartialEq + Copy>(&mut self, what: &str, expected: T, found: T) {
        if found == expected {
            self.met.push(format!("{what} {found}"));
        } else {
            self.differences.push(format!("{what} should be {expected}, and is {found}"));
        }
    }

    /// Holds that something is so, and goes on.
    pub fn require(&mut self, so: bool, difference: impl FnOnce() -> String) {
        if !so {
            self.differences.push(difference());
        }
    }
}

fn recorded(firewall: &Server) -> Result<Vec<Recorded>> {
    firewall.get("/_sim/requests")
}

/// What was recorded: each request if they are few, else how many of which kind.
fn told(made: &[&Recorded]) -> String {
    if made.is_empty() {
        return "none".to_owned();
    }
    let line = |Recorded { method, path, status, created, .. }: &Recorded| {
        let status = status.map_or_else(|| "no answer yet".to_owned(), |status| status.to_string());
        let created = created.as_ref().map(|id| format!(", made {id}")).unwrap_or_default();
        (format!("{method} {path} → {status}{created}"), format!("{method} → {status}"))
    };
    if made.len() <= 3 {
        return made.iter().map(|request| line(request).0).collect::<Vec<_>>().join("\n");
    }
    let mut kinds = BTreeMap::<String, usize>::new();
    for request in made {
        *kinds.entry(line(request).1).or_default() += 1;
    }
    kinds.iter().map(|(kind, count)| format!("{count} × {kind}")).collect::<Vec<_>>().join(", ")
}
