//! A store that a later version has written is refused by this one, and is left as it is.

use std::path::Path;

use crosspoint_tests::host::{Host, Options};
use redb::{Database, ReadableTable as _, TableDefinition};
use serde_json::Value;

/// Raises a number in a file's own description; gives what it was.
fn rewrite(file: &Path, member: &str, number: u64) -> u64 {
    let database = Database::open(file).unwrap();
    let transaction = database.begin_write().unwrap();
    let before;
    {
        let mut table = transaction.open_table(TableDefinition::<&str, &[u8]>::new("crosspoint")).unwrap();
        let mut header: Value = serde_json::from_slice(table.get("header").unwrap().unwrap().value()).unwrap();
        before = header[member].as_u64().unwrap();
        header[member] = number.into();
        table.insert("header", header.to_string().as_bytes()).unwrap();
    }
    transaction.commit().unwrap();
    before
}

#[tokio::test]
async fn a_store_of_a_newer_version_is_refused_with_the_way_back_and_left_as_it_is() {
    let mut host = Host::start(Options::default()).await;
    host.stop().await;
    for file in ["log.redb", "state.redb"] {
        let path = host.data().join("store").join(file);
        for (member, words) in [("format", "its file format is 99"), ("machine", "its data format is 99")] {
            let before = rewrite(&path, member, 99);
            let log = host.try_restart().await.expect_err("a newer version wrote it");
            for part in [file, "newer version", words, "run that version"] {
                assert!(log.contains(part), "{part}: {log}");
            }
            assert_eq!(rewrite(&path, member, before), 99, "it is left as it is");
            host.restart().await;
            host.stop().await;
        }
    }
}
