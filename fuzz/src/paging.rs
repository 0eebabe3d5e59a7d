//! Following a list's cursors.

use crosspoint::mapping::query::{ListError, Page};

/// Every item of a list, page by page. A list that does not end, or a page that is too long, is a defect.
pub fn all<T>(mut page: impl FnMut(Option<&str>) -> Result<Page<T>, ListError>, limit: usize) -> Vec<T> {
    const PAGES: usize = 10_000;
    let (mut items, mut cursor) = (Vec::new(), None::<String>);
    for _ in 0..PAGES {
        let next = page(cursor.as_deref()).expect("a list takes its own cursors");
        assert!(next.items.len() <= limit, "a page of {} items, not {limit}", next.items.len());
        items.extend(next.items);
        match next.next {
            Some(next) => cursor = Some(next),
            None => return items,
        }
    }
    panic!("a list of {PAGES} pages, and no end");
}
