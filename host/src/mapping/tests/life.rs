//! The life of a mapping, step by step.

use super::*;

#[test]
fn a_creation_reserves_the_object_and_then_binds_it_both_ways() {
    let mut book = Book::default();
    let (_, mapping) = book.done(begin(operation(1, Verb::Create, "a")));
    assert_eq!(mapping.unwrap().state, MappingState::Creating);
    let (operation, mapping) = book.done(settle(1, done(Some("b1"))));
    let mapping = mapping.unwrap();
    assert_eq!(
        (operation.state, mapping.state, mapping.operation),
        (OperationState::Succeeded, MappingState::Active, None)
    );
    let by_backend = query::mapping_of_backend_id(&book.memory, "fw", "rule", "b1").unwrap().unwrap();
    assert_eq!(by_backend, mapping);
    assert_eq!(by_backend, book.mapping("a").unwrap());
    assert!(operation.spec.is_null(), "a decided operation keeps no spec");
}

#[test]
fn a_creation_that_failed_leaves_no_mapping() {
    let mut book = Book::default();
    book.done(begin(operation(1, Verb::Create, "a")));
    let (operation, mapping) = book.done(settle(1, refused(Code::BackendConflict)));
    assert_eq!((operation.state, mapping), (OperationState::Failed, None));
    assert_eq!(book.mapping("a"), None);
}

#[test]
fn doubt_stays_doubt_until_it_is_settled() {
    let mut book = Book::default();
    book.done(begin(operation(1, Verb::Create, "a")));
    let (operation, mapping) = book.done(settle(1, doubt()));
    assert_eq!((operation.state, mapping.unwrap().state), (OperationState::Unknown, MappingState::Unknown));
    assert_eq!(operation.finished_at, None);
    assert!(!operation.spec.is_null(), "the spec is needed to find the object");
    let refusal = book.apply(begin(super::operation(2, Verb::Delete, "a"))).unwrap_err();
    assert!(matches!(refusal, Refusal::Busy(mapping) if mapping.operation == Some(id(1))));
    let (operation, _) = book.done(settle(1, done(Some("b1"))));
    assert_eq!(operation.state, OperationState::Succeeded);
    let again = book.apply(settle(1, refused(Code::NotExecuted))).unwrap_err();
    assert!(matches!(again, Refusal::AlreadyDecided(_)));
    assert_eq!(book.mapping("a").unwrap().state, MappingState::Active);
}

#[test]
fn one_mutating_call_an_object_at_a_time() {
    let mut book = Book::default();
    book.created(1, "a", "b1");
    book.done(begin(operation(2, Verb::Update, "a")));
    for (number, verb) in [(3, Verb::Update), (4, Verb::Delete), (5, Verb::Create), (6, Verb::Action("x".into()))] {
        assert!(matches!(book.apply(begin(operation(number, verb, "a"))), Err(Refusal::Busy(_))));
    }
    book.done(settle(2, refused(Code::BackendDenied)));
    assert_eq!(book.mapping("a").unwrap().state, MappingState::Active, "a change that failed changes nothing");
    book.done(begin(operation(7, Verb::Delete, "a")));
    book.done(settle(7, done(None)));
    assert_eq!(book.mapping("a"), None);
    assert_eq!(query::mapping_of_backend_id(&book.memory, "fw", "rule", "b1").unwrap(), None);
}

#[test]
fn a_backend_object_is_never_two_cmp_objects() {
    let mut book = Book::default();
    book.created(1, "a", "b1");
    book.done(begin(operation(2, Verb::Create, "other")));
    let (operation, mapping) = book.done(settle(2, done(Some("b1"))));
    assert_eq!(operation.failure.unwrap().code, Code::BackendIdTaken);
    assert_eq!(mapping, None);
    let adopt = Command::Adopt {
        key: key("third"),
        success: Box::new(Success { backend_id: Some("b1".into()), ..Success::default() }),
        labels: Labels::new(),
        at: 1,
    };
    assert!(matches!(book.apply(adopt), Err(Refusal::BackendIdTaken(_))));
    assert_eq!(book.mapping("a").unwrap().backend_id.as_deref(), Some("b1"));
}

#[test]
fn a_pending_object_is_neither_free_nor_forgotten() {
    let mut book = Book::default();
    book.done(begin(operation(1, Verb::Create, "a")));
    let pending = Success { backend_id: Some("b1".into()), pending: Some("job-7".into()), ..Success::default() };
    let (operation, mapping) = book.done(settle(1, Settlement::Succeeded(pending)));
    assert_eq!((operation.state, operation.poll_token.as_deref()), (OperationState::Pending, Some("job-7")));
    assert_eq!(mapping.unwrap().state, MappingState::Pending);
    assert!(matches!(book.apply(begin(super::operation(2, Verb::Update, "a"))), Err(Refusal::Busy(_))));
    book.done(settle(1, done(None)));
    let mapping = book.mapping("a").unwrap();
    assert_eq!((mapping.state, mapping.backend_id.as_deref()), (MappingState::Active, Some("b1")));
}

#[test]
fn the_same_idempotency_key_is_the_same_call() {
    let mut book = Book::default();
    book.done(begin(with_key(operation(1, Verb::Create, "a"), "k", "f")));
    let again = book.apply(begin(with_key(operation(2, Verb::Create, "a"), "k", "f"))).unwrap_err();
    assert!(matches!(again, Refusal::Repeated(earlier) if earlier.id == id(1)));
    let other = book.apply(begin(with_key(operation(3, Verb::Create, "b"), "k", "g"))).unwrap_err();
    assert!(matches!(other, Refusal::KeyMismatch(earlier) if earlier.id == id(1)));
    let mut foreign = with_key(operation(4, Verb::Create, "a"), "k", "f");
    foreign.tenant = "globex".into();
    book.done(begin(foreign));
}

#[test]
fn a_failure_that_may_be_tried_again_frees_its_key_and_another_does_not() {
    let mut book = Book::default();
    for (number, failure, free) in [
        (1, Failure::new(Code::BackendUnavailable, "").retry(1), true),
        (2, Failure::new(Code::BackendConflict, ""), false),
    ] {
        book.done(begin(with_key(operation(number, Verb::Create, "a"), &number.to_string(), "f")));
        book.done(settle(number, Settlement::Failed { failure, resolution: None }));
        let again = book.apply(begin(with_key(operation(number + 10, Verb::Create, "a"), &number.to_string(), "f")));
        assert_eq!(again.is_ok(), free);
        if free {
            book.done(settle(number + 10, refused(Code::BackendConflict)));
        }
    }
}

#[test]
fn no_more_keys_are_remembered_than_allowed() {
    let mut book = Book::default();
    let limited =
        |operation| Command::Begin(Box::new(Intent { operation, mapping_revision: None, idempotency_limit: 1 }));
    book.apply(limited(with_key(operation(1, Verb::Create, "a"), "k1", "f"))).unwrap();
    assert!(matches!(
        book.apply(limited(with_key(operation(2, Verb::Create, "b"), "k2", "f"))),
        Err(Refusal::KeysFull)
    ));
    book.apply(limited(operation(3, Verb::Create, "c"))).unwrap();
}

#[test]
fn what_is_old_is_forgotten_and_what_was_promised_is_kept() {
    let mut book = Book::default();
    book.done(begin(with_key(operation(1, Verb::Create, "a"), "k", "f")));
    book.done(settle(1, done(Some("b1"))));
    book.created(2, "b", "b2");
    book.done(begin(operation(3, Verb::Update, "b")));
    let expire = |idempotency_before| {
        Command::Expire(Expiry { idempotency_before, operations_kept: 0, events_before: 3, batch: 10 })
    };
    book.apply(expire(500)).unwrap();
    let left: Vec<_> =
        [1, 2, 3].into_iter().filter(|n| query::operation(&book.memory, id(*n)).unwrap().is_some()).collect();
    assert_eq!(left, [1, 3], "a key stands for 1, and 3 is not decided");
    assert_eq!(query::events_forgotten(&book.memory).unwrap(), 2);
    assert_eq!(query::events_after(&book.memory, 0, 100).unwrap().first().unwrap().index, 3);
    book.apply(expire(5000)).unwrap();
    book.apply(expire(5000)).unwrap();
    assert_eq!(query::operation(&book.memory, id(1)).unwrap(), None);
    assert!(book.apply(begin(with_key(operation(4, Verb::Update, "a"), "k", "other"))).is_ok());
}

#[test]
fn a_backend_with_mappings_or_undecided_operations_is_not_removed() {
    let mut book = Book::default();
    let record = |name: &str| Command::PutBackend {
        record: Box::new(BackendRecord {
            name: name.into(),
            driver: "firewall".into(),
            settings: Json::null(),
            revision: 0,
        }),
        at: 1,
    };
    let remove = |name: &str| Command::RemoveBackend { name: name.into(), at: 1 };
    book.apply(record("fw")).unwrap();
    book.apply(record("zz")).unwrap();
    book.created(1, "a", "b1");
    assert!(matches!(book.apply(remove("fw")), Err(Refusal::InUse(_))));
    book.apply(remove("zz")).unwrap();
    assert!(matches!(book.apply(remove("zz")), Err(Refusal::Unknown)));
    book.apply(Command::Release { key: key("a"), at: 1 }).unwrap();
    let mut whole = operation(2, Verb::Action("commit".into()), "a");
    (whole.kind, whole.cmp_id) = (String::new(), None);
    book.done(begin(whole));
    assert!(matches!(book.apply(remove("fw")), Err(Refusal::InUse(_))));
    book.done(settle(2, done(None)));
    book.apply(remove("fw")).unwrap();
}

#[test]
fn the_marker_is_the_objects_own_and_fits_the_contract() {
    let marker = key("a").marker();
    assert_eq!(marker, key("a").marker());
    assert_ne!(marker, key("b").marker());
    assert_ne!(ObjectKey { tenant: "ac".into(), backend: "mefw".into(), ..key("a") }.marker(), marker);
    assert!(marker.len() <= 32 && marker.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-'));
}

#[test]
fn a_key_that_was_given_again_is_the_later_calls_own() {
    let mut book = Book::default();
    book.done(begin(with_key(operation(1, Verb::Create, "a"), "k", "f")));
    book.done(settle(1, doubt()));
    let forget_keys = |operations_kept| {
        Command::Expire(Expiry { idempotency_before: 5000, operations_kept, events_before: 0, batch: 10 })
    };
    book.apply(forget_keys(10)).unwrap();
    let later = Operation { started_at: 9000, ..with_key(operation(2, Verb::Create, "b"), "k", "g") };
    book.done(begin(later.clone()));
    let failure = Failure::new(Code::BackendUnavailable, "").retry(1);
    book.done(settle(1, Settlement::Failed { failure, resolution: None }));
    let again = book.apply(begin(Operation { id: id(3), ..later })).unwrap_err();
    assert!(
        matches!(again, Refusal::Repeated(earlier) if earlier.id == id(2)),
        "the first call frees its own key only"
    );
    book.apply(forget_keys(0)).unwrap();
    assert_eq!(query::operation(&book.memory, id(1)).unwrap(), None, "no key stands for the first call any more");
}

#[test]
fn an_object_that_was_looked_at_is_not_held_by_the_operation_that_ended() {
    let mut book = Book::default();
    book.created(1, "a", "b1");
    book.done(begin(operation(2, Verb::Update, "a")));
    book.done(settle(2, doubt()));
    let seen = Success { pending: Some("job-7".into()), ..Success::default() };
    let (operation, mapping) = book.done(settle(2, Settlement::Observed(seen)));
    let mapping = mapping.unwrap();
    assert_eq!((operation.state, operation.poll_token), (OperationState::Observed, None));
    assert_eq!((mapping.state, mapping.operation), (MappingState::Active, None));
}
