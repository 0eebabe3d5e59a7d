//! Whatever the driver asks, the other codec reads as it was meant.

use pravega_driver::wire::{Entry, Request};
use pravega_wire_protocol::wire_commands::{Decode as _, Requests};
use proptest::prelude::*;

fn name() -> impl Strategy<Value = String> {
    "[!-~]{1,40}"
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 0..50)
}

fn read(request: &Request, id: i64) -> Requests {
    Requests::read_from(&request.encode(id).unwrap()).unwrap()
}

proptest! {
    #[test]
    fn a_greeting(newest in any::<i32>(), oldest in any::<i32>()) {
        let Requests::Hello(hello) = read(&Request::Hello((newest, oldest)), 0) else { panic!() };
        prop_assert_eq!((hello.high_version, hello.low_version), (newest, oldest));
    }

    #[test]
    fn what_is_asked_of_segments(
        id in any::<i64>(), segment in name(), rate in any::<i32>(), scale in any::<u8>(), offset in any::<i64>(),
        length in any::<i32>(), must_be_empty in any::<bool>(),
    ) {
        let own = || segment.clone();
        let asked = read(&Request::CreateSegment { segment: own(), scale, rate, rollover: None }, id);
        let Requests::CreateSegment(it) = asked else { panic!() };
        prop_assert_eq!((it.request_id, &it.segment, it.target_rate, it.scale_type), (id, &segment, rate, scale));
        prop_assert_eq!(it.delegation_token, "");

        let Requests::GetStreamSegmentInfo(it) = read(&Request::GetSegmentInfo { segment: own() }, id) else { panic!() };
        prop_assert_eq!((it.request_id, it.segment_name), (id, own()));
        let Requests::SealSegment(it) = read(&Request::SealSegment { segment: own() }, id) else { panic!() };
        prop_assert_eq!((it.request_id, it.segment), (id, own()));
        let Requests::DeleteSegment(it) = read(&Request::DeleteSegment { segment: own() }, id) else { panic!() };
        prop_assert_eq!((it.request_id, it.segment), (id, own()));

        let asked = read(&Request::ReadSegment { segment: own(), offset, length }, id);
        let Requests::ReadSegment(it) = asked else { panic!() };
        prop_assert_eq!((it.request_id, it.segment, it.offset, it.suggested_length), (id, own(), offset, length));

        let asked = read(&Request::CreateTableSegment { segment: own(), key_length: None, rollover: None }, id);
        let Requests::CreateTableSegment(it) = asked else { panic!() };
        prop_assert_eq!((it.request_id, it.segment), (id, own()));
        let asked = read(&Request::DeleteTableSegment { segment: own(), must_be_empty }, id);
        let Requests::DeleteTableSegment(it) = asked else { panic!() };
        prop_assert_eq!((it.request_id, it.segment, it.must_be_empty), (id, own(), must_be_empty));
    }

    #[test]
    fn what_is_asked_of_tables(
        id in any::<i64>(), segment in name(), from in any::<i64>(), count in any::<i32>(),
        entries in prop::collection::vec((bytes(), any::<i64>(), bytes()), 0..4),
    ) {
        let own = || segment.clone();
        let ours = entries.iter().cloned().map(|(key, version, value)| Entry { key, version, value }).collect();
        let Requests::UpdateTableEntries(it) = read(&Request::UpdateTableEntries { segment: own(), entries: ours }, id) else {
            panic!()
        };
        let theirs = it.table_entries.entries.into_iter();
        let theirs: Vec<_> = theirs.map(|(key, value)| (key.data, key.key_version, value.data)).collect();
        prop_assert_eq!((it.request_id, it.segment, theirs, it.table_segment_offset), (id, own(), entries.clone(), -1));

        let keys: Vec<_> = entries.iter().map(|(key, version, _)| (key.clone(), *version)).collect();
        let asked = read(&Request::RemoveTableKeys { segment: own(), keys: keys.clone() }, id);
        let Requests::RemoveTableKeys(it) = asked else { panic!() };
        let theirs: Vec<_> = it.keys.into_iter().map(|key| (key.data, key.key_version)).collect();
        prop_assert_eq!((it.request_id, it.segment, theirs, it.table_segment_offset), (id, own(), keys.clone(), -1));

        let wanted: Vec<_> = keys.into_iter().map(|(key, _)| key).collect();
        let Requests::ReadTable(it) = read(&Request::ReadTable { segment: own(), keys: wanted.clone() }, id) else { panic!() };
        let any = it.keys.iter().all(|key| key.key_version == i64::MIN);
        let theirs: Vec<_> = it.keys.into_iter().map(|key| key.data).collect();
        prop_assert_eq!((it.request_id, it.segment, theirs, any), (id, own(), wanted, true));

        let asked = read(&Request::ReadTableEntriesDelta { segment: own(), from, count }, id);
        let Requests::ReadTableEntriesDelta(it) = asked else { panic!() };
        prop_assert_eq!((it.request_id, it.segment), (id, own()));
        prop_assert_eq!((it.from_position, it.suggested_entry_count), (from, count));
    }
}
