//! Every target in one program: which one is told by the environment, so that they are built and linked once.
#![no_main]

use std::panic::{PanicHookInfo, set_hook, take_hook};
use std::sync::LazyLock;

use crosspoint_fuzz::Target;
use libfuzzer_sys::fuzz_target;

static TARGET: LazyLock<Target> = LazyLock::new(|| {
    let ends_the_process = take_hook();
    set_hook(Box::new(move |panic| {
        if !is_caught(panic) {
            ends_the_process(panic);
        }
    }));
    let name = std::env::var("CROSSPOINT_FUZZ_TARGET").unwrap_or_default();
    crosspoint_fuzz::named(&name).unwrap_or_else(|| panic!("CROSSPOINT_FUZZ_TARGET names no target: `{name}`"))
});

/// The host knows that these build tools panic on what no build tool made, and makes a refusal of it.
fn is_caught(panic: &PanicHookInfo<'_>) -> bool {
    let tools = ["/wit-component-", "/wit-parser-", "/wasm-encoder-"];
    panic.location().is_some_and(|place| tools.iter().any(|tool| place.file().contains(tool)))
}

fuzz_target!(|bytes: &[u8]| (TARGET.run)(bytes));
