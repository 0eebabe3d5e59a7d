//! What is recorded beside what the appliance has.

use std::collections::BTreeMap;

use crosspoint_tests::host::Scene;
use firewall_appliance::Rule;
use serde_json::{Value, json};

use super::all;
use super::book::{Book, Known, What, name};

/// One look at both sides.
pub struct Truth {
    mappings: BTreeMap<String, Value>,
    rules: Vec<Rule>,
}

impl Truth {
    pub async fn of(scene: &Scene) -> Self {
        let mappings = all(scene, "/v1/mappings?limit=1000").await;
        let by_id = |mapping: Value| (mapping["cmp_id"].as_str().unwrap().to_owned(), mapping);
        Self { mappings: mappings.into_iter().map(by_id).collect(), rules: scene.appliance.rules() }
    }

    /// No rule was made without a record that says so.
    pub fn knows_every_rule(&self) {
        for rule in &self.rules {
            let owners = self.mappings.values().filter(|mapping| carries(rule, mapping)).count();
            assert_eq!(owners, 1, "{rule:#?}: {:#?}", self.mappings);
        }
    }

    /// What was acknowledged last is what is recorded, and what the appliance has.
    pub fn holds_what_was_acknowledged(&self, book: &Book) {
        for (cmp_id, known) in &book.objects {
            if book.unanswered.iter().all(|asked| asked.cmp_id != *cmp_id) {
                assert_eq!(self.object(cmp_id), *known, "{cmp_id}");
            }
        }
    }

    /// Finds out where the objects stand whose calls got no answer, now that no doubt is left.
    pub fn settle(&self, book: &mut Book) {
        for asked in std::mem::take(&mut book.unanswered) {
            if asked.what == What::Commit {
                continue;
            }
            let known = self.object(&asked.cmp_id);
            assert!(known == asked.before || known == asked.after, "{asked:?}: {known:?}");
            book.learn(&asked, known);
        }
    }

    fn object(&self, cmp_id: &str) -> Known {
        let mapping = self.mappings.get(cmp_id)?;
        assert_eq!(mapping["state"], "active", "{mapping:#}");
        let rule = self.rules.iter().find(|rule| mapping["backend_id"] == rule.id);
        let rule = rule.unwrap_or_else(|| panic!("not at the appliance: {mapping:#}"));
        assert_eq!(rule.spec.name, name(cmp_id, rule.spec.port.unwrap()), "half a change: {rule:#?}");
        rule.spec.port
    }

    /// One rule, one mapping, whichever side one comes from.
    pub async fn agrees_both_ways(&self, scene: &Scene) {
        assert_eq!(self.mappings.len(), self.rules.len(), "{:#?}\n{:#?}", self.mappings, self.rules);
        self.knows_every_rule();
        let item = |mapping: &Value| json!({"backend": "fw", "kind": "rule", "backend_id": mapping["backend_id"]});
        let items: Vec<_> = self.mappings.values().map(item).collect();
        let found = scene.acme().post("/v1/mappings:lookup").json(&json!({"items": items})).await.expect(200);
        for (nth, mapping) in self.mappings.values().enumerate() {
            assert_eq!(found[format!("/items/{nth}/mapping").as_str()], *mapping);
        }
    }
}

fn carries(rule: &Rule, mapping: &Value) -> bool {
    rule.spec.comment.contains(mapping["marker"].as_str().unwrap())
}
