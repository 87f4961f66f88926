//! Files that are too much from the start.

use std::time::Duration;

use bytes::Bytes;
use heimdall_host::loader::PluginSettings;
use heimdall_host::runtime::{Compiler, RuntimeSettings};
use heimdall_tests::process::binary;

use crate::guests::*;
use crate::support::{host_of, wat};
use crate::world::*;

async fn is_refused(world: &World, bytes: &Bytes, change: impl FnOnce(&mut PluginSettings), said: &str) {
    let refusal = world.refused(bytes, change).await;
    assert!(
        refusal.contains(said) && refusal.contains(FAULTY),
        "{said:?} is not in: {refusal}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_35_a_huge_memory_or_table_from_the_start() {
    surrounded(async |world| {
        for kind in KINDS {
            for memory in ["(memory 5000)", "(memory 65536)"] {
                let guest = faulty(kind, memory, "");
                is_refused(
                    world,
                    &guest,
                    |_| {},
                    "bytes of memory from the start, 268435456 are allowed (raise `limits.memory_mib`",
                )
                .await;
            }
            let table = faulty(kind, "(table 200000 funcref)", "");
            is_refused(world, &table, |_| {}, "table").await;
            let table = faulty(kind, "(table 5000 funcref)", "");
            let few = |settings: &mut PluginSettings| settings.limits.table_elements = 1000;
            is_refused(world, &table, few, "table").await;
        }
    })
    .await;
}

/// This in a module, and in the module inside of a component.
fn both(items: &str) -> [Bytes; 2] {
    [
        wat(&format!("(module {items})")),
        wat(&format!("(component (core module {items}))")),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_36_more_functions_locals_or_data_than_are_compiled() {
    surrounded(async |world| {
        let functions = "(func)".repeat(100_000);
        let locals = format!("(func (local {}))", "i32 ".repeat(10_001));
        let body = format!("(func {})", "nop ".repeat(5 << 20));
        let data = format!("(memory 1) {}", r#"(data "")"#.repeat(100_000));
        for (items, said) in [
            (
                functions,
                "100000 functions, 80000 are allowed (raise `limits.functions`",
            ),
            (
                locals,
                "10001 locals in one function, 10000 are allowed (raise `limits.locals`",
            ),
            (
                body,
                "bytes in one function, 4194304 are allowed (raise `limits.function_kib`",
            ),
            (
                data,
                "100000 segments of data and elements, 80000 are allowed (raise `limits.segments`",
            ),
        ] {
            for file in both(&items) {
                is_refused(world, &file, |_| {}, said).await;
            }
        }
        let large = |settings: &mut PluginSettings| settings.limits.module = 1 << 10;
        for file in both(r#"(@custom "large" "")"#.repeat(200).as_str()) {
            is_refused(
                world,
                &file,
                large,
                "bytes, 1024 are allowed (raise `limits.module_mib`",
            )
            .await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_36_what_takes_too_long_or_too_much_memory_to_compile() {
    surrounded(async |world| {
        let compiling = host_of(RuntimeSettings {
            compiler: Compiler::Child {
                program: binary().to_owned(),
                arguments: vec!["compile-worker".into()],
            },
            ..RuntimeSettings::default()
        });
        // Functions that are no trouble each, and many.
        let body = "(func (param i32) (result i32) local.get 0 i32.const 3 i32.mul i32.const 5 i32.add)";
        let many = body.repeat(70_000);
        let soon = |settings: &mut PluginSettings| settings.limits.compile_timeout = Duration::from_millis(1);
        let little = |settings: &mut PluginSettings| settings.limits.compile_memory = 48 << 20;
        for kind in KINDS {
            let guest = faulty(kind, &many, "");
            for (change, said, limit) in [
                (
                    &soon as &dyn Fn(&mut PluginSettings),
                    "raise `limits.compile_timeout_ms`",
                    "compile_timeout",
                ),
                (&little, "raise `limits.compile_memory_mib`", "compile_memory"),
            ] {
                let mut settings = PluginSettings::new(format!("{FAULTY}.wasm"));
                change(&mut settings);
                let counters = settings.counters.clone();
                let refusal = compiling.load(guest.clone(), settings).await.map(|_| ()).unwrap_err();
                let refusal = refusal.to_string();
                assert!(refusal.contains(said) && refusal.contains(FAULTY), "{refusal}");
                assert_eq!(overruns(&counters), [(limit, 1)], "{refusal}");
            }
        }
        // What surrounds this one is asked a last time, so that there was something beside it.
        let healthy = faulty(Kind::Typed, "", "");
        let pipeline = world.load(&healthy, |_| {}).await;
        assert_eq!(world.count(&pipeline).await, Some(1));
        world.retire(pipeline).await;
    })
    .await;
}
