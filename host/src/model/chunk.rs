//! One event of a streamed answer.

use super::error::LlmError;
use super::request::set_pointer;
use super::write::{ObjectWriter, array};
use super::{CallKind, EditError, response, value};
use crate::json::{Document, Kind, Value};

/// One event of a streamed answer, without its framing. Nothing is copied until it is edited; a draft is a clone.
#[derive(Debug, Clone)]
pub struct LlmChunk {
    kind: CallKind,
    index: u32,
    last: bool,
    document: Document,
}

/// Where an event has its text.
struct TextPlace {
    text: &'static str,
    /// Where log probabilities are, which spell the text.
    logprobs: &'static str,
    /// What stands there if there are none.
    nothing: fn() -> Document,
}

impl LlmChunk {
    /// The event at a place of the stream, from 0.
    pub fn new(kind: CallKind, index: u32, document: Document) -> LlmChunk {
        LlmChunk {
            kind,
            index,
            last: false,
            document,
        }
    }

    /// An event without any content, to tell of a stream's end where no event of the upstream's does.
    pub fn end_of_stream(kind: CallKind, index: u32) -> LlmChunk {
        let object = match kind {
            CallKind::Chat => "chat.completion.chunk",
            CallKind::TextCompletion => "text_completion",
            CallKind::Responses | CallKind::Embedding => return LlmChunk::new(kind, index, Document::object()),
        };
        let event = ObjectWriter::new().string("object", object).raw("choices", "[]");
        LlmChunk::new(kind, index, event.document())
    }

    /// Another event in this one's place.
    pub fn instead(&self, document: Document) -> LlmChunk {
        LlmChunk { document, ..*self }
    }

    /// What kind of call this answers.
    pub fn kind(&self) -> CallKind {
        self.kind
    }

    /// Its place in the stream, from 0.
    pub fn index(&self) -> u32 {
        self.index
    }

    /// Gives it another place.
    pub fn set_index(&mut self, index: u32) {
        self.index = index;
    }

    /// Whether it is known to be the last one.
    pub fn last(&self) -> bool {
        self.last
    }

    /// Says whether it is known to be the last one.
    pub fn set_last(&mut self, last: bool) {
        self.last = last;
    }

    /// The choice that it belongs to; 0 where it names none.
    pub fn choice(&self) -> u32 {
        self.first_choice()
            .and_then(|choice| value::count(choice, "index"))
            .unwrap_or(0)
    }

    /// The text that it adds. Events that repeat text which was already sent have none.
    pub fn text(&self) -> Option<String> {
        match self.kind {
            CallKind::Chat => response::content_text(self.first_choice()?.get("delta")?.get("content")?),
            CallKind::TextCompletion => value::string(self.first_choice()?, "text"),
            CallKind::Responses if self.is_text_delta() => value::string(self.document.root(), "delta"),
            CallKind::Responses | CallKind::Embedding => None,
        }
    }

    /// Replaces the text that it adds. Log probabilities, which spell the old text token by token, are emptied with it.
    ///
    /// # Errors
    /// [`EditError::NoSuchPlace`] for an event that has no place for text.
    pub fn set_text(&mut self, text: &str) -> Result<(), EditError> {
        if self.text().is_some_and(|old| old == text) {
            return Ok(());
        }
        let Some(place) = self.text_place() else {
            return Err(EditError::NoSuchPlace("this event has no text".into()));
        };
        let mut edited = self.document.clone();
        edited.set(place.text, &Document::string(text))?;
        response::forget(&mut edited, place.logprobs, place.nothing)?;
        self.document = edited;
        Ok(())
    }

    /// None: it has no place for text.
    fn text_place(&self) -> Option<TextPlace> {
        let place = |text, logprobs, nothing| {
            Some(TextPlace {
                text,
                logprobs,
                nothing,
            })
        };
        match self.kind {
            CallKind::Chat => place("/choices/0/delta/content", "/choices/0/logprobs", Document::null),
            CallKind::TextCompletion => place("/choices/0/text", "/choices/0/logprobs", Document::null),
            CallKind::Responses if self.is_text_delta() => place("/delta", "/logprobs", Document::array),
            CallKind::Responses | CallKind::Embedding => None,
        }
    }

    /// Why its choice ends here; none: it goes on. Of a Responses stream's last event the status, or why it is incomplete.
    pub fn finish_reason(&self) -> Option<String> {
        match self.kind {
            CallKind::Chat | CallKind::TextCompletion => {
                // Some servers say that there is none with an empty one.
                value::string(self.first_choice()?, "finish_reason").filter(|reason| !reason.is_empty())
            }
            CallKind::Responses if self.is_end_of_response() => {
                response::status(value::present(self.document.root(), "response")?)
            }
            CallKind::Responses | CallKind::Embedding => None,
        }
    }

    /// The value at an RFC 6901 pointer.
    pub fn get(&self, pointer: &str) -> Option<Document> {
        Some(self.document.pointer(pointer)?.to_document())
    }

    /// Sets the value at an RFC 6901 pointer; `None` removes it.
    ///
    /// # Errors
    /// [`EditError::NoSuchPlace`] for a pointer that leads nowhere, [`EditError::Other`] for removing the whole.
    pub fn set(&mut self, pointer: &str, value: Option<&Document>) -> Result<(), EditError> {
        set_pointer(&mut self.document, pointer, value)
    }

    /// The whole event.
    pub fn document(&self) -> &Document {
        &self.document
    }

    /// Replaces the whole event.
    pub fn set_document(&mut self, document: Document) {
        self.document = document;
    }

    /// Takes over the event as somebody edited it who may know nothing of log probabilities: where the text changed and
    /// they did not, they are emptied, since they spell the old text.
    ///
    /// # Errors
    /// When the event has no room for that; it is left as it was.
    pub fn set_edited(&mut self, document: Document) -> Result<(), EditError> {
        let mut edited = LlmChunk {
            document,
            ..self.clone()
        };
        if let Some(TextPlace { logprobs, nothing, .. }) = edited.text_place() {
            let spelt = |of: &Document| of.pointer(logprobs).map(|it| it.raw().to_owned());
            if self.text() != edited.text() && spelt(&self.document) == spelt(&edited.document) {
                response::forget(&mut edited.document, logprobs, nothing)?;
            }
        }
        *self = edited;
        Ok(())
    }

    /// The length of the event in bytes.
    pub fn size(&self) -> u32 {
        value::size(&self.document)
    }

    /// An event that holds several choices as one per choice, so that a hook sees every text. What the event says of the
    /// whole answer's usage stays with the last. Any other event comes back as it is.
    pub fn split_choices(self) -> Vec<LlmChunk> {
        let has_choices = matches!(self.kind, CallKind::Chat | CallKind::TextCompletion);
        let choices = self
            .document
            .root()
            .get("choices")
            .filter(|choices| choices.kind() == Kind::Array);
        let count = choices.filter(|_| has_choices).map_or(0, |choices| choices.len());
        if count < 2 {
            return vec![self];
        }
        let one = |position| self.with_choice(position, position + 1 == count);
        let split: Option<Vec<LlmChunk>> = (0..count).map(one).collect();
        split.unwrap_or_else(|| vec![self])
    }

    /// Whether nothing of substance follows: the end of the response, of a choice, or an error.
    pub fn is_terminal(&self) -> bool {
        match self.kind {
            CallKind::Chat | CallKind::TextCompletion => self.finish_reason().is_some() || self.error().is_some(),
            CallKind::Responses => self.is_end_of_response() || self.error().is_some(),
            CallKind::Embedding => true,
        }
    }

    /// The error that it reports.
    pub fn error(&self) -> Option<LlmError> {
        let root = self.document.root();
        let is = |event| self.kind == CallKind::Responses && value::is(root, "type", event);
        let error = if is("error") {
            // Some servers nest what OpenAI puts at the root.
            value::present(root, "error").unwrap_or(root)
        } else if is("response.failed") {
            let response = value::present(root, "response").unwrap_or(root);
            value::present(response, "error").unwrap_or(response)
        } else {
            value::present(root, "error")?
        };
        let mut found = LlmError::from_object(error);
        // At the root `type` says what event this is.
        found.kind = found.kind.filter(|kind| !is("error") || kind != "error");
        Some(found)
    }

    fn first_choice(&self) -> Option<Value<'_>> {
        match self.kind {
            CallKind::Chat | CallKind::TextCompletion => self.document.pointer("/choices/0"),
            CallKind::Responses | CallKind::Embedding => None,
        }
    }

    fn is_text_delta(&self) -> bool {
        value::is(self.document.root(), "type", "response.output_text.delta")
    }

    fn is_end_of_response(&self) -> bool {
        END_OF_RESPONSE
            .iter()
            .any(|event| value::is(self.document.root(), "type", event))
    }

    fn with_choice(&self, position: usize, last: bool) -> Option<LlmChunk> {
        let choice = self.document.root().get("choices")?.at(position)?;
        let alone = Document::parse(array([choice.raw()])).ok()?;
        let mut document = self.document.clone();
        document.set("/choices", &alone).ok()?;
        if !last {
            response::forget(&mut document, "/usage", Document::null).ok()?;
        }
        Some(self.instead(document))
    }
}

/// The events that end a stream of the Responses API.
pub(super) const END_OF_RESPONSE: [&str; 3] = ["response.completed", "response.incomplete", "response.failed"];
