//! What [`export!`](crate::export!) expands to. Not for use by hand.

use std::marker::PhantomData;

use crosspoint_contract::{Call, Reply};

pub use crate::bindings;
pub use crate::section::{array, base_name, first, first_bytes, metadata, metadata_len, same};
pub use crosspoint_contract as contract;

use crate::bindings::exports::crosspoint::driver::translator as wit;
use crate::{Driver, panic};

/// Exports a type that implements [`Driver`] as this crate's driver.
///
/// ```text
/// crosspoint_sdk::export!(Firewall);
/// crosspoint_sdk::export!(Firewall, name = "firewall", version = VERSION, fixtures = "../fixtures.json");
/// ```
///
/// - `name`: a constant string, `[a-z][a-z0-9-]*`; the package's name without a trailing `-driver` if left out.
/// - `version`: a constant string, a semantic version; the package's version if left out.
/// - `fixtures`: the path of a JSON file relative to this source file, as for [`include_bytes!`].
///
/// The type becomes [`Packaged`](crate::Packaged). On `wasm32` the functions of the WIT world are exported, and the
/// metadata and the fixtures go into custom sections, which the host reads before it compiles anything.
#[macro_export]
macro_rules! export {
    ($driver:ty $(, name = $name:expr)? $(, version = $version:expr)? $(, fixtures = $fixtures:literal)? $(,)?) => {
        impl $crate::Packaged for $driver {
            const NAME: &'static str =
                $crate::export::first(&[$($name,)? $crate::export::base_name(env!("CARGO_PKG_NAME"))]);
            const VERSION: &'static str = $crate::export::first(&[$($version,)? env!("CARGO_PKG_VERSION")]);
            const FIXTURES: &'static [u8] = $crate::export::first_bytes(&[$(include_bytes!($fixtures),)? b"[]"]);
        }

        // Evaluated for every target, so that a bad name fails `cargo check` too.
        const _: usize = $crate::export::metadata_len(
            <$driver as $crate::Packaged>::NAME,
            <$driver as $crate::Packaged>::VERSION,
        );

        #[cfg(target_arch = "wasm32")]
        #[allow(unsafe_code, reason = "exported functions and link sections are unsafe attributes")]
        const _: () = {
            use $crate::export::contract::{FIXTURES_SECTION, METADATA_SECTION};
            use $crate::Packaged;

            type Exported = $crate::export::Adapter<$driver>;
            $crate::export::bindings::export_world!(Exported with_types_in $crate::export::bindings);

            const METADATA: usize =
                $crate::export::metadata_len(<$driver as Packaged>::NAME, <$driver as Packaged>::VERSION);
            const FIXTURES: usize = <$driver as Packaged>::FIXTURES.len();

            const { assert!($crate::export::same(METADATA_SECTION, "crosspoint:metadata")) };
            #[used]
            #[unsafe(link_section = "crosspoint:metadata")]
            static METADATA_BYTES: [u8; METADATA] =
                $crate::export::metadata(<$driver as Packaged>::NAME, <$driver as Packaged>::VERSION);

            const { assert!($crate::export::same(FIXTURES_SECTION, "crosspoint:fixtures")) };
            #[used]
            #[unsafe(link_section = "crosspoint:fixtures")]
            static FIXTURES_BYTES: [u8; FIXTURES] = $crate::export::array(<$driver as Packaged>::FIXTURES);
        };
    };
}

/// The generated interface on top of a [`Driver`].
#[derive(Debug)]
pub struct Adapter<D>(PhantomData<D>);

impl<D: Driver> wit::Guest for Adapter<D> {
    fn describe() -> wit::Description {
        panic::keep_last_words();
        D::describe().into()
    }

    fn encode(call: wit::Call) -> Result<wit::Exchange, wit::Fault> {
        panic::keep_last_words();
        match D::encode(&call.into()) {
            Ok(exchange) => Ok(exchange.into()),
            Err(fault) => Err(fault.into()),
        }
    }

    fn decode(call: wit::Call, context: Vec<u8>, reply: wit::Reply) -> Result<wit::Outcome, wit::Fault> {
        panic::keep_last_words();
        let (call, reply): (Call, Reply) = (call.into(), reply.into());
        match D::decode(&call, &context, &reply) {
            Ok(outcome) => Ok(outcome.into()),
            Err(fault) => Err(fault.into()),
        }
    }
}
