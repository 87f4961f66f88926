//! A guest of either kind that counts the calls of its instance, tells the count in the context, and gets into trouble
//! at one of them.

use std::sync::Arc;

use bytes::Bytes;
use heimdall_host::model::{CallKind, LlmError, Upstream};
use heimdall_host::pipeline::{LlmStep, Pipeline};

use crate::guest::{DATA, Guest, OK};
use crate::support::*;
use crate::typed::after_call;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Typed,
    Legacy,
}

pub const KINDS: [Kind; 2] = [Kind::Typed, Kind::Legacy];

/// What happens at one of the calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    None,
    Trap,
    Endless,
    DeepRecursion,
    /// More than the memory's limit.
    Memory,
    /// The first memory grows by a page, then the second one.
    TwoMemories,
    /// More than a table may have.
    Table,
    /// The guest returns an error.
    Error,
    /// 5000 bytes.
    LargeAnswer,
    /// Some milliseconds of work.
    Work,
}

const LOOP: &str = "(loop $again (br $again))";

impl Trouble {
    fn body(self, kind: Kind) -> String {
        let give = |typed: usize, legacy: u64| match kind {
            Kind::Typed => format!("(return (i32.const {typed}))"),
            Kind::Legacy => format!("(return (i64.const {legacy}))"),
        };
        match self {
            Trouble::None => String::new(),
            Trouble::Trap => "unreachable".to_owned(),
            Trouble::Endless => LOOP.to_owned(),
            Trouble::DeepRecursion => "(call $deep)".to_owned(),
            Trouble::Memory => "(drop (memory.grow 0 (i32.const 1000))) unreachable".to_owned(),
            // Whether the first can grow shows in the kind of failure.
            Trouble::TwoMemories => format!(
                "(if (i32.eq (memory.grow 0 (i32.const 1)) (i32.const -1)) (then {LOOP}))
                 (drop (memory.grow 1 (i32.const 1))) unreachable"
            ),
            Trouble::Table => "(drop (table.grow $table (ref.null func) (i32.const 200000)))".to_owned(),
            Trouble::Error => give(DATA + 512, (2048 << 32) | 14),
            Trouble::LargeAnswer => give(DATA + 576, (16384 << 32) | 5000),
            Trouble::Work => "(loop $again
                 (global.set $work (i32.add (global.get $work) (i32.const 1)))
                 (br_if $again (i32.lt_u (global.get $work) (i32.const 100000000))))"
                .to_owned(),
        }
    }
}

/// The guest, with 32 pages of memory and one page of a second memory. Its pre hook and its post hook count alike.
pub fn counting(kind: Kind, trouble: Trouble, at: u32) -> Bytes {
    let items = "(memory 1)
         (table $table 1 funcref)
         (global $calls (mut i32) (i32.const 0))
         (global $work (mut i32) (i32.const 0))
         (func $deep (call $deep))
         (func $count (global.set $calls (i32.add (global.get $calls) (i32.const 1))))";
    let trouble = trouble.body(kind);
    let trouble = format!("(if (i32.eq (global.get $calls) (i32.const {at})) (then {trouble}))");
    match kind {
        Kind::Typed => typed(items, &trouble),
        Kind::Legacy => legacy(items, &trouble),
    }
}

fn typed(items: &str, trouble: &str) -> Bytes {
    let hook = format!(
        r#"(func $hook (result i32)
             (call $count)
             {trouble}
             (i32.store8 (i32.const {value}) (i32.add (i32.const 48) (global.get $calls)))
             (call $set (i32.const {DATA}) (i32.const 1) (i32.const {value}) (i32.const 1) (i32.const {unused}))
             (i32.const {OK}))"#,
        value = DATA + 16,
        unused = DATA + 32,
    );
    let guest = Guest::new()
        .calls("context", "set", "set", "(param i32 i32 i32 i32 i32)")
        .data(DATA, b"n")
        .words(DATA + 512, &[1, 5, u32::try_from(DATA + 528).unwrap(), 2])
        .data(DATA + 528, b"no")
        .words(DATA + 576, &[0, 1, 1, 16384, 5000])
        .item(items)
        .item(&hook)
        .before_call("(call $hook)");
    after_call(guest, "", "(call $hook)").build()
}

fn legacy(items: &str, trouble: &str) -> Bytes {
    wat(&format!(
        r#"(module
             (memory (export "memory") 32)
             {items}
             (func (export "malloc") (param i32) (result i32) (i32.const 131072))
             (func (export "free") (param i32))
             (data (i32.const 1024) "{{\22context\22:{{\22n\22:0}}}}")
             (data (i32.const 2048) "{{\22error\22:\22no\22}}")
             (func $hook (export "pre_hook") (export "post_hook") (param i32 i32) (result i64)
               (call $count)
               {trouble}
               (i32.store8 (i32.const 1040) (i32.add (i32.const 48) (global.get $calls)))
               (i64.const 0x0000_0400_0000_0013)))"#
    ))
}

/// One request's pre hook: the count that it left, none if it left none, or the error that the client gets.
pub async fn before(pipeline: &Arc<Pipeline>) -> Result<Option<u32>, LlmError> {
    let mut exchange = pipeline.begin("r", http_request("/v1/chat/completions"));
    match exchange.before_call(chat("hello")).await {
        LlmStep::Proceed(_) => Ok(exchange.context().get("n").map(|n| n.as_str().parse().unwrap())),
        LlmStep::Refuse(error) => Err(error),
        LlmStep::Answer(_) => panic!("it answered"),
    }
}

/// One request's pre hook and post hook: the counts that they left.
pub async fn both(pipeline: &Arc<Pipeline>) -> [u32; 2] {
    let mut exchange = pipeline.begin("r", http_request("/v1/chat/completions"));
    proceed(&mut exchange, chat("hello")).await;
    let count = |exchange: &heimdall_host::pipeline::Exchange| {
        let count = exchange.context().get("n").unwrap();
        count.as_str().parse().unwrap()
    };
    let first = count(&exchange);
    let Upstream::Response(response) = exchange.after_call(answer("hi")).await else {
        panic!("it failed")
    };
    assert_eq!(response.kind(), CallKind::Chat);
    [first, count(&exchange)]
}
