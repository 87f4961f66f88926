//! A whole answer as the stream that its API would send.

use super::write::{ObjectWriter, array};
use super::{CallKind, LlmResponse, value};
use crate::json::{Document, Kind, Value};

impl LlmResponse {
    /// The answer as the events of a stream, in the provider's shape: of chat and completion the text of each choice, its
    /// end and, if it was asked for, the usage; of a Responses answer the whole sequence from `response.created` on. An
    /// answer of another shape is one event as it is.
    pub fn to_chunks(&self, include_usage: bool) -> Vec<Document> {
        let answer = self.document().root();
        match self.kind() {
            CallKind::Chat | CallKind::TextCompletion if answer.get("choices").is_none() => {
                vec![self.document().clone()]
            }
            CallKind::Chat => choices(answer, "chat.completion.chunk", include_usage, chat_choice),
            CallKind::TextCompletion => choices(answer, "text_completion", include_usage, completion_choice),
            CallKind::Responses => Events::of(answer),
            CallKind::Embedding => vec![self.document().clone()],
        }
    }
}

/// The events of an answer that has choices: those that `parts` makes of each, and the usage.
fn choices(answer: Value<'_>, object: &str, include_usage: bool, parts: fn(Value<'_>) -> Vec<String>) -> Vec<Document> {
    let event = |choices: &[String], usage: Option<&str>| {
        let event = repeated(answer, &["id"]).string("object", object);
        let event = ["created", "model", "system_fingerprint", "service_tier"]
            .into_iter()
            .fold(event, |event, name| {
                event.maybe(name, value::present(answer, name).map(|value| value.raw()))
            });
        event.raw("choices", &array(choices)).maybe("usage", usage).document()
    };
    let no_usage = include_usage.then_some("null");
    let list = answer.get("choices").into_iter().flat_map(|choices| choices.elements());
    let mut events: Vec<Document> = list.flat_map(parts).map(|choice| event(&[choice], no_usage)).collect();
    if let Some(usage) = value::present(answer, "usage").filter(|_| include_usage) {
        events.push(event(&[], Some(usage.raw())));
    }
    events
}

/// The members of an object that have these names.
fn repeated(object: Value<'_>, names: &[&str]) -> ObjectWriter {
    names.iter().fold(ObjectWriter::new(), |copy, name| {
        copy.maybe(name, object.get(name).map(|value| value.raw()))
    })
}

fn chat_choice(choice: Value<'_>) -> Vec<String> {
    let one = |delta: &str, logprobs: Option<Value<'_>>, finish_reason: Option<Value<'_>>| {
        ObjectWriter::new()
            .raw("index", choice.get("index").map_or("0", |index| index.raw()))
            .raw("delta", delta)
            .raw("logprobs", logprobs.map_or("null", |value| value.raw()))
            .raw("finish_reason", finish_reason.map_or("null", |value| value.raw()))
            .text()
    };
    let mut parts = vec![one(r#"{"role":"assistant","content":""}"#, None, None)];
    let delta = choice.get("message").map(message_delta).unwrap_or_default();
    if delta != "{}" {
        parts.push(one(&delta, choice.get("logprobs"), None));
    }
    parts.push(one("{}", None, choice.get("finish_reason")));
    parts
}

/// Everything that a message says, as one delta: tool calls are counted in streams, and empty members left out.
fn message_delta(message: Value<'_>) -> String {
    let said = message
        .members()
        .filter(|(name, value)| name != "role" && !value.is_null() && value.raw() != "\"\"" && value.raw() != "[]");
    let delta = said.fold(ObjectWriter::new(), |delta, (name, value)| {
        if name == "tool_calls" && value.kind() == Kind::Array {
            let calls = value.elements().zip(0_u32..).map(|(call, index)| {
                let members = call.members().filter(|(name, _)| name != "index");
                members.fold(ObjectWriter::new().number("index", index), |call, (name, value)| {
                    call.raw(&name, value.raw())
                })
            });
            delta.raw("tool_calls", &array(calls.map(ObjectWriter::text)))
        } else {
            delta.raw(&name, value.raw())
        }
    });
    delta.text()
}

fn completion_choice(choice: Value<'_>) -> Vec<String> {
    let one = |text: &str, logprobs: &str, finish_reason: &str| {
        ObjectWriter::new()
            .raw("text", text)
            .raw("index", choice.get("index").map_or("0", |index| index.raw()))
            .raw("logprobs", logprobs)
            .raw("finish_reason", finish_reason)
            .text()
    };
    let raw = |name| choice.get(name).map_or("null", |value| value.raw());
    let text = choice.get("text").map_or("\"\"", |text| text.raw());
    vec![
        one(text, raw("logprobs"), "null"),
        one("\"\"", "null", raw("finish_reason")),
    ]
}

/// The events of a Responses stream, numbered.
struct Events {
    events: Vec<Document>,
}

impl Events {
    fn of(response: Value<'_>) -> Vec<Document> {
        let mut events = Events { events: Vec::new() };
        let begun = overridden(
            response,
            &[("status", "\"in_progress\""), ("output", "[]"), ("usage", "null")],
        );
        events.push("response.created", |event| event.raw("response", &begun));
        events.push("response.in_progress", |event| event.raw("response", &begun));
        let output = response.get("output").into_iter().flat_map(|output| output.elements());
        for (item, index) in output.zip(0_u32..) {
            events.item(item, index);
        }
        let end = match value::string(response, "status").as_deref() {
            Some("failed") => "response.failed",
            Some("incomplete") => "response.incomplete",
            _ => "response.completed",
        };
        events.push(end, |event| event.raw("response", response.raw()));
        events.events
    }

    fn push(&mut self, kind: &str, members: impl FnOnce(ObjectWriter) -> ObjectWriter) {
        let number = self.events.len() as u64;
        let event = ObjectWriter::new()
            .string("type", kind)
            .number("sequence_number", number);
        self.events.push(members(event).document());
    }

    fn item(&mut self, item: Value<'_>, index: u32) {
        let is_message = value::is(item, "type", "message");
        let arguments = item
            .get("arguments")
            .filter(|_| value::is(item, "type", "function_call"));
        let added = match (is_message, arguments) {
            (true, _) => overridden(item, &[("status", "\"in_progress\""), ("content", "[]")]),
            (_, Some(_)) => overridden(item, &[("status", "\"in_progress\""), ("arguments", "\"\"")]),
            _ => item.raw().to_owned(),
        };
        let place = |event: ObjectWriter| event.number("output_index", index);
        self.push("response.output_item.added", |event| place(event).raw("item", &added));
        let place = |event| place(event).raw("item_id", item.get("id").map_or("null", |id| id.raw()));
        let content = item.get("content").filter(|_| is_message);
        for (part, content_index) in content.into_iter().flat_map(|content| content.elements()).zip(0_u32..) {
            self.part(part, |event| place(event).number("content_index", content_index));
        }
        if let Some(arguments) = arguments {
            let event = "response.function_call_arguments";
            self.push(&format!("{event}.delta"), |event| {
                place(event).raw("delta", arguments.raw())
            });
            self.push(&format!("{event}.done"), |event| {
                place(event).raw("arguments", arguments.raw())
            });
        }
        self.push("response.output_item.done", |event| {
            event.number("output_index", index).raw("item", item.raw())
        });
    }

    fn part(&mut self, part: Value<'_>, place: impl Fn(ObjectWriter) -> ObjectWriter) {
        let member = if value::is(part, "type", "refusal") {
            "refusal"
        } else {
            "text"
        };
        let begun = overridden(part, &[(member, "\"\"")]);
        self.push("response.content_part.added", |event| place(event).raw("part", &begun));
        let text = part.get(member).map_or("\"\"", |text| text.raw());
        match member {
            "refusal" => {
                self.push("response.refusal.delta", |event| place(event).raw("delta", text));
                self.push("response.refusal.done", |event| place(event).raw("refusal", text));
            }
            _ => {
                let logprobs = part.get("logprobs").map_or("[]", |logprobs| logprobs.raw());
                let place = |event| place(event).raw("logprobs", logprobs);
                self.push("response.output_text.delta", |event| place(event).raw("delta", text));
                self.push("response.output_text.done", |event| place(event).raw("text", text));
            }
        }
        self.push("response.content_part.done", |event| {
            place(event).raw("part", part.raw())
        });
    }
}

/// An object with other values in some of its members, which are added where it lacks them.
pub(super) fn overridden(object: Value<'_>, values: &[(&str, &str)]) -> String {
    let other = |name: &str| {
        values
            .iter()
            .find(|(member, _)| *member == name)
            .map(|(_, value)| *value)
    };
    let copy = object.members().fold(ObjectWriter::new(), |copy, (name, value)| {
        copy.raw(&name, other(&name).unwrap_or(value.raw()))
    });
    let missing = values.iter().filter(|(name, _)| object.get(name).is_none());
    missing.fold(copy, |copy, (name, value)| copy.raw(name, value)).text()
}
