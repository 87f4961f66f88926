//! The instances of one plugin: a pool of warm ones, or a fresh one for each request.
//!
//! An instance serves one call at a time. A permit stands for an instance that lives or is being made, so that there are
//! never more than the cap. An idle one keeps its permit: to take it is one step, and no lock. Who finds none idle waits
//! until one comes back, or for a permit. One that is given to a call that waits stands by, and its permit is what is given.

mod idle;
mod lease;
mod permits;
mod queue;
mod renew;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering, fence};
use std::time::Duration;

use async_trait::async_trait;
use crossbeam_queue::ArrayQueue;
use futures_util::future::join_all;
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::deadline::Deadline;
use crate::counters::{Counters, Wear};
use crate::failure::Cause;
use crate::loader::{Isolation, RecycleSettings};
use crate::plugin::{Seat, Usage};
use idle::Idle;
pub use lease::Lease;
use lease::{Home, Seated};
use permits::{Got, Permit, Permits};

/// A call that has an instance for longer makes others wait for longer than waking a thread takes.
const LONG: Duration = Duration::from_micros(50);

/// Makes and retires instances: the part of an adapter that the pool needs.
#[async_trait]
pub trait Factory: Send + Sync + 'static {
    /// A Store with the instance in it.
    type Instance: Send + 'static;

    /// A new instance, ready for hooks, within a deadline of its own.
    async fn create(&self) -> Result<Self::Instance, Cause>;

    /// The guest's `cleanup`, within a deadline of its own; then the instance is gone.
    async fn retire(&self, instance: Self::Instance);

    /// Bytes of memory that an instance has.
    fn memory_used(&self, instance: &Self::Instance) -> usize;

    /// Bytes of memory that it started with: a fresh one has no fewer.
    fn fresh_memory(&self, instance: &Self::Instance) -> usize;

    /// Whether something else than memory will soon run out, so that a call would fail.
    fn is_exhausted(&self, _instance: &Self::Instance) -> bool {
        false
    }
}

/// How a plugin's instances are kept.
pub struct InstanceSettings {
    /// The plugin's name.
    pub plugin: Arc<str>,
    /// What separates one request from the next.
    pub isolation: Isolation,
    /// The most at once. With [`Isolation::Request`] that is the number of requests that are served at once.
    pub cap: usize,
    /// Calls that may wait for one.
    pub waiting: usize,
    /// When one makes way for a fresh one.
    pub recycle: RecycleSettings,
    /// Bytes of memory that one may have.
    pub memory: usize,
    /// Where it is counted what becomes of them, and that one more call may not wait.
    pub counters: Arc<Counters>,
}

/// The instances of one plugin.
pub struct Instances<F: Factory> {
    shared: Arc<Shared<F>>,
}

struct Shared<F: Factory> {
    factory: F,
    settings: InstanceSettings,
    idle: Idle<Held<F::Instance>>,
    /// Those whose permits were given to calls that waited.
    standing_by: ArrayQueue<Kept<F::Instance>>,
    /// The one that takes the place of the next that is worn.
    spare: ArrayQueue<Kept<F::Instance>>,
    /// Whether one is being made for that.
    is_renewing: AtomicBool,
    permits: Arc<Permits>,
    waiting: AtomicUsize,
    /// How many came back while calls waited.
    returned: AtomicUsize,
    /// How many are being made for calls.
    making: AtomicUsize,
    live: Arc<AtomicUsize>,
    most_memory: AtomicUsize,
    /// Whether the last call that had waited had its instance for [`LONG`].
    is_long: AtomicBool,
}

/// An instance, and what wears it.
struct Kept<I> {
    /// On the heap: it is passed on ten times in a call, and may be large.
    instance: Box<I>,
    calls: u64,
    born: Instant,
    /// Since when a call has it that waited for it.
    waited: Option<Instant>,
    _live: Live,
}

/// One of those that live.
struct Live(Arc<AtomicUsize>);

impl Drop for Live {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// An instance with its permit, which is freed after it.
struct Held<I> {
    kept: Kept<I>,
    permit: Permit,
}

impl<F: Factory> Instances<F> {
    /// At most `cap` of them, and one more while it takes another's place.
    pub fn new(factory: F, settings: InstanceSettings) -> Self {
        let cap = settings.cap.max(1);
        let shared = Shared {
            factory,
            settings: InstanceSettings { cap, ..settings },
            idle: Idle::new(cap),
            standing_by: ArrayQueue::new(cap),
            spare: ArrayQueue::new(1),
            is_renewing: AtomicBool::new(false),
            permits: Permits::new(cap),
            waiting: AtomicUsize::new(0),
            returned: AtomicUsize::new(0),
            making: AtomicUsize::new(0),
            live: Arc::default(),
            most_memory: AtomicUsize::new(0),
            is_long: AtomicBool::new(false),
        };
        Instances {
            shared: Arc::new(shared),
        }
    }

    /// What makes them.
    pub fn factory(&self) -> &F {
        &self.shared.factory
    }

    /// Takes in an instance that was made before there were requests. With [`Isolation::Request`] it is retired: it
    /// belongs to no request.
    pub fn put(&self, instance: F::Instance) {
        let kept = self.shared.kept(instance);
        self.shared.note_memory(&kept.instance);
        let permit = match self.shared.settings.isolation {
            Isolation::Warm => self.shared.permits.try_take().ok().flatten(),
            // Its end is to keep no request from its place.
            Isolation::Request => None,
        };
        match permit {
            Some(permit) => self.shared.lay_down(Held { kept, permit }),
            None => self.shared.retire(kept, None),
        }
    }

    /// An instance for one call: the request's own, an idle one, or a new one.
    pub async fn lease<'a>(&'a self, seat: &'a mut Seat, deadline: &Deadline) -> Result<Lease<'a, F>, Cause> {
        if self.shared.permits.is_closed() {
            return Err(Cause::Retired);
        }
        match self.shared.settings.isolation {
            Isolation::Warm => {
                let held = match self.shared.idle.pop() {
                    Some(held) => held,
                    // On the heap, as it is seldom needed: every call would have room for it.
                    None => Box::pin(self.shared.wait(deadline)).await?,
                };
                Ok(Lease::new(held, Home::Pool(&self.shared)))
            }
            Isolation::Request => {
                let own = seat.held.take().and_then(|held| held.downcast::<Seated<F>>().ok());
                let held = match own.and_then(|seated| seated.leave()) {
                    Some(held) => held,
                    None => self.shared.made_for_request(deadline).await?,
                };
                Ok(Lease::new(held, Home::Seat(seat, &self.shared)))
            }
        }
    }

    /// What they came to so far, and how they stand.
    pub fn usage(&self) -> Usage {
        let shared = &self.shared;
        let free = shared.permits.free();
        let counters = &shared.settings.counters;
        Usage {
            made: counters.instances_made(),
            most: shared.settings.cap,
            live: shared.live.load(Ordering::Relaxed),
            busy: shared.settings.cap.saturating_sub(free + shared.idle.len()),
            waiting: shared.waiting.load(Ordering::Relaxed),
            recycled: Wear::ALL.iter().map(|wear| counters.instances_recycled(*wear)).sum(),
            discarded: counters.instances_discarded(),
            memory: shared.most_memory.load(Ordering::Relaxed),
        }
    }

    /// Gives out no instance any more, and retires those that are idle. Those in use are retired when they come back.
    pub async fn retire_all(&self) {
        let shared = &self.shared;
        shared.permits.close();
        let idle = || shared.idle.pop().map(|held| held.kept);
        let unused = std::iter::from_fn(|| {
            idle()
                .or_else(|| shared.standing_by.pop())
                .or_else(|| shared.spare.pop())
        });
        join_all(unused.map(|kept| shared.end(kept))).await;
    }
}

impl<F: Factory> Shared<F> {
    fn kept(&self, instance: F::Instance) -> Kept<F::Instance> {
        self.settings.counters.instance_made();
        self.live.fetch_add(1, Ordering::Relaxed);
        Kept {
            instance: Box::new(instance),
            calls: 0,
            born: Instant::now(),
            waited: None,
            _live: Live(self.live.clone()),
        }
    }

    /// Written seldom: what is only read is not fought over by the workers.
    fn note_memory(&self, instance: &F::Instance) {
        let used = self.factory.memory_used(instance);
        if used > self.most_memory.load(Ordering::Relaxed) {
            self.most_memory.fetch_max(used, Ordering::Relaxed);
        }
    }

    /// Where none is idle: another one, or the next that comes back.
    async fn wait(self: &Arc<Self>, deadline: &Deadline) -> Result<Held<F::Instance>, Cause> {
        let mut held = match self.permit(deadline).await? {
            Got::Found(held) => held,
            Got::Permit(permit) => match self.standing_by.pop() {
                Some(kept) => Held { kept, permit },
                None => return self.create(permit, deadline).await,
            },
        };
        held.kept.waited = Some(Instant::now());
        Ok(held)
    }

    /// A fresh one for a request alone.
    async fn made_for_request(self: &Arc<Self>, deadline: &Deadline) -> Result<Held<F::Instance>, Cause> {
        let permit = match self.permit(deadline).await? {
            Got::Permit(permit) => permit,
            // None is ever idle.
            Got::Found(held) => return Ok(held),
        };
        let instance = deadline.run(self.factory.create()).await?;
        let kept = self.kept(instance);
        Ok(Held { kept, permit })
    }

    /// In a task of its own: an instance that takes longer to start than a call may take is there for a later call.
    async fn create(self: &Arc<Self>, permit: Permit, deadline: &Deadline) -> Result<Held<F::Instance>, Cause> {
        let (sender, receiver) = oneshot::channel();
        let shared = self.clone();
        let making = Making::begin(self);
        tokio::spawn(async move {
            let _making = making;
            let created = shared.factory.create().await.map(|instance| {
                let kept = shared.kept(instance);
                Held { kept, permit }
            });
            if let Err(Ok(unclaimed)) = sender.send(created) {
                shared.take_back(unclaimed);
            }
        });
        let gone = |_| Cause::Instantiate("its start broke off".into());
        deadline.run(async { receiver.await.map_err(gone)? }).await
    }

    fn take_back(self: &Arc<Self>, held: Held<F::Instance>) {
        let Held { kept, permit } = held;
        if self.permits.is_closed() {
            return self.retire(kept, Some(permit));
        }
        let next = match self.worn(&kept) {
            None => Some(kept),
            Some(worn) => self.renewed(kept, worn),
        };
        if let Some(kept) = next {
            self.lay_down(Held { kept, permit });
        }
    }

    /// It is idle from now on, or serves a call that waits.
    fn lay_down(self: &Arc<Self>, mut held: Held<F::Instance>) {
        if let Some(since) = held.kept.waited.take() {
            self.is_long.store(since.elapsed() >= LONG, Ordering::Relaxed);
        }
        // There is room: each one in the queue has a permit.
        self.idle.push(held);
        // Who waits has said so before it looked for an idle one: it finds this one, or is seen here.
        fence(Ordering::SeqCst);
        if self.waiting.load(Ordering::Relaxed) > 0 {
            self.returned.fetch_add(1, Ordering::Relaxed);
            self.tell();
        }
        self.retire_late();
    }

    /// Retirement may have emptied the queues before what is in them now.
    fn retire_late(self: &Arc<Self>) {
        if self.permits.is_closed() {
            while let Some(Held { kept, permit }) = self.idle.pop() {
                self.retire(kept, Some(permit));
            }
            while let Some(kept) = self.standing_by.pop() {
                self.retire(kept, None);
            }
        }
    }

    /// An instance is idle: a call that waits looks for it, or is given it.
    fn tell(&self) {
        if self.permits.tell(self.is_long.load(Ordering::Relaxed))
            && let Some(Held { kept, permit }) = self.idle.pop()
        {
            drop(self.standing_by.push(kept));
            self.permits.give(permit);
        }
    }

    async fn end(&self, kept: Kept<F::Instance>) {
        let Kept { instance, _live, .. } = kept;
        self.factory.retire(*instance).await;
    }

    /// In a task of its own: nobody waits for a guest's `cleanup`.
    fn retire(self: &Arc<Self>, kept: Kept<F::Instance>, permit: Option<Permit>) {
        let shared = self.clone();
        let retired = async move {
            shared.end(kept).await;
            drop(permit);
        };
        // Without a runtime, as when the process ends, the instance is only dropped.
        if let Ok(runtime) = Handle::try_current() {
            tracing::debug!(
                plugin = &*self.settings.plugin,
                "an instance is retired; what it kept in memory is gone"
            );
            runtime.spawn(retired);
        }
    }
}

/// An instance that is being made for a call.
struct Making<F: Factory>(Arc<Shared<F>>);

impl<F: Factory> Making<F> {
    fn begin(shared: &Arc<Shared<F>>) -> Self {
        shared.making.fetch_add(1, Ordering::Relaxed);
        Making(shared.clone())
    }
}

impl<F: Factory> Drop for Making<F> {
    fn drop(&mut self) {
        self.0.making.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests;
