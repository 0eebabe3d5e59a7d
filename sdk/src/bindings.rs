//! What `wit-bindgen` makes of `wit/v1`: the one generated module of this crate. Nothing but `convert` and the
//! [`export!`](crate::export!) macro looks at it.
#![allow(
    unsafe_code,
    missing_docs,
    unused_qualifications,
    clippy::all,
    clippy::pedantic,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "generated code; the canonical ABI is a matter of raw pointers"
)]

wit_bindgen::generate!({
    path: "../wit/v1",
    world: "driver",
    export_macro_name: "export_world",
    pub_export_macro: true,
});
