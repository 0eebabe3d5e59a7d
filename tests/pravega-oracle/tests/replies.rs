//! Whatever the other codec answers, the driver reads as it was meant.

use pravega_driver::wire::{Entry, Refusal, Refused, Reply};
use pravega_wire_protocol::commands::*;
use pravega_wire_protocol::wire_commands::{Encode as _, Replies};
use proptest::prelude::*;

fn name() -> impl Strategy<Value = String> {
    "[!-~]{1,40}"
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 0..50)
}

fn entries() -> impl Strategy<Value = Vec<(Vec<u8>, i64, Vec<u8>)>> {
    prop::collection::vec((bytes(), any::<i64>(), bytes()), 0..4)
}

fn read(reply: &Replies, id: i64) -> Reply {
    Reply::decode(&reply.write_fields().unwrap(), id).unwrap()
}

fn theirs(entries: &[(Vec<u8>, i64, Vec<u8>)]) -> TableEntries {
    let entry = |(key, version, value): &(Vec<u8>, i64, Vec<u8>)| {
        (TableKey::new(key.clone(), *version), TableValue::new(value.clone()))
    };
    TableEntries { entries: entries.iter().map(entry).collect() }
}

fn ours(entries: &[(Vec<u8>, i64, Vec<u8>)]) -> Vec<Entry> {
    entries.iter().cloned().map(|(key, version, value)| Entry { key, version, value }).collect()
}

proptest! {
    #[test]
    fn about_segments(
        id in any::<i64>(), segment in name(), flags in any::<[bool; 3]>(), numbers in any::<[i64; 3]>(), data in bytes(),
    ) {
        let own = || segment.clone();
        let hello = Replies::Hello(HelloCommand { high_version: 17, low_version: 5 });
        prop_assert_eq!(read(&hello, id), Reply::Hello((17, 5)));
        let made = Replies::SegmentCreated(SegmentCreatedCommand { request_id: id, segment: own() });
        prop_assert_eq!(read(&made, id), Reply::SegmentCreated { segment: own() });
        let sealed = Replies::SegmentSealed(SegmentSealedCommand { request_id: id, segment: own() });
        prop_assert_eq!(read(&sealed, id), Reply::SegmentSealed { segment: own() });
        let deleted = Replies::SegmentDeleted(SegmentDeletedCommand { request_id: id, segment: own() });
        prop_assert_eq!(read(&deleted, id), Reply::SegmentDeleted { segment: own() });
        let [exists, sealed, deleted] = flags;
        let [modified, end, start] = numbers;
        let info = Replies::StreamSegmentInfo(StreamSegmentInfoCommand {
            request_id: id, segment_name: own(), exists, is_sealed: sealed, is_deleted: deleted, last_modified: modified,
            write_offset: end, start_offset: start,
        });
        prop_assert_eq!(
            read(&info, id),
            Reply::SegmentInfo { segment: own(), exists, sealed, deleted, modified, end, start }
        );
        let part = Replies::SegmentRead(SegmentReadCommand {
            segment: own(), offset: start, at_tail: exists, end_of_segment: sealed, data: data.clone(), request_id: id,
        });
        prop_assert_eq!(
            read(&part, id),
            Reply::SegmentRead { segment: own(), offset: start, at_tail: exists, at_end: sealed, data }
        );
    }

    #[test]
    fn about_tables(
        id in any::<i64>(), segment in name(), entries in entries(), versions in prop::collection::vec(any::<i64>(), 0..5),
        flags in any::<[bool; 2]>(), last in any::<i64>(),
    ) {
        let own = || segment.clone();
        let updated = TableEntriesUpdatedCommand { request_id: id, updated_versions: versions.clone() };
        prop_assert_eq!(read(&Replies::TableEntriesUpdated(updated), id), Reply::TableEntriesUpdated { versions });
        let removed = Replies::TableKeysRemoved(TableKeysRemovedCommand { request_id: id, segment: own() });
        prop_assert_eq!(read(&removed, id), Reply::TableKeysRemoved { segment: own() });
        let table = Replies::TableRead(TableReadCommand { request_id: id, segment: own(), entries: theirs(&entries) });
        prop_assert_eq!(read(&table, id), Reply::TableRead { segment: own(), entries: ours(&entries) });
        let [clear, at_end] = flags;
        let delta = Replies::TableEntriesDeltaRead(TableEntriesDeltaReadCommand {
            request_id: id, segment: own(), entries: theirs(&entries), should_clear: clear, reached_end: at_end,
            last_position: last,
        });
        prop_assert_eq!(
            read(&delta, id),
            Reply::TableEntriesDelta { segment: own(), entries: ours(&entries), clear, at_end, last }
        );
    }

    #[test]
    fn that_refuse(id in any::<i64>(), segment in name(), other in name(), trace in "\\PC{0,60}", number in any::<i64>()) {
        let own = || segment.clone();
        let server_stack_trace = || trace.clone();
        let refused = |why, about: &str| Reply::Refused(Refusal { why, about: about.to_owned() });
        let (request_id, offset) = (id, number);
        let cases = [
            (
                Replies::WrongHost(WrongHostCommand {
                    request_id, segment: own(), correct_host: other.clone(), server_stack_trace: server_stack_trace(),
                }),
                refused(Refused::WrongHost, &other),
            ),
            (
                Replies::SegmentIsSealed(SegmentIsSealedCommand {
                    request_id, segment: own(), server_stack_trace: server_stack_trace(), offset,
                }),
                refused(Refused::SegmentIsSealed, &segment),
            ),
            (
                Replies::SegmentAlreadyExists(SegmentAlreadyExistsCommand {
                    request_id, segment: own(), server_stack_trace: server_stack_trace(),
                }),
                refused(Refused::SegmentAlreadyExists, &segment),
            ),
            (
                Replies::NoSuchSegment(NoSuchSegmentCommand {
                    request_id, segment: own(), server_stack_trace: server_stack_trace(), offset,
                }),
                refused(Refused::NoSuchSegment, &segment),
            ),
            (
                Replies::SegmentIsTruncated(SegmentIsTruncatedCommand {
                    request_id, segment: own(), start_offset: number, server_stack_trace: server_stack_trace(), offset,
                }),
                refused(Refused::SegmentIsTruncated, &number.to_string()),
            ),
            (
                Replies::OperationUnsupported(OperationUnsupportedCommand {
                    request_id, operation_name: other.clone(), server_stack_trace: server_stack_trace(),
                }),
                refused(Refused::OperationUnsupported, &other),
            ),
            (
                Replies::AuthTokenCheckFailed(AuthTokenCheckFailedCommand {
                    request_id, server_stack_trace: server_stack_trace(), error_code: 1,
                }),
                refused(Refused::AuthTokenCheckFailed(1), ""),
            ),
            (
                Replies::TableSegmentNotEmpty(TableSegmentNotEmptyCommand {
                    request_id, segment: own(), server_stack_trace: server_stack_trace(),
                }),
                refused(Refused::TableSegmentNotEmpty, &segment),
            ),
            (
                Replies::TableKeyDoesNotExist(TableKeyDoesNotExistCommand {
                    request_id, segment: own(), server_stack_trace: server_stack_trace(),
                }),
                refused(Refused::TableKeyDoesNotExist, &segment),
            ),
            (
                Replies::TableKeyBadVersion(TableKeyBadVersionCommand {
                    request_id, segment: own(), server_stack_trace: server_stack_trace(),
                }),
                refused(Refused::TableKeyBadVersion, &segment),
            ),
            (
                Replies::ErrorMessage(ErrorMessageCommand {
                    request_id, segment: own(), message: other.clone(), error_code: -1,
                }),
                refused(Refused::ErrorMessage(-1), &other),
            ),
        ];
        for (theirs, ours) in cases {
            prop_assert_eq!(read(&theirs, id), ours);
        }
    }
}
