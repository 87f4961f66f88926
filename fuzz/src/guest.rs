//! A legacy module that does what a script says, byte by byte: its answers are arbitrary numbers and bytes.
//!
//! The script comes as its configuration, a JSON string of hexadecimal digits, and begins anew with each instance. Its first
//! byte holds flags: 1, the allocator gives what the script says; 2, `free` traps; 4, `get_name` answers from the script; 8,
//! `init` fails. Each answer then takes a byte of the script, of which the lower three bits say what it is:
//!
//! | | |
//! | --- | --- |
//! | 0 | the next 8 bytes, as the packed address and length |
//! | 1 | two bytes of length, and that many bytes as the answer |
//! | 2 | the input itself |
//! | 3 | a trap |
//! | 4 | the memory grows by the next byte's pages; then as the byte after it says |
//! | 5 | nothing |
//! | 6 | an address of 4 bytes with a length of one byte |
//! | 7 | a good address with a length of 4 bytes |

use std::fmt::Write as _;
use std::sync::OnceLock;

use heimdall_host::json::Document;
use heimdall_host::limits::Limits;
use heimdall_host::loader::Prepared;

use crate::{block_on, host};

/// The most bytes of a script: what its part of the memory holds.
const MAX_SCRIPT: usize = 32 << 10;

/// Where the script is; the heap is above it, or from 0.
const SCRIPT: usize = 65536;

/// A script as a configuration.
pub fn script(bytes: &[u8]) -> Document {
    let mut digits = String::new();
    for byte in bytes.iter().take(MAX_SCRIPT) {
        write!(digits, "{byte:02x}").expect("a string takes everything");
    }
    Document::string(&digits)
}

/// The modules, compiled once: of two generations, each with a heap that can be reset and with one from address 0 that can't.
pub fn modules() -> &'static [Prepared] {
    static MODULES: OnceLock<Vec<Prepared>> = OnceLock::new();
    MODULES.get_or_init(|| {
        let all = [(3, true), (3, false), (1, true), (1, false)];
        let prepare = |(generation, reset)| {
            let module = wat::parse_str(module(generation, reset)).expect("the module is text of WebAssembly");
            block_on(host().prepare("fuzz.wasm", module.into(), &Limits::default())).expect("the module is a plugin")
        };
        all.map(prepare).into()
    })
}

fn module(generation: u32, reset: bool) -> String {
    let hooks: &[(&str, usize)] = match generation {
        1 => &[("http_transport_intercept", 2), ("pre_hook", 2), ("post_hook", 3)],
        _ => &[
            ("http_pre_hook", 1),
            ("http_post_hook", 1),
            ("http_stream_chunk_hook", 1),
            ("pre_hook", 1),
            ("post_hook", 1),
        ],
    };
    let hooks: String = hooks
        .iter()
        .map(|(name, inputs)| {
            let parameters = "i32 i32 ".repeat(*inputs);
            format!("(func (export \"{name}\") (param {parameters}) (result i64) (call $answer (local.get 0) (local.get 1)))\n")
        })
        .collect();
    // The script's text is decoded from the heap into the place of the script, so the heap is twice as large and more.
    let (start, end) = if reset { (131_072, 262_144) } else { (0, SCRIPT) };
    let exported = if reset { "(export \"plugin_reset\")" } else { "" };
    format!(
        r#"(module
  (memory (export "memory") 4)
  (global $next (mut i32) (i32.const {start}))
  (global $cursor (mut i32) (i32.const {SCRIPT}))
  (global $end (mut i32) (i32.const {SCRIPT}))
  (global $flags (mut i32) (i32.const 0))
  {LIBRARY}
  (func (export "malloc") (param $size i32) (result i32) (local $at i32)
    (if (i32.and (global.get $flags) (i32.const 1)) (then (return (i32.wrap_i64 (call $number (i32.const 4))))))
    (local.set $at (global.get $next))
    (if (i32.gt_u (local.get $size) (i32.sub (i32.const {end}) (local.get $at))) (then (return (i32.const 0))))
    (global.set $next (i32.add (local.get $at) (local.get $size)))
    (local.get $at))
  (func {exported} (global.set $next (i32.const {start})))
  {hooks})"#
    )
}

/// What all of them have in common.
const LIBRARY: &str = r#"
  (func $byte (result i32)
    (if (i32.ge_u (global.get $cursor) (global.get $end)) (then (return (i32.const 0))))
    (global.set $cursor (i32.add (global.get $cursor) (i32.const 1)))
    (i32.load8_u (i32.sub (global.get $cursor) (i32.const 1))))
  (func $number (param $bytes i32) (result i64) (local $number i64)
    (loop $more
      (local.set $number (i64.or (i64.shl (local.get $number) (i64.const 8)) (i64.extend_i32_u (call $byte))))
      (local.set $bytes (i32.sub (local.get $bytes) (i32.const 1)))
      (br_if $more (local.get $bytes)))
    (local.get $number))
  (func $packed (param $at i32) (param $length i32) (result i64)
    (i64.or (i64.shl (i64.extend_i32_u (local.get $at)) (i64.const 32)) (i64.extend_i32_u (local.get $length))))
  (func $bytes (result i64) (local $at i32) (local $length i32)
    (local.set $length (i32.wrap_i64 (call $number (i32.const 2))))
    (local.set $at (global.get $cursor))
    (if (i32.gt_u (local.get $length) (i32.sub (global.get $end) (local.get $at)))
      (then (local.set $length (i32.sub (global.get $end) (local.get $at)))))
    (global.set $cursor (i32.add (local.get $at) (local.get $length)))
    (call $packed (local.get $at) (local.get $length)))
  (func $answer (param $in i32) (param $length i32) (result i64)
    (block $7 (block $6 (block $5 (block $4 (block $3 (block $2 (block $1 (block $0
      (br_table $0 $1 $2 $3 $4 $5 $6 $7 (i32.and (call $byte) (i32.const 7))))
      (return (call $number (i32.const 8))))
      (return (call $bytes)))
      (return (call $packed (local.get $in) (local.get $length))))
      (unreachable))
      (drop (memory.grow (call $byte)))
      (return (call $answer (local.get $in) (local.get $length))))
      (return (i64.const 0)))
      (return (call $packed (i32.wrap_i64 (call $number (i32.const 4))) (call $byte))))
    (call $packed (i32.const 65536) (i32.wrap_i64 (call $number (i32.const 4)))))
  (func $digit (param $at i32) (result i32)
    (local.set $at (i32.load8_u (local.get $at)))
    (i32.add (i32.and (local.get $at) (i32.const 15)) (i32.mul (i32.shr_u (local.get $at) (i32.const 6)) (i32.const 9))))
  (func (export "init") (param $at i32) (param $length i32) (result i32) (local $last i32)
    (local.set $last (i32.add (local.get $at) (i32.sub (local.get $length) (i32.const 1))))
    (local.set $at (i32.add (local.get $at) (i32.const 1)))
    (block $done (loop $more
      (br_if $done (i32.ge_u (local.get $at) (local.get $last)))
      (i32.store8 (global.get $end) (i32.add
        (i32.mul (call $digit (local.get $at)) (i32.const 16))
        (call $digit (i32.add (local.get $at) (i32.const 1)))))
      (global.set $end (i32.add (global.get $end) (i32.const 1)))
      (local.set $at (i32.add (local.get $at) (i32.const 2)))
      (br $more)))
    (global.set $flags (call $byte))
    (i32.and (global.get $flags) (i32.const 8)))
  (func (export "get_name") (result i64)
    (if (i32.and (global.get $flags) (i32.const 4)) (then (return (call $answer (i32.const 0) (i32.const 0)))))
    (i64.const 0))
  (func (export "free") (param i32)
    (if (i32.and (global.get $flags) (i32.const 2)) (then unreachable)))
  (func (export "cleanup") (result i32) (call $byte))"#;
