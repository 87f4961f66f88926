//! The floors: guests called by the engine alone, with none of what the host does.
//!
//! The engine is the host's own, so that its settings are the same: interruptible, asynchronous, memory from the pool.

mod command;
mod component;
mod core;

pub use self::command::RawCommand;
pub use self::component::{RawComponent, RawRequest, Said};
pub use self::core::RawModule;

use wasmtime::{Engine, Store};

/// A Store whose guest can be interrupted, as the host's can.
fn store<T: Send + 'static>(engine: &Engine, data: T) -> Store<T> {
    let mut store = Store::new(engine, data);
    // An engine without epochs takes no notice.
    store.epoch_deadline_async_yield_and_update(1);
    store.set_epoch_deadline(1);
    store
}
