//! The command lines of one call: what is checked first, what changes, what is shown.
//!
//! Changes are made in a configuration session, of which the switch applies all or nothing with `commit`. The session has
//! one name, and what an earlier request may have left in it is thrown away first: sessions that are left open would add
//! up, and a switch keeps only a few. Every line before `commit` leaves the running configuration as it is, so a request
//! that fails there has changed nothing.

use serde_json::Value;

use crate::command::{Line, line};

/// The configuration session of this driver, for one change at a time.
const SESSION: &str = "configure session crosspoint";

/// A list of command lines.
#[derive(Clone, Debug)]
pub struct Plan {
    steps: Vec<Step>,
    /// The first line that may have an effect.
    effect: Option<usize>,
    /// The first line whose result is wanted.
    shown: usize,
}

/// A command line, and the member of the spec that it is about.
#[derive(Clone, Debug)]
pub struct Step {
    line: Line,
    pointer: &'static str,
}

impl Step {
    /// A line about this member of the spec.
    pub fn about(pointer: &'static str, line: Line) -> Self {
        Self { line, pointer }
    }
}

impl From<Line> for Step {
    fn from(line: Line) -> Self {
        Self { line, pointer: "" }
    }
}

impl Plan {
    /// Lines that only show something.
    pub fn reading(shown: impl IntoIterator<Item = Line>) -> Self {
        let mut steps = vec![line("enable").into()];
        steps.extend(shown.into_iter().map(Step::from));
        Self { steps, effect: None, shown: 1 }
    }

    /// Lines that act at once.
    pub fn acting(lines: impl IntoIterator<Item = Line>) -> Self {
        Self { effect: Some(1), ..Self::reading(lines) }
    }

    /// A change: `check` fails where it cannot be made, `changes` make it, and `shown` shows what came of it.
    pub fn changing(
        check: impl IntoIterator<Item = Step>,
        changes: impl IntoIterator<Item = Step>,
        shown: impl IntoIterator<Item = Line>,
    ) -> Self {
        let mut steps = vec![line("enable").into()];
        steps.extend(check);
        steps.extend([line(SESSION), line("abort"), line(SESSION)].map(Step::from));
        steps.extend(changes);
        let effect = steps.len();
        steps.push(line("commit").into());
        steps.extend(shown.into_iter().map(Step::from));
        Self { steps, effect: Some(effect), shown: effect + 1 }
    }

    /// The lines.
    pub fn lines(&self) -> Vec<&str> {
        self.steps.iter().map(|step| step.line.as_str()).collect()
    }

    /// Those of the results that are wanted.
    pub fn shown<'a>(&self, results: &'a [Value]) -> &'a [Value] {
        results.get(self.shown..).unwrap_or_default()
    }

    /// Whether the switch may have changed something when this line failed; of a line that is not known, it may.
    pub fn may_have_acted(&self, failed: Option<usize>) -> bool {
        self.effect.is_some_and(|effect| failed.is_none_or(|failed| failed >= effect))
    }

    /// Whether a line only asks for a port; the switch then calls the name an invalid input where it has none such.
    pub fn asks_for_port(&self, failed: Option<usize>) -> bool {
        failed
            .and_then(|failed| self.steps.get(failed))
            .is_some_and(|step| step.line.as_str().starts_with("show interfaces Ethernet"))
    }

    /// The member of the spec that a line is about.
    pub fn pointer(&self, failed: Option<usize>) -> &'static str {
        failed.and_then(|failed| self.steps.get(failed)).map_or("", |step| step.pointer)
    }
}
