//! What a benchmark says: one figure a line, for machines as JSON, for people as a table.

use serde::Serialize;
use std::io::{self, Write as _};

/// One figure.
#[derive(Clone, Debug, Serialize)]
pub struct Figure {
    /// The benchmark, such as `relay`.
    pub bench: &'static str,
    /// What was done, such as `read-1k-64`.
    pub workload: String,
    /// Who did it, such as `crosspoint` or `nginx`.
    pub contestant: String,
    /// What was measured: `throughput`, `p50`, `p99`, `p999`, `cpu`, `rss`, …; `ratio` for a comparison.
    pub metric: &'static str,
    /// For a comparison, the metric that is compared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub of: Option<&'static str>,
    /// For a comparison, the contestant compared with: `value` is ours ÷ theirs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub against: Option<String>,
    /// How much.
    pub value: f64,
    /// Of what: `call/s`, `us`, `MiB`, `1` for a ratio.
    pub unit: &'static str,
}

/// Where figures go.
#[derive(Debug)]
pub struct Report {
    bench: &'static str,
    json: bool,
}

impl Report {
    /// A report on this benchmark, as JSON lines or for people.
    #[must_use]
    pub fn new(bench: &'static str, json: bool) -> Self {
        Self { bench, json }
    }

    /// Says what was measured.
    ///
    /// # Errors
    /// Where standard output is closed.
    pub fn figure(
        &mut self,
        workload: &str,
        contestant: &str,
        metric: &'static str,
        value: f64,
        unit: &'static str,
    ) -> io::Result<()> {
        let (workload, contestant) = (workload.to_owned(), contestant.to_owned());
        self.say(&Figure { bench: self.bench, workload, contestant, metric, of: None, against: None, value, unit })
    }

    /// Says how ours compares with theirs: `value` is ours ÷ theirs.
    ///
    /// # Errors
    /// Where standard output is closed.
    pub fn ratio(
        &mut self,
        workload: &str,
        contestant: &str,
        of: &'static str,
        against: &str,
        value: f64,
    ) -> io::Result<()> {
        let (workload, contestant, against) = (workload.to_owned(), contestant.to_owned(), Some(against.to_owned()));
        let (metric, unit) = ("ratio", "1");
        self.say(&Figure { bench: self.bench, workload, contestant, metric, of: Some(of), against, value, unit })
    }

    fn say(&self, figure: &Figure) -> io::Result<()> {
        let mut out = io::stdout().lock();
        if self.json {
            writeln!(out, "{}", serde_json::to_string(figure)?)?;
        } else {
            let what = match (&figure.of, &figure.against) {
                (Some(of), Some(against)) => format!("{of} ÷ {against}"),
                _ => figure.metric.to_owned(),
            };
            let Figure { workload, contestant, value, unit, .. } = figure;
            writeln!(out, "{workload:<24} {contestant:<14} {what:<26} {value:>12.3} {unit}")?;
        }
        Ok(())
    }
}
