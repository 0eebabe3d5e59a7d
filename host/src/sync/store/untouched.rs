use std::io;

use parking_lot::Mutex;
use redb::StorageBackend;

/// A file as it lies there: it is read, and whatever is written to it stays in memory. It takes no lock, so it may be
/// one that somebody else has open.
#[derive(Debug)]
pub(super) struct Untouched {
    file: Box<dyn StorageBackend>,
    changes: Mutex<Changes>,
}

#[derive(Debug)]
struct Changes {
    len: u64,
    /// How much of the file still counts.
    kept: u64,
    /// Offset and bytes, in order.
    writes: Vec<(u64, Vec<u8>)>,
}

impl Untouched {
    pub(super) fn new(file: Box<dyn StorageBackend>) -> io::Result<Self> {
        let len = file.len()?;
        Ok(Self { file, changes: Mutex::new(Changes { len, kept: len, writes: Vec::new() }) })
    }
}

impl StorageBackend for Untouched {
    fn len(&self) -> io::Result<u64> {
        Ok(self.changes.lock().len)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let changes = self.changes.lock();
        if offset + out.len() as u64 > changes.len {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let there = length(changes.kept.saturating_sub(offset)).min(out.len());
        let (from_file, beyond) = out.split_at_mut(there);
        self.file.read(offset, from_file)?;
        beyond.fill(0);
        for (at, bytes) in &changes.writes {
            let (skip, from) = (length(at.saturating_sub(offset)), length(offset.saturating_sub(*at)));
            let (to, from) = (out.get_mut(skip..).unwrap_or_default(), bytes.get(from..).unwrap_or_default());
            to.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
        }
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut changes = self.changes.lock();
        (changes.len, changes.kept) = (len, changes.kept.min(len));
        for (at, bytes) in &mut changes.writes {
            bytes.truncate(length(len.saturating_sub(*at)));
        }
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.changes.lock().writes.push((offset, data.to_vec()));
        Ok(())
    }
}

/// A length in memory; none is longer than what fits.
fn length(bytes: u64) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX)
}
