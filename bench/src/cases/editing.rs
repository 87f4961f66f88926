//! `before-call` of plugins that insert a message, and what is done instead without a host.

use heimdall_host::json::Document;
use heimdall_host::model::{CallKind, LlmRequest};
use serde_json::{Value, json};

use super::changing::{guest, raw};
use super::indexing::parse_and_print;
use crate::Error;
use crate::case::{Case, Ready};
use crate::documents::{MODEL, PROVIDER, SIZES, chat_request};
use crate::guests::{Does, Generation, Hook, typed};
use crate::hooks::{Effect, before_call, http_request, inserted, llm_request, proceeded, requests};
use crate::native::{Native, message};
use crate::world::{World, pipeline};

/// Its table.
pub const EDITING: &str = "before-call: a message is inserted";

pub(super) fn cases() -> Vec<Case> {
    SIZES.into_iter().flat_map(of_size).collect()
}

fn of_size(size: usize) -> Vec<Case> {
    let case = |who: &str, prepare: fn(&World, usize) -> Result<Ready, Error>| {
        Case::new(EDITING, who, size, move |world| prepare(world, size))
    };
    let mut cases = vec![
        case("typed", |world, size| {
            before_call(
                world,
                world.alone(typed(Hook::BeforeCall, Does::Edit)?)?,
                size,
                Effect::Edited,
            )
        }),
        case("typed, from the client's bytes to the upstream's", from_bytes_to_bytes),
        case("native, in the same pipeline", |world, size| {
            before_call(world, pipeline(vec![Native::loaded(Does::Edit)])?, size, Effect::Edited)
        }),
        case("floor: this host's document", by_document),
        case("native: serde_json, edited as a value", |_, size| by_value(size)),
        case("serde_json: parse and print", |_, size| parse_and_print(size)),
    ];
    for generation in [Generation::One, Generation::Three] {
        let who = format!("{}: edit", generation.name());
        cases.push(Case::new(EDITING, &who, size, move |world| {
            before_call(
                world,
                world.alone(guest(generation, Does::Edit)?)?,
                size,
                Effect::Edited,
            )
        }));
        cases.push(Case::new(EDITING, format!("floor: {who}"), size, move |world| {
            raw(world, guest(generation, Does::Edit)?, generation, size)
        }));
    }
    cases
}

/// With the indexing pass, and a request of its own for each call.
fn from_bytes_to_bytes(world: &World, size: usize) -> Result<Ready, Error> {
    let pipeline = world.alone(typed(Hook::BeforeCall, Does::Edit)?)?;
    let (http, sent) = (http_request(size), llm_request(size)?.outgoing());
    let call = async move || {
        let document = Document::parse(http.body().clone())?;
        let mut exchange = pipeline.begin("bench-request", http.clone());
        let request = LlmRequest::new(CallKind::Chat, PROVIDER, MODEL, false, 0, document);
        Ok(proceeded(exchange.before_call(request).await)?.outgoing())
    };
    Ok(Ready::asynchronous(world, call, move |outgoing| {
        inserted(outgoing, &sent)
    }))
}

/// The edit of an indexed document, without a pipeline.
fn by_document(world: &World, size: usize) -> Result<Ready, Error> {
    let sent = llm_request(size)?.outgoing();
    let act = async move |mut request: LlmRequest| {
        let edited = request.insert_message(0, &message());
        edited.map_err(|error| Error::did(error.to_string()))?;
        Ok(request.outgoing())
    };
    Ok(Ready::with_inputs(world, requests(size)?, act, move |outgoing| {
        inserted(outgoing, &sent)
    }))
}

/// As one writes it who has nothing but `serde_json`.
fn by_value(size: usize) -> Result<Ready, Error> {
    let text = chat_request(size);
    let act = move || {
        let mut value: Value = serde_json::from_str(&text)?;
        let messages = value.get_mut("messages").and_then(Value::as_array_mut);
        let messages = messages.ok_or_else(|| Error::did("it has no messages"))?;
        messages.insert(0, json!({"role": "system", "content": "Be kind."}));
        Ok(serde_json::to_string(&value)?)
    };
    let looks_right = |printed: String| {
        let document = Document::parse(printed)?;
        let first = document.pointer("/messages/0/content").and_then(|text| text.as_str());
        crate::case::ensure(first.as_deref() == Some("Be kind."), || {
            "the message is not there".to_owned()
        })
    };
    Ok(Ready::new(act, looks_right))
}
