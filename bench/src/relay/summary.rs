//! What the rounds of one contestant come to.

use std::io;
use std::time::Duration;

use super::contestant::Name;
use super::cores::Cores;
use super::load::{Seen, Span};
use super::workload::Workload;
use crate::report::Report;

/// What is compared, with its unit.
const METRICS: [(&str, &str); 7] = [
    ("throughput", "call/s"),
    ("p50", "us"),
    ("p99", "us"),
    ("p999", "us"),
    ("cpu", "us"),
    ("rss", "MiB"),
    ("load", "1"),
];

/// One contestant at one workload: for each metric, a value a round.
pub struct Summary {
    pub name: Name,
    values: [Vec<f64>; METRICS.len()],
}

impl Summary {
    pub fn of(name: Name) -> Self {
        Self { name, values: Default::default() }
    }

    /// Adds a round.
    pub fn add(&mut self, seen: &Seen, span: Span, cores: &Cores) {
        let calls = seen.answered as f64;
        let elapsed = span.measured.as_secs_f64();
        let round = [
            calls / elapsed,
            micros(quantile(&seen.latencies, 500)),
            micros(quantile(&seen.latencies, 990)),
            micros(quantile(&seen.latencies, 999)),
            micros(seen.usage.cpu) / calls,
            seen.usage.resident as f64 / f64::from(1 << 20),
            seen.own.as_secs_f64() / elapsed / cores.load() as f64,
        ];
        for (values, value) in self.values.iter_mut().zip(round) {
            values.push(value);
        }
    }

    /// The share of their cores that load and origin needed.
    pub fn load(&self) -> f64 {
        self.medians().last().unwrap_or(0.0)
    }

    /// Says what each has reached, and how Crosspoint compares with those who stand where it stands.
    pub fn report(summaries: &[Self], workload: Workload, report: &mut Report) -> io::Result<()> {
        let workload = workload.to_string();
        for summary in summaries {
            for ((metric, unit), value) in METRICS.into_iter().zip(summary.medians()) {
                if summary.is_told(metric) {
                    report.figure(&workload, summary.name.as_str(), metric, value, unit)?;
                }
            }
        }
        let Some(ours) = summaries.iter().find(|summary| summary.name == Name::Crosspoint) else { return Ok(()) };
        for theirs in summaries.iter().filter(|it| !matches!(it.name, Name::Crosspoint | Name::Direct)) {
            for ((metric, _), (our, their)) in METRICS.into_iter().zip(ours.medians().zip(theirs.medians())) {
                if metric != "load" && their > 0.0 {
                    report.ratio(&workload, ours.name.as_str(), metric, theirs.name.as_str(), our / their)?;
                }
            }
        }
        Ok(())
    }

    /// Nobody has no processes.
    fn is_told(&self, metric: &str) -> bool {
        self.name != Name::Direct || !matches!(metric, "cpu" | "rss")
    }

    fn medians(&self) -> impl Iterator<Item = f64> {
        self.values.iter().map(|values| median(values))
    }
}

/// The time in which this many thousandths of the calls ended.
fn quantile(sorted: &[Duration], thousandths: usize) -> Duration {
    let rank = (sorted.len() * thousandths).div_ceil(1000).saturating_sub(1);
    sorted.get(rank).copied().unwrap_or_default()
}

fn micros(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = |index: usize| sorted.get(index).copied().unwrap_or(0.0);
    let middle = sorted.len() / 2;
    if sorted.len() % 2 == 1 { at(middle) } else { f64::midpoint(at(middle.saturating_sub(1)), at(middle)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_and_medians_are_values_that_were_seen() {
        let times: Vec<_> = (1..=1000).map(Duration::from_micros).collect();
        let seen = [500, 990, 999].map(|thousandths| quantile(&times, thousandths));
        assert_eq!(seen, [500, 990, 999].map(Duration::from_micros));
        let alone = [Duration::from_micros(7)];
        assert_eq!(quantile(&alone, 999), alone[0]);
        let medians = [median(&[9.0, 1.0, 5.0]), median(&[1.0, 3.0])];
        assert_eq!(medians.map(|median| median.to_string()), ["5", "2"]);
    }
}
