use std::fs;

use crosspoint_tests::host::Host;

/// What a process holds, as the system counts it.
#[derive(Clone, Copy, Debug)]
pub struct Usage {
    /// Memory in MiB.
    pub memory: u64,
    pub threads: u64,
    pub descriptors: usize,
    /// Time on processors so far, in ticks of 10 ms.
    pub ticks: u64,
}

impl Usage {
    pub fn of(host: &Host) -> Self {
        let of_process = |file: &str| fs::read_to_string(format!("/proc/{}/{file}", host.pid())).unwrap();
        let status = of_process("status");
        let number = |name: &str| -> u64 {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            line.split_whitespace().nth(1).unwrap().parse().unwrap()
        };
        // The command's name stands in brackets, and may hold blanks.
        let stat = of_process("stat");
        let fields: Vec<_> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
        let ticks = |field: usize| fields[field].parse::<u64>().unwrap();
        Self {
            memory: number("VmRSS") / 1024,
            threads: number("Threads"),
            descriptors: fs::read_dir(format!("/proc/{}/fd", host.pid())).unwrap().count(),
            ticks: ticks(11) + ticks(12),
        }
    }
}
