//! `llm-response`.

use wasmtime::component::Resource;

use super::super::bindings::heimdall::plugin::llm_types::{CallKind, HostLlmResponse, TokenUsage};
use super::super::convert::{Answered, answer, text_of};
use crate::component::State;
use crate::model::LlmResponse;

impl State {
    fn response(&mut self, response: &Resource<LlmResponse>) -> wasmtime::Result<&LlmResponse> {
        Ok(self.table().get(response)?)
    }
}

impl HostLlmResponse for State {
    fn kind(&mut self, response: Resource<LlmResponse>) -> wasmtime::Result<CallKind> {
        Ok(self.response(&response)?.kind().into())
    }

    fn streamed(&mut self, response: Resource<LlmResponse>) -> wasmtime::Result<bool> {
        Ok(self.response(&response)?.streamed())
    }

    fn provider(&mut self, response: Resource<LlmResponse>) -> wasmtime::Result<Option<String>> {
        Ok(self.response(&response)?.provider().map(str::to_owned))
    }

    fn model(&mut self, response: Resource<LlmResponse>) -> wasmtime::Result<Option<String>> {
        Ok(self.response(&response)?.model())
    }

    fn id(&mut self, response: Resource<LlmResponse>) -> wasmtime::Result<Option<String>> {
        Ok(self.response(&response)?.id())
    }

    fn elapsed(&mut self, response: Resource<LlmResponse>) -> wasmtime::Result<u32> {
        Ok(self.response(&response)?.elapsed())
    }

    fn choice_count(&mut self, response: Resource<LlmResponse>) -> wasmtime::Result<u32> {
        Ok(self.response(&response)?.choice_count())
    }

    fn text(&mut self, response: Resource<LlmResponse>, choice: u32) -> wasmtime::Result<Option<String>> {
        Ok(self.response(&response)?.text(choice))
    }

    fn set_text(&mut self, response: Resource<LlmResponse>, choice: u32, value: String) -> Answered<()> {
        let size = self.response(&response)?.size();
        if let Err(error) = self.admit(size, value.len()) {
            return answer(Err(error));
        }
        answer(self.table().get_mut(&response)?.set_text(choice, &value))
    }

    fn usage(&mut self, response: Resource<LlmResponse>) -> wasmtime::Result<Option<TokenUsage>> {
        Ok(self.response(&response)?.usage().map(TokenUsage::from))
    }

    fn finish_reason(&mut self, response: Resource<LlmResponse>, choice: u32) -> wasmtime::Result<Option<String>> {
        Ok(self.response(&response)?.finish_reason(choice))
    }

    fn get(&mut self, response: Resource<LlmResponse>, pointer: String) -> wasmtime::Result<Option<String>> {
        Ok(self.response(&response)?.get(&pointer).as_ref().map(text_of))
    }

    fn set(&mut self, response: Resource<LlmResponse>, pointer: String, value: Option<String>) -> Answered<()> {
        let size = self.response(&response)?.size();
        match self.admitted_json(size, &pointer, value) {
            Ok(value) => answer(self.table().get_mut(&response)?.set(&pointer, value.as_ref())),
            Err(error) => answer(Err(error)),
        }
    }

    fn to_json(&mut self, response: Resource<LlmResponse>) -> wasmtime::Result<String> {
        Ok(text_of(self.response(&response)?.document()))
    }

    fn size(&mut self, response: Resource<LlmResponse>) -> wasmtime::Result<u32> {
        Ok(self.response(&response)?.size())
    }

    fn drop(&mut self, response: Resource<LlmResponse>) -> wasmtime::Result<()> {
        self.table().delete(response)?;
        Ok(())
    }
}
