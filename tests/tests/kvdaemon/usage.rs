use std::fs;

use crosspoint_tests::host::Host;

/// What a process holds, as the system counts it.
#[derive(Clone, Copy, Debug)]
pub struct Usage {
    /// Memory in MiB.
    pub memory: u64,
    pub threads: u64,
    pub descriptors: usize,
}

impl Usage {
    pub fn of(host: &Host) -> Self {
        let status = fs::read_to_string(format!("/proc/{}/status", host.pid())).unwrap();
        let number = |name: &str| -> u64 {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            line.split_whitespace().nth(1).unwrap().parse().unwrap()
        };
        Self {
            memory: number("VmRSS") / 1024,
            threads: number("Threads"),
            descriptors: fs::read_dir(format!("/proc/{}/fd", host.pid())).unwrap().count(),
        }
    }
}
