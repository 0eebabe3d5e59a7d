//! From creation to deletion, one exchange a call.

use crosspoint_contract::Verb;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::far_side::FarSide;
use super::stage::{BACKEND, SIDE_DOOR, Stage};
use super::subject::{Subject, assert_holds, merged};
use crate::host::Reply;

/// The numbers of the two objects, and of one that takes over the first.
const FIRST: u32 = 0;
const SECOND: u32 = 1;
const HEIR: u32 = 2;

impl<F: FarSide> Stage<F> {
    /// Two objects are created (the first one dry at first), read, listed, changed, acted upon, handed over and deleted; whatever the kind cannot do
    /// is refused without an exchange.
    pub async fn life(&self, subject: &Subject) {
        self.probe().await;
        let first = self.creation(subject).await;
        self.create(subject, SECOND).await;
        self.reading(subject, &subject.spec(FIRST)).await;
        self.listing(subject).await;
        self.changes(subject).await;
        self.actions(subject).await;
        self.handing_over(subject, &first.string("/mapping/backend_id")).await;
        self.deletion(subject).await;
        self.missing(subject).await;
        self.assert_no_secret(&self.host.log(), "the log");
    }

    async fn probe(&self) {
        if self.description().probe {
            self.one("a probe", self.operator().post(&format!("/v1/backends/{BACKEND}:probe"))).await.expect(200);
        }
    }

    async fn creation(&self, subject: &Subject) -> Reply {
        let (spec, key) = (subject.spec(FIRST), self.key());
        let body = json!({"spec": spec, "labels": {"suite": "life"}});
        let dry = self.acme().put(&format!("{}?dry_run=true", self.object(subject, FIRST))).json(&body);
        let shown = self.none("a dry run", dry).await.expect(200);
        assert_eq!((&shown["/dry_run"], &shown["/verb"]), (&json!(true), &json!("create")), "{shown:#?}");
        self.assert_no_secret(&shown.body.to_string(), "a dry run");
        let put = || self.acme().put(&self.object(subject, FIRST)).key(&key).json(&body);
        let made = self.change("a creation", put()).await.success();
        assert_eq!((&made["/mapping/state"], &made["/operation/sent"]), (&json!("active"), &json!("yes")), "{made:#?}");
        assert_eq!(made["/mapping/labels"], json!({"suite": "life"}));
        subject.check_change(&made, &spec, "created");

        let again = self.none("a replay", put()).await.expect(200);
        assert_eq!(again.header("idempotency-replayed"), Some("true"), "{again:#?}");
        assert_eq!(again["/mapping/backend_id"], made["/mapping/backend_id"]);
        let by_backend =
            json!({"backend": BACKEND, "kind": subject.kind, "backend_id": made.string("/mapping/backend_id")});
        let lookup = self.acme().post("/v1/mappings:lookup").json(&json!({"items": [by_backend]}));
        let found = self.none("a look-up", lookup).await.expect(200);
        assert_eq!(found["/items/0/mapping/cmp_id"], subject.cmp_id(FIRST).as_str());
        made
    }

    async fn reading(&self, subject: &Subject, spec: &Value) {
        let read = self.acme().get(&self.object(subject, FIRST));
        if self.can(subject, &Verb::Read) {
            let read = self.one("a read", read).await.expect(200);
            subject.check(&read, spec, "read");
        } else {
            self.none("a read", read).await.problem(405, "unsupported_verb");
        }
    }

    async fn listing(&self, subject: &Subject) {
        let list = |query: &str| self.acme().get(&format!("{}{query}", self.objects(subject)));
        if !self.can(subject, &Verb::List) {
            self.none("a list", list("")).await.problem(405, "unsupported_verb");
            return;
        }
        let mut found = Vec::new();
        let mut query = "?limit=1".to_owned();
        // Far more pages than a backend that is there for tests can have.
        for _ in 0..1000 {
            let page = self.one("a page of a list", list(&query)).await.expect(200);
            found.extend(page.items().iter().filter_map(|item| item["cmp_id"].as_str().map(str::to_owned)));
            let Some(next) = page["/next_page"].as_str() else { break };
            query = format!("?limit=1&page={}", utf8_percent_encode(next, NON_ALPHANUMERIC));
        }
        found.sort_unstable();
        assert_eq!(found, [subject.cmp_id(FIRST), subject.cmp_id(SECOND)], "what all pages of {} hold", subject.kind);
        let whole = self.one("a list", list("")).await.expect(200);
        let item = whole.items().iter().find(|item| item["cmp_id"] == subject.cmp_id(FIRST).as_str());
        if let Some(item) = item {
            assert_holds(&item["result"], &subject.shown(&subject.spec(FIRST)), "listed");
        }
    }

    async fn changes(&self, subject: &Subject) {
        let path = self.object(subject, FIRST);
        let mut spec = subject.spec(FIRST);
        let mut tag = None;
        if self.can(subject, &Verb::Replace) {
            tag = self.tag(subject).await;
            spec = subject.replacement(FIRST);
            let put = self.put(subject, FIRST, &spec).key(&self.key());
            let replaced = self.change("a replacement", put).await.expect(200);
            subject.check_change(&replaced, &spec, "replaced");
            self.reading_if_it_can(subject, &spec).await;
        } else {
            self.none("a replacement", self.put(subject, FIRST, &spec)).await.problem(405, "unsupported_verb");
        }
        let change = |patch: &Value| self.acme().patch(&path).json(&json!({"spec": patch}));
        if self.can(subject, &Verb::Update) {
            if tag.is_none() {
                tag = self.tag(subject).await;
            }
            spec = merged(&spec, subject.patch());
            let patched = self.change("a patch", change(subject.patch()).key(&self.key())).await.expect(200);
            subject.check_change(&patched, &spec, "patched");
            self.reading_if_it_can(subject, &spec).await;
        } else {
            self.none("a patch", change(&json!({}))).await.problem(405, "unsupported_verb");
        }
        let Some(tag) = tag else { return };
        let stale = if self.can(subject, &Verb::Update) {
            change(subject.patch())
        } else {
            self.put(subject, FIRST, &subject.replacement(FIRST))
        };
        // A revision that the backend keeps is judged there.
        let (count, sent) = if self.kind(subject).conditional { (1, "yes") } else { (0, "no") };
        let refused = self.making(count, "a change of what has changed", stale.header("if-match", &tag)).await;
        assert_eq!(refused.problem(412, "stale")["/sent"], sent);
    }

    /// The entity tag as a read gives it; none if the kind cannot be read.
    async fn tag(&self, subject: &Subject) -> Option<String> {
        if !self.can(subject, &Verb::Read) {
            return None;
        }
        let read = self.one("a read", self.acme().get(&self.object(subject, FIRST))).await.expect(200);
        read.header("etag").map(str::to_owned)
    }

    async fn reading_if_it_can(&self, subject: &Subject, spec: &Value) {
        if self.can(subject, &Verb::Read) {
            self.reading(subject, spec).await;
        }
    }

    async fn actions(&self, subject: &Subject) {
        for action in &self.kind(subject).actions {
            let given = subject.actions.iter().find(|(name, _)| *name == action.name);
            let (name, spec) = given.unwrap_or_else(|| panic!("say what `action` {} takes", action.name));
            let path = format!("{}/actions/{name}", self.object(subject, FIRST));
            let call = || self.acme().post(&path).json(&json!({"spec": spec}));
            self.none("an action without a key", call()).await.problem(400, "idempotency_key_required");
            let key = self.key();
            let acted = self.change(&format!("action {name}"), call().key(&key)).await.expect(200);
            if action.read_only {
                assert_eq!(acted["/operation"], Value::Null);
                continue;
            }
            assert_eq!(acted["/operation/state"], "succeeded", "{acted:#?}");
            let again = self.none("a replay of an action", call().key(&key)).await.expect(200);
            assert_eq!(again.header("idempotency-replayed"), Some("true"), "{again:#?}");
        }
    }

    /// Released by one CMP id and adopted by another.
    async fn handing_over(&self, subject: &Subject, backend_id: &str) {
        if !self.can(subject, &Verb::Read) {
            return;
        }
        let released = self.none("a release", self.acme().post(&(self.object(subject, FIRST) + ":release"))).await;
        let backend_id = released.expect(200)["/mapping/backend_id"].as_str().unwrap_or(backend_id).to_owned();
        let gone = self.none("a read of what was released", self.acme().get(&self.object(subject, FIRST))).await;
        gone.problem(404, "not_mapped");
        let adopted = self.one("an adoption", self.adopt(&self.object(subject, HEIR), &backend_id)).await.expect(200);
        assert_eq!(
            (&adopted["/mapping/state"], &adopted["/mapping/cmp_id"]),
            (&json!("active"), &json!(subject.cmp_id(HEIR)))
        );
    }

    fn adopt(&self, path: &str, backend_id: &str) -> crate::host::Call {
        self.operator().post(&format!("{path}:adopt?tenant=acme")).json(&json!({"backend_id": backend_id}))
    }

    async fn deletion(&self, subject: &Subject) {
        let heir = if self.can(subject, &Verb::Read) { HEIR } else { FIRST };
        let (path, key) = (self.object(subject, heir), self.key());
        let delete = || self.acme().delete(&path).key(&key);
        if !self.can(subject, &Verb::Delete) {
            self.none("a deletion", delete()).await.problem(405, "unsupported_verb");
            return;
        }
        let deleted = self.change("a deletion", delete()).await.expect(200);
        assert_eq!(deleted["/mapping"], Value::Null, "{deleted:#?}");
        self.none("a replay of a deletion", delete()).await.expect(200);
        self.none("a read of what was deleted", self.acme().get(&path)).await.problem(404, "not_mapped");
        self.none("a deletion of what was deleted", self.acme().delete(&path)).await.problem(404, "not_mapped");
    }

    /// The second object is deleted behind Crosspoint's back.
    async fn missing(&self, subject: &Subject) {
        if !self.can(subject, &Verb::Read) || !self.can(subject, &Verb::Delete) {
            return;
        }
        let backend_id = self.mapping(subject, SECOND).await["backend_id"].as_str().unwrap().to_owned();
        self.side_door().await;
        let side = format!("/v1/backends/{SIDE_DOOR}/objects/{}/{}", subject.kind, subject.cmp_id(SECOND));
        self.one("an adoption", self.adopt(&side, &backend_id)).await.expect(200);
        self.change("a deletion by the side door", self.acme().delete(&side)).await.expect(200);

        let path = self.object(subject, SECOND);
        let read = self.one("a read of what is not there", self.acme().get(&path)).await;
        assert_eq!(read.problem(404, "backend_not_found")["/sent"], "yes");
        let stranger = self.one("an adoption of what is not there", self.adopt(&side, &backend_id)).await;
        assert_eq!(stranger.problem(404, "backend_not_found")["/sent"], "yes");
        // What the caller wants gone is gone.
        self.change("a deletion of what is not there", self.acme().delete(&path)).await.expect(200);
        assert_eq!(self.mapping(subject, SECOND).await, Value::Null);
    }
}
