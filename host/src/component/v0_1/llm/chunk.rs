//! `llm-chunk`.

use wasmtime::component::Resource;

use super::super::bindings::heimdall::plugin::llm_types::HostLlmChunk;
use super::super::convert::{Answered, answer, text_of};
use crate::component::State;
use crate::model::LlmChunk;

impl State {
    fn chunk(&mut self, chunk: &Resource<LlmChunk>) -> wasmtime::Result<&LlmChunk> {
        Ok(self.table().get(chunk)?)
    }
}

impl HostLlmChunk for State {
    fn index(&mut self, chunk: Resource<LlmChunk>) -> wasmtime::Result<u32> {
        Ok(self.chunk(&chunk)?.index())
    }

    fn choice(&mut self, chunk: Resource<LlmChunk>) -> wasmtime::Result<u32> {
        Ok(self.chunk(&chunk)?.choice())
    }

    fn text(&mut self, chunk: Resource<LlmChunk>) -> wasmtime::Result<Option<String>> {
        Ok(self.chunk(&chunk)?.text())
    }

    fn set_text(&mut self, chunk: Resource<LlmChunk>, value: String) -> Answered<()> {
        let size = self.chunk(&chunk)?.size();
        if let Err(error) = self.admit(size, value.len()) {
            return answer(Err(error));
        }
        answer(self.table().get_mut(&chunk)?.set_text(&value))
    }

    fn finish_reason(&mut self, chunk: Resource<LlmChunk>) -> wasmtime::Result<Option<String>> {
        Ok(self.chunk(&chunk)?.finish_reason())
    }

    fn get(&mut self, chunk: Resource<LlmChunk>, pointer: String) -> wasmtime::Result<Option<String>> {
        Ok(self.chunk(&chunk)?.get(&pointer).as_ref().map(text_of))
    }

    fn set(&mut self, chunk: Resource<LlmChunk>, pointer: String, value: Option<String>) -> Answered<()> {
        let size = self.chunk(&chunk)?.size();
        match self.admitted_json(size, &pointer, value) {
            Ok(value) => answer(self.table().get_mut(&chunk)?.set(&pointer, value.as_ref())),
            Err(error) => answer(Err(error)),
        }
    }

    fn to_json(&mut self, chunk: Resource<LlmChunk>) -> wasmtime::Result<String> {
        Ok(text_of(self.chunk(&chunk)?.document()))
    }

    fn drop(&mut self, chunk: Resource<LlmChunk>) -> wasmtime::Result<()> {
        self.table().delete(chunk)?;
        Ok(())
    }
}
