//! A disk that a test can hold up, break, or take the power from.
//!
//! It keeps for each file what is durable, what a reader sees, and every write in between. When the power goes, each of
//! those writes may have reached the disk or not, whole, by the sector or cut at any byte, whatever came before or after
//! it; and of two that overlap, the earlier one may have come last.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::sync::Arc;

use parking_lot::{Condvar, Mutex, MutexGuard};
use redb::StorageBackend;

use crate::sync::OpenError;
use crate::sync::store::Disk;

/// What a disk writes whole or not at all, in bytes.
const SECTOR: usize = 512;

#[derive(Clone, Default)]
pub(super) struct SimDisk(Arc<(Mutex<State>, Condvar)>);

#[derive(Default)]
struct State {
    files: BTreeMap<String, SimFile>,
    /// Writes, syncs and changes of length so far.
    operations: u64,
    /// The power goes before this operation, and stays away.
    power_goes_at: Option<u64>,
}

#[derive(Clone, Default)]
struct SimFile {
    durable: Vec<u8>,
    seen: Vec<u8>,
    unsynced: Vec<Change>,
    syncs: u64,
    /// Syncs wait.
    held: bool,
    /// Every operation fails.
    broken: bool,
    /// Every change fails.
    full: bool,
}

#[derive(Clone)]
enum Change {
    Length(usize),
    Bytes(usize, Vec<u8>),
}

impl Change {
    fn apply(&self, to: &mut Vec<u8>) {
        match self {
            Self::Length(length) => to.resize(*length, 0),
            Self::Bytes(at, bytes) => {
                to.resize(to.len().max(at + bytes.len()), 0);
                to[*at..at + bytes.len()].copy_from_slice(bytes);
            }
        }
    }
}

impl SimDisk {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.0.lock()
    }

    pub(super) fn cut_power_at(&self, operation: u64) {
        self.state().power_goes_at = Some(operation);
    }

    pub(super) fn operations(&self) -> u64 {
        self.state().operations
    }

    pub(super) fn syncs(&self, file: &str) -> u64 {
        self.state().files[file].syncs
    }

    /// Lets the syncs of a file wait, or go on.
    pub(super) fn hold(&self, file: &str, held: bool) {
        self.state().files.get_mut(file).unwrap().held = held;
        self.0.1.notify_all();
    }

    pub(super) fn break_file(&self, file: &str) {
        self.state().files.get_mut(file).unwrap().broken = true;
    }

    /// Lets no change of a file succeed.
    pub(super) fn fill(&self, file: &str) {
        self.state().files.get_mut(file).unwrap().full = true;
    }

    /// Lets changes of a file succeed again.
    pub(super) fn free(&self, file: &str) {
        self.state().files.get_mut(file).unwrap().full = false;
    }

    pub(super) fn remove(&self, file: &str) {
        self.state().files.remove(file).unwrap();
    }

    /// Changes what a file durably holds.
    pub(super) fn edit(&self, file: &str, edit: impl FnOnce(&mut Vec<u8>)) {
        let mut state = self.state();
        let file = state.files.entry(file.to_owned()).or_default();
        edit(&mut file.seen);
        file.durable.clone_from(&file.seen);
        file.unsynced.clear();
    }

    /// The bytes of a file.
    pub(super) fn bytes(&self, file: &str) -> Vec<u8> {
        self.state().files[file].seen.clone()
    }

    /// What is on the disk when the power is back.
    pub(super) fn after_power_cut(&self, seed: u64) -> Self {
        let mut chance = Chance(seed);
        let mut files = BTreeMap::new();
        for (name, file) in &self.state().files {
            let mut durable = file.durable.clone();
            for change in chance.order(&file.unsynced) {
                match (chance.draw(5), change) {
                    (0, _) => {}
                    (1, Change::Bytes(at, bytes)) => {
                        for (sector, bytes) in bytes.chunks(SECTOR).enumerate().filter(|_| chance.draw(2) == 0) {
                            Change::Bytes(at + sector * SECTOR, bytes.to_vec()).apply(&mut durable);
                        }
                    }
                    (2, Change::Bytes(at, bytes)) => {
                        let (from, to) = (chance.place(bytes.len()), chance.place(bytes.len()));
                        let (from, to) = (from.min(to), from.max(to));
                        Change::Bytes(at + from, bytes[from..to].to_vec()).apply(&mut durable);
                    }
                    _ => change.apply(&mut durable),
                }
            }
            files.insert(name.clone(), SimFile { seen: durable.clone(), durable, ..SimFile::default() });
        }
        Self(Arc::new((Mutex::new(State { files, ..State::default() }), Condvar::new())))
    }

    /// A copy of the disk as it is.
    pub(super) fn copy(&self) -> Self {
        let disk = Self::default();
        for (name, file) in &self.state().files {
            disk.edit(name, |bytes| bytes.clone_from(&file.seen));
        }
        disk
    }
}

impl Disk for SimDisk {
    type File = Handle;

    fn has(&self, name: &'static str) -> Result<bool, OpenError> {
        Ok(self.state().files.contains_key(name))
    }

    fn open(&self, name: &'static str) -> Result<Handle, OpenError> {
        Ok(Handle { disk: self.clone(), name: name.to_owned() })
    }

    fn make(&self, name: &'static str, fill: impl FnOnce(Handle) -> Result<(), OpenError>) -> Result<(), OpenError> {
        let unfinished = format!("{name}.new");
        self.state().files.insert(unfinished.clone(), SimFile::default());
        fill(Handle { disk: self.clone(), name: unfinished.clone() })?;
        let mut state = self.state();
        state.operations += 1;
        state.check_power().map_err(|source| OpenError::Directory { path: name.into(), source })?;
        let finished = state.files.remove(&unfinished).unwrap();
        state.files.insert(name.to_owned(), finished);
        Ok(())
    }
}

impl State {
    fn check_power(&self) -> io::Result<()> {
        let gone = self.power_goes_at.is_some_and(|at| at <= self.operations);
        if gone { Err(io::Error::other("the power is gone")) } else { Ok(()) }
    }
}

pub(super) struct Handle {
    disk: SimDisk,
    name: String,
}

impl Handle {
    /// The file, unless it is broken or the power is gone; a change counts as an operation.
    fn with<T>(&self, changes: bool, with: impl FnOnce(&mut SimFile) -> io::Result<T>) -> io::Result<T> {
        let mut state = self.disk.state();
        state.operations += u64::from(changes);
        state.check_power()?;
        let file = state.files.get_mut(&self.name).unwrap();
        if file.broken {
            return Err(io::Error::other("the disk is broken"));
        }
        if file.full && changes {
            return Err(io::ErrorKind::StorageFull.into());
        }
        with(file)
    }

    fn change(&self, change: Change) -> io::Result<()> {
        self.with(true, |file| {
            change.apply(&mut file.seen);
            file.unsynced.push(change);
            Ok(())
        })
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl StorageBackend for Handle {
    fn len(&self) -> io::Result<u64> {
        self.with(false, |file| Ok(file.seen.len() as u64))
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.with(false, |file| {
            let from = usize::try_from(offset).unwrap();
            let bytes = file.seen.get(from..from + out.len()).ok_or(io::ErrorKind::UnexpectedEof)?;
            out.copy_from_slice(bytes);
            Ok(())
        })
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.change(Change::Length(usize::try_from(len).unwrap()))
    }

    fn sync_data(&self) -> io::Result<()> {
        let (lock, released) = &*self.disk.0;
        released.wait_while(&mut lock.lock(), |state| state.files[&self.name].held);
        self.with(true, |file| {
            file.durable.clone_from(&file.seen);
            file.unsynced.clear();
            file.syncs += 1;
            Ok(())
        })
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.change(Change::Bytes(usize::try_from(offset).unwrap(), data.to_vec()))
    }
}

/// Chance that can be repeated (xorshift64*).
struct Chance(u64);

impl Chance {
    fn draw(&mut self, below: u64) -> u64 {
        self.0 = (self.0 ^ 0x9E37_79B9_7F4A_7C15).wrapping_mul(0x2545_F491_4F6C_DD1D);
        self.0 ^= self.0 >> 29;
        self.0 % below
    }

    /// A place in as many bytes, or their end.
    fn place(&mut self, len: usize) -> usize {
        usize::try_from(self.draw(len as u64 + 1)).unwrap()
    }

    /// Changes in the order in which they were made, or in any; a length counts from where it was set.
    fn order<'a>(&mut self, changes: &'a [Change]) -> Vec<&'a Change> {
        let mut order: Vec<_> = changes.iter().collect();
        if self.draw(2) == 0 {
            for last in (1..order.len()).rev() {
                order.swap(last, self.place(last));
            }
        }
        order
    }
}
