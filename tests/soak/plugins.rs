//! The plugins: two that are replaced again and again and show by which version they are, and some that do their worst.

use std::path::Path;

use heimdall_tests::guests::{GEN3, TYPED_TAG};

/// A request with this in its text makes the plugin `explodes` trap.
pub const FUSE: &str = "explode!";

/// Guests of the packed ABI, by what their hook before a call does to its input, at `$address` and `$length`.
const FAULTY: [(&str, &str, &str); 6] = [
    ("loops", OPEN, "(loop $again (br $again)) unreachable"),
    ("traps", OPEN, "unreachable"),
    (
        "bomb",
        OPEN,
        "(loop $again (br_if $again (i32.ne (memory.grow (i32.const 64)) (i32.const -1)))) unreachable",
    ),
    (
        "garbage",
        OPEN,
        "(i64.or (i64.shl (i64.const 2048) (i64.const 32)) (i64.const 7))",
    ),
    (
        "floods",
        OPEN,
        "(local $lines i32)
         (loop $again
           (drop (call $fd_write (i32.const 1) (i32.const 1024) (i32.const 1) (i32.const 1040)))
           (local.set $lines (i32.add (local.get $lines) (i32.const 1)))
           (br_if $again (i32.lt_u (local.get $lines) (i32.const 500))))
         (i64.const 0)",
    ),
    // It traps where it finds the fuse, and is fine else.
    (
        "explodes",
        "on_failure = \"closed\"\nbreaker.failures = 0\ninstances = 8",
        "(local $at i32)
         (loop $again
           (if (i64.eq (i64.load (i32.add (local.get $address) (local.get $at))) (i64.load (i32.const 2056)))
             (then unreachable))
           (local.set $at (i32.add (local.get $at) (i32.const 1)))
           (br_if $again (i32.lt_u (local.get $at) (local.get $length))))
         (i64.const 0)",
    ),
];

const OPEN: &str = "on_failure = \"open\"\nlimits.hook_timeout_ms = 30\nlimits.memory_mib = 32";

fn faulty(hook: &str) -> Vec<u8> {
    let module = format!(
        r#"(module
            (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
            (memory (export "memory") 8)
            ;; One line to print: its address and length, then its bytes.
            (data (i32.const 1024) "\30\04\00\00\0b\00\00\00")
            (data (i32.const 1072) "once more!\0a")
            (data (i32.const 2048) "no JSON!{FUSE}")
            (func (export "malloc") (param i32) (result i32) i32.const 65536)
            (func (export "pre_hook") (param $address i32) (param $length i32) (result i64) {hook}))"#
    );
    wat::parse_str(module).unwrap()
}

/// Writes the files that stay as they are.
pub fn write_faulty(folder: &Path) {
    for (name, _, hook) in FAULTY {
        std::fs::write(folder.join(format!("{name}.wasm")), faulty(hook)).unwrap();
    }
}

/// Replaces the files of the others, and the configuration, by those of this version. Each is there as a whole or not at
/// all, whenever it is looked at.
pub fn write_version(folder: &Path, head: &str, version: u64) {
    for (file, guest) in [("tag.wasm", TYPED_TAG), ("gen3.wasm", GEN3)] {
        replace(&folder.join(file), &marked(guest.bytes(), version));
    }
    replace(&folder.join("heimdall.toml"), configuration(head, version).as_bytes());
}

/// Puts something in a plugin's place that is none.
pub fn write_broken(folder: &Path) {
    replace(&folder.join("tag.wasm"), b"<html>not found</html>");
}

fn replace(file: &Path, bytes: &[u8]) {
    let next = file.with_extension("next");
    std::fs::write(&next, bytes).unwrap();
    std::fs::rename(next, file).unwrap();
}

/// The same code in other bytes, two kinds of them: what was compiled once comes from the cache, as after a rollback.
fn marked(mut wasm: Vec<u8>, version: u64) -> Vec<u8> {
    if version % 2 == 1 {
        // A custom section of two bytes, whose name is `v`.
        wasm.extend([0, 2, 1, b'v']);
    }
    wasm
}

fn configuration(head: &str, version: u64) -> String {
    let mut text = format!(
        "{head}
[upstreams.echo]
kind = \"echo\"

[[plugins]]
name = \"tag\"
path = \"tag.wasm\"
config = {{ tag = \"v{version}\" }}

[[plugins]]
name = \"gen3\"
path = \"gen3.wasm\"
config = {{ header = \"v{version}\" }}
"
    );
    for (name, settings, _) in FAULTY {
        text += &format!("\n[[plugins]]\nname = {name:?}\npath = \"{name}.wasm\"\n{settings}\n");
    }
    text
}
