//! What nobody can know becomes known with one exchange, and nothing is guessed.

use crosspoint_contract::{Creation, Verb};
use serde_json::{Value, json};

use super::far_side::{FarSide, Trouble};
use super::stage::Stage;
use super::subject::Subject;
use crate::host::{Reply, until};

/// The numbers of an object that is only there to be confused with others, and of those in doubt.
const BYSTANDER: u32 = 40;
const CREATED: u32 = 41;
const DELETED: u32 = 42;
const REPLACED: u32 = 43;
const PATCHED: u32 = 44;
/// A kind without deletion still has the one whose reply got lost.
const NEVER_CREATED: u32 = 45;

impl<F: FarSide> Stage<F> {
    /// A creation, a replacement, a patch and a deletion whose replies get lost, a search that gets no sensible answer,
    /// and a creation that never arrives.
    pub async fn doubt(&self, subject: &Subject) {
        if self.far.told(Trouble::LostReply).is_none() {
            return;
        }
        self.create(subject, BYSTANDER).await;
        let first = self.lose_creation(subject, CREATED, Trouble::LostReply).await;
        self.senseless_search(subject, &first).await;
        self.end_doubt(subject, CREATED, &first, Trouble::LostReply).await;
        if self.far.told(Trouble::LostRequest).is_some() {
            let second = self.lose_creation(subject, NEVER_CREATED, Trouble::LostRequest).await;
            self.end_doubt(subject, NEVER_CREATED, &second, Trouble::LostRequest).await;
        }
        self.lost_changes(subject).await;
        self.lost_deletion(subject).await;
        self.clean(subject, BYSTANDER).await;
    }

    async fn lose_creation(&self, subject: &Subject, n: u32, trouble: Trouble) -> String {
        let told = self.far.told(trouble).unwrap();
        let put = self.put(subject, n, &subject.spec(n)).key(&self.key());
        let lost = self.meet(trouble, told, &format!("a creation, {trouble:?}"), put).await.unwrap();
        assert_eq!(self.mapping(subject, n).await["state"], "unknown");
        let busy = self.none("a change of what is in doubt", self.acme().delete(&self.object(subject, n))).await;
        // A kind without deletion says so first.
        if self.can(subject, &Verb::Delete) {
            busy.problem(409, "in_doubt");
        }
        lost.string("/operation_id")
    }

    /// A search whose answer makes no sense has found nothing, and has not found that nothing is there.
    async fn senseless_search(&self, subject: &Subject, operation: &str) {
        let Some(told) = self.far.told(Trouble::Malformed).filter(|_| self.kind(subject).marker) else { return };
        let resolve = self.acme().post(&format!("/v1/operations/{operation}:resolve"));
        self.meet(Trouble::Malformed, told, "a resolution, Malformed", resolve).await.unwrap();
        assert_eq!(self.operation(operation).await["/state"], "unknown");
    }

    /// Ends the doubt about a creation as its kind allows, and deletes what came of it.
    pub(super) async fn end_doubt(&self, subject: &Subject, n: u32, operation: &str, trouble: Trouble) {
        let kind = self.kind(subject);
        if kind.marker {
            assert!(self.can(subject, &Verb::Find), "{}: a marker without a way to find it", subject.kind);
            let resolved = self.resolve(operation, trouble).await;
            let end = (&resolved["/operation/state"], &resolved["/operation/resolution/by"]);
            if trouble.has_effect() {
                assert_eq!(end, (&json!("succeeded"), &json!("find")), "{resolved:#?}");
                assert_eq!(resolved["/mapping/state"], "active");
                subject.check(&resolved, &subject.spec(n), "found");
                self.clean(subject, n).await;
            } else {
                assert_eq!(end, (&json!("failed"), &json!("find")), "{resolved:#?}");
                assert_eq!(resolved["/operation/problem/code"], "not_executed", "{resolved:#?}");
            }
        } else {
            let path = format!("/v1/operations/{operation}:resolve");
            let undecided = self.none("a resolution without a marker", self.acme().post(&path)).await;
            undecided.problem(409, "not_resolvable");
            if kind.creation == Creation::Idempotent {
                // Such a creation may be made again, which tells the backend's id.
                let key = self.operation(operation).await.string("/idempotency_key");
                let again = self.put(subject, n, &subject.spec(n)).key(&key);
                let again = self.one("a creation that is made again", again).await.success();
                assert_eq!(again["/operation/resolution/by"], "reissue", "{again:#?}");
                self.clean(subject, n).await;
                return;
            }
            let decision = json!({"decision": "not_applied"});
            self.none("a decision", self.acme().post(&path).json(&decision)).await.expect(200);
        }
        assert_eq!(self.mapping(subject, n).await, Value::Null);
    }

    /// One exchange each time; where nothing is there, that is believed after the deadline alone.
    async fn resolve(&self, operation: &str, trouble: Trouble) -> Reply {
        let path = format!("/v1/operations/{operation}:resolve");
        let ask = async || self.one(&format!("a resolution, {trouble:?}"), self.acme().post(&path)).await;
        if trouble.has_effect() {
            return ask().await.expect(200);
        }
        let ended = async || {
            let reply = ask().await;
            (reply["/code"] != "in_doubt").then_some(reply)
        };
        until("the deadline to pass", ended).await.expect(200)
    }

    /// Changes that may be made again are, in one exchange; others are for the caller to look at.
    async fn lost_changes(&self, subject: &Subject) {
        let told = self.far.told(Trouble::LostReply).unwrap();
        for (n, verb) in [(REPLACED, Verb::Replace), (PATCHED, Verb::Update)] {
            let Some(support) = self.kind(subject).supports(&verb) else { continue };
            self.create(subject, n).await;
            let (key, path) = (self.key(), self.object(subject, n));
            let (spec, call): (_, Box<dyn Fn() -> _>) = if verb == Verb::Replace {
                let spec = subject.replacement(n);
                (spec.clone(), Box::new(move || self.put(subject, n, &spec)))
            } else {
                let body = json!({"spec": subject.patch()});
                let spec = super::merged(&subject.spec(n), subject.patch());
                (spec, Box::new(move || self.acme().patch(&path).json(&body)))
            };
            let what = format!("{verb}, LostReply");
            let lost = self.meet(Trouble::LostReply, told, &what, call().key(&key)).await.unwrap();
            let operation = self.operation(&lost.string("/operation_id")).await;
            assert_eq!(operation["/state"], "unknown");
            if support.reissuable {
                let again = self.one("a change that is made again", call().key(&key)).await.expect(200);
                assert_eq!(again["/operation/resolution/by"], "reissue", "{again:#?}");
                subject.check_change(&again, &spec, "made again");
            } else {
                let path = format!("/v1/operations/{}:resolve", operation.string("/id"));
                let decided = self.acme().post(&path).json(&json!({"decision": "applied"}));
                self.none("a decision", decided).await.expect(200);
            }
            self.clean(subject, n).await;
        }
    }

    async fn lost_deletion(&self, subject: &Subject) {
        if !self.can(subject, &Verb::Delete) || !self.can(subject, &Verb::Read) {
            return;
        }
        self.create(subject, DELETED).await;
        let told = self.far.told(Trouble::LostReply).unwrap();
        let delete = self.acme().delete(&self.object(subject, DELETED)).key(&self.key());
        let lost = self.meet(Trouble::LostReply, told, "a deletion, LostReply", delete).await.unwrap();
        let path = format!("/v1/operations/{}:resolve", lost.string("/operation_id"));
        let resolved = self.one("a resolution of a deletion", self.acme().post(&path)).await.expect(200);
        let end = (&resolved["/operation/state"], &resolved["/operation/resolution/by"]);
        assert_eq!(end, (&json!("succeeded"), &json!("read")), "{resolved:#?}");
        assert_eq!(self.mapping(subject, DELETED).await, Value::Null);
    }
}
