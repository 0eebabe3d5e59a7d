//! What wasmtime makes of `wit/v1`. Nothing but the adapter beside it looks at these types.
#![allow(
    missing_docs,
    dead_code,
    unused_qualifications,
    clippy::all,
    clippy::pedantic,
    reason = "generated code, of which only the types are used"
)]

wasmtime::component::bindgen!({
    path: "../wit/v1",
    world: "driver",
    ownership: Borrowing { duplicate_if_necessary: true },
    exports: { default: async },
});
