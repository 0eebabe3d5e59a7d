//! What the end-to-end tests share: real backends to test against, and the means to look at what is said to them.

pub mod documentation;
pub mod faketime;
pub mod folder;
pub mod host;
pub mod namespace;
pub mod openstack;
pub mod packages;
pub mod proxy;
pub mod server;
pub mod skip;
pub mod suite;
