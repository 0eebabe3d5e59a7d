//! What is refused, by whom, and what the caller is told.

use crosspoint_contract::{Creation, Verb};
use serde_json::{Value, json};

use super::far_side::FarSide;
use super::stage::Stage;
use super::subject::{Subject, merged};
use crate::host::Reply;

/// The numbers of the object that is there, and of those that shall not be.
const THERE: u32 = 10;
const REFUSED: u32 = 11;
const DUPLICATE: u32 = 12;

impl<F: FarSide> Stage<F> {
    /// Bad specs are refused without an exchange and by place, others by the backend in one; a second creation of the
    /// same is met as the kind promises.
    pub async fn refusals(&self, subject: &Subject) {
        for (members, pointer) in &subject.bad {
            let spec = merged(&subject.spec(REFUSED), members);
            let refused = self.none("a bad spec", self.put(subject, REFUSED, &spec)).await;
            points_at(&refused.problem(422, "invalid_spec"), pointer);
        }
        let unknown = merged(&subject.spec(REFUSED), &json!({"no-such-member": 1}));
        self.none("an unknown member", self.put(subject, REFUSED, &unknown)).await.problem(422, "invalid_spec");
        for refused in &subject.refused {
            let spec = merged(&subject.spec(REFUSED), &refused.members);
            let reply = self.one("a spec that the backend refuses", self.put(subject, REFUSED, &spec)).await;
            assert_eq!(reply.problem(refused.status, refused.code)["/sent"], "yes");
        }
        assert_eq!(self.mapping(subject, REFUSED).await, Value::Null, "what was refused is not mapped");

        let there = self.create(subject, THERE).await;
        for (patch, pointer) in &subject.bad_patches {
            let patch = self.acme().patch(&self.object(subject, THERE)).json(&json!({"spec": patch}));
            points_at(&self.none("a bad patch", patch).await.problem(422, "invalid_spec"), pointer);
        }
        self.duplicate(subject, &there).await;
        self.clean(subject, THERE).await;
    }

    async fn duplicate(&self, subject: &Subject, there: &Reply) {
        let put = self.put(subject, DUPLICATE, &subject.spec(THERE)).key(&self.key());
        match self.kind(subject).creation {
            Creation::Duplicating => {
                let second = self.change("a second creation of the same", put).await.success();
                assert_ne!(second["/mapping/backend_id"], there["/mapping/backend_id"], "two objects");
                self.clean(subject, DUPLICATE).await;
            }
            Creation::Conditional => {
                let refused = self.one("a second creation of the same", put).await;
                assert_eq!(refused.problem(409, "backend_already_exists")["/sent"], "yes");
            }
            Creation::Idempotent => {
                let refused = self.one("a second creation of the same", put).await;
                assert_eq!(refused.problem(409, "backend_id_taken")["/sent"], "yes");
            }
        }
        assert_eq!(self.mapping(subject, DUPLICATE).await, Value::Null);
    }

    /// Deletes an object, if its kind can be deleted.
    pub(super) async fn clean(&self, subject: &Subject, n: u32) {
        if self.can(subject, &Verb::Delete) {
            self.change("a deletion", self.acme().delete(&self.object(subject, n))).await.expect(200);
        }
    }
}

#[track_caller]
fn points_at(refused: &Reply, pointer: &str) {
    assert_eq!(refused["/sent"], "no", "{refused:#?}");
    let at = |error: &Value| error["pointer"] == pointer;
    assert!(
        refused["/errors"].as_array().is_some_and(|errors| errors.iter().any(at)),
        "nothing points at `{pointer}`: {refused:#?}"
    );
}
