//! Legacy guests in WAT.

use std::fmt::Write as _;

use bytes::Bytes;

use crate::support::wat;

/// A guest whose hooks, each with one input, give these answers.
pub fn answering(hooks: &[(&str, &str)]) -> Bytes {
    let mut text = String::from(
        r#"(module (memory (export "memory") 32)
             (func (export "malloc") (param i32) (result i32) (i32.const 131072))"#,
    );
    let mut place = 1024;
    for (hook, answer) in hooks {
        let escaped = answer.replace('\\', "\\\\").replace('"', "\\22");
        let packed = (place << 32) | answer.len() as u64;
        write!(
            text,
            r#"(data (i32.const {place}) "{escaped}")
               (func (export "{hook}") (param i32 i32) (result i64) (i64.const {packed}))"#
        )
        .unwrap();
        place += answer.len() as u64;
    }
    wat(&(text + ")"))
}
