//! The hot paths take as many instructions as they did. What makes one dearer by accident is seen here, whatever else
//! the machine is doing.
#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::process::Command;

#[test]
fn the_hot_paths_take_as_many_instructions_as_they_did() {
    if Command::new("valgrind").arg("--version").output().is_err() {
        crosspoint_tests::skip::skipped("valgrind, which counts, is not there: `apt-get install valgrind`");
        return;
    }
    let mut bench = Command::new(env!("CARGO_BIN_EXE_crosspoint-bench"));
    bench.args(["instructions", "--check"]).current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(".."));
    let output = bench.output().unwrap();
    let said = |bytes| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{}{}", said(&output.stdout), said(&output.stderr));
}
