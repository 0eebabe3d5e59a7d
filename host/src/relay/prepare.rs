//! From what a caller asks to a draft: everything that is refused here leaves no trace and makes no exchange.

use crosspoint_contract::{Call, Json, Kind, Verb};

use super::call::{Method, ObjectCall, Precondition};
use super::exchange::{Draft, Target};
use super::failure::{already_mapped, busy, invalid_spec, not_mapped, stale};
use crate::driver::Digest;
use crate::mapping::{Code, Failure, Mapping, MappingState, ObjectKey};

/// A call whose every condition was met, translated.
pub(super) struct Prepared {
    pub draft: Draft,
    /// The object, unless the call is about the backend as a whole.
    pub key: Option<ObjectKey>,
    /// The revision of the mapping that the call was translated for; it must still be that when the intent is recorded.
    pub mapping_revision: Option<u64>,
    /// Whether the call changes something.
    pub mutating: bool,
}

/// A digest over what makes two requests the same request.
#[must_use]
pub fn fingerprint(call: &ObjectCall) -> String {
    let (kind, cmp_id) = call.object.as_ref().map_or(("", ""), |(kind, cmp_id)| (kind, cmp_id));
    let text = serde_json::json!([call.method.word(), call.backend, kind, cmp_id, call.spec, call.labels]).to_string();
    Digest::of(text.as_bytes()).hex()
}

/// Prepares a call about one object or about the backend.
pub(super) async fn prepare(
    target: &Target,
    call: &ObjectCall,
    mapping: Option<&Mapping>,
) -> Result<Prepared, Failure> {
    let Some((kind_name, cmp_id)) = &call.object else {
        return prepare_backend_action(target, call).await;
    };
    let kind = target.kind(kind_name)?;
    let key = ObjectKey {
        tenant: call.caller.tenant.clone(),
        backend: call.backend.clone(),
        kind: kind_name.clone(),
        cmp_id: cmp_id.clone(),
    };
    let verb = verb_for(&call.method, mapping);
    supported(kind, &verb)?;
    let precondition = demanded(&call.precondition, kind, &verb, mapping)?;
    if verb != Verb::Create {
        ready(mapping, &verb)?;
    }
    if takes_spec(&verb) {
        let checked = target.generation.kind(kind_name);
        checked.map_or(Ok(()), |kind| kind.validate_spec(&verb, &call.spec)).map_err(invalid_spec)?;
    }
    let mutating = match &verb {
        Verb::Read => false,
        Verb::Action(name) => !kind.action(name).is_some_and(|action| action.read_only),
        _ => true,
    };
    let spec = if takes_spec(&verb) { Json::from(call.spec.clone()) } else { Json::null() };
    let mut wire = target.call_about(verb, &key, mapping, spec);
    wire.precondition = precondition;
    Ok(Prepared {
        draft: target.draft(wire).await?,
        key: Some(key),
        mapping_revision: mapping.map(|mapping| mapping.revision),
        mutating,
    })
}

async fn prepare_backend_action(target: &Target, call: &ObjectCall) -> Result<Prepared, Failure> {
    let Method::Action(name) = &call.method else {
        return Err(Failure::new(Code::UnsupportedVerb, "a backend as a whole knows actions alone"));
    };
    let actions = &target.generation.description().actions;
    let action = actions.iter().find(|action| action.name == *name).ok_or_else(|| {
        let known: Vec<_> = actions.iter().map(|action| action.name.as_str()).collect();
        Failure::new(Code::UnknownAction, format!("the backend has no action `{name}`; it has: {}", listed(&known)))
    })?;
    let checked = target.generation.action(name);
    checked.map_or(Ok(()), |action| action.validate_spec(&call.spec)).map_err(invalid_spec)?;
    let verb = Verb::Action(name.clone());
    let mut wire = target.backend.call(verb, "");
    wire.tenant.clone_from(&call.caller.tenant);
    wire.spec = Json::from(call.spec.clone());
    Ok(Prepared { draft: target.draft(wire).await?, key: None, mapping_revision: None, mutating: !action.read_only })
}

fn verb_for(method: &Method, mapping: Option<&Mapping>) -> Verb {
    match method {
        Method::Put if mapping.is_none() => Verb::Create,
        Method::Put => Verb::Replace,
        Method::Get => Verb::Read,
        Method::Patch => Verb::Update,
        Method::Delete => Verb::Delete,
        Method::Action(name) => Verb::Action(name.clone()),
    }
}

/// Checks that the kind has the verb or the action.
pub(super) fn supported(kind: &Kind, verb: &Verb) -> Result<(), Failure> {
    match verb {
        Verb::Action(name) => kind.action(name).map(drop).ok_or_else(|| {
            let known: Vec<_> = kind.actions.iter().map(|action| action.name.as_str()).collect();
            Failure::new(
                Code::UnknownAction,
                format!("kind `{}` has no action `{name}`; it has: {}", kind.name, listed(&known)),
            )
        }),
        verb => kind.supports(verb).map(drop).ok_or_else(|| {
            let known: Vec<_> = kind.verbs.iter().map(|support| support.verb.to_string()).collect();
            let known: Vec<_> = known.iter().map(String::as_str).collect();
            Failure::new(
                Code::UnsupportedVerb,
                format!("kind `{}` cannot {verb}; it can: {}", kind.name, listed(&known)),
            )
        }),
    }
}

fn listed(names: &[&str]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

fn takes_spec(verb: &Verb) -> bool {
    matches!(verb, Verb::Create | Verb::Replace | Verb::Update | Verb::Action(_))
}

/// Checks that the object is mapped and that nothing else is under way, before the machine does so for good.
fn ready(mapping: Option<&Mapping>, verb: &Verb) -> Result<(), Failure> {
    let mapping = mapping.ok_or_else(not_mapped)?;
    let settled =
        mapping.state == MappingState::Active || (*verb == Verb::Read && mapping.state != MappingState::Unknown);
    if settled && mapping.backend_id.is_some() { Ok(()) } else { Err(busy(mapping)) }
}

/// Judges the caller's precondition here, or gives back the revision that the backend shall judge.
fn demanded(
    precondition: &Precondition,
    kind: &Kind,
    verb: &Verb,
    mapping: Option<&Mapping>,
) -> Result<Option<String>, Failure> {
    match (precondition, mapping) {
        (Precondition::None, _) | (Precondition::Absent, None) | (Precondition::Present, Some(_)) => Ok(None),
        (Precondition::Absent, Some(mapping)) => Err(already_mapped(mapping)),
        (Precondition::Present | Precondition::Match(_), None) => {
            Err(Failure::new(Code::Stale, "If-Match was given, but the object is not mapped"))
        }
        // The backend alone knows its present revision; the stored one may be old.
        (Precondition::Match(tag), Some(mapping))
            if judged_by_backend(kind, mapping) && matches!(verb, Verb::Update | Verb::Replace | Verb::Delete) =>
        {
            Ok(Some(tag.clone()))
        }
        (Precondition::Match(tag), Some(mapping)) if *tag == etag(Some(kind), mapping) => Ok(None),
        (Precondition::Match(_), Some(mapping)) => Err(stale(mapping)),
    }
}

fn judged_by_backend(kind: &Kind, mapping: &Mapping) -> bool {
    kind.conditional && mapping.backend_revision.is_some()
}

/// The entity tag of a mapped object: the backend's revision where the backend judges preconditions, else the mapping's.
pub(crate) fn etag(kind: Option<&Kind>, mapping: &Mapping) -> String {
    match &mapping.backend_revision {
        Some(revision) if kind.is_some_and(|kind| kind.conditional) => revision.clone(),
        _ => mapping.revision.to_string(),
    }
}

impl Target {
    /// The kind of this name.
    pub fn kind(&self, name: &str) -> Result<&Kind, Failure> {
        self.generation.description().kind(name).ok_or_else(|| {
            let known: Vec<_> = self.generation.description().kinds.iter().map(|kind| kind.name.as_str()).collect();
            Failure::new(
                Code::UnknownKind,
                format!("backend `{}` has no kind `{name}`; it has: {}", self.backend.name, listed(&known)),
            )
        })
    }

    /// A call about an object, with all that is known of it.
    pub fn call_about(&self, verb: Verb, key: &ObjectKey, mapping: Option<&Mapping>, spec: Json) -> Call {
        let mut call = self.backend.call(verb, &key.kind);
        call.tenant.clone_from(&key.tenant);
        call.marker = key.marker();
        call.cmp_id = Some(key.cmp_id.clone());
        call.spec = spec;
        if let Some(mapping) = mapping {
            call.backend_id.clone_from(&mapping.backend_id);
            call.attributes = mapping.attributes.clone();
        }
        call
    }
}
