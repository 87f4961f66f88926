//! What a guest may call at any time: the request's context, and log lines.

use super::bindings::heimdall::plugin::logging::Level;
use super::bindings::heimdall::plugin::{context, logging, types};
use super::convert::{Answered, answer, text_of};
use crate::component::State;
use crate::model::EditError;

impl types::Host for State {}

impl State {
    /// Outside a request there is no context to read or to write.
    fn in_request(&self) -> bool {
        !self.tenant.context().request_id().is_empty()
    }

    fn set_context(&mut self, key: &str, value: String) -> Result<(), EditError> {
        if !self.in_request() {
            return Err(EditError::Other("there is no context outside a request".to_owned()));
        }
        let value = self.json(value)?;
        self.tenant.context_mut().set(key, value)
    }
}

impl context::Host for State {
    fn request_id(&mut self) -> wasmtime::Result<String> {
        Ok(self.tenant.context().request_id().to_owned())
    }

    fn get(&mut self, key: String) -> wasmtime::Result<Option<String>> {
        if !self.in_request() {
            return Ok(None);
        }
        Ok(self.tenant.context().get(&key).as_ref().map(text_of))
    }

    fn set(&mut self, key: String, value: String) -> Answered<()> {
        answer(self.set_context(&key, value))
    }

    fn remove(&mut self, key: String) -> wasmtime::Result<()> {
        self.tenant.context_mut().remove(&key);
        Ok(())
    }

    fn keys(&mut self) -> wasmtime::Result<Vec<String>> {
        if !self.in_request() {
            return Ok(Vec::new());
        }
        Ok(self.tenant.context().keys())
    }
}

impl logging::Host for State {
    fn log(&mut self, level: Level, message: String, fields: Vec<(String, String)>) -> wasmtime::Result<()> {
        let level = match level {
            Level::Trace => tracing::Level::TRACE,
            Level::Debug => tracing::Level::DEBUG,
            Level::Info => tracing::Level::INFO,
            Level::Warn => tracing::Level::WARN,
            Level::Error => tracing::Level::ERROR,
        };
        self.tenant.log(level, &message, &fields);
        Ok(())
    }
}
