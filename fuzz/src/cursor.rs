//! Any text as a list's cursor: it is refused, or the page holds what the filter admits and no more, and the list goes
//! on from there to its end. A cursor names a place, never a right: one of another tenant's list gives nothing of it.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use crosspoint::mapping::query::{self, ListError, MappingFilter, OperationFilter, Page};
use crosspoint::mapping::{
    Code, Command, Failure, Intent, Labels, Ledger, MappingState, Operation, OperationId, OperationState, Settlement,
    Success,
};
use crosspoint::sent::Sent;
use crosspoint::sync::{Machine, Memory};
use crosspoint_contract::{Json, Verb};

use crate::input::Input;
use crate::paging;

/// Two tenants' objects on two backends.
static MEMORY: LazyLock<Memory> = LazyLock::new(|| {
    let mut memory = Memory::default();
    for (n, command) in commands().into_iter().enumerate() {
        Ledger.apply(n as u64 + 1, command, &mut memory).unwrap().expect("a command that fits");
    }
    memory
});

/// What the lists are of: a few objects of each tenant, some of them in doubt.
pub fn commands() -> Vec<Command> {
    let mut commands = Vec::new();
    for n in 0..24_u8 {
        let operation = Operation {
            id: OperationId::from_bytes([n; 16]),
            tenant: if n % 3 == 0 { "globex" } else { "acme" }.to_owned(),
            backend: if n % 4 == 0 { "sw" } else { "fw" }.to_owned(),
            kind: "rule".to_owned(),
            cmp_id: Some(format!("object-{n}")),
            verb: Verb::Create,
            state: OperationState::Open,
            sent: Sent::Maybe,
            caller: "cmp".to_owned(),
            driver: "firewall@1.0.0".to_owned(),
            idempotency: None,
            spec: Json::null(),
            precondition: None,
            labels: Some(Labels::from([("rack".to_owned(), format!("r{}", n % 2))])),
            poll_token: None,
            started_at: 1000,
            deadline: 2000,
            patience: 1000,
            finished_at: None,
            result: Json::null(),
            failure: None,
            resolution: None,
        };
        let id = operation.id;
        commands.push(Command::Begin(Box::new(Intent { operation, mapping_revision: None, idempotency_limit: 100 })));
        let settlement = if n % 5 == 0 {
            Settlement::Doubt(Failure::new(Code::BackendTimeout, "late").sent(Sent::Maybe))
        } else {
            Settlement::Succeeded(Success { backend_id: Some(format!("b{n}")), ..Success::default() })
        };
        commands.push(Command::Settle { operation: id, at: 1500, settlement: Box::new(settlement) });
    }
    commands
}

/// Any bytes as a filter and a cursor, or as a place to cut a real list in two.
pub fn target(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let some = |input: &mut Input<'_>, from: &[&str]| input.flag().then(|| input.choice(from).to_owned());
    let filter = MappingFilter {
        tenant: some(&mut input, &["acme", "globex"]),
        backend: some(&mut input, &["fw", "sw"]),
        kind: some(&mut input, &["rule"]),
        labels: some(&mut input, &["r0", "r1"]).map(|value| ("rack".to_owned(), value)).into_iter().collect(),
        state: input.flag().then(|| input.choice(&[MappingState::Active, MappingState::Unknown])),
        ..MappingFilter::default()
    };
    let limit = usize::from(input.byte() % 8) + 1;
    let theirs = OperationFilter {
        tenant: filter.tenant.clone(),
        state: input.flag().then(|| input.choice(&[OperationState::Unknown, OperationState::Succeeded])),
        ..OperationFilter::default()
    };
    let cursor = String::from_utf8_lossy(input.rest());

    let mappings = |filter: &MappingFilter, cursor: Option<&str>| {
        let page = query::mappings(&*MEMORY, filter, limit, cursor)?;
        Ok(Page { items: page.items.into_iter().map(|it| it.key).collect(), next: page.next })
    };
    holds(
        |cursor| mappings(&filter, cursor),
        &cursor,
        limit,
        |key| filter.tenant.as_ref().is_none_or(|tenant| key.tenant == *tenant),
    );
    let operations = |filter: &OperationFilter, cursor: Option<&str>| {
        let page = query::operations(&*MEMORY, filter, limit, cursor)?;
        Ok(Page { items: page.items.into_iter().map(|it| (it.id, it.tenant)).collect(), next: page.next })
    };
    holds(
        |cursor| operations(&theirs, cursor),
        &cursor,
        limit,
        |(_, tenant)| theirs.tenant.as_ref().is_none_or(|wanted| tenant == wanted),
    );

    // Another tenant's real cursor, in place of one's own.
    let other = MappingFilter { tenant: Some("globex".to_owned()), ..filter.clone() };
    if let Some(foreign) = mappings(&other, None).ok().and_then(|page| page.next)
        && filter.tenant.as_deref() == Some("acme")
        && let Ok(page) = mappings(&filter, Some(&foreign))
    {
        assert!(page.items.iter().all(|key| key.tenant == "acme"), "another tenant's cursor shows {:?}", page.items);
    }
}

/// A list, begun at any cursor, gives a part of the whole.
fn holds<T: Ord + Clone + std::fmt::Debug>(
    page: impl Fn(Option<&str>) -> Result<Page<T>, ListError>,
    cursor: &str,
    limit: usize,
    admitted: impl Fn(&T) -> bool,
) {
    let whole = paging::all(&page, limit);
    let distinct: BTreeSet<_> = whole.iter().cloned().collect();
    assert_eq!(distinct.len(), whole.len(), "nothing stands in a list twice");
    assert!(whole.iter().all(&admitted));
    match page(Some(cursor)) {
        Err(ListError::Cursor(_)) => {}
        Err(error) => panic!("{error}"),
        Ok(first) => {
            let mut part = first.items;
            if let Some(next) = first.next {
                part.extend(paging::all(|cursor| page(Some(cursor.unwrap_or(&next))), limit));
            }
            assert!(whole.ends_with(&part), "from {cursor:?}: {part:?}, of {whole:?}");
        }
    }
}
