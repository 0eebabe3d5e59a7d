//! The daemon, spoken to with bytes that are written out by hand.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeMap;
use std::time::Duration;

use kvdaemon::Daemon;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(20);

async fn daemon() -> (Daemon, TcpStream) {
    let daemon = Daemon::start("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let stream = TcpStream::connect(daemon.addr()).await.unwrap();
    (daemon, stream)
}

/// A message with these bytes at these places, and zeros elsewhere.
fn message(places: &[(usize, &[u8])]) -> Vec<u8> {
    let mut bytes = vec![0; 4096];
    for (at, part) in places {
        bytes[*at..at + part.len()].copy_from_slice(part);
    }
    bytes
}

async fn ask(stream: &mut TcpStream, places: &[(usize, &[u8])]) -> Vec<u8> {
    stream.write_all(&message(places)).await.unwrap();
    answer(stream).await
}

async fn answer(stream: &mut TcpStream) -> Vec<u8> {
    let mut bytes = vec![0; 4096];
    timeout(PATIENCE, stream.read_exact(&mut bytes)).await.unwrap().unwrap();
    bytes
}

#[tokio::test]
async fn what_is_put_is_got_to_the_byte() {
    let (daemon, mut stream) = daemon().await;
    let put: &[(usize, &[u8])] =
        &[(0, &[7]), (8, &[4]), (24, &[3]), (28, &[5]), (32, &[0x39, 0x30]), (40, b"key\0value")];
    assert_eq!(ask(&mut stream, put).await, message(&[(0, &[7]), (8, &[1]), (32, &[0x39, 0x30])]));
    let get: &[(usize, &[u8])] = &[(0, &[0xff; 8]), (8, &[3]), (24, &[3]), (40, b"key")];
    let got = message(&[(0, &[0xff; 8]), (8, &[1]), (28, &[5]), (32, &[0x39, 0x30]), (41, b"value")]);
    assert_eq!(ask(&mut stream, get).await, got);
    assert_eq!((daemon.requests(), daemon.entries().len()), (2, 1));
}

#[tokio::test]
async fn the_daemon_says_when_if_nobody_else_does() {
    let (daemon, mut stream) = daemon().await;
    let reply = ask(&mut stream, &[(8, &[4]), (24, &[1]), (40, b"k")]).await;
    let told = i64::from_le_bytes(reply[32..40].try_into().unwrap());
    assert!(told > 1_700_000_000_000_000, "{told}");
    assert_eq!(daemon.entries()[&b"k"[..]].timestamp, told);
}

#[tokio::test]
async fn what_cannot_be_is_refused_and_changes_nothing() {
    let (daemon, mut stream) = daemon().await;
    let refused = message(&[(0, &[9]), (8, &[0xff; 4])]);
    let minus: &[u8] = &[0xff; 4];
    let wrong: [&[(usize, &[u8])]; 7] = [
        &[(8, &[77])],
        &[(8, &[4])],
        &[(8, &[4]), (24, &[1]), (40, b"[")],
        &[(8, &[4]), (24, &[1]), (28, &[1]), (40, b"k\0]")],
        &[(8, &[4]), (24, &[129])],
        &[(8, &[4]), (24, &[1]), (28, &[1, 8])],
        &[(8, &[3]), (24, minus)],
    ];
    for places in wrong {
        let places = [&[(0, &[9_u8][..])], places].concat();
        assert_eq!(ask(&mut stream, &places).await, refused, "{places:?}");
    }
    assert_eq!(
        ask(&mut stream, &[(0, &[9]), (8, &[3]), (24, &[1]), (40, b"k")]).await,
        message(&[(0, &[9]), (8, &[5])])
    );
    assert_eq!(ask(&mut stream, &[(8, &[2])]).await, message(&[(8, &[1])]));
    assert!(daemon.entries().is_empty());
}

#[tokio::test]
async fn replies_come_when_they_are_ready_and_each_request_gets_one() {
    let (_daemon, stream) = daemon().await;
    let (mut reader, mut writer) = stream.into_split();
    let asking = tokio::spawn(async move {
        for id in 0..1000_u16 {
            writer.write_all(&message(&[(0, &id.to_le_bytes()), (8, &[2])])).await.unwrap();
        }
        writer
    });
    let (mut seen, mut order) = (BTreeMap::new(), Vec::new());
    for _ in 0..1000 {
        let mut bytes = vec![0; 4096];
        timeout(PATIENCE, reader.read_exact(&mut bytes)).await.unwrap().unwrap();
        let id = u16::from_le_bytes([bytes[0], bytes[1]]);
        *seen.entry(id).or_insert(0) += 1;
        order.push(id);
    }
    assert!(seen.len() == 1000 && seen.values().all(|count| *count == 1));
    assert!(!order.is_sorted(), "all came in the order in which they were asked");
    drop(asking.await.unwrap());
}

#[tokio::test]
async fn a_power_cut_ends_connections_and_loses_nothing() {
    let (mut daemon, mut stream) = daemon().await;
    ask(&mut stream, &[(8, &[4]), (24, &[1]), (40, b"k")]).await;
    daemon.stop().await;
    assert_eq!(stream.read(&mut [0; 1]).await.unwrap_or(0), 0);
    assert!(TcpStream::connect(daemon.addr()).await.is_err());
    daemon.start_again().await.unwrap();
    let mut stream = TcpStream::connect(daemon.addr()).await.unwrap();
    assert_eq!(ask(&mut stream, &[(8, &[3]), (24, &[1]), (40, b"k")]).await[8], 1);
    drop(stream);
    timeout(PATIENCE, daemon.connections().wait_for(|open| *open == 0)).await.unwrap().unwrap();
}
