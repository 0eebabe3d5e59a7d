//! Messages on a byte stream: framing, correlation, preamble and keepalives as the driver describes them.

use std::sync::Arc;

use crosspoint_contract::{Description, Exchange, Reply};
use tokio::time::Instant;

use super::{Authorization, Rendered, Settings, SettingsError, Stats, TransportError};

/// Messages on a byte stream: framing, correlation, preamble and keepalives as the driver describes them.
#[derive(Debug)]
pub struct FramedTransport {
    stats: Arc<Stats>,
}

impl FramedTransport {
    /// Builds the transport; opens no connection.
    ///
    /// # Errors
    /// Every fault of the settings at once.
    pub fn new(_description: &Description, _settings: &Settings) -> Result<Self, SettingsError> {
        Err(SettingsError::one("", "protocol `message` is not supported by this version"))
    }

    /// Makes one exchange and waits for its whole reply.
    ///
    /// # Errors
    /// [`TransportError`], whose `sent` tells whether the backend was reached.
    pub async fn exchange(
        &self,
        _exchange: &Exchange,
        _authorization: &Authorization,
        _deadline: Option<Instant>,
    ) -> Result<Reply, TransportError> {
        Err(TransportError::refused("not built yet"))
    }

    /// What [`FramedTransport::exchange`] would send. Sends nothing.
    ///
    /// # Errors
    /// What [`FramedTransport::exchange`] would refuse to send.
    pub fn render(&self, _exchange: &Exchange, _authorization: &Authorization) -> Result<Rendered, TransportError> {
        Err(TransportError::refused("not built yet"))
    }

    /// This transport's counters.
    #[must_use]
    pub fn stats(&self) -> &Arc<Stats> {
        &self.stats
    }
}
