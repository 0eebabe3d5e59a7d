//! What a segment store keeps, through the suite, and what is particular to it.

use crosspoint_tests::suite::{BACKEND, FarSide as _, FramedFarSide, Messages, Stage, Subject, Told, Trouble};
use serde_json::{Value, json};

use super::frames::Made;
use super::store::{HELLO, READ_SEGMENT, Store};

/// Frames that say their length.
struct Frames;

/// A command that no version of the protocol has.
const NONSENSE: i32 = 12_345;
const AUTH_TOKEN_CHECK_FAILED: i32 = 60;

impl Messages for Frames {
    fn first(&self, bytes: &[u8]) -> Option<usize> {
        let length = u32::from_be_bytes(bytes.get(4..8)?.try_into().unwrap());
        let whole = 8 + usize::try_from(length).unwrap();
        (bytes.len() >= whole).then_some(whole)
    }

    fn is_of_a_call(&self, message: &[u8]) -> bool {
        code(message) != HELLO
    }

    fn says(&self, trouble: Trouble, request: &[u8]) -> Option<Vec<u8>> {
        let id = if code(request) == READ_SEGMENT { request.len() - 8 } else { 8 };
        let reply = Made::default().long(i64::from_be_bytes(request[id..id + 8].try_into().unwrap()));
        match trouble {
            Trouble::Unauthenticated => Some(reply.text("").int(0).frame(AUTH_TOKEN_CHECK_FAILED)),
            Trouble::Malformed => Some(reply.frame(NONSENSE)),
            _ => None,
        }
    }

    fn told(&self, trouble: Trouble) -> Option<Told> {
        // A store asks nobody for fewer calls.
        (trouble != Trouble::Throttled).then(|| trouble.usually())
    }
}

fn code(message: &[u8]) -> i32 {
    i32::from_be_bytes(message[..4].try_into().unwrap())
}

/// A store, and a Crosspoint before it.
async fn stage() -> (Stage<FramedFarSide>, Store) {
    let store = Store::start().await;
    let far = FramedFarSide::before(store.address(), Frames).await.unwrap();
    let settings = json!({"endpoints": {"default": far.url()}, "authentication": {"scheme": "none"}});
    (Stage::set("pravega", settings, far).await, store)
}

fn name(spec: &Value) -> Value {
    json!({"name": spec["name"]})
}

fn segment() -> Subject {
    Subject::of("segment", |n| json!({"name": format!("plant/s/{n}.#epoch.0"), "scale": "events", "target_rate": 10}))
        .showing(name)
        .bad(json!({"name": ""}), "/name")
        .bad(json!({"name": "two words"}), "/name")
        .bad(json!({"scale": "bytes"}), "/scale")
        .action("read", json!({"length": 10}))
        .action("seal", json!({}))
}

fn table() -> Subject {
    Subject::of("table-segment", |n| json!({"name": format!("plant/t_kvtable/{n}.#epoch.0"), "key_length": 16}))
        .showing(name)
        .bad(json!({"key_length": 0}), "/key_length")
        .action("entries", json!({"count": 10}))
}

const TABLE: u32 = 90;
const TABLE_NAME: &str = "plant/t_kvtable/90.#epoch.0";

fn entry() -> Subject {
    Subject::of("table-entry", |n| json!({"segment": TABLE_NAME, "key": format!("key-{n}"), "value": "first"}))
        .replacing(|n| json!({"segment": TABLE_NAME, "key": format!("key-{n}"), "value": {"base64": "/wD/"}}))
        .bad(json!({"key": {"base64": "*"}}), "/key/base64")
        .bad(json!({"segment": "two words"}), "/segment")
        .bad(json!({"key": "k".repeat(500)}), "/key")
        .refused(json!({"segment": "plant/nowhere/0.#epoch.0"}), 422, "invalid_spec")
}

async fn whole(stage: &Stage<FramedFarSide>, subject: &Subject, store: &Store) {
    stage.life(subject).await;
    stage.refusals(subject).await;
    stage.doubt(subject).await;
    assert_eq!(store.offences(), Vec::<String>::new());
}

#[tokio::test]
async fn a_segment_lives_is_refused_and_is_in_doubt() {
    let (stage, store) = stage().await;
    whole(&stage, &segment(), &store).await;
}

#[tokio::test]
async fn a_table_lives_is_refused_and_is_in_doubt() {
    let (stage, store) = stage().await;
    whole(&stage, &table(), &store).await;
}

#[tokio::test]
async fn an_entry_lives_is_refused_and_is_in_doubt() {
    let (stage, store) = stage().await;
    stage.create(&table(), TABLE).await;
    whole(&stage, &entry(), &store).await;
}

#[tokio::test]
async fn each_trouble_is_one_command_and_told_as_it_is() {
    let (stage, store) = stage().await;
    stage.create(&table(), TABLE).await;
    stage.troubles(&entry()).await;
    assert_eq!(store.offences(), Vec::<String>::new());
}

#[tokio::test]
async fn what_a_writer_appends_is_read_through_rest_until_the_segment_is_sealed() {
    let (stage, store) = stage().await;
    let segment = segment();
    stage.create(&segment, 0).await;
    store.append("plant/s/0.#epoch.0", b"hello, \xff");
    let act = async |action: &str, spec: Value| {
        let path = format!("{}/actions/{action}", stage.object(&segment, 0));
        let call = stage.acme().post(&path).key(&stage.key()).json(&json!({"spec": spec}));
        stage.one(action, call).await.expect(200)["/result"].clone()
    };
    let read = act("read", json!({"length": 5})).await;
    assert_eq!(read, json!({"offset": 0, "data": "hello", "at_tail": false, "end_of_segment": false}));
    let read = act("read", json!({"offset": 5, "length": 50})).await;
    assert_eq!(read["data"], json!({"base64": "LCD/"}), "what is no text");
    assert_eq!((&read["at_tail"], &read["end_of_segment"]), (&json!(true), &json!(false)));
    act("seal", json!({})).await;
    assert_eq!(act("seal", json!({})).await["sealed"], true, "what is sealed already is sealed");
    assert_eq!(act("read", json!({"offset": 5, "length": 50})).await["end_of_segment"], true);
}

#[tokio::test]
async fn a_table_with_entries_stays_and_tells_them_in_the_order_in_which_they_were_written() {
    let (stage, _store) = stage().await;
    let (table, entry) = (table(), entry());
    stage.create(&table, TABLE).await;
    for n in [3, 1, 2] {
        stage.create(&entry, n).await;
    }
    let kept = stage.one("a deletion", stage.acme().delete(&stage.object(&table, TABLE))).await;
    assert_eq!(kept.problem(409, "backend_conflict")["/sent"], "yes");
    let path = format!("/v1/backends/{BACKEND}/objects/table-segment/table-segment-{TABLE}/actions/entries");
    let mut keys = Vec::new();
    let mut position = json!(0);
    for end in [false, true] {
        let spec = json!({"from_position": position, "count": 2});
        let call = stage.acme().post(&path).key(&stage.key()).json(&json!({"spec": spec}));
        let page = stage.one("entries", call).await.expect(200)["/result"].clone();
        keys.extend(page["entries"].as_array().unwrap().iter().map(|entry| entry["key"].clone()));
        position = page["last_position"].clone();
        assert_eq!(page["reached_end"], end);
    }
    assert_eq!(keys, ["key-3", "key-1", "key-2"]);
    assert_eq!(stage.far.exchanges(), 7);
}
