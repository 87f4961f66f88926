//! How much of the engines is in use: what should come back to where it was when the load is over.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use wasmtime::Engine;

/// What of a host's engines is in use at one moment, of all of them together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Live {
    /// Stores with a guest in them, or about to have one.
    pub stores: usize,
    /// Places of their pools that core modules take, each part of a component as well.
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

/// Counts Stores, and knows the engines that they are in. Clones are the same.
#[derive(Clone, Default)]
pub(super) struct InUse {
    stores: Arc<AtomicUsize>,
    engines: Arc<Mutex<Vec<Engine>>>,
}

impl InUse {
    /// From here on what is in use of this engine counts too.
    pub(super) fn of(self, engine: &Engine) -> InUse {
        self.engines
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(engine.clone());
        self
    }

    pub(super) fn enter(&self) -> Presence {
        self.stores.fetch_add(1, Ordering::Relaxed);
        Presence(self.stores.clone())
    }

    pub(super) fn live(&self) -> Live {
        let mut live = Live {
            stores: self.stores.load(Ordering::Relaxed),
            ..Live::default()
        };
        let engines = self.engines.lock().unwrap_or_else(PoisonError::into_inner);
        for pool in engines.iter().filter_map(Engine::pooling_allocator_metrics) {
            live.core_instances += pool.core_instances();
            live.component_instances += pool.component_instances();
            live.memories += pool.memories();
            live.tables += pool.tables();
            live.stacks += pool.stacks();
        }
        live
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
