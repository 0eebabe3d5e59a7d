//! What a caller may try, on the wire and against the real process: whatever comes in, what comes out is a clear answer,
//! the backend is asked for nothing that was not meant, and the next caller is served.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod bodies;
mod connections;
mod framing;
mod heads;
mod numbers;
mod openapi;
mod others;
mod raw;
mod reach;
mod streams;
mod text;
mod time;
mod tokens;
