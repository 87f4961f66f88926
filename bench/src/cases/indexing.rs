//! What it costs to know a document: this host's index, and what a parser makes of it.

use std::hint::black_box;

use heimdall_host::json::Document;
use serde_json::Value;

use crate::case::{Case, Ready, ensure};
use crate::documents::{SIZES, chat_request};

/// Its table.
pub const INDEXING: &str = "a document is read";

pub(super) fn cases() -> Vec<Case> {
    SIZES.into_iter().flat_map(of_size).collect()
}

fn of_size(size: usize) -> [Case; 4] {
    [
        Case::new(INDEXING, "indexed", size, move |_| {
            let bytes = bytes::Bytes::from(chat_request(size));
            let same = bytes.clone();
            let looks_right = move |document: Document| {
                ensure(*document.bytes() == same && document.pointer("/seed").is_some(), || {
                    "another document".to_owned()
                })
            };
            Ok(Ready::new(move || Ok(Document::parse(bytes.clone())?), looks_right))
        }),
        Case::new(INDEXING, "serde_json: parse", size, move |_| {
            let text = chat_request(size);
            let looks_right = |value: Value| {
                ensure(value.get("seed").is_some_and(Value::is_u64), || {
                    "another document".to_owned()
                })
            };
            Ok(Ready::new(move || Ok(serde_json::from_str(&text)?), looks_right))
        }),
        Case::new(INDEXING, "serde_json: parse and print", size, move |_| {
            parse_and_print(size)
        }),
        Case::new(INDEXING, "copied", size, move |_| {
            let text = chat_request(size);
            let looks_right = move |copy: String| ensure(copy.len() == size, || "another document".to_owned());
            Ok(Ready::new(move || Ok(black_box(&text).clone()), looks_right))
        }),
    ]
}

/// What a host does that hands JSON to a plugin and takes it back.
pub(super) fn parse_and_print(size: usize) -> Result<Ready, crate::Error> {
    let text = chat_request(size);
    let looks_right = |printed: String| {
        ensure(printed.contains("9007199254740993"), || {
            format!("another document: {printed}")
        })
    };
    let act = move || {
        let value: Value = serde_json::from_str(&text)?;
        Ok(serde_json::to_string(&value)?)
    };
    Ok(Ready::new(act, looks_right))
}
