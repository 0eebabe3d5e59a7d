//! The driver `netconf-switch` against a real NETCONF server behind a real SSH server: Yuma123's `netconfd` and OpenSSH,
//! Debian's packages. Each test has a pair of its own.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod far_side;
mod message;
mod suite;
mod testbed;
mod trust;

use crosspoint_tests::packages::{Packages, is_root};
use crosspoint_tests::skip::skipped;

/// Never its module for interfaces: that one takes the machine's own interfaces down.
static PACKAGES: Packages = Packages {
    names: &["netconfd", "openssh-server", "openssh-client"],
    programs: &["/usr/sbin/netconfd", "/usr/sbin/netconf-subsystem", "/usr/sbin/sshd", "/usr/bin/ssh-keygen"],
};

/// Whether this machine can run the tests; it says so where they are skipped.
async fn possible(test: &str) -> bool {
    if !is_root() {
        skipped(&format!("{test}: a NETCONF session is that of whoever logs in over SSH, which takes root to arrange"));
        return false;
    }
    PACKAGES.ensure(test).await.expect("the packages of netconfd and OpenSSH")
}
