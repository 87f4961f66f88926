//! What an instance finds in the place of one that is gone.

use wasmtime::Ref;

use super::*;

const PAGE: usize = 64 << 10;
const ENTRIES: u64 = 20_000;
/// Pages that an instance has in the end.
const GROWN: usize = 44;

/// A guest whose memory has these words in its second page.
fn guest(words: &str) -> String {
    format!(
        r#"(module (memory (export "memory") 4) (data (i32.const 66000) "{words}")
          (table (export "table") {ENTRIES} funcref) (func (export "function")))"#
    )
}

/// Sees that all is as the module has it, and writes over so many pages and entries.
async fn look_and_write(runtime: &Runtime, module: &Module, words: &str, written: usize) {
    let Started { mut store, instance } = start_module(runtime, module, Limits::default()).await.unwrap();
    let memory = instance.get_memory(&mut store, "memory").unwrap();
    memory.grow(&mut store, GROWN as u64 - 4).unwrap();
    let mut expected = vec![0; GROWN * PAGE];
    expected[66_000..][..words.len()].copy_from_slice(words.as_bytes());
    assert!(
        memory.data(&store) == expected,
        "its memory, before {written} pages are written to"
    );
    let table = instance.get_table(&mut store, "table").unwrap();
    for entry in 0..ENTRIES {
        assert!(table.get(&mut store, entry).unwrap().is_null(), "the entry {entry}");
    }
    memory.data_mut(&mut store)[..written * PAGE].fill(0xff);
    let function = instance.get_func(&mut store, "function").unwrap();
    for entry in 0..ENTRIES * written as u64 / GROWN as u64 {
        table.set(&mut store, entry, Ref::Func(Some(function))).unwrap();
    }
}

#[tokio::test]
async fn an_instance_finds_nothing_of_the_one_before_it() {
    let runtime = runtime();
    let module = compiled(&runtime, &guest("as it was")).await;
    for written in [0, 1, 0, 2, GROWN, 1, GROWN, 0] {
        look_and_write(&runtime, &module, "as it was", written).await;
    }
}

#[tokio::test]
async fn an_instance_finds_nothing_of_another_plugins() {
    let runtime = runtime();
    let mut modules = Vec::new();
    // More than there are places for memories, so that each is in another one's place.
    for number in 0..16 {
        let words = format!("words {number}");
        modules.push((compiled(&runtime, &guest(&words)).await, words));
    }
    for written in [GROWN, 1] {
        for (module, words) in &modules {
            look_and_write(&runtime, module, words, written).await;
        }
    }
}
