//! How much of the engine is in use: what should come back to where it was when the load is over.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use wasmtime::Engine;

/// What of an engine is in use at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Live {
    /// Stores with a guest in them, or about to have one.
    pub stores: usize,
    /// Places of the engine's pool that core modules take, each part of a component as well.
    pub core_instances: u64,
    /// Places that components take.
    pub component_instances: u64,
    /// Memories.
    pub memories: usize,
    /// Tables.
    pub tables: usize,
    /// Stacks: one for each call that runs.
    pub stacks: usize,
}

/// Counts Stores.
#[derive(Debug, Clone, Default)]
pub(super) struct Stores(Arc<AtomicUsize>);

impl Stores {
    pub(super) fn enter(&self) -> Presence {
        self.0.fetch_add(1, Ordering::Relaxed);
        Presence(self.0.clone())
    }

    pub(super) fn live(&self, engine: &Engine) -> Live {
        let pool = engine.pooling_allocator_metrics();
        let pool = pool.as_ref();
        Live {
            stores: self.0.load(Ordering::Relaxed),
            core_instances: pool.map_or(0, |pool| pool.core_instances()),
            component_instances: pool.map_or(0, |pool| pool.component_instances()),
            memories: pool.map_or(0, |pool| pool.memories()),
            tables: pool.map_or(0, |pool| pool.tables()),
            stacks: pool.map_or(0, |pool| pool.stacks()),
        }
    }
}

/// One Store that is counted.
#[derive(Debug)]
pub(super) struct Presence(Arc<AtomicUsize>);

impl Drop for Presence {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
