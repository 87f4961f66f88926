//! Guests in WAT against the whole of it.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{self, Poll};
use std::time::Duration;

use tracing::field::{Field, Visit};
use tracing::span;

use super::*;
use crate::counters::Limit;
use crate::failure::Cause;
use crate::model::Context;
use crate::plugin::Logged;

struct Guest {
    tenant: Tenant,
}

impl HasTenant for Guest {
    fn tenant(&mut self) -> &mut Tenant {
        &mut self.tenant
    }
}

/// A module, started, with WASI preview 1.
struct Started {
    store: Store<Guest>,
    instance: wasmtime::Instance,
}

fn runtime() -> Runtime {
    ticking(Ticks::Thread)
}

fn ticking(ticks: Ticks) -> Runtime {
    Runtime::new(RuntimeSettings {
        instances: 4,
        ticks,
        ..RuntimeSettings::default()
    })
    .unwrap()
}

fn account(limits: Limits) -> Account {
    Account::new("guest".into(), limits, Arc::default())
}

async fn start(wat: &str, limits: Limits) -> Result<Started, Cause> {
    start_in(&runtime(), wat, limits).await
}

async fn start_in(runtime: &Runtime, wat: &str, limits: Limits) -> Result<Started, Cause> {
    let module = runtime
        .compile_module(&wat::parse_str(wat).unwrap().into(), &Limits::default())
        .await
        .unwrap()
        .code;
    let mut linker = wasmtime::Linker::<Guest>::new(runtime.engine());
    add_wasi_to_module_linker(&mut linker).unwrap();
    let mut store = runtime.store(Guest {
        tenant: Tenant::new(&account(limits)),
    });
    begin_call(&mut store, "start", Context::new("", 0), Logged::default());
    let instance = Deadline::after(Duration::from_secs(20))
        .run(async {
            linker
                .instantiate_async(&mut store, &module)
                .await
                .map_err(|error| instantiation_cause(error, &store.data().tenant))
        })
        .await?;
    Ok(Started { store, instance })
}

impl Started {
    /// Calls an export that takes and gives nothing.
    async fn call(&mut self, name: &str, time: Duration) -> Result<(), Cause> {
        begin_call(
            &mut self.store,
            "hook",
            Context::new("request-1", 100),
            Logged::default(),
        );
        let function = self.instance.get_typed_func::<(), ()>(&mut self.store, name).unwrap();
        let outcome = Deadline::after(time)
            .run(async {
                function
                    .call_async(&mut self.store, ())
                    .await
                    .map_err(|error| cause_of(error, &self.store.data().tenant))
            })
            .await;
        end_call(&mut self.store);
        outcome
    }
}

const LONG: Duration = Duration::from_secs(20);

#[tokio::test]
async fn an_endless_loop_ends_at_its_deadline() {
    let mut guest = start(r#"(module (func (export "spin") (loop br 0)))"#, Limits::default())
        .await
        .unwrap();
    let outcome = guest.call("spin", Duration::from_millis(30)).await;
    assert!(matches!(outcome, Err(Cause::Deadline(_))), "{outcome:?}");
}

#[tokio::test(start_paused = true)]
async fn a_busy_guest_is_ended_one_tick_after_its_deadline_at_most() {
    const TICK: Duration = Duration::from_millis(10);
    let runtime = ticking(Ticks::Manual);
    let wat = r#"(module (func (export "spin") (loop br 0)))"#;
    let mut guest = start_in(&runtime, wat, Limits::default()).await.unwrap();
    let mut call = pin!(guest.call("spin", TICK * 5));
    for ticks in 1.. {
        let polled = poll_fn(|context| Poll::Ready(until_it_yields(runtime.engine(), call.as_mut(), context))).await;
        match polled {
            Poll::Pending => tokio::time::advance(TICK).await,
            Poll::Ready(outcome) => {
                assert!(matches!(outcome, Err(Cause::Deadline(_))), "{outcome:?}");
                assert_eq!(ticks, 5 + 1);
                return;
            }
        }
        assert!(ticks < 100, "it runs on");
    }
}

/// Lets a guest run until the next tick, which comes from another thread, as this one is the guest's until then.
fn until_it_yields<F: Future>(engine: &Engine, call: Pin<&mut F>, context: &mut task::Context<'_>) -> Poll<F::Output> {
    let has_yielded = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !has_yielded.load(Ordering::Acquire) {
                engine.increment_epoch();
                std::thread::yield_now();
            }
        });
        let polled = call.poll(context);
        has_yielded.store(true, Ordering::Release);
        polled
    })
}

#[tokio::test]
async fn an_endless_loop_in_a_start_function_ends_at_its_deadline() {
    let runtime = runtime();
    let wat = wat::parse_str("(module (func $spin (loop br 0)) (start $spin))").unwrap();
    let module = runtime
        .compile_module(&wat.into(), &Limits::default())
        .await
        .unwrap()
        .code;
    let linker = wasmtime::Linker::<Guest>::new(runtime.engine());
    let mut store = runtime.store(Guest {
        tenant: Tenant::new(&account(Limits::default())),
    });
    let start = async {
        linker
            .instantiate_async(&mut store, &module)
            .await
            .map_err(|_| Cause::Retired)
    };
    let outcome = Deadline::after(Duration::from_millis(30)).run(start).await;
    assert!(matches!(outcome, Err(Cause::Deadline(_))));
}

/// Of some the engine has no part at all, and code that got as far as calling it would end the process.
#[tokio::test]
async fn what_the_engine_is_built_without_is_refused_before_it_is_compiled() {
    for wat in [
        "(module (type $open (sub (func))) (table 1 funcref) (func (call_indirect (type $open) (i32.const 0))))",
        "(module (type (struct)))",
        "(module (memory 1) (func (drop (i32.atomic.load (i32.const 0)))))",
        "(module (memory 1) (func (drop (memory.atomic.notify (i32.const 0) (i32.const 1)))))",
        "(module (memory 1 1 shared))",
        "(module (tag))",
        "(module (memory i64 1))",
    ] {
        let refused = runtime()
            .compile_module(&wat::parse_str(wat).unwrap().into(), &Limits::default())
            .await;
        assert!(matches!(refused, Err(CompileError::Refused(_))), "{wat}");
    }
}

#[tokio::test]
async fn memory_is_capped_as_the_sum_over_all_memories() {
    const WAT: &str = r#"(module
        (memory $first 1) (memory $second 1)
        (func (export "grow") (result i32 i32)
            (memory.grow $first (i32.const 1)) (memory.grow $second (i32.const 1))))"#;
    let mut guest = start(
        WAT,
        Limits {
            memory: 3 << 16,
            ..Limits::default()
        },
    )
    .await
    .unwrap();
    let grow = guest
        .instance
        .get_typed_func::<(), (i32, i32)>(&mut guest.store, "grow")
        .unwrap();
    assert_eq!(grow.call_async(&mut guest.store, ()).await.unwrap(), (1, -1));
    assert_eq!(guest.store.data().tenant.memory_used(), 3 << 16);
    assert!(guest.store.data().tenant.memory_denied());
}

#[tokio::test]
async fn a_first_memory_over_the_cap_is_refused() {
    let outcome = start(
        "(module (memory 1000))",
        Limits {
            memory: 1 << 20,
            ..Limits::default()
        },
    )
    .await;
    assert!(matches!(outcome.err(), Some(Cause::OutOfMemory(size)) if size == 1 << 20));
}

#[tokio::test]
async fn a_guest_that_traps_after_it_was_denied_memory_ran_out_of_memory() {
    const WAT: &str = r#"(module (memory 1)
        (func (export "hook") (drop (memory.grow (i32.const 1000))) unreachable)
        (func (export "trap") unreachable))"#;
    let mut guest = start(
        WAT,
        Limits {
            memory: 1 << 20,
            ..Limits::default()
        },
    )
    .await
    .unwrap();
    assert!(matches!(guest.call("hook", LONG).await, Err(Cause::OutOfMemory(_))));
    // What an earlier call was denied explains nothing.
    assert!(matches!(guest.call("trap", LONG).await, Err(Cause::Trap(_))));
}

#[tokio::test]
async fn a_trap_is_told_with_the_function_that_it_happened_in() {
    let wat = r#"(module (func $divide (export "hook") (drop (i32.div_u (i32.const 1) (i32.const 0)))))"#;
    let outcome = start(wat, Limits::default()).await.unwrap().call("hook", LONG).await;
    let Err(Cause::Trap(text)) = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!(text, "integer divide by zero, in `divide`");
}

#[tokio::test]
async fn deep_recursion_is_a_trap() {
    let wat = r#"(module (func $deep (export "hook") call $deep))"#;
    let outcome = start(wat, Limits::default()).await.unwrap().call("hook", LONG).await;
    let Err(Cause::Trap(text)) = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!(text, "call stack exhausted, in `deep`");
}

#[tokio::test]
async fn a_guest_that_exits_is_told_by_its_status() {
    for module in ["wasi_snapshot_preview1", "wasi_unstable"] {
        let wat = format!(
            r#"(module (import "{module}" "proc_exit" (func $exit (param i32)))
            (memory (export "memory") 1)
            (func (export "hook") (call $exit (i32.const 3))))"#
        );
        let outcome = start(&wat, Limits::default()).await.unwrap().call("hook", LONG).await;
        assert!(matches!(outcome, Err(Cause::Exited(3))), "{module}: {outcome:?}");
    }
}

#[tokio::test]
async fn a_panic_of_the_host_fails_the_call_alone() {
    let runtime = runtime();
    let wat = wat::parse_str(r#"(module (import "host" "panic" (func $panic)) (func (export "hook") call $panic))"#);
    let module = runtime
        .compile_module(&wat.unwrap().into(), &Limits::default())
        .await
        .unwrap()
        .code;
    let mut linker = wasmtime::Linker::<Guest>::new(runtime.engine());
    linker
        .func_wrap("host", "panic", || -> () { panic!("out of order") })
        .unwrap();
    let mut store = runtime.store(Guest {
        tenant: Tenant::new(&account(Limits::default())),
    });
    let instance = linker.instantiate_async(&mut store, &module).await.unwrap();
    let mut guest = Started { store, instance };
    let outcome = guest.call("hook", LONG).await;
    assert!(
        matches!(&outcome, Err(Cause::Panicked(text)) if text == "out of order"),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn a_cause_that_the_host_gave_comes_out_as_it_was() {
    let tenant = Tenant::new(&account(Limits::default()));
    let error = wasmtime::Error::new(Cause::AbiViolation("a pointer out of bounds".into())).context("while copying");
    assert!(matches!(cause_of(error, &tenant), Cause::AbiViolation(_)));
}

#[tokio::test]
async fn the_ticker_ends_with_the_engine() {
    let engine = runtime().engine().weak();
    // The ticker holds the engine only for the length of a tick.
    while engine.upgrade().is_some() {
        tokio::task::yield_now().await;
    }
}

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
