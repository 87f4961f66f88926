//! The call to a model, its answer and the events of a stream, as the contract's resources.

mod chunk;
mod request;
mod response;

use super::bindings::heimdall::plugin::llm_types::Host;
use crate::component::State;

impl Host for State {}
