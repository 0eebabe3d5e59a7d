//! Every target in one program: which one is told by the environment, so that they are built and linked once.
#![no_main]

use std::sync::LazyLock;

use crosspoint_fuzz::Target;
use libfuzzer_sys::fuzz_target;

static TARGET: LazyLock<Target> = LazyLock::new(|| {
    let name = std::env::var("CROSSPOINT_FUZZ_TARGET").unwrap_or_default();
    crosspoint_fuzz::named(&name).unwrap_or_else(|| panic!("CROSSPOINT_FUZZ_TARGET names no target: `{name}`"))
});

fuzz_target!(|bytes: &[u8]| (TARGET.run)(bytes));
