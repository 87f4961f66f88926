//! The pipeline: which plugin is called when, what is committed, and what a failure comes to.
//!
//! It knows plugins by [`crate::plugin::Plugin`] only: neither an ABI nor the WebAssembly engine is named here.
//! A [`Pipeline`] holds the plugins in order; [`Pipeline::begin`] starts one request's [`Exchange`]; a streamed answer
//! goes on in an [`LlmStream`].
//!
//! ```no_run
//! use std::sync::Arc;
//! use heimdall_host::model::{HttpRequest, LlmRequest, Upstream};
//! use heimdall_host::pipeline::{HttpStep, LlmStep, Pipeline};
//!
//! # async fn run(pipeline: Arc<Pipeline>, request: HttpRequest, call: LlmRequest) {
//! let mut exchange = pipeline.begin("request-1", request);
//! if let HttpStep::Respond(_response) = exchange.on_request().await {
//!     return; // a plugin answered
//! }
//! match exchange.before_call(call).await {
//!     LlmStep::Proceed(_request) => { /* call the upstream, then `after_call` */ }
//!     LlmStep::Answer(response) => { exchange.after_call(Upstream::Response(response)).await; }
//!     LlmStep::Refuse(error) => { exchange.after_call(Upstream::Error(error)).await; }
//! }
//! # }
//! ```

mod breaker;
mod exchange;
mod hidden;
mod observer;
mod policy;
mod stream;
#[cfg(test)]
mod tests;
mod turn;

use std::collections::HashMap;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use tokio::sync::Notify;

use crate::limits::Limits;
use crate::loader::Loaded;
use crate::model::HttpRequest;
use crate::plugin::HookSet;

pub use breaker::{Breaker, BreakerSettings, BreakerState};
pub use exchange::{Exchange, HttpStep, LlmStep};
pub use observer::{HookDone, Observer};
pub use stream::{LlmStream, StreamStep};

/// Bytes that the answer of one stream may have for `after-call`; a longer one is not put together.
const MAX_ASSEMBLED_ANSWER: usize = 16 << 20;

/// Plugins in the order in which requests pass them; responses pass them in reverse.
pub struct Pipeline {
    plugins: Vec<Loaded>,
    hooks: HookSet,
    settings: PipelineSettings,
    in_flight: AtomicUsize,
    idle: Notify,
}

/// What all plugins of one request may use together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PipelineSettings {
    /// Bytes of keys and values that a request's context may hold.
    pub context: usize,
    /// Time that all hooks of a request may take.
    pub time: Duration,
}

impl Default for PipelineSettings {
    fn default() -> Self {
        PipelineSettings {
            context: Limits::default().context,
            time: Duration::from_secs(10),
        }
    }
}

/// Two plugins of one pipeline have the same name.
#[derive(Debug, thiserror::Error)]
#[error("two plugins are called `{name}`: {first} and {second} (give one of them another `name`)")]
pub struct DuplicateName {
    /// The name that both have.
    pub name: Arc<str>,
    /// The file of the first.
    pub first: Arc<str>,
    /// The file of the second.
    pub second: Arc<str>,
}

impl std::fmt::Debug for Pipeline {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list()
            .entries(self.plugins.iter().map(|loaded| &loaded.plugin.manifest().name))
            .finish()
    }
}

impl Pipeline {
    /// A pipeline of these plugins, in this order. A plugin may be in several, as where a configuration follows another: it is
    /// retired with the last of them.
    ///
    /// # Errors
    /// When two plugins have one name.
    pub fn new(plugins: Vec<Loaded>, settings: PipelineSettings) -> Result<Pipeline, DuplicateName> {
        let mut files: HashMap<Arc<str>, Arc<str>> = HashMap::new();
        for loaded in &plugins {
            let manifest = loaded.plugin.manifest();
            if let Some(first) = files.insert(manifest.name.clone(), manifest.file.clone()) {
                return Err(DuplicateName {
                    name: manifest.name.clone(),
                    first,
                    second: manifest.file.clone(),
                });
            }
        }
        let hooks = plugins
            .iter()
            .fold(HookSet::empty(), |all, loaded| all | loaded.plugin.hooks());
        for loaded in &plugins {
            loaded.holders.fetch_add(1, Ordering::AcqRel);
        }
        Ok(Pipeline {
            plugins,
            hooks,
            settings,
            in_flight: AtomicUsize::new(0),
            idle: Notify::new(),
        })
    }

    /// The plugins, in order.
    pub fn plugins(&self) -> &[Loaded] {
        &self.plugins
    }

    /// The hooks that at least one plugin has.
    pub fn hooks(&self) -> HookSet {
        self.hooks
    }

    /// Starts one request's journey.
    pub fn begin(self: &Arc<Self>, request_id: &str, request: HttpRequest) -> Exchange {
        Exchange::new(self.clone(), request_id, request)
    }

    /// Waits until no request is under way: every [`Exchange`] and [`LlmStream`] is dropped. New ones are not kept out.
    pub async fn idle(&self) {
        loop {
            let mut idle = pin!(self.idle.notified());
            // Before the look at the count, so that no end of a request falls between the two.
            idle.as_mut().enable();
            if self.in_flight.load(Ordering::Acquire) == 0 {
                return;
            }
            idle.await;
        }
    }

    /// Retires every plugin that is in no other pipeline: each one's guest `cleanup` runs, within its deadline, all of them at
    /// once. Hooks of requests that are still under way fail from then on: see [`Pipeline::idle`]. Called once.
    pub async fn cleanup(&self) {
        let is_last = |loaded: &&Loaded| loaded.holders.fetch_sub(1, Ordering::AcqRel) == 1;
        let last = self.plugins.iter().filter(is_last);
        join_all(last.map(|loaded| loaded.plugin.cleanup())).await;
    }
}

/// A request that is under way.
struct InFlight(Arc<Pipeline>);

impl InFlight {
    fn enter(pipeline: &Arc<Pipeline>) -> InFlight {
        pipeline.in_flight.fetch_add(1, Ordering::AcqRel);
        InFlight(pipeline.clone())
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        if self.0.in_flight.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.0.idle.notify_waiters();
        }
    }
}
