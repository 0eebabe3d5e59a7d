//! Hazard: a state that lies in three layers is not read as one.

use std::ops::Bound;
use std::sync::Arc;

use proptest::prelude::*;

use super::disk::SimDisk;
use super::notes::{Contents, Model, contents, rows};
use crate::sync::store::{Store, View};
use crate::sync::{KeyRange, Order, State, StateMut, Table};

/// Few keys, so that layers meet; some of them beginnings of others.
fn key() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(prop_oneof![Just(0), Just(1), Just(255)], 0..4)
}

fn table() -> impl Strategy<Value = u8> {
    prop_oneof![Just(0), Just(1), Just(255)]
}

#[derive(Clone, Debug)]
enum Step {
    Put(u8, Vec<u8>, Vec<u8>),
    Delete(u8, Vec<u8>),
    Freeze,
    Checkpoint,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (table(), key(), prop::collection::vec(any::<u8>(), 0..3)).prop_map(|(t, k, v)| Step::Put(t, k, v)),
        3 => (table(), key()).prop_map(|(t, k)| Step::Delete(t, k)),
        1 => Just(Step::Freeze),
        1 => Just(Step::Checkpoint),
    ]
}

fn bound() -> impl Strategy<Value = Bound<Vec<u8>>> {
    prop_oneof![Just(Bound::Unbounded), key().prop_map(Bound::Included), key().prop_map(Bound::Excluded)]
}

type Query = (u8, (Bound<Vec<u8>>, Bound<Vec<u8>>), bool, usize);

fn query() -> impl Strategy<Value = Query> {
    (table(), (bound(), bound()), any::<bool>(), 1..6_usize)
}

fn borrowed((start, end): &(Bound<Vec<u8>>, Bound<Vec<u8>>)) -> KeyRange<'_> {
    (start.as_ref().map(Vec::as_slice), end.as_ref().map(Vec::as_slice))
}

/// Runs the steps on a view and on a model; gives what the view held at each freeze as well.
fn run(group: u32, steps: Vec<Step>) -> (View, Model, Vec<(View, Contents)>) {
    let mut store = Store::open(&SimDisk::default(), group, 1, 1 << 20).unwrap();
    let (mut view, mut model) = (View::new(group, Arc::clone(store.state.base())), Model::default());
    let mut kept = Vec::new();
    let mut frozen = None;
    for step in steps {
        match step {
            Step::Put(table, key, value) => {
                view.put(Table(table), &key, value.clone());
                model.put(Table(table), &key, value);
            }
            Step::Delete(table, key) => {
                view.delete(Table(table), &key);
                model.delete(Table(table), &key);
            }
            Step::Freeze if frozen.is_none() => {
                frozen = Some(view.freeze());
                kept.push((view.clone(), model.0.clone()));
            }
            Step::Freeze => {}
            Step::Checkpoint => {
                if let Some(changes) = frozen.take() {
                    view.thaw(store.state.checkpoint(&changes, 1).unwrap());
                }
            }
        }
    }
    (view, model, kept)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_layered_state_reads_like_one_map(
        steps in prop::collection::vec(step(), 0..60),
        queries in prop::collection::vec(query(), 20),
        group in prop_oneof![Just(0), Just(u32::MAX)],
    ) {
        let (view, model, kept) = run(group, steps);
        for (table, range, ascending, limit) in &queries {
            let order = if *ascending { Order::Ascending } else { Order::Descending };
            let shown = rows(&view, *table, borrowed(range), order, *limit).unwrap();
            prop_assert_eq!(shown, rows(&model, *table, borrowed(range), order, *limit).unwrap());
        }
        prop_assert_eq!(&contents(&view).unwrap(), &model.0);
        for ((table, key), value) in &model.0 {
            let got = view.get(Table(*table), key).unwrap();
            prop_assert_eq!(got.as_ref(), Some(value));
        }
        for (then, contents_then) in kept {
            prop_assert_eq!(contents(&then).unwrap(), contents_then, "a kept view changed");
        }
    }
}

#[test]
fn groups_on_one_node_do_not_see_each_other() {
    let disk = SimDisk::default();
    for group in [0, 1, u32::MAX] {
        let mut store = Store::open(&disk, group, 1, 1 << 20).unwrap();
        let mut view = View::new(group, Arc::clone(store.state.base()));
        assert!(contents(&view).unwrap().is_empty());
        view.put(Table(u8::MAX), b"group", group.to_be_bytes().to_vec());
        let changes = view.freeze();
        store.log.append([&b"command"[..]; 1].into_iter(), 0).unwrap();
        store.state.checkpoint(&changes, 1).unwrap();
    }
    for group in [0, 1, u32::MAX] {
        let store = Store::open(&disk, group, 1, 1 << 20).unwrap();
        let view = View::new(group, Arc::clone(store.state.base()));
        assert_eq!(contents(&view).unwrap().into_values().collect::<Vec<_>>(), [group.to_be_bytes()]);
        assert_eq!(store.log.last(), 1);
    }
}

#[test]
fn memory_is_counted_once_for_a_row_written_often() {
    let store = Store::open(&SimDisk::default(), 0, 1, 1 << 20).unwrap();
    let mut view = View::new(0, Arc::clone(store.state.base()));
    view.put(Table(1), b"counter", vec![0; 100]);
    let once = view.active_bytes();
    for _ in 0..1000 {
        view.put(Table(1), b"counter", vec![0; 100]);
    }
    assert_eq!(view.active_bytes(), once);
}
