//! Guests of either kind that call WASI preview 1; for a typed one it becomes WASI 0.2 when it is encoded.

use std::fmt::Write as _;

use bytes::Bytes;

use crate::guests::{Kind, Legacy, typed};

/// Where a guest's texts may lie, in either kind.
pub const TEXT: usize = 4096;

/// A function `$say` that writes this to the standard output.
pub fn printing(text: &str) -> String {
    let (list, length) = (TEXT - 16, text.len());
    format!(
        "{}
         (func $say
            (i32.store (i32.const {list}) (i32.const {TEXT})) (i32.store offset=4 (i32.const {list}) (i32.const {length}))
            (drop (call $fd_write (i32.const 1) (i32.const {list}) (i32.const 1) (i32.const {written}))))",
        data(TEXT, text.as_bytes()),
        written = TEXT - 8,
    )
}

/// A function `$flood` that calls `$say` so often.
pub fn often(times: u32) -> String {
    format!(
        "(global $said (mut i32) (i32.const 0))
         (func $flood (loop $again
            (call $say)
            (global.set $said (i32.add (global.get $said) (i32.const 1)))
            (br_if $again (i32.lt_u (global.get $said) (i32.const {times})))))"
    )
}

/// Bytes in its memory.
pub fn data(place: usize, bytes: &[u8]) -> String {
    let escaped = bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "\\{byte:02x}").unwrap();
        text
    });
    format!("(data (i32.const {place}) \"{escaped}\")")
}

/// A guest that imports these functions of WASI, each with its type.
pub fn importing(kind: Kind, functions: &[(&str, &str)], items: &str, trouble: &str) -> Bytes {
    const MODULE: &str = "wasi_snapshot_preview1";
    match kind {
        Kind::Typed => {
            let guest = functions.iter().fold(typed(trouble), |guest, (name, signature)| {
                guest.import(MODULE, name, name, signature)
            });
            guest.item(items).build()
        }
        Kind::Legacy => {
            let imports = functions.iter().fold(String::new(), |mut imports, (name, signature)| {
                writeln!(imports, r#"(import "{MODULE}" "{name}" (func ${name} {signature}))"#).unwrap();
                imports
            });
            Legacy {
                imports: &imports,
                items,
                trouble,
                ..Legacy::default()
            }
            .build()
        }
    }
}

/// As [`importing`], with the function that writes to the standard output.
pub fn with_output(kind: Kind, items: &str, trouble: &str) -> Bytes {
    importing(kind, &[FD_WRITE], items, trouble)
}

/// `fd_write`, with its type.
pub const FD_WRITE: (&str, &str) = ("fd_write", "(param i32 i32 i32 i32) (result i32)");

/// A guest whose function `$say` logs this with a level: by the contract's interface, or as AssemblyScript does.
pub fn logging(kind: Kind, text: &str, items: &str, trouble: &str) -> Bytes {
    let length = text.len();
    match kind {
        Kind::Typed => {
            let say = format!(
                "(func $say (call $log
                    (i32.const 2) (i32.const {TEXT}) (i32.const {length}) (i32.const 0) (i32.const 0)))"
            );
            typed(trouble)
                .calls("logging", "log", "log", "(param i32 i32 i32 i32 i32)")
                .item(&(data(TEXT, text.as_bytes()) + &say + items))
                .build()
        }
        Kind::Legacy => {
            let units: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
            let length = u32::try_from(units.len()).unwrap();
            let say = format!(
                "(func $say (call $trace (i32.const {TEXT}) (i32.const 0)
                    (f64.const 0) (f64.const 0) (f64.const 0) (f64.const 0) (f64.const 0)))"
            );
            Legacy {
                imports: r#"(import "env" "trace" (func $trace (param i32 i32 f64 f64 f64 f64 f64)))"#,
                items: &[
                    data(TEXT - 4, &length.to_le_bytes()),
                    data(TEXT, &units),
                    say,
                    items.to_owned(),
                ]
                .concat(),
                trouble,
                ..Legacy::default()
            }
            .build()
        }
    }
}
