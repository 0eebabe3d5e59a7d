//! Lists, their filters and their cursors.

use super::query::{BadCursor, ListError, MappingFilter, OperationFilter, Page};
use super::*;

fn book() -> Book {
    let mut book = Book::default();
    for (number, name) in (0_u8..20).map(|n| (u128::from(n) + 1, format!("o{n:02}"))) {
        let mut operation = operation(number, Verb::Create, &name);
        operation.labels =
            Some([("parity".to_owned(), if number % 2 == 0 { "even" } else { "odd" }.to_owned())].into());
        operation.tenant = if number % 5 == 0 { "globex" } else { "acme" }.into();
        book.done(begin(operation));
        if number % 4 == 0 {
            book.done(settle(number, doubt()));
        } else {
            book.done(settle(number, done(Some(&format!("b{number}")))));
        }
    }
    book
}

fn ids(page: &Page<Mapping>) -> Vec<String> {
    page.items.iter().map(|mapping| mapping.key.cmp_id.clone()).collect()
}

fn all(book: &Book, filter: &MappingFilter, limit: usize) -> Vec<String> {
    let (mut found, mut cursor) = (Vec::new(), None);
    for _ in 0..100 {
        let page = query::mappings(&book.memory, filter, limit, cursor.as_deref()).unwrap();
        assert!(page.items.len() <= limit);
        found.extend(ids(&page));
        match page.next {
            Some(next) => cursor = Some(next),
            None => return found,
        }
    }
    panic!("the list does not end");
}

#[test]
fn pages_give_each_match_once_whatever_index_serves_them() {
    let book = book();
    let filters = [
        MappingFilter::default(),
        MappingFilter { tenant: Some("acme".into()), ..MappingFilter::default() },
        MappingFilter {
            tenant: Some("acme".into()),
            labels: vec![("parity".into(), "odd".into())],
            ..MappingFilter::default()
        },
        MappingFilter { labels: vec![("parity".into(), "even".into())], ..MappingFilter::default() },
        MappingFilter { state: Some(MappingState::Unknown), ..MappingFilter::default() },
        MappingFilter { state: Some(MappingState::Unknown), tenant: Some("globex".into()), ..MappingFilter::default() },
        MappingFilter { state: Some(MappingState::Active), tenant: Some("acme".into()), ..MappingFilter::default() },
    ];
    for filter in filters {
        let mut expected = Vec::new();
        for (name, number) in (0_u8..20).map(|n| (format!("o{n:02}"), n + 1)) {
            let tenant = if number % 5 == 0 { "globex" } else { "acme" };
            let state = if number % 4 == 0 { MappingState::Unknown } else { MappingState::Active };
            let parity = if number % 2 == 0 { "even" } else { "odd" };
            if filter.tenant.as_deref().is_none_or(|wanted| wanted == tenant)
                && filter.state.is_none_or(|wanted| wanted == state)
                && filter.labels.iter().all(|(_, wanted)| wanted == parity)
            {
                expected.push(name);
            }
        }
        for limit in [1, 3, 7, 1000] {
            let mut found = all(&book, &filter, limit);
            found.sort();
            assert_eq!(found, expected, "{filter:?} by {limit}");
        }
    }
}

#[test]
fn a_backends_objects_are_found_without_naming_a_tenant() {
    let book = book();
    let filter = MappingFilter { backend: Some("fw".into()), kind: Some("rule".into()), ..MappingFilter::default() };
    assert_eq!(all(&book, &filter, 4).len(), 15, "those that have a backend id");
    let filter = MappingFilter { backend: Some("f".into()), ..MappingFilter::default() };
    assert!(all(&book, &filter, 4).is_empty(), "a name that only begins alike is another");
}

#[test]
fn a_forged_cursor_is_refused_or_shows_nothing_more() {
    let book = book();
    let acme = MappingFilter { tenant: Some("acme".into()), ..MappingFilter::default() };
    let globex = MappingFilter { tenant: Some("globex".into()), ..MappingFilter::default() };
    let page = query::mappings(&book.memory, &globex, 1, None).unwrap();
    for forged in [page.next.as_deref().unwrap(), "", "x", "AAAA", "ÄÖ"] {
        let refused = query::mappings(&book.memory, &acme, 1, Some(forged)).unwrap_err();
        assert!(matches!(refused, ListError::Cursor(BadCursor)), "{forged}");
    }
}

#[test]
fn operations_come_latest_first_and_undecided_ones_can_be_listed_alone() {
    let book = book();
    let page = query::operations(&book.memory, &OperationFilter::default(), 3, None).unwrap();
    let numbers: Vec<_> = page.items.iter().map(|operation| operation.id).collect();
    assert_eq!(numbers, [id(20), id(19), id(18)]);
    let page = query::operations(&book.memory, &OperationFilter::default(), 3, page.next.as_deref()).unwrap();
    assert_eq!(page.items[0].id, id(17));
    let unknown = OperationFilter { state: Some(OperationState::Unknown), ..OperationFilter::default() };
    assert_eq!(query::operations(&book.memory, &unknown, 100, None).unwrap().items.len(), 5);
    assert_eq!(query::undecided(&book.memory).unwrap().len(), 5);
}

#[test]
fn the_kinds_in_use_are_found_by_jumping() {
    let mut book = book();
    let mut vlan = operation(100, Verb::Create, "v");
    vlan.kind = "vlan".into();
    book.done(begin(vlan));
    book.done(settle(100, done(Some("v1"))));
    assert_eq!(query::mapped_kinds(&book.memory, "fw").unwrap(), ["rule", "vlan"]);
    assert!(query::mapped_kinds(&book.memory, "other").unwrap().is_empty());
}
