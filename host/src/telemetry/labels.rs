use std::collections::HashSet;
use std::sync::Arc;

use parking_lot::RwLock;
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder};

use crate::sent::Sent;

/// What stands for every value beyond a label's bound.
const OTHER: &str = "other";

/// The values that one label has taken, and no more than its bound.
///
/// A label value costs memory here and in every Prometheus for as long as the process lives, so none may come from a
/// caller without a bound. Each value is stored once, and repeats cost one look-up and no allocation.
#[derive(Debug)]
pub(super) struct Vocabulary {
    bound: usize,
    values: RwLock<HashSet<Arc<str>>>,
    other: Arc<str>,
}

impl Vocabulary {
    pub(super) fn bounded(bound: usize) -> Self {
        Self { bound, values: RwLock::default(), other: OTHER.into() }
    }

    pub(super) fn word(&self, value: &str) -> Arc<str> {
        if let Some(known) = self.values.read().get(value) {
            return Arc::clone(known);
        }
        let mut values = self.values.write();
        if let Some(known) = values.get(value) {
            return Arc::clone(known);
        }
        if values.len() >= self.bound {
            return Arc::clone(&self.other);
        }
        let word: Arc<str> = value.into();
        values.insert(Arc::clone(&word));
        word
    }
}

/// How an exchange ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ExchangeResult {
    /// The backend did as asked.
    Ok,
    /// The backend answered, and the driver found a fault in the answer.
    Fault,
    /// There was no answer to translate.
    Error,
}

/// How a login to a backend ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LoginResult {
    /// The backend granted a session.
    Granted,
    /// The backend refused the credentials.
    Refused,
    /// There was no answer, or none that the driver could read.
    Failed,
}

/// How a logout from a backend ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LogoutResult {
    /// The backend ended the session.
    Done,
    /// The backend answered that it did not.
    Refused,
    /// There was no answer.
    Failed,
}

/// Which of a backend's two queues.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum QueueClass {
    /// Exchanges that only read.
    Read,
    /// Exchanges that change something.
    Mutation,
}

/// A driver's function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    /// Asked once, when the driver is loaded.
    Describe,
    /// From a call to an exchange.
    Encode,
    /// From a reply to an outcome.
    Decode,
}

/// Label values are words of one enum each.
macro_rules! words {
    ($($type:ident { $($case:ident => $word:literal),+ $(,)? })+) => {$(
        impl EncodeLabelValue for $type {
            fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> Result<(), std::fmt::Error> {
                EncodeLabelValue::encode(&match self { $(Self::$case => $word),+ }, encoder)
            }
        }
    )+};
}

words! {
    ExchangeResult { Ok => "ok", Fault => "fault", Error => "error" }
    LoginResult { Granted => "granted", Refused => "refused", Failed => "failed" }
    LogoutResult { Done => "done", Refused => "refused", Failed => "failed" }
    QueueClass { Read => "read", Mutation => "mutation" }
    Phase { Describe => "describe", Encode => "encode", Decode => "decode" }
}

/// [`Sent`] as a label value: the type itself belongs to those who know nothing of metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct SentLabel(pub(super) Sent);

impl EncodeLabelValue for SentLabel {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> Result<(), std::fmt::Error> {
        EncodeLabelValue::encode(&self.0.as_str(), encoder)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct ExchangeLabels {
    pub(super) backend: Arc<str>,
    pub(super) verb: Arc<str>,
    pub(super) result: ExchangeResult,
    pub(super) sent: SentLabel,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct DurationLabels {
    pub(super) backend: Arc<str>,
    pub(super) verb: Arc<str>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct CallLabels {
    pub(super) backend: Arc<str>,
    pub(super) kind: Arc<str>,
    pub(super) verb: Arc<str>,
    pub(super) code: Arc<str>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct LoginLabels {
    pub(super) backend: Arc<str>,
    pub(super) result: LoginResult,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct LogoutLabels {
    pub(super) backend: Arc<str>,
    pub(super) result: LogoutResult,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct QueueLabels {
    pub(super) backend: Arc<str>,
    pub(super) class: QueueClass,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct PhaseLabels {
    pub(super) driver: Arc<str>,
    pub(super) phase: Phase,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct DriverLabels {
    pub(super) driver: Arc<str>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct RequestLabels {
    pub(super) route: Arc<str>,
    pub(super) status: u16,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

    use super::*;

    #[test]
    fn a_label_takes_no_more_values_than_its_bound() {
        let vocabulary = Vocabulary::bounded(2);
        assert_eq!(["a", "b", "c", "a"].map(|value| vocabulary.word(value).to_string()), ["a", "b", "other", "a"]);
    }
}
