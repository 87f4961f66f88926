//! Fresh instances in the place of worn ones: made before those fail, and while they serve.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::runtime::Handle;

use super::{Factory, Kept, Shared};
use crate::counters::Wear;

/// How long it is waited until a fresh instance is tried to be made again.
const BETWEEN_TRIES: Duration = Duration::from_secs(1);

/// Of an instance that should make way for a fresh one.
pub(super) struct Worn {
    wear: Wear,
    /// It can't serve until there is one.
    is_spent: bool,
}

impl Worn {
    fn why(&self) -> &'static str {
        match self.wear {
            Wear::Calls => "it has served as many calls as `recycle.calls` says",
            Wear::Age => "it is as old as `recycle.age_ms` says",
            Wear::Memory => "it has more of the memory that it may have than `recycle.memory_percent` says",
            Wear::Heap => "its heap is nearly used up",
        }
    }
}

impl<F: Factory> Shared<F> {
    /// Whether an instance should make way for a fresh one, before it fails.
    pub(super) fn worn(&self, kept: &Kept<F::Instance>) -> Option<Worn> {
        let recycle = &self.settings.recycle;
        let worn = |wear| Some(Worn { wear, is_spent: false });
        if recycle.calls.is_some_and(|calls| kept.calls >= calls) {
            return worn(Wear::Calls);
        }
        if recycle.age.is_some_and(|age| kept.born.elapsed() >= age) {
            return worn(Wear::Age);
        }
        let used = self.factory.memory_used(&kept.instance);
        let most = self.settings.memory / 100 * recycle.memory_percent as usize;
        if used > most && used > self.factory.fresh_memory(&kept.instance) {
            // Halfway from there to all of it, the next call may be one too many.
            return Some(Worn {
                wear: Wear::Memory,
                is_spent: used > most + self.settings.memory.saturating_sub(most) / 2,
            });
        }
        match self.factory.is_exhausted(&kept.instance) {
            true => worn(Wear::Heap),
            false => None,
        }
    }

    /// The fresh instance that is there in its place; else the worn one itself, which serves until there is one, if it can.
    pub(super) fn renewed(self: &Arc<Self>, kept: Kept<F::Instance>, worn: Worn) -> Option<Kept<F::Instance>> {
        let fresh = self.spare.pop();
        if fresh.is_none() && !worn.is_spent {
            self.renew();
            return Some(kept);
        }
        self.settings.counters.instance_recycled(worn.wear);
        tracing::info!(
            plugin = &*self.settings.plugin,
            calls = kept.calls,
            memory = self.factory.memory_used(&kept.instance),
            "an instance makes way for a fresh one, and what it kept in memory is lost: {}",
            worn.why()
        );
        self.retire(kept, None);
        fresh
    }

    /// Makes one instance that will take a worn one's place, in a task of its own.
    fn renew(self: &Arc<Self>) {
        let Ok(runtime) = Handle::try_current() else { return };
        if self.is_renewing.swap(true, Ordering::AcqRel) {
            return;
        }
        let shared = self.clone();
        runtime.spawn(async move {
            match shared.factory.create().await {
                Ok(instance) => shared.take_in(shared.kept(instance)),
                Err(cause) => {
                    tracing::warn!(plugin = &*shared.settings.plugin, %cause, "a worn instance serves on, as no fresh one could be made");
                    tokio::time::sleep(BETWEEN_TRIES).await;
                }
            }
            shared.is_renewing.store(false, Ordering::Release);
        });
    }

    /// A fresh instance takes the place of a worn one that is idle, or waits for one to come back.
    fn take_in(self: &Arc<Self>, fresh: Kept<F::Instance>) {
        if let Err(fresh) = self.spare.push(fresh) {
            return self.retire(fresh, None);
        }
        if self.permits.is_closed() {
            if let Some(fresh) = self.spare.pop() {
                self.retire(fresh, None);
            }
        } else if let Some(held) = self.idle.pop() {
            self.take_back(held);
        }
    }
}
