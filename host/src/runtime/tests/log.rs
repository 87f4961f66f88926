//! What guests print and trace, as lines of the log.

use std::collections::BTreeMap;
use std::sync::Mutex;

use tracing::field::{Field, Visit};
use tracing::span;

use super::*;

/// Collects the lines of plugins.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<Line>>>);

#[derive(Default)]
struct Line {
    level: String,
    fields: BTreeMap<&'static str, String>,
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.fields.insert(field.name(), format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.fields.insert(field.name(), value.into());
    }
}

impl tracing::Subscriber for Lines {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        metadata.target() == "heimdall::plugin" && *metadata.level() <= tracing::Level::INFO
    }

    fn event(&self, event: &tracing::Event<'_>) {
        let mut line = Line {
            level: event.metadata().level().to_string(),
            ..Line::default()
        };
        event.record(&mut line);
        self.0.lock().unwrap().push(line);
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

impl Lines {
    /// Of this thread, from now on.
    fn collect() -> (Lines, tracing::subscriber::DefaultGuard) {
        // Without a subscriber for all threads, the first thread to pass a place that logs can settle for the whole
        // process that nobody wants its lines (tokio-rs/tracing#3611).
        static EVERYWHERE: std::sync::Once = std::sync::Once::new();
        EVERYWHERE.call_once(|| tracing::subscriber::set_global_default(Lines::default()).unwrap());
        let lines = Lines::default();
        (lines.clone(), tracing::subscriber::set_default(lines))
    }

    /// Levels and messages.
    fn texts(&self) -> Vec<String> {
        self.0
            .lock()
            .unwrap()
            .iter()
            .map(|line| format!("{} {}", line.level, line.fields["message"]))
            .collect()
    }

    fn field(&self, line: usize, name: &str) -> String {
        self.0.lock().unwrap()[line].fields[name].clone()
    }
}

/// What a tenant of these limits logs.
fn logged(limits: Limits, log: impl FnOnce(&mut Tenant)) -> Lines {
    let (lines, _guard) = Lines::collect();
    log(&mut Tenant::new(&account(limits)));
    lines
}

#[tokio::test]
async fn what_a_guest_prints_becomes_log_lines() {
    const WAT: &str = r#"(module
        (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
        (memory (export "memory") 1)
        (data (i32.const 0) "\10\00\00\00\0e\00\00\00")
        (data (i32.const 16) "one\ntwo\1b[1m\nth")
        (func (export "hook")
            (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
            (drop (call $write (i32.const 2) (i32.const 0) (i32.const 1) (i32.const 8)))))"#;
    let (lines, _guard) = Lines::collect();
    start(
        WAT,
        Limits {
            log_lines: 5,
            ..Limits::default()
        },
    )
    .await
    .unwrap()
    .call("hook", LONG)
    .await
    .unwrap();
    let expected = [
        "INFO one",
        "INFO two\\u{1b}[1m",
        "WARN one",
        "WARN two\\u{1b}[1m",
        "INFO th",
        "WARN 1 lines dropped: a request may write 5",
    ];
    assert_eq!(lines.texts(), expected);
    assert_eq!(lines.field(0, "plugin"), "guest");
    assert_eq!(lines.field(0, "hook"), "hook");
    assert_eq!(lines.field(0, "request_id"), "request-1");
}

#[tokio::test]
async fn a_line_bears_the_call_that_it_was_written_in() {
    let (lines, _guard) = Lines::collect();
    let mut guest = start("(module)", Limits::default()).await.unwrap();
    let before = Logged { lines: 3, bytes: 30 };
    for (call, hook) in ["on-request", "before-call", "after-call", "on-response"]
        .into_iter()
        .enumerate()
    {
        // A call that logs nothing, between those that do.
        begin_call(&mut guest.store, "on-chunk", Context::new("silent", 100), before);
        assert_eq!(end_call(&mut guest.store).1, before);
        let request = Context::new(&format!("request-{call}"), 100);
        begin_call(&mut guest.store, hook, request, before);
        let tenant = guest.store.data_mut().tenant();
        if call == 2 {
            // In the middle of a call it gets what it could print to at any time.
            tenant.wasi();
        }
        tenant.log(tracing::Level::INFO, "called", &[]);
        let (context, logged) = end_call(&mut guest.store);
        assert_eq!(context.request_id(), format!("request-{call}"));
        assert_eq!(logged, Logged { lines: 4, bytes: 36 });
        assert_eq!(lines.field(call, "hook"), hook);
        assert_eq!(lines.field(call, "request_id"), format!("request-{call}"));
    }
}

#[test]
fn no_text_of_a_guest_can_pass_for_another_line_or_field() {
    let fields = [
        ("user".to_owned(), "eve\" admin=\"yes".to_owned()),
        ("a=\u{202e}b".to_owned(), "\n".to_owned()),
    ];
    let lines = logged(Limits::default(), |tenant| {
        tenant.log(tracing::Level::INFO, "one\r\ntwo\u{9b}", &fields)
    });
    assert_eq!(lines.texts(), ["INFO one\\r\\ntwo\\u{9b}"]);
    assert_eq!(
        lines.field(0, "fields"),
        r#"{user="eve\" admin=\"yes" "a=\u{202e}b"="\n"}"#
    );
}

#[test]
fn a_disabled_level_takes_nothing_of_the_budget() {
    let lines = logged(
        Limits {
            log_lines: 1,
            ..Limits::default()
        },
        |tenant| {
            tenant.log(tracing::Level::DEBUG, "unseen", &[]);
            tenant.log(tracing::Level::INFO, "seen", &[]);
        },
    );
    assert_eq!(lines.texts(), ["INFO seen"]);
}

#[test]
fn a_long_line_is_cut() {
    let lines = logged(
        Limits {
            log_line: 4,
            ..Limits::default()
        },
        |tenant| {
            tenant.log(tracing::Level::INFO, "abcdefgh", &[]);
        },
    );
    assert_eq!(lines.texts(), ["INFO abcd … (4 bytes more)"]);
}

#[test]
fn the_fields_of_a_line_take_of_the_bytes_of_a_request() {
    let lines = logged(
        Limits {
            log_bytes: 10,
            ..Limits::default()
        },
        |tenant| {
            tenant.log(tracing::Level::INFO, "a", &[("name".into(), "value".into())]);
            tenant.log(tracing::Level::INFO, "b", &[]);
        },
    );
    assert_eq!(
        lines.texts(),
        ["INFO a", "WARN 1 lines dropped: a request may write 10 bytes"]
    );
}

#[test]
fn a_line_is_counted_by_what_it_was_dropped_for() {
    let account = account(Limits {
        log_lines: 1,
        log_bytes: 3,
        ..Limits::default()
    });
    let (_lines, _guard) = Lines::collect();
    let mut tenant = Tenant::new(&account);
    for line in ["long", "abc", "d", "e"] {
        tenant.log(tracing::Level::INFO, line, &[]);
    }
    drop(tenant);
    let counted = [Limit::LogBytes, Limit::LogLines].map(|limit| account.counters().overruns(limit));
    assert_eq!(counted, [1, 2]);
}
