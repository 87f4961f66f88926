//! Files that are too much from the start.

use bytes::Bytes;
use heimdall_host::loader::PluginSettings;

use crate::guests::*;
use crate::support::wat;
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
        let functions = "(func)".repeat(100_001);
        let locals = format!("(func (local {}))", "i32 ".repeat(10_001));
        let body = format!("(func {})", "nop ".repeat(5 << 20));
        let data = format!("(memory 1) {}", r#"(data "")"#.repeat(100_001));
        for (items, said) in [
            (
                functions,
                "100001 functions, 100000 are allowed (raise `limits.functions`",
            ),
            (
                locals,
                "10001 locals in one function, 10000 are allowed (raise `limits.locals`",
            ),
            (
                body,
                "bytes in one function, 4194304 are allowed (raise `limits.function_kib`",
            ),
            (data, "data"),
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
