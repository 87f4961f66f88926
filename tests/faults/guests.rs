//! Guests of either kind that count the calls of their instance, edit what they are given, and then get into trouble.

use bytes::Bytes;

use crate::guest::{DATA, Guest, OK};
use crate::support::wat;
use crate::typed::before_call;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Typed,
    Legacy,
}

pub const KINDS: [Kind; 2] = [Kind::Typed, Kind::Legacy];

/// What never ends.
pub const ENDLESS: &str = "(loop $again (br $again))";

/// What an instance does at its second call only.
fn at_second(trouble: &str) -> String {
    format!("(if (i32.eq (global.get $calls) (i32.const 2)) (then {trouble}))")
}

const COUNT: &str = "(global $calls (mut i32) (i32.const 0))
    (func $count (global.set $calls (i32.add (global.get $calls) (i32.const 1))))
    (func $digit (result i32) (i32.add (i32.const 48) (i32.rem_u (global.get $calls) (i32.const 10))))";

/// A guest of this kind that gets into trouble at its second call; both have a memory of 32 pages, called `0`.
pub fn faulty(kind: Kind, items: &str, trouble: &str) -> Bytes {
    doing(kind, items, &at_second(trouble))
}

/// A guest of this kind that does this at each call.
pub fn doing(kind: Kind, items: &str, each: &str) -> Bytes {
    match kind {
        Kind::Typed => typed_doing(each).item(items).build(),
        Kind::Legacy => Legacy {
            items,
            result: &format!("{each} {COUNTED}"),
            ..Legacy::default()
        }
        .build(),
    }
}

/// A typed guest that gets into trouble at its second call.
pub fn typed(trouble: &str) -> Guest {
    typed_doing(&at_second(trouble))
}

/// A typed guest. It asks another model and leaves its count, modulo 10, in the context; then it does this.
fn typed_doing(each: &str) -> Guest {
    const MODEL: usize = DATA;
    const KEY: usize = DATA + 16;
    const VALUE: usize = DATA + 32;
    const UNUSED: usize = DATA + 64;
    let guest = Guest::new()
        .calls("context", "set", "set", "(param i32 i32 i32 i32 i32)")
        .calls(
            "llm-types",
            "[method]llm-request.set-model",
            "set-model",
            "(param i32 i32 i32 i32)",
        )
        .data(MODEL, b"edited")
        .data(KEY, b"n")
        .item(COUNT);
    let edits = format!(
        "(call $count)
         (i32.store8 (i32.const {VALUE}) (call $digit))
         (call $set (i32.const {KEY}) (i32.const 1) (i32.const {VALUE}) (i32.const 1) (i32.const {UNUSED}))
         (call $set-model (local.get $request) (i32.const {MODEL}) (i32.const 6) (i32.const {UNUSED}))"
    );
    before_call(guest, &edits, &format!("{each} (i32.const {OK})"))
}

/// A legacy guest of generation 2 or 3 that leaves its count, in parts. What is left as it is does no harm.
pub struct Legacy<'a> {
    pub imports: &'a str,
    pub memory: &'a str,
    pub malloc: &'a str,
    pub free: &'a str,
    pub items: &'a str,
    /// What the hook does at its second call; it may return the result.
    pub trouble: &'a str,
    /// The result of each call.
    pub result: &'a str,
}

/// `{"context":{"n":…}}` with the count.
pub const COUNTED: &str = "(i64.const 0x0000_0400_0000_0013)";

impl Default for Legacy<'_> {
    fn default() -> Self {
        Legacy {
            imports: "",
            memory: r#"(memory (export "memory") 32)"#,
            malloc: r#"(func (export "malloc") (param i32) (result i32) (i32.const 131072))"#,
            free: r#"(func (export "free") (param i32))"#,
            items: "",
            trouble: "",
            result: COUNTED,
        }
    }
}

impl Legacy<'_> {
    pub fn build(&self) -> Bytes {
        let Legacy {
            imports,
            memory,
            malloc,
            free,
            items,
            result,
            ..
        } = self;
        let trouble = at_second(self.trouble);
        wat(&format!(
            r#"(module {imports} {memory} {COUNT} {items} {malloc} {free}
                 (data (i32.const 1024) "{{\22context\22:{{\22n\22:0}}}}")
                 (func (export "pre_hook") (param $at i32) (param $length i32) (result i64)
                   (call $count)
                   (i32.store8 (i32.const 1040) (call $digit))
                   {trouble}
                   {result}))"#
        ))
    }
}
