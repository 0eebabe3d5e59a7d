//! One exchange each, whatever it meets, and the truth about it.

use crosspoint_contract::Verb;
use serde_json::{Value, json};

use super::far_side::{FarSide, Told, Trouble};
use super::stage::Stage;
use super::subject::Subject;
use crate::host::{Call, Reply, until};

/// The number of the object that is read, and of the first that is created.
const READ: u32 = 20;
const CREATED: u32 = 21;

impl<F: FarSide> Stage<F> {
    /// A creation and a read meet each trouble that the protocol can have; then the backend goes away and comes back.
    pub async fn troubles(&self, subject: &Subject) {
        self.create(subject, READ).await;
        for (number, trouble) in (CREATED..).zip(Trouble::ALL) {
            let Some(told) = self.far.told(trouble) else { continue };
            if self.can(subject, &Verb::Read) {
                self.read_in(subject, trouble, told).await;
            }
            self.create_in(subject, number, trouble, told).await;
        }
        self.gone(subject).await;
        self.clean(subject, READ).await;
    }

    async fn read_in(&self, subject: &Subject, trouble: Trouble, told: Told) {
        let read = || self.acme().get(&self.object(subject, READ));
        if let Some(refused) = self.meet(trouble, told, &format!("a read, {trouble:?}"), read()).await {
            assert_eq!(refused["/operation_id"], Value::Null, "a read leaves no record");
        }
        self.one("a read after the trouble", read()).await.expect(200);
    }

    async fn create_in(&self, subject: &Subject, n: u32, trouble: Trouble, told: Told) {
        let put = self.put(subject, n, &subject.spec(n)).key(&self.key());
        let what = format!("a creation, {trouble:?}");
        let Some(refused) = self.meet(trouble, told, &what, put).await else {
            self.clean(subject, n).await;
            return;
        };
        let operation = self.operation(&refused.string("/operation_id")).await;
        let state = if trouble.leaves_doubt() { "unknown" } else { "failed" };
        assert_eq!((&operation["/state"], &operation["/sent"]), (&json!(state), &json!(told.sent)), "{operation:#?}");
        if trouble.leaves_doubt() {
            self.end_doubt(subject, n, &operation.string("/id"), trouble).await;
        } else {
            assert_eq!(self.mapping(subject, n).await, Value::Null);
            self.create(subject, n).await;
            self.clean(subject, n).await;
        }
    }

    /// The problem that a call gets; none if it is about a session that is renewed at once.
    pub(super) async fn meet(&self, trouble: Trouble, told: Told, what: &str, call: Call) -> Option<Reply> {
        self.far.trouble(trouble);
        if trouble == Trouble::Unauthenticated && self.renews_sessions() {
            self.making(2, what, call).await.success();
            return None;
        }
        // Both wait for a time to pass: one for the reply, the other, later, for the operation's deadline.
        let refused = if matches!(trouble, Trouble::Late | Trouble::LostRequest) {
            self.in_a_hurry(self.one(what, call)).await
        } else {
            self.one(what, call).await
        };
        let refused = refused.problem(told.status, told.code);
        self.far.release();
        assert_eq!(refused["/sent"], told.sent, "{what}: {refused:#?}");
        assert_eq!(refused["/retryable"], trouble == Trouble::Throttled, "{what}: {refused:#?}");
        if let Some(seconds) = told.retry_after {
            assert_eq!(refused["/retry_after"], seconds, "{what}: {refused:#?}");
        }
        Some(refused)
    }

    async fn gone(&self, subject: &Subject) {
        let n = CREATED + u32::try_from(Trouble::ALL.len()).unwrap();
        let key = self.key();
        let put = || self.put(subject, n, &subject.spec(n)).key(&key);
        self.far.gone().await;
        // A connection that was kept open may still have to be found dead: that is an answer of its own.
        let path = if self.can(subject, &Verb::Read) { self.object(subject, READ) } else { self.objects(subject) };
        until("no connection to be left", async || {
            let read = self.none("a read at a backend that is gone", self.acme().get(&path)).await;
            (read["/code"] != "backend_connection_lost").then_some(())
        })
        .await;
        let refused = self.none("a creation at a backend that is gone", put()).await;
        let refused = refused.problem(502, "backend_unreachable");
        assert_eq!((&refused["/sent"], &refused["/retryable"]), (&json!("no"), &json!(true)));
        assert_eq!(self.mapping(subject, n).await, Value::Null);
        self.far.back().await;
        if self.can(subject, &Verb::Read) || self.can(subject, &Verb::List) {
            let read = || self.acme().get(&path);
            self.one_after_a_failed_login("a read at a backend that is back", read).await.expect(200);
        }
        // The same call with the same key: nothing was sent, so it runs afresh.
        self.change("a creation at a backend that is back", put()).await.success();
        self.clean(subject, n).await;
    }
}
