//! Measuring: CPU time and memory of another process, percentiles, and which core this process runs on.

use std::fs;
use std::process::Command;
use std::time::Duration;

/// Keeps this process, all of its threads to come, on one core.
pub(crate) fn pin_to_core(core: usize) {
    let pid = std::process::id().to_string();
    let _ = Command::new("taskset").args(["-a", "-p", "-c", &core.to_string(), &pid]).output();
}

/// CPU time that a process has used so far, user and system, all threads.
pub(crate) fn cpu_time(pid: u32) -> Duration {
    // Nanoseconds on the run queue's clock, per thread; ended threads are left out, and the service ends none.
    let mut total = 0;
    for task in fs::read_dir(format!("/proc/{pid}/task")).expect("the process").flatten() {
        let text = fs::read_to_string(task.path().join("schedstat")).unwrap_or_default();
        total += text.split(' ').next().and_then(|first| first.parse::<u64>().ok()).unwrap_or(0);
    }
    Duration::from_nanos(total)
}

/// Resident memory of a process in KiB.
pub(crate) fn resident_kib(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("the process");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("VmRSS");
    line.split_whitespace().nth(1).and_then(|kib| kib.parse().ok()).expect("a number")
}

/// The value below which this share of the sorted values lies.
pub(crate) fn percentile(sorted: &[Duration], share: f64) -> Duration {
    let at = (sorted.len() as f64 * share) as usize;
    sorted[at.min(sorted.len() - 1)]
}
