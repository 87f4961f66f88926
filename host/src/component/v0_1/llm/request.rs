//! `llm-request`.

use wasmtime::component::Resource;

use super::super::bindings::heimdall::plugin::llm_types::{CallKind, HostLlmRequest, Message};
use super::super::convert::{Answered, answer, text_of};
use crate::component::State;
use crate::json::Document;
use crate::model::{EditError, LlmRequest};

/// An edit of one request by JSON that a guest gives.
type JsonEdit = fn(&mut LlmRequest, &str, Option<&Document>) -> Result<(), EditError>;

impl State {
    fn request(&mut self, request: &Resource<LlmRequest>) -> wasmtime::Result<&LlmRequest> {
        Ok(self.table().get(request)?)
    }

    fn edit_name(
        &mut self,
        request: &Resource<LlmRequest>,
        value: &str,
        edit: fn(&mut LlmRequest, &str) -> Result<(), EditError>,
    ) -> Answered<()> {
        if let Err(error) = State::admit_line(value.len()) {
            return answer(Err(error));
        }
        answer(edit(self.table().get_mut(request)?, value))
    }

    fn edit_message(
        &mut self,
        request: &Resource<LlmRequest>,
        index: u32,
        value: Message,
        edit: fn(&mut LlmRequest, u32, &crate::model::Message) -> Result<(), EditError>,
    ) -> Answered<()> {
        let size = self.request(request)?.size();
        let message = match self
            .message(value)
            .and_then(|(message, weight)| self.admit(size, weight).map(|()| message))
        {
            Ok(message) => message,
            Err(error) => return answer(Err(error)),
        };
        answer(edit(self.table().get_mut(request)?, index, &message))
    }

    fn edit_json(
        &mut self,
        request: &Resource<LlmRequest>,
        place: &str,
        value: Option<String>,
        edit: JsonEdit,
    ) -> Answered<()> {
        let size = self.request(request)?.size();
        match self.admitted_json(size, place, value) {
            Ok(value) => answer(edit(self.table().get_mut(request)?, place, value.as_ref())),
            Err(error) => answer(Err(error)),
        }
    }

    /// What a guest wants at a place of a draft of `size` bytes.
    pub(super) fn admitted_json(
        &self,
        size: u32,
        place: &str,
        value: Option<String>,
    ) -> Result<Option<Document>, EditError> {
        State::admit_line(place.len())?;
        let Some(value) = value else { return Ok(None) };
        self.admit(size, place.len() + value.len())?;
        self.json(value).map(Some)
    }
}

impl HostLlmRequest for State {
    fn kind(&mut self, request: Resource<LlmRequest>) -> wasmtime::Result<CallKind> {
        Ok(self.request(&request)?.kind().into())
    }

    fn provider(&mut self, request: Resource<LlmRequest>) -> wasmtime::Result<String> {
        Ok(self.request(&request)?.provider().to_owned())
    }

    fn set_provider(&mut self, request: Resource<LlmRequest>, value: String) -> Answered<()> {
        self.edit_name(&request, &value, LlmRequest::set_provider)
    }

    fn model(&mut self, request: Resource<LlmRequest>) -> wasmtime::Result<String> {
        Ok(self.request(&request)?.model().to_owned())
    }

    fn set_model(&mut self, request: Resource<LlmRequest>, value: String) -> Answered<()> {
        self.edit_name(&request, &value, LlmRequest::set_model)
    }

    fn streaming(&mut self, request: Resource<LlmRequest>) -> wasmtime::Result<bool> {
        Ok(self.request(&request)?.streaming())
    }

    fn attempt(&mut self, request: Resource<LlmRequest>) -> wasmtime::Result<u32> {
        Ok(self.request(&request)?.attempt())
    }

    fn message_count(&mut self, request: Resource<LlmRequest>) -> wasmtime::Result<u32> {
        Ok(self.request(&request)?.message_count())
    }

    fn message_at(&mut self, request: Resource<LlmRequest>, index: u32) -> wasmtime::Result<Option<Message>> {
        Ok(self.request(&request)?.message_at(index).map(Message::from))
    }

    fn messages(&mut self, request: Resource<LlmRequest>) -> wasmtime::Result<Vec<Message>> {
        Ok(self
            .request(&request)?
            .messages()
            .into_iter()
            .map(Message::from)
            .collect())
    }

    fn message_text(&mut self, request: Resource<LlmRequest>, index: u32) -> wasmtime::Result<Option<String>> {
        Ok(self.request(&request)?.message_text(index))
    }

    fn set_message(&mut self, request: Resource<LlmRequest>, index: u32, value: Message) -> Answered<()> {
        self.edit_message(&request, index, value, LlmRequest::set_message)
    }

    fn insert_message(&mut self, request: Resource<LlmRequest>, index: u32, value: Message) -> Answered<()> {
        self.edit_message(&request, index, value, LlmRequest::insert_message)
    }

    fn remove_message(&mut self, request: Resource<LlmRequest>, index: u32) -> Answered<()> {
        answer(self.table().get_mut(&request)?.remove_message(index))
    }

    fn param(&mut self, request: Resource<LlmRequest>, name: String) -> wasmtime::Result<Option<String>> {
        Ok(self.request(&request)?.param(&name).as_ref().map(text_of))
    }

    fn set_param(&mut self, request: Resource<LlmRequest>, name: String, value: Option<String>) -> Answered<()> {
        self.edit_json(&request, &name, value, LlmRequest::set_param)
    }

    fn get(&mut self, request: Resource<LlmRequest>, pointer: String) -> wasmtime::Result<Option<String>> {
        Ok(self.request(&request)?.get(&pointer).as_ref().map(text_of))
    }

    fn set(&mut self, request: Resource<LlmRequest>, pointer: String, value: Option<String>) -> Answered<()> {
        self.edit_json(&request, &pointer, value, LlmRequest::set)
    }

    fn to_json(&mut self, request: Resource<LlmRequest>) -> wasmtime::Result<String> {
        Ok(text_of(&self.request(&request)?.outgoing()))
    }

    fn size(&mut self, request: Resource<LlmRequest>) -> wasmtime::Result<u32> {
        Ok(self.request(&request)?.size())
    }

    fn drop(&mut self, request: Resource<LlmRequest>) -> wasmtime::Result<()> {
        self.table().delete(request)?;
        Ok(())
    }
}
