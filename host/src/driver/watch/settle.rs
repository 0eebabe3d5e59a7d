use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::time::Instant;

use crate::driver::digest::Digest;

/// What a file looks like from outside. Two equal ones are the same bytes, as far as one can tell without reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    pub size: u64,
    pub inode: u64,
    pub modified: (i64, i64),
}

/// What came of reading a file.
#[derive(Clone, Copy, Debug)]
pub struct Reading {
    /// What the file looked like when it had been read.
    pub stamp: Stamp,
    pub digest: Digest,
    /// Whether the bytes end in the middle of something.
    pub cut_short: bool,
}

/// Which files have come to rest. Knows no file system and no clock.
pub struct Settling {
    quiet: Duration,
    patience: Duration,
    files: HashMap<PathBuf, File>,
}

struct File {
    stamp: Stamp,
    /// Since when it has looked like this.
    since: Instant,
    /// When it is to be read; never, once it has been judged.
    due: Option<Instant>,
    /// What was last offered from this path.
    offered: Option<Digest>,
}

impl Settling {
    pub fn new(quiet: Duration, patience: Duration) -> Self {
        Self { quiet, patience, files: HashMap::new() }
    }

    /// Takes in what the folder shows now. A file that has changed begins to settle anew; one that is gone is forgotten.
    pub fn observe(&mut self, listing: Vec<(PathBuf, Stamp)>, now: Instant) {
        let mut before = std::mem::take(&mut self.files);
        for (path, stamp) in listing {
            let file = match before.remove(&path) {
                Some(file) if file.stamp == stamp => file,
                changed => File {
                    stamp,
                    since: now,
                    due: Some(now + self.quiet),
                    offered: changed.and_then(|file| file.offered),
                },
            };
            self.files.insert(path, file);
        }
    }

    /// A file that is to be read now. The same is not given again before it is due again.
    pub fn due(&mut self, now: Instant) -> Option<PathBuf> {
        let (path, file) = self.files.iter_mut().find(|(_, file)| file.due.is_some_and(|due| due <= now))?;
        // If the reading fails, the file is gone or comes back with another stamp.
        file.due = None;
        Some(path.clone())
    }

    /// Judges what was read: true if it is to be offered.
    pub fn judge(&mut self, path: &Path, reading: Reading, now: Instant) -> bool {
        let Reading { stamp, digest, cut_short } = reading;
        let Some(file) = self.files.get_mut(path) else { return false };
        if file.stamp != stamp {
            // It changed between the look and the reading.
            (file.stamp, file.since, file.due) = (stamp, now, Some(now + self.quiet));
            return false;
        }
        let given_up = file.since + self.patience;
        if cut_short && now < given_up {
            file.due = Some(given_up);
            return false;
        }
        file.offered.replace(digest) != Some(digest)
    }

    /// When the next file is due.
    pub fn next(&self) -> Option<Instant> {
        self.files.values().filter_map(|file| file.due).min()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    const QUIET: Duration = Duration::from_millis(300);
    const PATIENCE: Duration = Duration::from_secs(5);

    struct Scene {
        settling: Settling,
        now: Instant,
    }

    impl Scene {
        fn new() -> Self {
            Self { settling: Settling::new(QUIET, PATIENCE), now: Instant::now() }
        }

        fn sees(&mut self, size: u64) -> &mut Self {
            self.settling.observe(vec![("a.wasm".into(), stamp(size))], self.now);
            self
        }

        fn waits(&mut self, time: Duration) -> &mut Self {
            self.now += time;
            self
        }

        fn is_due(&mut self) -> bool {
            self.settling.due(self.now).is_some()
        }

        fn judges(&mut self, size: u64, cut_short: bool) -> bool {
            let reading = Reading { stamp: stamp(size), digest: Digest::of(&size.to_le_bytes()), cut_short };
            self.settling.judge(Path::new("a.wasm"), reading, self.now)
        }
    }

    fn stamp(size: u64) -> Stamp {
        Stamp { size, inode: 1, modified: (0, 0) }
    }

    #[test]
    fn a_file_that_grows_is_not_read_until_it_has_rested() {
        let mut scene = Scene::new();
        for size in 1..10 {
            assert!(!scene.waits(QUIET / 2).sees(size).is_due());
        }
        assert!(scene.waits(QUIET).sees(9).is_due());
        assert!(scene.judges(9, false));
        assert!(!scene.waits(QUIET).sees(9).is_due());
    }

    #[test]
    fn a_file_that_changes_under_the_reader_settles_anew() {
        let mut scene = Scene::new();
        assert!(scene.sees(1).waits(QUIET).is_due());
        assert!(!scene.judges(2, false));
        assert!(!scene.is_due());
        assert!(scene.waits(QUIET).is_due());
        assert!(scene.judges(2, false));
    }

    #[test]
    fn a_file_cut_short_is_offered_only_when_patience_has_ended() {
        let mut scene = Scene::new();
        assert!(scene.sees(1).waits(QUIET).is_due());
        assert!(!scene.judges(1, true));
        assert!(!scene.waits(QUIET).is_due());
        assert!(scene.waits(PATIENCE).is_due());
        assert!(scene.judges(1, true));
    }

    #[test]
    fn the_same_bytes_are_offered_once() {
        let mut scene = Scene::new();
        scene.sees(1).waits(QUIET).is_due();
        assert!(scene.judges(1, false));
        let touched = Stamp { modified: (1, 0), ..stamp(1) };
        scene.settling.observe(vec![("a.wasm".into(), touched)], scene.now);
        assert!(scene.waits(QUIET).is_due());
        let reading = Reading { stamp: touched, digest: Digest::of(&1u64.to_le_bytes()), cut_short: false };
        assert!(!scene.settling.judge(Path::new("a.wasm"), reading, scene.now));
    }

    #[test]
    fn a_file_that_went_and_came_back_is_offered_again() {
        let mut scene = Scene::new();
        scene.sees(1).waits(QUIET).is_due();
        assert!(scene.judges(1, false));
        scene.settling.observe(Vec::new(), scene.now);
        assert!(scene.sees(1).waits(QUIET).is_due());
        assert!(scene.judges(1, false));
    }
}
