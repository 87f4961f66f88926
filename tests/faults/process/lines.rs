//! Lines that a guest writes, and what it reads from the clock, which it tells in them.

use heimdall_host::counters::CauseKind;
use heimdall_host::runtime::is_shown;
use tracing::span;

use super::wasi::{FD_WRITE, TEXT};
use super::wasi::{data, importing, logging, often, printing, with_output};
use crate::guests::*;
use crate::lines::Lines;
use crate::world::*;

/// Panics at each log line of a plugin: what a fault in a function of the host would do.
struct Panics;

impl tracing::Subscriber for Panics {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        metadata.target() == "heimdall::plugin"
    }
    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }
    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn event(&self, _: &tracing::Event<'_>) {
        panic!("the log is out of order")
    }
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_42_a_panic_in_a_function_of_the_host() {
    surrounded(async |world| {
        let (_lines, _guard) = Lines::collect();
        let _panics = tracing::subscriber::set_default(Panics);
        for kind in KINDS {
            let prints = with_output(kind, &printing("a line\n"), "(call $say)");
            let logs = logging(kind, "a line", "", "(call $say)");
            for guest in [prints, logs] {
                world.fails(&guest, CauseKind::Panicked).await;
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_43_a_flood_on_the_standard_output() {
    surrounded(async |world| {
        for kind in KINDS {
            let items = printing("a line\n") + &often(5000);
            let guest = with_output(kind, &items, "(call $flood)");
            let (lines, _guard) = Lines::collect();
            let overruns = world.goes_on(&guest, |settings| settings.limits.log_lines = 3).await;
            assert_eq!(overruns, [("log_lines", 4997)], "{kind:?}");
            let said = lines.of_plugins();
            assert_eq!(said.len(), 4, "{said:?}");
            assert!(said.iter().any(|line| line.contains("4997 lines dropped")), "{said:?}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_43_a_line_without_end_on_the_standard_output() {
    surrounded(async |world| {
        for kind in KINDS {
            let items = printing(&"x".repeat(1000)) + &often(5000);
            let guest = with_output(kind, &items, "(call $flood)");
            let (lines, _guard) = Lines::collect();
            assert_eq!(world.goes_on(&guest, |_| {}).await, []);
            let said = lines.of_plugins();
            assert_eq!(said.len(), 1, "{said:?}");
            assert!(said.iter().all(|line| line.len() < 5000), "{said:?}");
            assert!(
                said.iter().all(|line| line.contains("(4995904 bytes more)")),
                "{said:?}"
            );
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_44_a_flood_of_log_lines() {
    surrounded(async |world| {
        for kind in KINDS {
            let guest = logging(kind, "a line", &often(5000), "(call $flood)");
            let (lines, _guard) = Lines::collect();
            let overruns = world.goes_on(&guest, |settings| {
                settings.limits.log_lines = 10_000;
                settings.limits.log_lines_per_second = 1;
            });
            let overruns = overruns.await;
            let said = lines.of_plugins();
            let written = said.iter().filter(|line| line.starts_with("INFO a line ")).count();
            let dropped = 5000 - u64::try_from(written).unwrap();
            assert_eq!(overruns, [("log_lines_per_second", dropped)], "{kind:?}");
            let told = format!("WARN {dropped} lines dropped: 1 may be written in a second");
            assert!(said.iter().any(|line| line.starts_with(&told)), "{said:?}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_45_control_characters_in_log_lines() {
    const POISON: &str = "one\u{1b}[31m\u{9b}2J\0\u{7f}\u{202e}\r\u{85}two";
    surrounded(async |world| {
        for kind in KINDS {
            let prints = with_output(kind, &printing(&format!("{POISON}\n")), "(call $say)");
            let logs = logging(kind, &format!("{POISON}\nFORGED"), "", "(call $say)");
            for guest in [prints, logs] {
                let (lines, _guard) = Lines::collect();
                assert_eq!(world.goes_on(&guest, |_| {}).await, []);
                let text = lines.text();
                assert!(text.chars().all(|it| it == '\n' || is_shown(it)), "{text:?}");
                assert!(text.lines().all(|line| !line.starts_with("FORGED")), "{text:?}");
                assert!(text.contains(r"one\u{1b}[31m\u{9b}2J\u{0}"), "{text:?}");
            }
        }
    })
    .await;
}

/// Prints a number, in 20 digits.
fn digits() -> String {
    let (list, last) = (TEXT - 16, TEXT + 19);
    data(list, &[0, 16, 0, 0, 21, 0, 0, 0])
        + &data(TEXT + 20, b"\n")
        + &format!(
            "(func $print (param $rest i64) (local $at i32)
                (local.set $at (i32.const {last}))
                (loop $again
                    (i32.store8 (local.get $at)
                        (i32.add (i32.const 48) (i32.wrap_i64 (i64.rem_u (local.get $rest) (i64.const 10)))))
                    (local.set $rest (i64.div_u (local.get $rest) (i64.const 10)))
                    (local.set $at (i32.sub (local.get $at) (i32.const 1)))
                    (br_if $again (i32.ge_u (local.get $at) (i32.const {TEXT}))))
                (drop (call $fd_write (i32.const 1) (i32.const {list}) (i32.const 1) (i32.const {written}))))
             (func $tell (param $clock i32)
                (drop (call $clock_time_get (local.get $clock) (i64.const 0) (i32.const {time})))
                (call $print (i64.load (i32.const {time}))))",
            written = TEXT - 8,
            time = TEXT + 64,
        )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_47_the_clock_rises_and_tells_nothing_of_the_host() {
    let clock = ("clock_time_get", "(param i32 i64 i32) (result i32)");
    let read = "(call $tell (i32.const 1)) (call $tell (i32.const 1)) (call $tell (i32.const 0))";
    surrounded(async |world| {
        for kind in KINDS {
            let guest = importing(kind, &[FD_WRITE, clock], &digits(), read);
            let (started, now) = (std::time::Instant::now(), std::time::SystemTime::now());
            let (lines, _guard) = Lines::collect();
            assert_eq!(world.goes_on(&guest, |_| {}).await, []);
            let said = lines.of_plugins();
            let read = said
                .iter()
                .filter_map(|line| line.split(' ').nth(1)?.parse::<u128>().ok());
            let [first, second, wall] = read.collect::<Vec<_>>().try_into().unwrap();
            assert!(first <= second, "{said:?}");
            // It began with the instance: how long the machine has been running is not told.
            assert!(second <= started.elapsed().as_nanos(), "{said:?}");
            let passed = |at: std::time::SystemTime| at.duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos();
            assert!(
                (passed(now)..=passed(std::time::SystemTime::now())).contains(&wall),
                "{said:?}"
            );
        }
    })
    .await;
}
