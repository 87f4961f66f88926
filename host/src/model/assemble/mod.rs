//! Follows one stream as it goes out.

mod choices;
mod merge;
mod texts;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use self::choices::Choices;
use self::texts::Texts;
use super::chunk::END_OF_RESPONSE;
use super::stream::overridden;
use super::write::{ObjectWriter, array};
use super::{CallKind, EditError, LlmChunk, LlmResponse, value};
use crate::json::Document;

/// Follows one stream as it goes out: rewrites events that repeat text from what went out, and puts the answer together.
#[derive(Debug)]
pub struct StreamAssembly {
    kind: CallKind,
    max_bytes: usize,
    /// Of a Responses stream, whose later events repeat what earlier ones said.
    texts: Texts,
    collected: Collected,
    outgrown: bool,
}

/// The answer so far.
#[derive(Debug)]
enum Collected {
    /// Nobody wants it, or it outgrew its cap.
    No,
    Choices(Choices),
    /// The newest `response` of an event, and whether it was the last event's.
    Response {
        response: Option<Document>,
        ended: bool,
    },
}

impl StreamAssembly {
    /// At the start of a stream. `collect`: the answer is wanted at the end. At most `max_bytes` of it are held: a longer
    /// one is not put together, and repeats of text can't be rewritten in one.
    pub fn new(kind: CallKind, collect: bool, max_bytes: usize) -> StreamAssembly {
        let collected = match kind {
            _ if !collect => Collected::No,
            CallKind::Chat | CallKind::TextCompletion => Collected::Choices(Choices::new(kind)),
            CallKind::Responses => Collected::Response {
                response: None,
                ended: false,
            },
            CallKind::Embedding => Collected::No,
        };
        StreamAssembly {
            kind,
            max_bytes,
            texts: Texts::new(max_bytes),
            collected,
            outgrown: false,
        }
    }

    /// Before any hook: what the upstream sent.
    pub fn sent_by_upstream(&mut self, chunk: &LlmChunk) {
        if self.kind == CallKind::Responses {
            self.texts.sent_by_upstream(chunk);
        }
    }

    /// After all hooks: what the client gets. An event that repeats text is rewritten if what went out before it is not
    /// what the upstream sent; any other stays byte for byte.
    ///
    /// # Errors
    /// [`EditError::TooLarge`] where text was changed that is too long to be held. The event must not be sent then: it
    /// repeats what a plugin may have removed.
    pub fn going_out(&mut self, chunk: &mut LlmChunk) -> Result<(), EditError> {
        if self.kind == CallKind::Responses {
            self.texts.going_out(chunk)?;
        }
        let fits = match &mut self.collected {
            Collected::No => true,
            Collected::Choices(choices) => choices.add(chunk) <= self.max_bytes,
            Collected::Response { response, ended } => {
                if let Some(newest) = value::present(chunk.document().root(), "response") {
                    *ended = END_OF_RESPONSE
                        .iter()
                        .any(|end| value::is(chunk.document().root(), "type", end));
                    *response = Some(newest.to_document());
                }
                response.as_ref().map_or(0, Document::len) <= self.max_bytes
            }
        };
        if !fits {
            self.outgrown = true;
            self.collected = Collected::No;
        }
        Ok(())
    }

    /// Whether the answer was wanted and is longer than its cap.
    pub fn outgrown(&self) -> bool {
        self.outgrown
    }

    /// At the end of the stream: the answer put together, if it was wanted and anything of one was sent. Of a Responses
    /// stream that broke off, it is the response that was announced, with the text that was sent.
    pub fn finish(self, provider: Option<Arc<str>>, elapsed_ms: u32) -> Option<LlmResponse> {
        let document = match self.collected {
            Collected::No => return None,
            Collected::Choices(choices) => choices.finish()?,
            Collected::Response { response, ended: true } => response?,
            Collected::Response { response, ended: false } => broken_off(response, &self.texts)?,
        };
        Some(LlmResponse::new(self.kind, provider, elapsed_ms, true, document))
    }
}

fn broken_off(response: Option<Document>, texts: &Texts) -> Option<Document> {
    let messages = texts.messages()?;
    if response.is_none() && messages.is_empty() {
        return None;
    }
    let output = messages.iter().map(|parts| {
        let part = |text: &&str| {
            let part = ObjectWriter::new().string("type", "output_text").string("text", text);
            part.raw("annotations", "[]").text()
        };
        ObjectWriter::new()
            .string("type", "message")
            .string("status", "incomplete")
            .string("role", "assistant")
            .raw("content", &array(parts.iter().map(part)))
            .text()
    });
    let announced = response.unwrap_or_else(Document::object);
    let members = [("status", "\"incomplete\""), ("output", &array(output))];
    Document::parse(overridden(announced.root(), &members)).ok()
}
