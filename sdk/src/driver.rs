use crosspoint_contract::{Call, Description, Exchange, Fault, Outcome, Reply};

/// A driver: three pure, deterministic functions.
///
/// Each call runs in a fresh instance, so nothing kept in a static survives from `encode` to `decode` but
/// [`Exchange::context`]. A panic ends that one call with an error that carries the panic's message.
pub trait Driver {
    /// What the driver is and can do. The host asks once, when it loads the driver.
    fn describe() -> Description;

    /// The one request that `call` becomes.
    ///
    /// # Errors
    /// A fault here costs no exchange and leaves no trace at the backend.
    fn encode(call: &Call) -> Result<Exchange, Fault>;

    /// What `reply` means. `context` is what [`Driver::encode`] put into the exchange for the same call.
    ///
    /// # Errors
    /// Every fault but [`Fault::MalformedReply`] and [`Fault::Other`] says that the backend did *not* do what was asked.
    /// Those two leave a mutating call's outcome unknown: return them where you cannot tell.
    fn decode(call: &Call, context: &[u8], reply: &Reply) -> Result<Outcome, Fault>;
}

/// What [`export!`](crate::export!) knows of a driver besides its functions. Implemented by that macro alone.
pub trait Packaged: Driver {
    /// The driver's name, as in the package's metadata; `describe` must say the same.
    const NAME: &'static str;
    /// The driver's semantic version; `describe` must say the same.
    const VERSION: &'static str;
    /// The fixtures that travel with the driver, a JSON array; `[]` where there are none.
    const FIXTURES: &'static [u8];
}
