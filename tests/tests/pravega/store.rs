//! A small segment store: it speaks the wire protocol, is strict about it, and keeps segments and tables in memory.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::{Bytes, TryGetError};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;

use super::frames::{Entry, Made, Payload};

pub const HELLO: i32 = -127;
pub const READ_SEGMENT: i32 = 9;

/// The version of a key that must not be there, and of one that may be whatever it is.
const NOT_THERE: i64 = -1;
const ANY: i64 = i64::MIN;

/// What a server says for its own people.
const TRACE: &str = "java.lang.Exception: not for you";

/// A running store. It ends when it is dropped.
pub struct Store {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    serving: AbortHandle,
}

#[derive(Default)]
struct State {
    segments: BTreeMap<String, Segment>,
    tables: BTreeMap<String, Table>,
    /// What nobody who keeps to the protocol says.
    offences: Vec<String>,
}

#[derive(Default)]
struct Segment {
    data: Vec<u8>,
    sealed: bool,
}

/// Entries by key; versions only grow.
#[derive(Default)]
struct Table {
    entries: BTreeMap<Vec<u8>, (i64, Vec<u8>)>,
    next: i64,
}

impl Store {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::<Mutex<State>>::default();
        let shared = Arc::clone(&state);
        let serving = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&shared)));
            }
        });
        Self { address, state, serving: serving.abort_handle() }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Puts bytes at the end of a segment, as a writer does.
    pub fn append(&self, segment: &str, bytes: &[u8]) {
        self.with(|state| state.segments.get_mut(segment).unwrap().data.extend(bytes));
    }

    /// Whatever was said against the protocol.
    pub fn offences(&self) -> Vec<String> {
        self.with(|state| state.offences.clone())
    }

    fn with<T>(&self, look: impl FnOnce(&mut State) -> T) -> T {
        look(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn serve(mut stream: TcpStream, state: Arc<Mutex<State>>) {
    let mut greeted = false;
    loop {
        // A client that hangs up between two commands is no offender.
        let Ok(code) = stream.read_i32().await else { return };
        let Ok(length) = stream.read_i32().await else { return };
        let mut payload = vec![0; usize::try_from(length).unwrap()];
        if stream.read_exact(&mut payload).await.is_err() {
            return;
        }
        let mut payload = Payload(payload.into());
        let reply = {
            let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
            let answer = match (code, greeted) {
                (HELLO, _) => hello(&mut payload),
                (_, true) => state.answer(code, &mut payload),
                (_, false) => Ok(None),
            };
            match answer {
                Ok(Some(reply)) if payload.0.is_empty() => reply,
                _ => {
                    state.offences.push(format!("command {code}, {} bytes left, greeted: {greeted}", payload.0.len()));
                    return;
                }
            }
        };
        greeted = true;
        if stream.write_all(&reply).await.is_err() {
            return;
        }
    }
}

type Answer = Result<Option<Vec<u8>>, TryGetError>;

fn hello(payload: &mut Payload) -> Answer {
    let (newest, oldest) = (payload.int()?, payload.int()?);
    Ok((newest >= 5 && oldest <= 17).then(|| Made::default().int(17).int(5).frame(HELLO)))
}

/// What nearly all replies start with.
fn about(id: i64, segment: &str) -> Made {
    Made::default().long(id).text(segment)
}

fn exists(id: i64, segment: &str) -> Vec<u8> {
    about(id, segment).text(TRACE).frame(52)
}

fn no_such(id: i64, segment: &str) -> Vec<u8> {
    about(id, segment).text(TRACE).long(-1).frame(53)
}

impl State {
    fn answer(&mut self, code: i32, payload: &mut Payload) -> Answer {
        if code == READ_SEGMENT {
            return self.read_segment(payload).map(Some);
        }
        let (id, name) = (payload.long()?, payload.text()?);
        let taken = self.segments.contains_key(&name) || self.tables.contains_key(&name);
        let reply = match code {
            20 => {
                let (_rate, scale) = (payload.int()?, payload.byte()?);
                assert!(scale <= 2, "a type of scaling");
                token(payload)?;
                rest(payload, Payload::long)?;
                if taken {
                    exists(id, &name)
                } else {
                    self.segments.insert(name.clone(), Segment::default());
                    about(id, &name).frame(21)
                }
            }
            70 => {
                token(payload)?;
                rest(payload, |payload| Ok((payload.byte()?, payload.int()?, payload.long()?)))?;
                if taken {
                    exists(id, &name)
                } else {
                    self.tables.insert(name.clone(), Table::default());
                    about(id, &name).frame(21)
                }
            }
            11 => {
                token(payload)?;
                let segment = self.segments.get(&name);
                let size = segment.map_or(0, |segment| i64::try_from(segment.data.len()).unwrap());
                let sealed = segment.is_some_and(|segment| segment.sealed);
                let info =
                    about(id, &name).flag(true).flag(sealed).flag(false).long(1_700_000_000_000).long(size).long(0);
                if taken { info.frame(12) } else { no_such(id, &name) }
            }
            28 => {
                token(payload)?;
                match self.segments.get_mut(&name) {
                    None => no_such(id, &name),
                    Some(segment) if segment.sealed => about(id, &name).text(TRACE).long(0).frame(51),
                    Some(segment) => {
                        segment.sealed = true;
                        about(id, &name).frame(29)
                    }
                }
            }
            30 => {
                token(payload)?;
                let gone = self.segments.remove(&name).is_some();
                if gone { about(id, &name).frame(31) } else { no_such(id, &name) }
            }
            71 => {
                let must_be_empty = payload.byte()? == 1;
                token(payload)?;
                match self.tables.get(&name) {
                    None => no_such(id, &name),
                    Some(table) if must_be_empty && !table.entries.is_empty() => about(id, &name).text(TRACE).frame(80),
                    Some(_) => {
                        self.tables.remove(&name);
                        about(id, &name).frame(31)
                    }
                }
            }
            74 | 76 | 78 | 88 => {
                token(payload)?;
                let asked = Asked::read(code, payload)?;
                match self.tables.get_mut(&name) {
                    None => no_such(id, &name),
                    Some(table) => table.answer(id, &name, asked),
                }
            }
            _ => return Ok(None),
        };
        Ok(Some(reply))
    }

    fn read_segment(&mut self, payload: &mut Payload) -> Result<Vec<u8>, TryGetError> {
        let (name, offset, length) = (payload.text()?, payload.long()?, payload.int()?);
        token(payload)?;
        let id = payload.long()?;
        let Some(segment) = self.segments.get(&name) else { return Ok(no_such(id, &name)) };
        let start = usize::try_from(offset).unwrap().min(segment.data.len());
        let end = (start + usize::try_from(length).unwrap()).min(segment.data.len());
        let at_end = end == segment.data.len();
        let read =
            Made::default().text(&name).long(offset).flag(at_end && !segment.sealed).flag(at_end && segment.sealed);
        Ok(read.bytes(&segment.data[start..end]).long(id).frame(10))
    }
}

/// A key and the version that it is asked to have.
type Key = (Vec<u8>, i64);

/// What is asked of a table.
enum Asked {
    Update(Vec<(Key, Vec<u8>)>),
    Remove(Vec<Key>),
    Read(Vec<Key>),
    Delta(i64, i32),
}

impl Asked {
    fn read(code: i32, payload: &mut Payload) -> Result<Self, TryGetError> {
        let end = |payload: &mut Payload| payload.long().map(|offset| assert_eq!(offset, -1, "the table's offset"));
        Ok(match code {
            74 => {
                let entries = payload.many(|payload| Ok((payload.key()?, payload.value()?)))?;
                end(payload)?;
                Self::Update(entries)
            }
            76 => {
                let keys = payload.many(Payload::key)?;
                end(payload)?;
                Self::Remove(keys)
            }
            78 => Self::Read(payload.many(Payload::key)?),
            _ => Self::Delta(payload.long()?, payload.int()?),
        })
    }
}

impl Table {
    fn answer(&mut self, id: i64, name: &str, asked: Asked) -> Vec<u8> {
        match asked {
            Asked::Update(entries) => {
                if let Some(refusal) = entries.iter().find_map(|(key, _)| self.refuse(key)) {
                    return about(id, name).text(TRACE).frame(refusal);
                }
                let mut reply = Made::default().long(id).int(i32::try_from(entries.len()).unwrap());
                for ((key, _), value) in entries {
                    reply = reply.long(self.next);
                    self.entries.insert(key, (self.next, value));
                    self.next += 1;
                }
                reply.frame(75)
            }
            Asked::Remove(keys) => {
                if let Some(refusal) = keys.iter().find_map(|key| self.refuse(key)) {
                    return about(id, name).text(TRACE).frame(refusal);
                }
                for (key, _) in keys {
                    self.entries.remove(&key);
                }
                about(id, name).frame(77)
            }
            Asked::Read(keys) => {
                let entries: Vec<Entry> = keys.into_iter().map(|(key, _)| self.entry(key)).collect();
                about(id, name).entries(&entries).frame(79)
            }
            Asked::Delta(from, count) => {
                let mut entries: Vec<Entry> = self.entries.keys().cloned().map(|key| self.entry(key)).collect();
                entries.retain(|(_, version, _)| *version >= from);
                entries.sort_by_key(|(_, version, _)| *version);
                let all = entries.len();
                entries.truncate(usize::try_from(count).unwrap());
                let last = entries.last().map_or(from, |(_, version, _)| version + 1);
                about(id, name).entries(&entries).flag(false).flag(entries.len() == all).long(last).frame(87)
            }
        }
    }

    fn refuse(&self, (key, version): &Key) -> Option<i32> {
        match (*version, self.entries.get(key)) {
            (ANY, _) | (NOT_THERE, None) => None,
            (version, Some((found, _))) if version == *found => None,
            (_, Some(_)) => Some(82),
            (_, None) => Some(81),
        }
    }

    /// A key that is not there is shown with the version that says so.
    fn entry(&self, key: Vec<u8>) -> Entry {
        let (version, value) = self.entries.get(&key).cloned().unwrap_or((NOT_THERE, Vec::new()));
        (key, version, value)
    }
}

fn token(payload: &mut Payload) -> Result<(), TryGetError> {
    payload.text().map(|token| assert_eq!(token, "", "nobody here gives tokens"))
}

/// What an older client leaves out.
fn rest<T>(payload: &mut Payload, read: impl Fn(&mut Payload) -> Result<T, TryGetError>) -> Result<(), TryGetError> {
    if payload.0 == Bytes::new() { Ok(()) } else { read(payload).map(drop) }
}
