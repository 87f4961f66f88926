//! Guests in WAT against the whole of it.

use std::future::poll_fn;
use std::path::Path;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{self, Poll};
use std::time::Duration;

use super::*;
use crate::counters::Limit;
use crate::failure::Cause;
use crate::model::Context;
use crate::plugin::Logged;

mod log;
mod process;
mod reuse;

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

/// One that keeps what it compiles in this folder.
fn cached(folder: &Path) -> Runtime {
    Runtime::new(RuntimeSettings {
        instances: 4,
        cache: Some(CacheSettings {
            directory: folder.join("cache"),
            key_file: folder.join("key"),
        }),
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
    start_module(runtime, &compiled(runtime, wat).await, limits).await
}

async fn compiled(runtime: &Runtime, wat: &str) -> Module {
    let bytes = wat::parse_str(wat).unwrap();
    let compiled = runtime.compile_module(&bytes.into(), &Limits::default()).await;
    compiled.unwrap().code
}

async fn start_module(runtime: &Runtime, module: &Module, limits: Limits) -> Result<Started, Cause> {
    let mut linker = wasmtime::Linker::<Guest>::new(runtime.engine());
    add_wasi_to_module_linker(&mut linker).unwrap();
    let mut store = runtime.store(Guest {
        tenant: Tenant::new(&account(limits)),
    });
    begin_call(&mut store, "start", Context::default(), Logged::default());
    let instance = Deadline::after(Duration::from_secs(20))
        .run(async {
            linker
                .instantiate_async(&mut store, module)
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

/// A guest at whose every step there is a tick, and how many steps it took.
async fn ticking_guest() -> (Started, Arc<AtomicUsize>) {
    let runtime = ticking(Ticks::Manual);
    let steps = Arc::new(AtomicUsize::new(0));
    let wat = r#"(module (import "test" "step" (func $step (result i32)))
        (func (export "walk") (loop (br_if 0 (call $step)))))"#;
    let module = compiled(&runtime, wat).await;
    let mut linker = wasmtime::Linker::<Guest>::new(runtime.engine());
    let (engine, counted) = (runtime.engine().clone(), steps.clone());
    let step = move || {
        engine.increment_epoch();
        i32::from(counted.fetch_add(1, Ordering::Relaxed) < 3)
    };
    linker.func_wrap("test", "step", step).unwrap();
    let mut store = runtime.store(Guest {
        tenant: Tenant::new(&account(Limits::default())),
    });
    let instance = linker.instantiate_async(&mut store, &module).await.unwrap();
    (Started { store, instance }, steps)
}

/// Of each turn of a call how many steps there were after it, where others have this to do between two turns.
async fn steps_after_each_turn(guest: &mut Started, steps: &AtomicUsize, others: Duration) -> Vec<usize> {
    steps.store(0, Ordering::Relaxed);
    let mut call = pin!(guest.call("walk", LONG));
    let mut seen = Vec::new();
    loop {
        let polled = poll_fn(|context| Poll::Ready(call.as_mut().poll(context))).await;
        seen.push(steps.load(Ordering::Relaxed));
        match polled {
            Poll::Pending => tokio::time::advance(others).await,
            Poll::Ready(outcome) => {
                outcome.unwrap();
                return seen;
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_busy_guest_gives_way_for_as_long_as_others_are_busy_from_the_second_tick_of_each_call_on() {
    let (mut guest, steps) = ticking_guest().await;
    for _call in 0..2 {
        let alone = steps_after_each_turn(&mut guest, &steps, Duration::ZERO).await;
        assert_eq!(alone, [1, 2, 3, 4]);
        let among_others = steps_after_each_turn(&mut guest, &steps, Duration::from_millis(1)).await;
        assert_eq!(among_others, [1, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 4]);
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

#[tokio::test]
async fn what_is_in_use_of_every_engine_is_told_by_each() {
    let runtime = runtime();
    let counting = runtime.with(Extras::FUEL).unwrap();
    let guest = r#"(module (memory 1) (func (export "hook")))"#;
    let mut all = Vec::new();
    for (place, runtime) in [(1, &runtime), (2, &counting)] {
        all.push(start_in(runtime, guest, Limits::default()).await.unwrap());
        let live = runtime.live();
        assert_eq!(
            (live.stores, live.core_instances, live.memories),
            (place, place as u64, place)
        );
    }
    assert_eq!(runtime.live(), counting.live());
    drop(all);
    assert_eq!(runtime.live(), Live::default());
}

#[tokio::test]
async fn one_file_in_two_engines_is_compiled_once_for_each() {
    let root = tempfile::tempdir().unwrap();
    let bytes = Bytes::from(wat::parse_str(r#"(module (func (export "hook")))"#).unwrap());
    for expected in [false, true] {
        let runtime = cached(root.path());
        for extras in [Extras::empty(), Extras::FUEL] {
            let engine = runtime.with(extras).unwrap();
            let compiled = engine.compile_module(&bytes, &Limits::default()).await.unwrap();
            assert_eq!(compiled.from_cache, expected, "{extras:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_several_ask_for_at_once_is_compiled_once() {
    let root = tempfile::tempdir().unwrap();
    let runtime = cached(root.path());
    let bytes = Bytes::from(wat::parse_str(r#"(module (func (export "hook")))"#).unwrap());
    let mut loads = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let (runtime, bytes) = (runtime.clone(), bytes.clone());
        loads.spawn(async move { runtime.compile_module(&bytes, &Limits::default()).await });
    }
    let loaded = loads.join_all().await;
    let compiled = loaded.into_iter().filter(|loaded| !loaded.as_ref().unwrap().from_cache);
    assert_eq!(compiled.count(), 1);
}
