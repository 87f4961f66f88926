//! The machine that was measured on.

use std::fs;
use std::thread::available_parallelism;

/// What a reader needs to know of a machine: nothing of it names one.
#[derive(Debug, Clone, Default)]
pub struct Machine {
    pub processor: String,
    pub cores: usize,
    pub memory_gib: u64,
    pub kernel: String,
}

/// What can't be read stays empty.
pub fn read() -> Machine {
    let text = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let memory = text("/proc/meminfo");
    let memory = value(&memory, "MemTotal").split_whitespace().next();
    let kib: u64 = memory.and_then(|kib| kib.parse().ok()).unwrap_or_default();
    Machine {
        processor: value(&text("/proc/cpuinfo"), "model name").to_owned(),
        cores: available_parallelism().map_or(0, usize::from),
        memory_gib: kib.div_ceil(1 << 20),
        kernel: version(&text("/proc/sys/kernel/osrelease")),
    }
}

/// Without who built it, which stands behind the first dash.
fn version(release: &str) -> String {
    release.trim().split('-').next().unwrap_or_default().to_owned()
}

/// Of the first line of this name.
fn value<'a>(text: &'a str, name: &str) -> &'a str {
    let line = text.lines().find(|line| line.starts_with(name));
    line.and_then(|line| line.split_once(':'))
        .map(|(_, value)| value.trim())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_what_stands_behind_its_name() {
        let text = "vendor_id\t: X\nmodel name\t: A processor @ 2 GHz\n";
        assert_eq!(value(text, "model name"), "A processor @ 2 GHz");
        assert_eq!(value(text, "cache"), "");
    }

    #[test]
    fn a_kernel_has_a_version_and_no_builder() {
        assert_eq!(version("6.18.44-somebody-1\n"), "6.18.44");
    }
}
