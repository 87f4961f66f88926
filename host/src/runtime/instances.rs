//! The instances of one plugin: a pool of warm ones, or a fresh one for each request.
//!
//! An instance serves one call at a time. A permit stands for an instance that is in use or being made; whoever has one
//! takes an idle instance or makes a new one, so that there are never more than the cap.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use async_trait::async_trait;
use crossbeam_queue::ArrayQueue;
use futures_util::future::join_all;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError, oneshot};

use super::deadline::Deadline;
use crate::failure::Cause;
use crate::loader::Isolation;
use crate::plugin::{Seat, Usage};

/// Calls that may wait for an instance of one plugin. Each holds a request in memory; more than this would not be
/// served within any sensible deadline.
const WAITING: usize = 4096;

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

    /// Whether an instance that served a call should make way for a new one.
    fn needs_recycling(&self, _instance: &Self::Instance) -> bool {
        false
    }
}

/// The instances of one plugin.
pub struct Instances<F: Factory> {
    isolation: Isolation,
    shared: Arc<Shared<F>>,
}

struct Shared<F: Factory> {
    factory: F,
    plugin: Arc<str>,
    cap: usize,
    idle: ArrayQueue<F::Instance>,
    permits: Arc<Semaphore>,
    waiting: AtomicUsize,
    made: AtomicU64,
    most_memory: AtomicUsize,
}

/// An instance with its permit, which is freed after it.
struct Held<I> {
    instance: I,
    permit: OwnedSemaphorePermit,
}

impl<F: Factory> Instances<F> {
    /// At most `cap` of them. With [`Isolation::Request`] that is the number of requests that are served at once.
    pub fn new(factory: F, plugin: Arc<str>, isolation: Isolation, cap: usize) -> Self {
        let cap = cap.clamp(1, Semaphore::MAX_PERMITS);
        let shared = Shared {
            factory,
            plugin,
            cap,
            idle: ArrayQueue::new(cap),
            permits: Arc::new(Semaphore::new(cap)),
            waiting: AtomicUsize::new(0),
            made: AtomicU64::new(0),
            most_memory: AtomicUsize::new(0),
        };
        Instances {
            isolation,
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
        self.shared.count();
        self.shared.note_memory(&instance);
        let unwanted = match self.isolation {
            Isolation::Warm => self.shared.idle.push(instance).err(),
            Isolation::Request => Some(instance),
        };
        if let Some(instance) = unwanted {
            self.shared.retire(instance, None);
        }
    }

    /// An instance for one call: the request's own, an idle one, or a new one.
    pub async fn lease<'a>(&'a self, seat: &'a mut Seat, deadline: &Deadline) -> Result<Lease<'a, F>, Cause> {
        if self.shared.permits.is_closed() {
            return Err(Cause::Retired);
        }
        match self.isolation {
            Isolation::Warm => {
                let permit = self.shared.permit(deadline).await?;
                let held = match self.shared.idle.pop() {
                    Some(instance) => Held { instance, permit },
                    None => self.shared.create(permit, deadline).await?,
                };
                Ok(Lease {
                    held,
                    home: Home::Pool(&self.shared),
                })
            }
            Isolation::Request => {
                let own = seat.held.take().and_then(|held| held.downcast::<Seated<F>>().ok());
                let held = match own.and_then(|seated| seated.leave()) {
                    Some(held) => held,
                    None => {
                        let permit = self.shared.permit(deadline).await?;
                        let instance = deadline.run(self.shared.factory.create()).await?;
                        self.shared.count();
                        Held { instance, permit }
                    }
                };
                Ok(Lease {
                    held,
                    home: Home::Seat(seat, &self.shared),
                })
            }
        }
    }

    /// What they came to so far.
    pub fn usage(&self) -> Usage {
        Usage {
            instances: self.shared.made.load(Ordering::Relaxed),
            memory: self.shared.most_memory.load(Ordering::Relaxed),
        }
    }

    /// Gives out no instance any more, and retires those that are idle. Those in use are retired when they come back.
    pub async fn retire_all(&self) {
        self.shared.permits.close();
        let idle = std::iter::from_fn(|| self.shared.idle.pop());
        join_all(idle.map(|instance| self.shared.factory.retire(instance))).await;
    }
}

impl<F: Factory> Shared<F> {
    fn count(&self) {
        self.made.fetch_add(1, Ordering::Relaxed);
    }

    /// Written seldom: what is only read is not fought over by the workers.
    fn note_memory(&self, instance: &F::Instance) {
        let used = self.factory.memory_used(instance);
        if used > self.most_memory.load(Ordering::Relaxed) {
            self.most_memory.fetch_max(used, Ordering::Relaxed);
        }
    }

    async fn permit(&self, deadline: &Deadline) -> Result<OwnedSemaphorePermit, Cause> {
        match self.permits.clone().try_acquire_owned() {
            Ok(permit) => return Ok(permit),
            Err(TryAcquireError::Closed) => return Err(Cause::Retired),
            Err(TryAcquireError::NoPermits) => {}
        }
        let _waiting = Waiting::enter(&self.waiting).ok_or(Cause::Busy(self.cap))?;
        let acquire = self.permits.clone().acquire_owned();
        match deadline.run(async { acquire.await.map_err(|_| Cause::Retired) }).await {
            Err(Cause::Deadline(_)) => Err(Cause::Busy(self.cap)),
            outcome => outcome,
        }
    }

    /// In a task of its own: an instance that takes longer to start than a call may take is there for a later call.
    async fn create(
        self: &Arc<Self>,
        permit: OwnedSemaphorePermit,
        deadline: &Deadline,
    ) -> Result<Held<F::Instance>, Cause> {
        let (sender, receiver) = oneshot::channel();
        let shared = self.clone();
        tokio::spawn(async move {
            let created = shared.factory.create().await.map(|instance| Held { instance, permit });
            if created.is_ok() {
                shared.count();
            }
            if let Err(Ok(unclaimed)) = sender.send(created) {
                shared.take_back(unclaimed);
            }
        });
        let gone = |_| Cause::Instantiate("its start broke off".into());
        deadline.run(async { receiver.await.map_err(gone)? }).await
    }

    fn take_back(self: &Arc<Self>, held: Held<F::Instance>) {
        let Held { instance, permit } = held;
        if self.permits.is_closed() || self.factory.needs_recycling(&instance) {
            return self.retire(instance, Some(permit));
        }
        // There is room: each instance in the queue once had a permit.
        drop(self.idle.push(instance));
        // Retirement may have emptied the queue in between.
        if self.permits.is_closed()
            && let Some(instance) = self.idle.pop()
        {
            self.retire(instance, Some(permit));
        }
    }

    /// In a task of its own: nobody waits for a guest's `cleanup`.
    fn retire(self: &Arc<Self>, instance: F::Instance, permit: Option<OwnedSemaphorePermit>) {
        let shared = self.clone();
        let retired = async move {
            shared.factory.retire(instance).await;
            drop(permit);
        };
        // Without a runtime, as when the process ends, the instance is only dropped.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            tracing::debug!(
                plugin = &*self.plugin,
                "an instance is retired; what it kept in memory is gone"
            );
            runtime.spawn(retired);
        }
    }
}

/// A request's own instance between two of its hooks. It is retired when the request is over.
struct Seated<F: Factory> {
    held: Option<Held<F::Instance>>,
    shared: Arc<Shared<F>>,
}

impl<F: Factory> Seated<F> {
    fn leave(mut self) -> Option<Held<F::Instance>> {
        self.held.take()
    }
}

impl<F: Factory> Drop for Seated<F> {
    fn drop(&mut self) {
        if let Some(Held { instance, permit }) = self.held.take() {
            self.shared.retire(instance, Some(permit));
        }
    }
}

/// One of the bounded number of calls that wait.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn enter(count: &'a AtomicUsize) -> Option<Self> {
        let guard = Waiting(count);
        (count.fetch_add(1, Ordering::Relaxed) < WAITING).then_some(guard)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

enum Home<'a, F: Factory> {
    Pool(&'a Arc<Shared<F>>),
    Seat(&'a mut Seat, &'a Arc<Shared<F>>),
}

/// An instance for one call. Dropping it throws the instance away, also when the call was cancelled: only a guest that
/// returned is known to be in order.
pub struct Lease<'a, F: Factory> {
    held: Held<F::Instance>,
    home: Home<'a, F>,
}

impl<F: Factory> Lease<'_, F> {
    /// The guest returned: the instance may serve further calls.
    pub fn keep(self) {
        let (Home::Pool(shared) | Home::Seat(_, shared)) = &self.home;
        shared.note_memory(&self.held.instance);
        match self.home {
            Home::Pool(shared) => shared.take_back(self.held),
            Home::Seat(seat, shared) => {
                seat.held = Some(Box::new(Seated::<F> {
                    held: Some(self.held),
                    shared: shared.clone(),
                }));
            }
        }
    }
}

impl<F: Factory> Deref for Lease<'_, F> {
    type Target = F::Instance;

    fn deref(&self) -> &Self::Target {
        &self.held.instance
    }
}

impl<F: Factory> DerefMut for Lease<'_, F> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.held.instance
    }
}

#[cfg(test)]
mod tests;
