//! Fail points: the places where a crash opens a window. A debug build ends there at once when it is told to, so that
//! tests can look through each of them; a release build does nothing there.
//!
//! `CROSSPOINT_FAILPOINT=intent-recorded` ends the process when it first passes that point, `intent-recorded:3` when it
//! passes it for the third time.

use clap::ValueEnum;

/// A point between two steps that a crash can come between. Its name is the variant's, in kebab case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FailPoint {
    /// A change is ready to be sent; its intent was not proposed yet.
    IntentReady,
    /// The intent is durable; nothing was sent.
    IntentRecorded,
    /// The exchange is over; what came of it is known here alone.
    ExchangeOver,
    /// The outcome is durable; the caller was not told.
    OutcomeRecorded,
    /// Commands are durable in the log; they are not applied.
    EntriesLogged,
    /// Commands are applied; who proposed them was not told.
    EntriesApplied,
    /// A checkpoint is durable in the state; the log still holds what it holds.
    CheckpointWritten,
    /// At the start, one of the operations that were under way is marked as in doubt; the others are not yet.
    DoubtMarked,
    /// The backend was asked about an operation in doubt, or a pending one; what it said was not recorded.
    DoubtRead,
    /// The intent to send an operation once more is durable; it was not sent.
    ReissueRecorded,
    /// It was sent once more; what came of it was not recorded.
    ReissueOver,
    /// A driver's package is on disk; nothing refers to it.
    PackageKept,
    /// The change of a driver is durable; it is not published.
    DriverRecorded,
    /// The change of a backend is durable; it is not published.
    BackendRecorded,
}

impl FailPoint {
    /// Every point.
    #[must_use]
    pub fn all() -> &'static [Self] {
        Self::value_variants()
    }

    /// Its name.
    #[must_use]
    pub fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }

    /// Ends the process as SIGKILL does, without any cleaning up, if this point is armed and it is its turn.
    #[inline]
    pub fn pass(self) {
        #[cfg(debug_assertions)]
        armed::pass(self);
    }
}

/// Arms the point that the environment names, if it names one.
///
/// # Errors
/// Where there is no such point.
#[inline]
#[cfg_attr(not(debug_assertions), allow(clippy::unnecessary_wraps, reason = "a debug build can fail here"))]
pub fn arm() -> anyhow::Result<()> {
    #[cfg(debug_assertions)]
    armed::arm()?;
    Ok(())
}

#[cfg(debug_assertions)]
mod armed {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU32, Ordering};

    use anyhow::{Context as _, Result, anyhow};
    use clap::ValueEnum as _;

    use super::FailPoint;

    const VARIABLE: &str = "CROSSPOINT_FAILPOINT";

    /// The point, and how often it will be passed until it ends the process.
    static ARMED: OnceLock<(FailPoint, AtomicU32)> = OnceLock::new();

    pub fn arm() -> Result<()> {
        let Some(wish) = std::env::var_os(VARIABLE) else { return Ok(()) };
        let wish = wish.to_string_lossy();
        let (point, passage) = parse(&wish).with_context(|| format!("{VARIABLE}: `{wish}`"))?;
        tracing::warn!(point = %wish, "a fail point is armed: this process will end there");
        ARMED.get_or_init(|| (point, AtomicU32::new(passage)));
        Ok(())
    }

    pub fn pass(point: FailPoint) {
        let Some((armed, left)) = ARMED.get() else { return };
        if *armed == point && left.fetch_sub(1, Ordering::Relaxed) == 1 {
            tracing::warn!(?point, "the process ends at its fail point");
            std::process::abort();
        }
    }

    fn parse(wish: &str) -> Result<(FailPoint, u32)> {
        let (name, passage) = wish.split_once(':').unwrap_or((wish, "1"));
        let point = FailPoint::from_str(name, false).map_err(|_| {
            let known: Vec<_> = FailPoint::all().iter().map(|point| point.name()).collect();
            anyhow!("there is no such fail point; there are: {}", known.join(", "))
        })?;
        let passage = passage.parse().ok().filter(|passage| *passage > 0);
        Ok((point, passage.ok_or_else(|| anyhow!("after the colon stands which passage it is: 1, 2, ..."))?))
    }
}
