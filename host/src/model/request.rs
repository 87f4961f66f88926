//! The call to a model.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use super::message::{self, Message, Shape};
use super::{CallKind, EditError, value};
use crate::json::{Document, Kind, Numbers, Value, push_string, same};

/// The call to a model in the provider's shape. Nothing is copied until it is edited; a draft is a clone.
///
/// The model is the part behind the slash of `upstream/model`. It lives beside the document, whose own `model` is
/// rewritten only in [`LlmRequest::outgoing`].
#[derive(Debug, Clone)]
pub struct LlmRequest(Arc<Parts>);

#[derive(Debug, Clone)]
struct Parts {
    kind: CallKind,
    provider: Arc<str>,
    model: Arc<str>,
    streaming: bool,
    attempt: u32,
    document: Document,
}

impl LlmRequest {
    /// A request for `model` (without `provider/`) of an upstream.
    pub fn new(
        kind: CallKind,
        provider: &str,
        model: &str,
        streaming: bool,
        attempt: u32,
        document: Document,
    ) -> LlmRequest {
        LlmRequest(Arc::new(Parts {
            kind,
            provider: provider.into(),
            model: model.into(),
            streaming,
            attempt,
            document,
        }))
    }

    /// What kind of call this is.
    pub fn kind(&self) -> CallKind {
        self.0.kind
    }

    /// The upstream's name.
    pub fn provider(&self) -> &str {
        &self.0.provider
    }

    /// Sends the request to another upstream.
    ///
    /// # Errors
    /// [`EditError::Other`] for an empty name.
    pub fn set_provider(&mut self, provider: &str) -> Result<(), EditError> {
        self.set_name(|parts| &mut parts.provider, provider, "the provider")
    }

    /// The model, without the upstream's name.
    pub fn model(&self) -> &str {
        &self.0.model
    }

    /// Asks for another model.
    ///
    /// # Errors
    /// [`EditError::Other`] for an empty name.
    pub fn set_model(&mut self, model: &str) -> Result<(), EditError> {
        self.set_name(|parts| &mut parts.model, model, "the model")
    }

    /// Whether the client wants a stream.
    pub fn streaming(&self) -> bool {
        self.0.streaming
    }

    /// 0 for the first try, one more for each retry or fallback.
    pub fn attempt(&self) -> u32 {
        self.0.attempt
    }

    /// The request as the client sent it and plugins edited it, but for the model: see [`LlmRequest::outgoing`].
    pub fn document(&self) -> &Document {
        &self.0.document
    }

    /// Replaces the whole JSON, but not [`LlmRequest::model`].
    pub fn set_document(&mut self, document: Document) {
        *self.document_mut() = document;
    }

    /// What is sent upstream: the document with [`LlmRequest::model`] in it, byte for byte if it says that already.
    pub fn outgoing(&self) -> Document {
        let mut outgoing = self.0.document.clone();
        // An upstream refuses a document that is no object; nothing is to be rewritten in one.
        let _unchanged = outgoing.set("/model", &Document::string(&self.0.model));
        outgoing
    }

    /// The bytes of [`LlmRequest::outgoing`]: cheaper, for those who look into nothing.
    pub fn outgoing_bytes(&self) -> Bytes {
        let Parts { document, model, .. } = &*self.0;
        let Some(written) = document.root().get("model").filter(|_| !document.has_duplicates()) else {
            return self.outgoing().bytes().clone();
        };
        if written.as_str().is_some_and(|written| written == **model) {
            return document.bytes().clone();
        }
        let Range { start, end } = written.range();
        let text = document.as_str().as_bytes();
        let mut bytes = Vec::with_capacity(text.len() + model.len() + 2);
        bytes.extend_from_slice(text.get(..start).unwrap_or_default());
        push_string(&mut bytes, model);
        bytes.extend_from_slice(text.get(end..).unwrap_or_default());
        bytes.into()
    }

    /// How many messages there are, counted as the kind of call counts them.
    pub fn message_count(&self) -> u32 {
        u32::try_from(message::shape(self.0.kind).count(&self.0.document)).unwrap_or(u32::MAX)
    }

    /// One message.
    pub fn message_at(&self, index: u32) -> Option<Message> {
        message::shape(self.0.kind).get(&self.0.document, index as usize)
    }

    /// All messages.
    pub fn messages(&self) -> Vec<Message> {
        message::shape(self.0.kind).all(&self.0.document)
    }

    /// The text parts of a message, joined with line feeds; none where it has no text.
    pub fn message_text(&self, index: u32) -> Option<String> {
        message::shape(self.0.kind).text(&self.0.document, index as usize)
    }

    /// Replaces a message. Only members that differ are touched: setting what was read is no edit.
    ///
    /// # Errors
    /// [`EditError::NoSuchPlace`] for an index behind the last message and for a message that this kind of call can't
    /// hold there; [`EditError::InvalidJson`] for an `extra` that is no object or names what the record holds itself.
    pub fn set_message(&mut self, index: u32, message: &Message) -> Result<(), EditError> {
        self.edit(|shape, document| shape.set(document, index as usize, message))
    }

    /// Puts a message before the one at `index`; [`LlmRequest::message_count`] appends.
    ///
    /// # Errors
    /// As [`LlmRequest::set_message`].
    pub fn insert_message(&mut self, index: u32, message: &Message) -> Result<(), EditError> {
        self.edit(|shape, document| shape.insert(document, index as usize, message))
    }

    /// Removes a message.
    ///
    /// # Errors
    /// [`EditError::NoSuchPlace`] where there is none.
    pub fn remove_message(&mut self, index: u32) -> Result<(), EditError> {
        self.edit(|shape, document| shape.remove(document, index as usize))
    }

    /// A member of the request beside model and messages.
    pub fn param(&self, name: &str) -> Option<Document> {
        if name == "model" || self.holds_messages(name) {
            return None;
        }
        Some(self.0.document.root().get(name)?.to_document())
    }

    /// Sets a member of the request beside model, messages and `stream`; `None` removes it.
    ///
    /// # Errors
    /// [`EditError::Other`] for those names.
    pub fn set_param(&mut self, name: &str, value: Option<&Document>) -> Result<(), EditError> {
        let instead = match name {
            "model" => "it is set with set-model",
            "stream" => "whether an answer is streamed is the client's choice",
            _ if self.holds_messages(name) => "it holds the messages, which have accessors of their own",
            _ => return self.set(&member_pointer(name), value),
        };
        Err(EditError::Other(format!("`{name}` is no parameter: {instead}")))
    }

    /// The value at an RFC 6901 pointer. `/model` is [`LlmRequest::model`], in the whole document (`""`) too.
    pub fn get(&self, pointer: &str) -> Option<Document> {
        match pointer {
            "" => Some(self.outgoing()),
            "/model" => Some(Document::string(&self.0.model)),
            _ => Some(self.0.document.pointer(pointer)?.to_document()),
        }
    }

    /// Sets the value at an RFC 6901 pointer; `None` removes it. `/model` is [`LlmRequest::set_model`].
    ///
    /// # Errors
    /// [`EditError::NoSuchPlace`] for a pointer that leads nowhere; [`EditError::Other`] for `/stream`, a model that is no
    /// string, and the removal of the model or of the whole document.
    pub fn set(&mut self, pointer: &str, value: Option<&Document>) -> Result<(), EditError> {
        match (pointer, value) {
            ("", Some(whole)) => self.set_whole(whole),
            ("/model", value) => self.set_model_value(value.map(Document::root)),
            ("/stream", _) => Err(no_stream()),
            _ => set_pointer(self.document_mut(), pointer, value),
        }
    }

    /// The length of the document in bytes.
    pub fn size(&self) -> u32 {
        value::size(&self.0.document)
    }

    fn set_whole(&mut self, whole: &Document) -> Result<(), EditError> {
        let stream = |document: &Document| document.pointer("/stream").map(|value| value.to_document());
        if !value::same_optional(stream(whole).as_ref(), stream(&self.0.document).as_ref()) {
            return Err(no_stream());
        }
        self.set_model_value(whole.pointer("/model"))?;
        if !same(whole.root(), self.0.document.root(), Numbers::Exact) {
            *self.document_mut() = whole.clone();
        }
        Ok(())
    }

    fn set_model_value(&mut self, value: Option<Value<'_>>) -> Result<(), EditError> {
        match value.and_then(|value| value.as_str()) {
            Some(model) => self.set_model(&model),
            None => Err(EditError::Other("the model has to be a string".into())),
        }
    }

    fn document_mut(&mut self) -> &mut Document {
        &mut Arc::make_mut(&mut self.0).document
    }

    fn set_name(&mut self, place: fn(&mut Parts) -> &mut Arc<str>, name: &str, what: &str) -> Result<(), EditError> {
        if name.is_empty() {
            return Err(EditError::Other(format!("{what} can't be empty")));
        }
        *place(Arc::make_mut(&mut self.0)) = name.into();
        Ok(())
    }

    fn holds_messages(&self, name: &str) -> bool {
        message::shape(self.0.kind).members().contains(&name)
    }

    /// Edits a copy, which takes the document's place if all went well.
    fn edit(
        &mut self,
        edit: impl FnOnce(&'static dyn Shape, &mut Document) -> Result<(), EditError>,
    ) -> Result<(), EditError> {
        let mut edited = self.0.document.clone();
        edit(message::shape(self.0.kind), &mut edited)?;
        *self.document_mut() = edited;
        Ok(())
    }
}
fn no_stream() -> EditError {
    EditError::Other("`/stream` can't be set: whether an answer is streamed is the client's choice".into())
}

/// The pointer to a member of the root.
fn member_pointer(name: &str) -> String {
    format!("/{}", name.replace('~', "~0").replace('/', "~1"))
}

/// Sets or removes the value at a pointer.
pub(super) fn set_pointer(document: &mut Document, pointer: &str, value: Option<&Document>) -> Result<(), EditError> {
    match value {
        Some(value) => document.set(pointer, value)?,
        None => {
            let parent = pointer.rsplit_once('/').map_or("", |(parent, _)| parent);
            let inside = document.pointer(parent).map(|parent| parent.kind());
            if !matches!(inside, Some(Kind::Object | Kind::Array)) {
                return Err(EditError::NoSuchPlace(pointer.to_owned()));
            }
            document.remove(pointer)?
        }
    };
    Ok(())
}
