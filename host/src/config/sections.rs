use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::auth::TokenEntry;
use crate::transport::Network;

/// `[auth]`: who may call.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AuthSection {
    /// Whether callers need a token.
    pub mode: AuthMode,
    /// The tokens.
    pub token: Vec<TokenEntry>,
}

/// Whether callers need a token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AuthMode {
    /// Every caller bears a configured token.
    #[default]
    Tokens,
    /// Everybody is an operator. Only for a loopback listener.
    Off,
}

/// `[limits]`: what is bounded, so that no caller can use up the host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LimitsSection {
    /// The longest request body in bytes.
    pub body_bytes: usize,
    /// The longest request head in bytes.
    pub header_bytes: usize,
    /// The most connections at once.
    pub connections: usize,
    /// How long a connection may have no request under way.
    #[serde(with = "humantime_serde")]
    pub idle_timeout: Duration,
    /// How long a request body may take, and an answer lie unread.
    #[serde(with = "humantime_serde")]
    pub body_timeout: Duration,
    /// The most calls that wait for one backend.
    pub queued_per_backend: usize,
    /// How long the answer to an idempotency key is kept, in hours; at least 24.
    pub idempotency_hours: u32,
    /// The most idempotency keys kept.
    pub idempotency_keys: u64,
    /// The most finished operations kept.
    pub operations: u64,
    /// The most events kept.
    pub events: u64,
}

impl Default for LimitsSection {
    fn default() -> Self {
        Self {
            body_bytes: 1024 * 1024,
            header_bytes: 16 * 1024,
            connections: 4096,
            idle_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_mins(1),
            queued_per_backend: 1024,
            idempotency_hours: 24,
            idempotency_keys: 1_000_000,
            operations: 1_000_000,
            events: 100_000,
        }
    }
}

/// `[backends]`: where backends may be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BackendsSection {
    /// The only networks that backends may be in; anywhere when empty.
    pub allow: Vec<Network>,
    /// Networks that no backend may be in.
    pub deny: Vec<Network>,
}

/// `[driver]`: what a driver may use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DriverSection {
    /// The most instances at once.
    pub instances: NonZeroU32,
    /// The most memory of one instance in MiB.
    pub memory_mib: NonZeroU32,
    /// The longest that one `encode` or `decode` may take, in milliseconds.
    pub deadline_ms: NonZeroU32,
    /// The most that one `encode` or `decode` may give back, in MiB.
    pub output_mib: NonZeroU32,
    /// The largest package in MiB.
    pub package_mib: NonZeroU32,
    /// The most CPU time that compiling a driver may take, in seconds.
    pub compile_s: NonZeroU32,
    /// The most memory that compiling a driver may take, in MiB.
    pub compile_mib: NonZeroU32,
    /// Holds compiled drivers, if not in the data folder. Use [`super::Config::cache_dir`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_dir: Option<PathBuf>,
}

impl DriverSection {
    /// The longest that one `encode` or `decode` may take.
    #[must_use]
    pub fn deadline(&self) -> Duration {
        Duration::from_millis(self.deadline_ms.get().into())
    }
}

impl Default for DriverSection {
    fn default() -> Self {
        const fn at_least_one(value: u32) -> NonZeroU32 {
            match NonZeroU32::new(value) {
                Some(value) => value,
                None => NonZeroU32::MIN,
            }
        }
        Self {
            instances: at_least_one(64),
            memory_mib: at_least_one(64),
            deadline_ms: at_least_one(1000),
            output_mib: at_least_one(8),
            package_mib: at_least_one(64),
            compile_s: at_least_one(60),
            compile_mib: at_least_one(2048),
            cache_dir: None,
        }
    }
}

/// `[drain]`: how the process ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DrainSection {
    /// How long calls under way may take to end after a signal.
    #[serde(with = "humantime_serde")]
    pub grace: Duration,
}

impl Default for DrainSection {
    fn default() -> Self {
        Self { grace: Duration::from_secs(30) }
    }
}

/// `[log]`: what is logged, to standard error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LogSection {
    /// For whom.
    pub format: LogFormat,
    /// What, in the words of `tracing_subscriber::EnvFilter`.
    pub filter: String,
}

impl Default for LogSection {
    fn default() -> Self {
        Self { format: LogFormat::Text, filter: "info".to_owned() }
    }
}

/// For whom the log is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// For machines: one JSON object a line.
    Json,
}
