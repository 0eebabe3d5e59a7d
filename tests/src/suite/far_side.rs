/// The other side of the wire: what counts the exchanges and can spoil one.
#[allow(async_fn_in_trait, reason = "no test sends these to another thread")]
pub trait FarSide {
    /// How many exchanges have been received, logins apart. One that met trouble was received, too.
    fn exchanges(&self) -> usize;

    /// Has the next exchange that is no login meet this, and none after it.
    fn trouble(&self, trouble: Trouble);

    /// Lets the reply go that [`Trouble::Late`] keeps back; nothing happens if there is none.
    fn release(&self);

    /// Makes the backend unreachable: connections end, and new ones are refused.
    async fn gone(&self);

    /// Makes it reachable again, at the same address and in the same state.
    async fn back(&self);

    /// What the caller is told of a trouble; `None` where the protocol cannot have it. Override it only for a protocol
    /// that is different, never for a driver that is wrong.
    fn told(&self, trouble: Trouble) -> Option<Told> {
        Some(trouble.usually())
    }
}

/// What one exchange can meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trouble {
    /// The backend does not accept the session or the credentials, and does nothing.
    Unauthenticated,
    /// The backend asks for fewer calls, and does nothing.
    Throttled,
    /// The backend acts, and what comes back makes no sense.
    Malformed,
    /// The backend acts, and half of its reply comes back before the connection breaks.
    Truncated,
    /// The connection breaks before the backend acts.
    LostRequest,
    /// The backend acts, and the connection breaks before its reply.
    LostReply,
    /// The backend acts, and its reply is kept back until [`FarSide::release`].
    Late,
}

/// What a caller is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Told {
    /// The status of the answer.
    pub status: u16,
    /// The problem's code.
    pub code: &'static str,
    /// `no`, `maybe` or `yes`.
    pub sent: &'static str,
    /// Seconds, if they are known beforehand.
    pub retry_after: Option<u64>,
}

impl Trouble {
    /// Every trouble.
    pub const ALL: [Self; 7] = [
        Self::Unauthenticated,
        Self::Throttled,
        Self::Malformed,
        Self::Truncated,
        Self::LostRequest,
        Self::LostReply,
        Self::Late,
    ];

    /// What a caller is told of it over most protocols.
    #[must_use]
    pub fn usually(self) -> Told {
        let (status, code, sent) = match self {
            Self::Unauthenticated => (502, "backend_unauthenticated", "yes"),
            Self::Throttled => (503, "backend_throttled", "yes"),
            Self::Malformed => (502, "backend_malformed_reply", "yes"),
            Self::Truncated => (502, "backend_connection_lost", "yes"),
            Self::LostRequest | Self::LostReply => (502, "backend_connection_lost", "maybe"),
            Self::Late => (504, "backend_timeout", "maybe"),
        };
        Told { status, code, sent, retry_after: None }
    }

    /// Whether a change that met it is in doubt afterwards.
    #[must_use]
    pub fn leaves_doubt(self) -> bool {
        !matches!(self, Self::Unauthenticated | Self::Throttled)
    }

    /// Whether the backend has done what it was asked, though nobody was told.
    #[must_use]
    pub fn has_effect(self) -> bool {
        self.leaves_doubt() && self != Self::LostRequest
    }
}
