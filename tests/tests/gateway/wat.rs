//! Guests in WAT, which do what no toolchain builds, in files.

use std::path::PathBuf;

use crate::guest::{DATA, Guest, OK};
use crate::support::plugin_named;

/// A guest's file, in a folder of its own. Removed when dropped.
pub struct GuestFile {
    path: PathBuf,
    _directory: tempfile::TempDir,
}

impl GuestFile {
    pub fn new(file_name: &str, bytes: impl AsRef<[u8]>) -> GuestFile {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(file_name);
        std::fs::write(&path, bytes).unwrap();
        GuestFile {
            path,
            _directory: directory,
        }
    }

    pub fn path(&self) -> &str {
        self.path.to_str().unwrap()
    }

    /// A plugin's entry of a configuration.
    pub fn entry(&self, name: &str, more: &str) -> String {
        plugin_named(name, &self.path, more)
    }
}

/// A packed guest whose pre hook does this; `data` lies at 2048.
pub fn packed(pre_hook: &str, data: &str) -> Vec<u8> {
    packed_hook("pre_hook", pre_hook, data)
}

/// A packed guest with this hook, which does this; `data` lies at 2048.
fn packed_hook(hook: &str, body: &str, data: &str) -> Vec<u8> {
    let data: String = data.bytes().map(|byte| format!("\\{byte:02x}")).collect();
    ::wat::parse_str(format!(
        r#"(module (memory (export "memory") 2) (data (i32.const 2048) "{data}")
            (func (export "malloc") (param i32) (result i32) i32.const 65536)
            (func (export "{hook}") (param i32 i32) (result i64) {body}))"#
    ))
    .unwrap()
}

/// A packed guest that says the same at this hook whenever it is asked.
pub fn packed_saying(hook: &str, words: &str) -> Vec<u8> {
    packed_hook(hook, &format!("i64.const {}", (2048 << 32) | words.len()), words)
}

/// A packed guest that answers every call with this text.
pub fn packed_answer(text: &str) -> Vec<u8> {
    packed_saying("pre_hook", &answer(text))
}

/// What a legacy guest answers a call with.
fn answer(text: &str) -> String {
    format!(
        r#"{{"short_circuit":{{"response":{{"chat_response":{{"id":"x","model":"m","choices":[{{"index":0,"message":{{"role":"assistant","content":"{text}"}},"finish_reason":"stop"}}]}}}}}}}}"#
    )
}

/// A guest of Extism's that answers every call with this text.
pub fn extism_answer(text: &str) -> Vec<u8> {
    let answer = answer(text);
    let data: String = answer.bytes().map(|byte| format!("\\{byte:02x}")).collect();
    let length = answer.len();
    ::wat::parse_str(format!(
        r#"(module
            (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
            (import "extism:host/env" "store_u8" (func $store_u8 (param i64 i32)))
            (import "extism:host/env" "output_set" (func $output_set (param i64 i64)))
            (memory 1) (data (i32.const 0) "{data}")
            (func (export "pre_hook") (result i32) (local $block i64) (local $at i32)
              (local.set $block (call $alloc (i64.const {length})))
              (loop $next
                (call $store_u8
                  (i64.add (local.get $block) (i64.extend_i32_u (local.get $at)))
                  (i32.load8_u (local.get $at)))
                (local.set $at (i32.add (local.get $at) (i32.const 1)))
                (br_if $next (i32.lt_u (local.get $at) (i32.const {length}))))
              (call $output_set (local.get $block) (i64.const {length}))
              (i32.const 0)))"#
    ))
    .unwrap()
}

/// A typed guest that answers every call with this text.
pub fn typed_answer(text: &str) -> Vec<u8> {
    let (place, length) = (u32::try_from(DATA + 256).unwrap(), u32::try_from(text.len()).unwrap());
    // ok, answer, completion, text, and nothing of what else there could be.
    let words = [0, 1, 0, place, length, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let guest = Guest::new().data(DATA + 256, text.as_bytes()).words(DATA, &words);
    guest.before_call(&format!("i32.const {DATA}")).build().to_vec()
}

/// A typed guest whose `before-call` logs this text.
pub fn typed_logging(text: &str) -> Vec<u8> {
    let (place, length) = (DATA + 256, text.len());
    Guest::new()
        .data(place, text.as_bytes())
        .calls("logging", "log", "log", "(param i32 i32 i32 i32 i32)")
        .before_call(&format!(
            "(call $log (i32.const 2) (i32.const {place}) (i32.const {length}) (i32.const 0) (i32.const 0))
             i32.const {OK}"
        ))
        .build()
        .to_vec()
}

/// A typed guest that never returns from a call that asks for a stream.
pub fn typed_endless_for_streams() -> Vec<u8> {
    Guest::new()
        .calls(
            "llm-types",
            "[method]llm-request.streaming",
            "streaming",
            "(param i32) (result i32)",
        )
        .calls("llm-types", "[resource-drop]llm-request", "drop", "(param i32)")
        .hook(
            "pre-llm-hook",
            "before-call",
            "(param $request i32) (result i32)",
            &format!(
                "(if (call $streaming (local.get $request)) (then (loop $again (br $again))))
                 (call $drop (local.get $request))
                 i32.const {OK}"
            ),
        )
        .build()
        .to_vec()
}

/// A typed guest whose `after-call` logs the answer's text.
pub fn typed_listener() -> Vec<u8> {
    let text = DATA + 16;
    Guest::new()
        .calls("logging", "log", "log", "(param i32 i32 i32 i32 i32)")
        .calls("llm-types", "[method]llm-response.text", "text", "(param i32 i32 i32)")
        .calls(
            "llm-types",
            "[resource-drop]llm-response",
            "drop-response",
            "(param i32)",
        )
        .hook(
            "post-llm-hook",
            "after-call",
            "(param $upstream i32) (result i32)",
            &format!(
                "(if (i32.eqz (i32.load8_u (local.get $upstream))) (then
                    (call $text (i32.load offset=4 (local.get $upstream)) (i32.const 0) (i32.const {text}))
                    (call $log (i32.const 2) (i32.load offset=4 (i32.const {text}))
                        (i32.load offset=8 (i32.const {text})) (i32.const 0) (i32.const 0))
                    (call $drop-response (i32.load offset=4 (local.get $upstream)))))
                 i32.const {OK}"
            ),
        )
        .build()
        .to_vec()
}
