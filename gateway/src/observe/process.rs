//! What the process uses, by the names that are usual for it.

use super::family::{Family, Labels, Number};

pub(super) fn families() -> Vec<Family> {
    let used = metrics_process::collector::collect();
    let cpu = used.cpu_seconds_total.map(|seconds| {
        Family::counter(
            "process_cpu_seconds",
            "Time of processors that it took, in seconds",
            [(Labels::new(), seconds)],
        )
    });
    let gauges: [(&'static str, &'static str, Option<Number>); 6] = [
        (
            "process_resident_memory_bytes",
            "Memory that it has, in bytes",
            used.resident_memory_bytes.map(Number::from),
        ),
        (
            "process_virtual_memory_bytes",
            "Addresses that it has, in bytes",
            used.virtual_memory_bytes.map(Number::from),
        ),
        (
            "process_open_fds",
            "Files and connections that it has open",
            used.open_fds.map(Number::from),
        ),
        (
            "process_max_fds",
            "Files and connections that it may have open",
            used.max_fds.map(Number::from),
        ),
        ("process_threads", "Threads that it has", used.threads.map(Number::from)),
        (
            "process_start_time_seconds",
            "When it started, in seconds since 1970",
            used.start_time_seconds.map(Number::from),
        ),
    ];
    let told = gauges
        .into_iter()
        .filter_map(|(name, help, number)| Some(Family::gauge(name, help, [(Labels::new(), number?)])));
    cpu.into_iter().chain(told).collect()
}
