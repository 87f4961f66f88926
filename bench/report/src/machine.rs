//! The machine that was measured on, and the day.

use std::fs;
use std::thread::available_parallelism;
use std::time::SystemTime;

/// What a reader needs to know of a machine: nothing of it names one.
#[derive(Debug, Clone, Default)]
pub struct Machine {
    pub processor: String,
    pub cores: usize,
    pub memory_gib: u64,
    pub kernel: String,
    pub date: String,
}

/// What can't be read stays empty.
pub fn read() -> Machine {
    let text = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let value = |text: &str, name: &str| {
        let line = text.lines().find(|line| line.starts_with(name));
        line.and_then(|line| line.split_once(':'))
            .map(|(_, value)| value.trim().to_owned())
            .unwrap_or_default()
    };
    let memory = value(&text("/proc/meminfo"), "MemTotal");
    let kib: u64 = memory
        .split_whitespace()
        .next()
        .and_then(|kib| kib.parse().ok())
        .unwrap_or_default();
    Machine {
        processor: value(&text("/proc/cpuinfo"), "model name"),
        cores: available_parallelism().map_or(0, usize::from),
        memory_gib: kib.div_ceil(1 << 20),
        // Behind the first dash is who built it.
        kernel: text("/proc/sys/kernel/osrelease")
            .trim()
            .split('-')
            .next()
            .unwrap_or_default()
            .to_owned(),
        date: date(SystemTime::now()),
    }
}

fn date(now: SystemTime) -> String {
    // "Thu, 26 Nov 2026 19:46:56 GMT"
    let http = httpdate::fmt_http_date(now);
    http.split_whitespace().skip(1).take(3).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    #[test]
    fn a_date_is_a_day_without_a_time() {
        assert_eq!(date(UNIX_EPOCH + Duration::from_secs(20_783 * 86_400)), "26 Nov 2026");
    }
}
