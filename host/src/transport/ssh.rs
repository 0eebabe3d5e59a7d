//! What runs over SSH: NETCONF, single commands, and shells with a prompt.

mod hosts;
mod identity;

use std::sync::Arc;

use crosspoint_contract::{Description, Exchange, Reply};
use tokio::time::Instant;

pub(super) use identity::Identity;

use super::{Authorization, Rendered, Settings, SettingsError, Stats, TransportError};

/// What runs over SSH: NETCONF, single commands, and shells with a prompt.
#[derive(Debug)]
pub struct SshTransport {
    stats: Arc<Stats>,
}

impl SshTransport {
    /// Builds the transport; opens no connection.
    ///
    /// # Errors
    /// Every fault of the settings at once.
    pub fn new(_description: &Description, _settings: &Settings) -> Result<Self, SettingsError> {
        Err(SettingsError::one("", "protocol `ssh` is not supported by this version"))
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

    /// What [`SshTransport::exchange`] would send. Sends nothing.
    ///
    /// # Errors
    /// What [`SshTransport::exchange`] would refuse to send.
    pub fn render(&self, _exchange: &Exchange, _authorization: &Authorization) -> Result<Rendered, TransportError> {
        Err(TransportError::refused("not built yet"))
    }

    /// This transport's counters.
    #[must_use]
    pub fn stats(&self) -> &Arc<Stats> {
        &self.stats
    }
}
