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
    /// Whether the folder was seen before.
    begun: bool,
    files: HashMap<PathBuf, File>,
}

struct File {
    stamp: Stamp,
    /// Since when it has looked like this.
    since: Instant,
    /// When it is to be read; never, once it has been judged.
    due: Option<Instant>,
    /// Whether it has been there, like this, since the beginning.
    at_start: bool,
    /// Whether it could not be read.
    unreadable: bool,
    /// What was last offered from this path.
    offered: Option<Digest>,
}

/// What is to become of a file that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// It is to be offered.
    Offer {
        /// Whether it has been there since the beginning.
        at_start: bool,
    },
    /// It was written again, and is what was offered before.
    Same,
    /// It is looked at again later, or is gone.
    Wait,
}

impl Settling {
    pub fn new(quiet: Duration, patience: Duration) -> Self {
        Self { quiet, patience, begun: false, files: HashMap::new() }
    }

    /// Takes in what the folder shows now. A file that has changed begins to settle anew; one that is gone is forgotten.
    /// What the first look shows has been there since the beginning.
    pub fn observe(&mut self, listing: Vec<(PathBuf, Stamp)>, now: Instant) {
        let mut before = std::mem::take(&mut self.files);
        for (path, stamp) in listing {
            let file = match before.remove(&path) {
                Some(file) if file.stamp == stamp => file,
                changed => File {
                    stamp,
                    since: now,
                    due: Some(now + self.quiet),
                    at_start: !self.begun,
                    unreadable: false,
                    offered: changed.and_then(|file| file.offered),
                },
            };
            self.files.insert(path, file);
        }
        self.begun = true;
    }

    /// The files that are to be read now. The same are not given again before they are due again.
    pub fn due(&mut self, now: Instant) -> Vec<PathBuf> {
        let due = self.files.iter_mut().filter(|(_, file)| file.due.is_some_and(|due| due <= now));
        due.map(|(path, file)| {
            // If it is gone when it is read, the next look will say so.
            file.due = None;
            path.clone()
        })
        .collect()
    }

    /// Takes in that a file could not be read: it is tried again. True if that is news.
    pub fn unreadable(&mut self, path: &Path, now: Instant) -> bool {
        let Some(file) = self.files.get_mut(path) else { return false };
        file.due = Some(now + self.patience);
        !std::mem::replace(&mut file.unreadable, true)
    }

    /// Judges what was read.
    pub fn judge(&mut self, path: &Path, reading: Reading, now: Instant) -> Judgement {
        let Reading { stamp, digest, cut_short } = reading;
        let Some(file) = self.files.get_mut(path) else { return Judgement::Wait };
        if file.stamp != stamp {
            // It changed between the look and the reading.
            (file.stamp, file.since, file.due) = (stamp, now, Some(now + self.quiet));
            file.at_start = false;
            return Judgement::Wait;
        }
        let given_up = file.since + self.patience;
        if cut_short && now < given_up {
            file.due = Some(given_up);
            return Judgement::Wait;
        }
        if file.offered.replace(digest) == Some(digest) {
            return Judgement::Same;
        }
        Judgement::Offer { at_start: file.at_start }
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
            !self.settling.due(self.now).is_empty()
        }

        fn judges(&mut self, size: u64, cut_short: bool) -> bool {
            let reading = Reading { stamp: stamp(size), digest: Digest::of(&size.to_le_bytes()), cut_short };
            matches!(self.settling.judge(Path::new("a.wasm"), reading, self.now), Judgement::Offer { .. })
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
        assert_eq!(scene.settling.judge(Path::new("a.wasm"), reading, scene.now), Judgement::Same);
    }

    #[test]
    fn a_file_that_cannot_be_read_is_tried_again_and_told_of_once() {
        let mut scene = Scene::new();
        assert!(scene.sees(1).waits(QUIET).is_due());
        assert!(scene.settling.unreadable(Path::new("a.wasm"), scene.now));
        assert!(!scene.waits(QUIET).is_due());
        assert!(scene.waits(PATIENCE).is_due());
        assert!(!scene.settling.unreadable(Path::new("a.wasm"), scene.now));
        assert!(scene.waits(PATIENCE).is_due());
        assert!(scene.judges(1, false));
    }

    #[test]
    fn what_was_there_at_the_start_is_told_from_what_came_and_what_changed() {
        let mut scene = Scene::new();
        let file = |size: u64| {
            let digest = Digest::of(&size.to_le_bytes());
            Reading { stamp: stamp(size), digest, cut_short: false }
        };
        let judged = |scene: &mut Scene, name: &str, size| scene.settling.judge(Path::new(name), file(size), scene.now);
        scene.sees(1).waits(QUIET).is_due();
        assert_eq!(judged(&mut scene, "a.wasm", 1), Judgement::Offer { at_start: true });
        let listing = vec![("a.wasm".into(), stamp(2)), ("b.wasm".into(), stamp(1))];
        scene.settling.observe(listing, scene.now);
        scene.waits(QUIET).is_due();
        assert_eq!(judged(&mut scene, "a.wasm", 2), Judgement::Offer { at_start: false });
        assert_eq!(judged(&mut scene, "b.wasm", 1), Judgement::Offer { at_start: false });
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
