//! Guests of each ABI that do the same.

use bytes::Bytes;
use heimdall_host::failure::Cause;
use heimdall_host::functions::{CallCause, Callable};
use heimdall_host::loader::{LoadError, PluginSettings};

use crate::support::{load, wat};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Abi {
    Extism,
    Wasp,
    Stdio,
}

pub const ABIS: [Abi; 3] = [Abi::Extism, Abi::Wasp, Abi::Stdio];

/// What the ABIs have in common that keep their instances, and whose standard output is no protocol.
pub const KEEPING: [Abi; 2] = [Abi::Extism, Abi::Wasp];

/// A guest whose function `run` does this; of JSON-RPC each method does, and answers then.
#[derive(Default)]
pub struct Doing<'a> {
    pub imports: &'a str,
    pub items: &'a str,
    pub body: &'a str,
}

const ANSWER: &str = r#"(data (i32.const 1024) "{\"jsonrpc\":\"2.0\",\"id\":0,\"result\":null}\n")
  (func $answer
    (i32.store (i32.const 0) (i32.const 1024))
    (i32.store (i32.const 4) (i32.const 39))
    (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))))"#;

impl Doing<'_> {
    pub fn bytes(&self, abi: Abi) -> Bytes {
        let Doing { imports, items, body } = self;
        let (own_import, own) = match abi {
            Abi::Extism => (
                r#"(import "extism:host/env" "input_length" (func (result i64)))"#,
                format!(r#"(func (export "run") (result i32) {body} (i32.const 0))"#),
            ),
            Abi::Wasp => (
                "",
                format!(
                    r#"(func (export "allocate") (param i32) (result i32) (i32.const 131072))
                    (func (export "get_string_size") (param i32) (result i32) (i32.const 0))
                    (func (export "run") {body})"#
                ),
            ),
            Abi::Stdio => (
                r#"(import "wasi_snapshot_preview1" "fd_read" (func (param i32 i32 i32 i32) (result i32)))"#,
                format!(r#"{ANSWER} (func (export "_start") {body} (call $answer))"#),
            ),
        };
        wat(&format!(
            r#"(module {own_import}
              (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
              {imports} (memory (export "memory") 4) {items} {own})"#
        ))
    }

    pub async fn load(&self, abi: Abi, change: impl FnOnce(&mut PluginSettings)) -> Result<Callable, LoadError> {
        load(self.bytes(abi), change).await
    }
}

pub async fn run(plugin: &Callable) -> Result<(), Cause> {
    let called = plugin.call::<()>("run", ()).await;
    called.map_err(|error| match error.cause {
        CallCause::Failed(cause) => cause,
        other => panic!("{other}"),
    })
}
