use serde_json::Value;

use crate::host::Reply;

/// What some answer holds of a spec.
type Part = Box<dyn Fn(&Value) -> Value>;

/// A kind of object, and what such objects look like.
pub struct Subject {
    pub(super) kind: String,
    spec: Box<dyn Fn(u32) -> Value>,
    replacement: Option<Box<dyn Fn(u32) -> Value>>,
    pub(super) patch: Option<Value>,
    shown: Part,
    confirmed: Option<Part>,
    pub(super) bad: Vec<(Value, &'static str)>,
    pub(super) bad_patches: Vec<(Value, &'static str)>,
    pub(super) refused: Vec<Refused>,
    pub(super) actions: Vec<(String, Value)>,
}

/// A spec that the backend refuses, and what the caller is told then.
pub(super) struct Refused {
    pub members: Value,
    pub status: u16,
    pub code: &'static str,
}

impl Subject {
    /// Objects of this kind. `spec` is what the n-th is created with, n being less than 100; they must be able to exist
    /// side by side.
    pub fn of(kind: &str, spec: impl Fn(u32) -> Value + 'static) -> Self {
        Self {
            kind: kind.to_owned(),
            spec: Box::new(spec),
            replacement: None,
            patch: None,
            shown: Box::new(Value::clone),
            confirmed: None,
            bad: Vec::new(),
            bad_patches: Vec::new(),
            refused: Vec::new(),
            actions: Vec::new(),
        }
    }

    /// What the n-th object is replaced with: something that shows. Required of a kind that has `replace`.
    pub fn replacing(self, spec: impl Fn(u32) -> Value + 'static) -> Self {
        Self { replacement: Some(Box::new(spec)), ..self }
    }

    /// What an object is patched with: something that shows, after the replacement. Required of a kind that has
    /// `update`.
    pub fn patching(self, patch: Value) -> Self {
        Self { patch: Some(patch), ..self }
    }

    /// What a result holds of a spec, where that is not all of it, as it stands. A password is not shown, for instance.
    pub fn showing(self, shown: impl Fn(&Value) -> Value + 'static) -> Self {
        Self { shown: Box::new(shown), ..self }
    }

    /// What the answer to a change holds of its spec, where the backend confirms a change without showing the object.
    /// By default it is what a read shows.
    pub fn confirming(self, confirmed: impl Fn(&Value) -> Value + 'static) -> Self {
        Self { confirmed: Some(Box::new(confirmed)), ..self }
    }

    /// With these members a spec is refused before anything is sent, at this JSON Pointer. They are merged into a good
    /// one as RFC 7396 says: null takes a member out.
    pub fn bad(mut self, members: Value, pointer: &'static str) -> Self {
        self.bad.push((members, pointer));
        self
    }

    /// A patch that is refused before anything is sent, at this JSON Pointer.
    pub fn bad_patch(mut self, patch: Value, pointer: &'static str) -> Self {
        self.bad_patches.push((patch, pointer));
        self
    }

    /// With these members a spec is refused by the backend, in one exchange, with this status and code.
    pub fn refused(mut self, members: Value, status: u16, code: &'static str) -> Self {
        self.refused.push(Refused { members, status, code });
        self
    }

    /// An action, with a spec that succeeds. Required of every action that the kind has.
    pub fn action(mut self, name: &str, spec: Value) -> Self {
        self.actions.push((name.to_owned(), spec));
        self
    }

    /// What the n-th object is created with.
    pub fn spec(&self, n: u32) -> Value {
        (self.spec)(n)
    }

    /// What the n-th object is replaced with.
    pub(super) fn replacement(&self, n: u32) -> Value {
        self.replacement.as_ref().unwrap_or_else(|| panic!("say what a {} is `replacing`", self.kind))(n)
    }

    pub(super) fn patch(&self) -> &Value {
        self.patch.as_ref().unwrap_or_else(|| panic!("say what is `patching` a {}", self.kind))
    }

    /// Checks that an answer shows the object of this spec, without the marker, which is not the caller's business.
    #[track_caller]
    pub(super) fn check(&self, reply: &Reply, spec: &Value, what: &str) {
        check(reply, &self.shown(spec), what);
    }

    /// The same for the answer to a change.
    #[track_caller]
    pub(super) fn check_change(&self, reply: &Reply, spec: &Value, what: &str) {
        check(reply, &self.confirmed.as_ref().unwrap_or(&self.shown)(spec), what);
    }

    pub(super) fn shown(&self, spec: &Value) -> Value {
        (self.shown)(spec)
    }
}

#[track_caller]
fn check(reply: &Reply, part: &Value, what: &str) {
    assert_holds(&reply["/result"], part, what);
    let marked = reply["/result"].to_string().contains(&reply.string("/mapping/marker"));
    assert!(!marked, "{what}: the marker shows: {reply:#?}");
}

/// One JSON merged into another, as RFC 7396 says.
pub fn merged(whole: &Value, members: &Value) -> Value {
    let Value::Object(members) = members else { return members.clone() };
    let mut merge = whole.as_object().cloned().unwrap_or_default();
    for (name, member) in members {
        if member.is_null() {
            merge.remove(name);
        } else {
            let before = merge.get(name).unwrap_or(&Value::Null);
            merge.insert(name.clone(), merged(before, member));
        }
    }
    merge.into()
}

/// Fails unless every member of `part` is in `whole`, at any depth; lists have to be equally long. Null in `part` may be
/// missing in `whole`.
#[track_caller]
pub fn assert_holds(whole: &Value, part: &Value, what: &str) {
    assert!(holds(whole, part), "{what}: {part:#} should be in {whole:#}");
}

fn holds(whole: &Value, part: &Value) -> bool {
    match (whole, part) {
        (Value::Object(whole), Value::Object(part)) => {
            part.iter().all(|(name, part)| holds(whole.get(name).unwrap_or(&Value::Null), part))
        }
        (Value::Array(whole), Value::Array(part)) => {
            whole.len() == part.len() && whole.iter().zip(part).all(|(whole, part)| holds(whole, part))
        }
        (whole, part) => whole == part,
    }
}
