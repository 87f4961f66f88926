//! What a guest of WASI preview 1 is told when it starts.

use wasmtime::Memory;

use super::*;
use crate::runtime::World;

/// A page of memory, and each function as `(a, b) -> errno`.
const GUEST: &str = r#"(module
  (import "wasi_snapshot_preview1" "args_sizes_get" (func $args_sizes_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "args_get" (func $args_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "environ_sizes_get" (func $environ_sizes_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "environ_get" (func $environ_get (param i32 i32) (result i32)))
  (import "wasi_unstable" "random_get" (func $random_get (param i32 i32) (result i32)))
  (memory (export "memory") 2)
  (func (export "args_sizes_get") (param i32 i32) (result i32) (call $args_sizes_get (local.get 0) (local.get 1)))
  (func (export "args_get") (param i32 i32) (result i32) (call $args_get (local.get 0) (local.get 1)))
  (func (export "environ_sizes_get") (param i32 i32) (result i32) (call $environ_sizes_get (local.get 0) (local.get 1)))
  (func (export "environ_get") (param i32 i32) (result i32) (call $environ_get (local.get 0) (local.get 1)))
  (func (export "random_get") (param i32 i32) (result i32) (call $random_get (local.get 0) (local.get 1))))"#;

struct Asked(Started);

impl Asked {
    async fn with(environment: &[(&str, &str)]) -> Asked {
        let runtime = runtime();
        let module = compiled(&runtime, GUEST).await;
        let variables = environment.iter();
        let world = World {
            environment: variables
                .map(|(name, value)| (name.to_string(), value.to_string()))
                .collect(),
            directories: Vec::new(),
        };
        let mut started = start_module(&runtime, &module, Limits::default()).await.unwrap();
        started.store.data_mut().tenant = Tenant::in_world(&account(Limits::default()), &world).unwrap();
        Asked(started)
    }

    async fn call(&mut self, function: &str, first: u32, second: u32) -> i32 {
        let Started { store, instance } = &mut self.0;
        let function = instance
            .get_typed_func::<(u32, u32), i32>(&mut *store, function)
            .unwrap();
        function.call_async(store, (first, second)).await.unwrap()
    }

    fn memory(&mut self) -> &mut [u8] {
        let memory: Memory = self.0.instance.get_memory(&mut self.0.store, "memory").unwrap();
        memory.data_mut(&mut self.0.store)
    }

    fn word(&mut self, at: usize) -> u32 {
        u32::from_le_bytes(self.memory()[at..at + 4].try_into().unwrap())
    }
}

#[tokio::test]
async fn a_guest_reads_the_variables_that_it_is_granted() {
    let mut guest = Asked::with(&[("ONE", "1"), ("EMPTY", "")]).await;
    assert_eq!(guest.call("environ_sizes_get", 0, 4).await, 0);
    let text = b"ONE=1\0EMPTY=\0";
    assert_eq!((guest.word(0), guest.word(4)), (2, text.len() as u32));
    assert_eq!(guest.call("environ_get", 16, 64).await, 0);
    assert_eq!((guest.word(16), guest.word(20)), (64, 70));
    assert_eq!(guest.memory()[64..64 + text.len()], *text);
}

#[tokio::test]
async fn a_guest_has_no_arguments() {
    let mut guest = Asked::with(&[]).await;
    guest.memory()[..8].fill(0xff);
    assert_eq!(guest.call("args_sizes_get", 0, 4).await, 0);
    assert_eq!((guest.word(0), guest.word(4)), (0, 0));
    assert_eq!(guest.call("args_get", 0, 4).await, 0);
}

#[tokio::test]
async fn random_bytes_fill_what_was_asked_for_and_no_more() {
    let mut guest = Asked::with(&[]).await;
    assert_eq!(guest.call("random_get", 0, 64 << 10).await, 0);
    let once = guest.memory()[..64 << 10].to_vec();
    assert_eq!(guest.memory()[64 << 10..], vec![0; 64 << 10]);
    assert_eq!(guest.call("random_get", 0, 64 << 10).await, 0);
    assert_ne!(guest.memory()[..64 << 10], once);
    let bytes: std::collections::BTreeSet<u8> = once.into_iter().collect();
    assert_eq!(bytes.len(), 256);
}

#[tokio::test]
async fn a_place_outside_of_the_memory_and_too_much_are_told() {
    const FAULT: i32 = 21;
    const INVALID: i32 = 28;
    let end = 128 << 10;
    let mut guest = Asked::with(&[("ONE", "1")]).await;
    for (function, first, second, told) in [
        ("args_sizes_get", end - 3, 0, FAULT),
        ("args_sizes_get", 0, u32::MAX, FAULT),
        ("environ_sizes_get", end, 0, FAULT),
        ("environ_sizes_get", 0, end - 1, FAULT),
        ("environ_get", end - 1, 0, FAULT),
        ("environ_get", 0, end - 5, FAULT),
        ("random_get", end, 1, FAULT),
        ("random_get", u32::MAX, 1, FAULT),
        ("random_get", end - 1, 2, FAULT),
        ("random_get", 0, (64 << 10) + 1, INVALID),
        ("random_get", 0, u32::MAX, INVALID),
    ] {
        assert_eq!(
            guest.call(function, first, second).await,
            told,
            "{function}({first}, {second})"
        );
    }
    assert_eq!(guest.call("random_get", end, 0).await, 0);
}
