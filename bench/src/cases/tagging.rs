//! `before-call` of the example plugins that append a tag to the last message: what the gateway is measured with.

use serde_json::Value;

use super::reading::raw_call;
use crate::Error;
use crate::case::Case;
use crate::documents::chat_request;
use crate::guests::example;
use crate::hooks::before_call_that_tags;

/// Its table.
const TAGGING: &str = "before-call: a tag is appended";

/// Bytes of the request.
const SIZE: usize = 1024;

/// The language, and the guest's file.
const GUESTS: [(&str, &str); 3] = [
    ("Rust", "typed/rust-tag/tag.wasm"),
    ("C", "typed/c-tag/tag.wasm"),
    ("TinyGo", "typed/go-tag/tag.wasm"),
];

pub(super) fn cases() -> Vec<Case> {
    GUESTS.into_iter().flat_map(of_guest).collect()
}

fn of_guest((language, file): (&str, &'static str)) -> [Case; 2] {
    let through_host = Case::new(TAGGING, format!("typed, {language}"), SIZE, move |world| {
        before_call_that_tags(world, world.alone(example(file)?)?, SIZE)
    });
    let floor = format!("floor: the engine alone, {language}");
    let floor = Case::new(TAGGING, floor, SIZE, move |world| {
        raw_call(
            world,
            world.host().runtime().engine(),
            example(file)?,
            &last_message()?,
            || Ok(()),
        )
    });
    [through_host, floor]
}

/// The text of the request's last message.
fn last_message() -> Result<String, Error> {
    let request: Value = serde_json::from_str(&chat_request(SIZE))?;
    let messages = request.get("messages").and_then(Value::as_array);
    let last = messages.and_then(|messages| messages.last()?.get("content")?.as_str());
    last.map(str::to_owned)
        .ok_or_else(|| Error::did("the request has no last message"))
}
