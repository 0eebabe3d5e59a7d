//! Drivers that mean harm or are broken, and backends that answer with harm: whatever they do is their own call's error,
//! it says what is wrong, and the next call on another driver is served as ever.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod chance;
mod forge;
mod frames;
mod laboratory;
mod lifting;
mod limits;
mod packages;
mod raw;
mod replies;
mod wire;
