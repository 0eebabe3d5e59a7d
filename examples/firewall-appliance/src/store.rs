use std::collections::BTreeMap;

use crate::error::ApiError;
use crate::rule::{Rule, RuleSpec};

/// The rules, by number.
#[derive(Default)]
pub(crate) struct Store {
    last: u64,
    rules: BTreeMap<u64, (RuleSpec, Counters)>,
    commits: u64,
}

#[derive(Clone, Copy)]
struct Counters {
    revision: u64,
    hits: u64,
}

impl Store {
    pub fn all(&self) -> Vec<Rule> {
        self.rules.keys().filter_map(|number| self.show(*number)).collect()
    }

    /// Up to `limit` rules after `after` whose comment contains `comment`, and whether there are more.
    pub fn page(&self, comment: &str, after: Option<&str>, limit: usize) -> (Vec<Rule>, bool) {
        let after = after.and_then(number).unwrap_or(0);
        let mut rules = self
            .rules
            .range(after.saturating_add(1)..)
            .filter(|(_, (spec, _))| spec.comment.contains(comment))
            .filter_map(|(number, _)| self.show(*number));
        let page: Vec<Rule> = rules.by_ref().take(limit).collect();
        (page, rules.next().is_some())
    }

    pub fn get(&self, id: &str) -> Result<Rule, ApiError> {
        number(id).and_then(|number| self.show(number)).ok_or_else(|| ApiError::not_found(id))
    }

    pub fn create(&mut self, spec: RuleSpec) -> Result<Rule, ApiError> {
        self.check_name(&spec.name, 0)?;
        self.last += 1;
        let number = self.last;
        // A number of hits to reset, without a single packet.
        self.rules.insert(number, (spec, Counters { revision: 1, hits: number * 100 }));
        self.get(&id(number))
    }

    /// Gives a rule the spec that `change` makes of its present one.
    pub fn change(
        &mut self,
        id: &str,
        if_match: Option<&str>,
        change: impl FnOnce(&RuleSpec) -> Result<RuleSpec, ApiError>,
    ) -> Result<Rule, ApiError> {
        let spec = change(&self.matching(id, if_match)?.spec)?;
        let number = number(id).unwrap_or_default();
        self.check_name(&spec.name, number)?;
        if let Some((present, counters)) = self.rules.get_mut(&number) {
            *present = spec;
            counters.revision += 1;
        }
        self.get(id)
    }

    pub fn delete(&mut self, id: &str, if_match: Option<&str>) -> Result<(), ApiError> {
        self.matching(id, if_match)?;
        self.rules.remove(&number(id).unwrap_or_default());
        Ok(())
    }

    pub fn reset_hits(&mut self, id: &str) -> Result<Rule, ApiError> {
        let (_, counters) =
            number(id).and_then(|number| self.rules.get_mut(&number)).ok_or_else(|| ApiError::not_found(id))?;
        counters.hits = 0;
        self.get(id)
    }

    /// Puts the rules in force, and gives the number of commits so far.
    pub fn commit(&mut self) -> u64 {
        self.commits += 1;
        self.commits
    }

    pub fn commits(&self) -> u64 {
        self.commits
    }

    fn show(&self, number: u64) -> Option<Rule> {
        let (spec, Counters { revision, hits }) = self.rules.get(&number)?;
        let shadowed = self.rules.range(..number).any(|(_, (earlier, _))| earlier.enabled && earlier.overlaps(spec));
        Some(Rule { id: id(number), spec: spec.clone(), revision: *revision, hits: *hits, shadowed })
    }

    fn matching(&self, id: &str, if_match: Option<&str>) -> Result<Rule, ApiError> {
        let rule = self.get(id)?;
        match if_match {
            Some(tag) if tag != "*" && tag != rule.etag() => Err(ApiError::stale(rule.revision)),
            _ => Ok(rule),
        }
    }

    fn check_name(&self, name: &str, besides: u64) -> Result<(), ApiError> {
        match self.rules.iter().find(|(number, (spec, _))| **number != besides && spec.name == name) {
            Some((number, _)) => Err(ApiError::duplicate(name, &id(*number))),
            None => Ok(()),
        }
    }
}

impl Rule {
    /// The revision as an entity tag.
    #[must_use]
    pub fn etag(&self) -> String {
        format!("\"{}\"", self.revision)
    }
}

fn id(number: u64) -> String {
    format!("rule-{number}")
}

fn number(id: &str) -> Option<u64> {
    id.strip_prefix("rule-")?.parse().ok()
}
