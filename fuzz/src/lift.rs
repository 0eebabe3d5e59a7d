//! Whatever bytes a driver leaves as its answer, pointers and lengths included: the host makes values of the contract of
//! them, no more than it allows, or says what is wrong. And whatever is in the call: it reaches the driver.
//!
//! Input: the function (the first byte's lowest bit: `encode` or `decode`), then the [image](crate::guest).

use std::cell::LazyCell;
use std::time::Duration;

use crosspoint::driver::{CallError, CallErrorKind, Engine, EngineConfig, Generation, Package};
use crosspoint::mapping::{Settlement, Success};
use crosspoint_contract::{Call, Exchange, Fault, HttpReply, Json, Outcome, Reply, Request, Verb};
use tokio::runtime::Runtime;

use crate::guest;

/// Bytes that a driver may return here: few, so that the limit is met.
pub const OUTPUT: usize = 1 << 16;
/// What a value takes at most for each byte that was returned: small records of short strings.
const GROWTH: usize = 64;
/// The longest message of an error that a driver has to do with.
pub const MESSAGE: usize = 4096;

/// The one engine of this process, and what runs it.
pub struct Driver {
    runtime: Runtime,
    engine: Engine,
    generation: Generation,
}

thread_local! {
    /// Made once for each thread.
    pub static DRIVER: LazyCell<Driver> = LazyCell::new(Driver::new);
}

impl Driver {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let config = EngineConfig {
            instances: 2,
            memory_limit: 4 << 20,
            deadline: Duration::from_secs(2),
            output_limit: OUTPUT,
            ..EngineConfig::default()
        };
        let engine = Engine::new(config).unwrap();
        let package = Package::read(guest::package(&guest::description())).expect("the guest is a driver");
        let generation = runtime.block_on(Generation::build(&engine, &package)).expect("the guest describes itself");
        Self { runtime, engine, generation }
    }

    /// The verdict on a package that could be read.
    pub fn load(&self, package: &Package) -> Result<Generation, crosspoint::driver::BuildError> {
        self.runtime.block_on(Generation::build(&self.engine, package))
    }

    /// What the guest's `encode` means when it answers with this image.
    pub fn encode(&self, image: &[u8]) -> Result<Result<Exchange, Fault>, CallError> {
        let spec = image.iter().take(guest::LONGEST).map(|byte| char::from(*byte)).collect();
        let call = Call { spec: Json::trusted(spec), ..Call::new(Verb::Create, "thing") };
        self.runtime.block_on(self.generation.encode(&call))
    }

    /// What the guest's `decode` means when it answers with this image.
    pub fn decode(&self, call: &Call, image: &[u8], reply: &Reply) -> Result<Result<Outcome, Fault>, CallError> {
        let image = &image[..image.len().min(guest::LONGEST)];
        self.runtime.block_on(self.generation.decode(call, image, reply))
    }
}

/// Any bytes as a driver's answer.
pub fn target(bytes: &[u8]) {
    let Some((function, image)) = bytes.split_first() else { return };
    DRIVER.with(|driver| {
        if function & 1 == 0 {
            match driver.encode(image) {
                Ok(Ok(exchange)) => bounded(size_of_exchange(&exchange)),
                Ok(Err(fault)) => bounded(fault.to_string().len()),
                Err(error) => refused(&error),
            }
            return;
        }
        let text = String::from_utf8_lossy(image).into_owned();
        let call = Call {
            tenant: text.clone(),
            cmp_id: Some(text.clone()),
            extensions: vec![(text.clone(), text.clone())],
            ..Call::new(Verb::Action(text), "thing")
        };
        let reply = Reply::Http(HttpReply { status: 200, headers: Vec::new(), body: image.to_vec().into() });
        match driver.decode(&call, image, &reply) {
            Ok(Ok(outcome)) => {
                bounded(format!("{outcome:?}").len() / 8);
                storable(outcome);
            }
            Ok(Err(fault)) => bounded(fault.to_string().len()),
            Err(error) => refused(&error),
        }
    });
}

fn bounded(size: usize) {
    assert!(size <= OUTPUT * GROWTH, "{size} bytes came of {OUTPUT} at most");
}

fn size_of_exchange(exchange: &Exchange) -> usize {
    let request = match &exchange.request {
        Request::Http(request) => {
            let headers = request.headers.iter().map(|header| header.name.len() + header.value.len()).sum::<usize>();
            request.method.len() + request.target.len() + headers + request.body.0.len()
        }
        Request::Message(bytes) | Request::Command(bytes) => bytes.0.len(),
    };
    exchange.context.0.len() + exchange.endpoint.len() + request
}

/// What comes of a driver is recorded: the record must be readable, and say the same.
fn storable(outcome: Outcome) {
    let settlement = Settlement::Succeeded(Success {
        backend_id: outcome.backend_id,
        revision: outcome.revision,
        attributes: outcome.attributes,
        result: outcome.result,
        ..Success::default()
    });
    let written = serde_json::to_vec(&settlement).expect("an outcome can be recorded");
    let read: Settlement = serde_json::from_slice(&written).expect("a record can be read");
    assert_eq!(serde_json::to_vec(&read).unwrap(), written);
}

fn refused(error: &CallError) {
    let message = error.to_string();
    assert!(message.len() <= MESSAGE, "{} bytes of error", message.len());
    assert!(
        !matches!(error.kind, CallErrorKind::Deadline { .. } | CallErrorKind::Instantiate { .. }),
        "the guest neither loops nor changes: {message}"
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The target is worth something only if the guest does return what it is given.
    #[test]
    fn the_guest_returns_the_image_that_it_is_given() {
        DRIVER.with(|driver| {
            let exchange = driver.encode(&guest::exchange("PUT", "/things/\u{fc}")).unwrap().unwrap();
            let Request::Http(request) = exchange.request else { panic!("{exchange:?}") };
            assert_eq!((request.method.as_str(), request.target.as_str()), ("PUT", "/things/\u{fc}"));
            assert_eq!(exchange.endpoint, "default");
            let fault = driver.encode(&guest::fault(4, "not now", 4)).unwrap().unwrap_err();
            assert_eq!(fault, Fault::Conflict("not now".to_owned()));

            let call = Call::new(Verb::Read, "thing");
            let reply = Reply::Http(HttpReply { status: 200, headers: Vec::new(), body: Vec::new().into() });
            let decode = |image: &[u8]| driver.decode(&call, image, &reply);
            let outcome = decode(&guest::outcome("t-1", "{\"a\":1}")).unwrap().unwrap();
            assert_eq!((outcome.backend_id.as_deref(), outcome.result.as_str()), (Some("t-1"), "{\"a\":1}"));
            assert_eq!(decode(&guest::fault(12, "what?", 8)).unwrap().unwrap_err(), Fault::Other("what?".to_owned()));
            let error = decode(&guest::outcome("t-1", "no JSON")).unwrap_err();
            assert!(matches!(error.kind, CallErrorKind::Malformed { .. }), "{error}");
        });
    }
}
