//! Putting together a streamed answer that has choices.

use std::collections::BTreeMap;

use super::merge::Merged;
use crate::json::{Document, Value};
use crate::model::write::{ObjectWriter, array};
use crate::model::{CallKind, LlmChunk};

/// What was said of the answer and of each of its choices.
#[derive(Debug)]
pub(super) struct Choices {
    kind: CallKind,
    /// Members beside the choices (`id`, `model`, `usage`, ...).
    members: BTreeMap<String, Document>,
    choices: BTreeMap<u64, Choice>,
    size: usize,
}

#[derive(Debug, Default)]
struct Choice {
    /// A chat's message, or a completion's text.
    said: Option<Merged>,
    logprobs: Option<Merged>,
    /// The other members, as they were said last.
    members: BTreeMap<String, Document>,
}

impl Choices {
    pub fn new(kind: CallKind) -> Choices {
        Choices {
            kind,
            members: BTreeMap::new(),
            choices: BTreeMap::new(),
            size: 0,
        }
    }

    /// Adds an event; gives back about how many bytes are held now.
    pub fn add(&mut self, chunk: &LlmChunk) -> usize {
        if chunk.error().is_some() {
            return self.size;
        }
        for (name, value) in chunk.document().root().members().filter(|(_, value)| !value.is_null()) {
            match &*name {
                "choices" => {
                    for choice in value.elements() {
                        self.add_choice(choice);
                    }
                }
                "object" => {}
                _ => self.add_member(&name, value),
            }
        }
        self.size
    }

    /// The first id, model and time count; of the rest what was said last.
    fn add_member(&mut self, name: &str, value: Value<'_>) {
        if !self.members.contains_key(name) {
            self.size += name.len() + value.raw().len();
        } else if matches!(name, "id" | "model" | "created") {
            return;
        }
        self.members.insert(name.to_owned(), value.to_document());
    }

    fn add_choice(&mut self, delta: Value<'_>) {
        let index = delta.get("index").and_then(|index| index.as_u64()).unwrap_or(0);
        let said = if self.kind == CallKind::Chat { "delta" } else { "text" };
        let choice = self.choices.entry(index).or_default();
        for (name, value) in delta.members().filter(|(_, value)| !value.is_null()) {
            self.size += value.raw().len();
            match &*name {
                "index" => {}
                "logprobs" => add(&mut choice.logprobs, value),
                name if name == said => add(&mut choice.said, value),
                name => {
                    choice.members.insert(name.to_owned(), value.to_document());
                }
            }
        }
    }

    /// The whole answer; none if nothing was said.
    pub fn finish(self) -> Option<Document> {
        if self.members.is_empty() && self.choices.is_empty() {
            return None;
        }
        let (object, said, nothing) = match self.kind {
            CallKind::Chat => ("chat.completion", "message", r#"{"role":"assistant","content":null}"#),
            _ => ("text_completion", "text", "\"\""),
        };
        let known = ["id", "created", "model"];
        let member = |name: &str| self.members.get(name).map(Document::as_str);
        let answer = ObjectWriter::new().maybe("id", member("id")).string("object", object);
        let answer = answer
            .maybe("created", member("created"))
            .maybe("model", member("model"));
        let choices = self
            .choices
            .iter()
            .map(|(index, choice)| choice.text(*index, said, nothing));
        let answer = answer.raw("choices", &array(choices));
        let rest = self.members.iter().filter(|(name, _)| !known.contains(&name.as_str()));
        rest.fold(answer, |answer, (name, value)| answer.raw(name, value.as_str()))
            .checked()
            .ok()
    }
}

impl Choice {
    fn text(&self, index: u64, name: &str, nothing: &str) -> String {
        let text =
            |merged: &Option<Merged>, nothing: &str| merged.as_ref().map_or_else(|| nothing.to_owned(), Merged::text);
        let finish_reason = self.members.get("finish_reason").map_or("null", Document::as_str);
        let choice = ObjectWriter::new()
            .number("index", index)
            .raw(name, &text(&self.said, nothing))
            .raw("logprobs", &text(&self.logprobs, "null"))
            .raw("finish_reason", finish_reason);
        let rest = self.members.iter().filter(|(name, _)| *name != "finish_reason");
        rest.fold(choice, |choice, (name, value)| choice.raw(name, value.as_str()))
            .text()
    }
}

fn add(merged: &mut Option<Merged>, delta: Value<'_>) {
    match merged {
        Some(merged) => merged.add(delta),
        None => *merged = Some(Merged::new(delta)),
    }
}
