//! Commands by hand, which do what no kit does.

use std::fmt::Write as _;

use bytes::Bytes;

use crate::support::wat;

/// Where what is read goes, byte by byte.
pub const READ: usize = 32_768;

/// A command that says these texts: each is a function `$NAME` that writes its text to a stream. Beside them it has `$read_line`,
/// which reads up to the end of a line in pieces of one byte and gives its length, `$read_once`, which reads one byte and gives
/// the error, and WASI's `$fd_read`, `$fd_write`, `$proc_exit` and `$proc_raise`.
pub fn command(texts: &[(&str, u32, &str)], start: &str) -> Bytes {
    let (mut parts, mut at) = (String::new(), 1024);
    for (name, stream, text) in texts {
        let data: String = text.bytes().map(|byte| format!("\\{byte:02x}")).collect();
        let length = text.len();
        writeln!(
            parts,
            r#"(data (i32.const {at}) "{data}")
            (func ${name} (call $write (i32.const {stream}) (i32.const {at}) (i32.const {length})))"#
        )
        .unwrap();
        at += length;
    }
    assert!(at < READ);
    wat(&format!(
        r#"(module
          (import "wasi_snapshot_preview1" "fd_read" (func $fd_read (param i32 i32 i32 i32) (result i32)))
          (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
          (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
          (import "wasi_snapshot_preview1" "proc_raise" (func $proc_raise (param i32) (result i32)))
          (memory (export "memory") 16)
          (func $write (param $stream i32) (param $at i32) (param $length i32)
            (i32.store (i32.const 0) (local.get $at))
            (i32.store (i32.const 4) (local.get $length))
            (drop (call $fd_write (local.get $stream) (i32.const 0) (i32.const 1) (i32.const 8))))
          (func $read_once (param $at i32) (result i32)
            (i32.store (i32.const 0) (local.get $at))
            (i32.store (i32.const 4) (i32.const 1))
            (call $fd_read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))
          (func $read_line (result i32) (local $at i32)
            (local.set $at (i32.const {READ}))
            (loop $next
              (br_if $next (i32.eq (call $read_once (local.get $at)) (i32.const 6)))
              (local.set $at (i32.add (local.get $at) (i32.const 1)))
              (br_if $next (i32.ne (i32.load8_u (i32.sub (local.get $at) (i32.const 1))) (i32.const 10))))
            (i32.sub (local.get $at) (i32.const {READ})))
          {parts}
          (func (export "_start") {start}))"#
    ))
}

/// The answer.
pub const ANSWER: (&str, u32, &str) = ("answer", 1, "{\"jsonrpc\":\"2.0\",\"id\":0,\"result\":true}\n");
