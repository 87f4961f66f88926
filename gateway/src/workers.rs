//! Threads that serve connections, each with a runtime of its own.
//!
//! All that such a connection does happens on its thread: its hooks, and its calls of upstreams, each thread having connections of
//! its own to them. So nothing that comes in wakes another thread, and nothing is handed from core to core: requests/s of
//! a proxy on two cores are a quarter more.

use std::cell::Cell;
use std::io;
use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};
use std::thread::{self, available_parallelism};

use hyper::rt::Executor;
use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

thread_local! {
    static CURRENT: Cell<Option<usize>> = const { Cell::new(None) };
}

/// How many threads serve: as many as there are cores.
pub(crate) fn count() -> usize {
    // Asked once: the answer is in three files of the control group.
    static COUNT: LazyLock<usize> = LazyLock::new(|| available_parallelism().map_or(1, NonZero::get));
    *COUNT
}

/// Which of the threads that serve this is; none: another thread.
pub(crate) fn current() -> Option<usize> {
    CURRENT.get()
}

/// Threads that serve connections, until this is dropped. Without any, connections are served where they are taken.
#[derive(Clone, Default)]
pub(crate) struct Workers {
    all: Arc<[Worker]>,
    next: Arc<AtomicUsize>,
}

struct Worker {
    runtime: Handle,
    /// Held by each of its connections.
    seat: Arc<()>,
    /// Dropped, it ends the thread.
    _running: oneshot::Sender<()>,
}

/// Where a connection is served.
pub(crate) struct Place {
    pub(crate) runtime: Handle,
    _seat: Arc<()>,
}

impl Workers {
    /// # Errors
    /// When no thread, or no runtime, can be made.
    pub(crate) fn start() -> io::Result<Workers> {
        let all: io::Result<Vec<Worker>> = (0..count()).map(Worker::start).collect();
        Ok(Workers {
            all: all?.into(),
            next: Arc::default(),
        })
    }

    /// The one with the fewest connections; none: there are no such threads.
    pub(crate) fn place(&self) -> Option<Place> {
        let fewest = self.all.iter().min_by_key(|worker| Arc::strong_count(&worker.seat))?;
        Some(Place {
            runtime: fewest.runtime.clone(),
            _seat: fewest.seat.clone(),
        })
    }
}

#[cfg(test)]
impl Workers {
    /// How many connections each of them has.
    pub(crate) fn connections(&self) -> Vec<usize> {
        let seats = self.all.iter().map(|worker| &worker.seat);
        seats.map(|seat| Arc::strong_count(seat) - 1).collect()
    }
}

impl Worker {
    fn start(number: usize) -> io::Result<Worker> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (running, ended) = oneshot::channel();
        thread::Builder::new()
            .name(format!("heimdall-{number}"))
            .spawn(move || {
                CURRENT.set(Some(number));
                // It fails when the other end is dropped, which is what it waits for.
                let _dropped = runtime.block_on(ended);
                runtime.shutdown_background();
            })?;
        Ok(Worker {
            runtime: handle,
            seat: Arc::default(),
            _running: running,
        })
    }
}

/// Each task has its turn on another thread: the requests of one HTTP/2 connection take more than its own core.
impl<F> Executor<F> for Workers
where
    F: Future<Output: Send> + Send + 'static,
{
    fn execute(&self, task: F) {
        let turn = self.next.fetch_add(1, Ordering::Relaxed);
        let worker = turn.checked_rem(self.all.len()).and_then(|index| self.all.get(index));
        match worker {
            Some(worker) => drop(worker.runtime.spawn(task)),
            None => drop(tokio::spawn(task)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_is_served_by_the_thread_with_the_fewest() {
        let workers = Workers::start().unwrap();
        let mut places: Vec<_> = (0..count() * 3).filter_map(|_| workers.place()).collect();
        assert_eq!(workers.connections(), vec![3; count()]);
        let last = places.pop().unwrap();
        let freed = places.swap_remove(0);
        let runtime = freed.runtime.id();
        drop((freed, last));
        let again = [workers.place().unwrap(), workers.place().unwrap()];
        assert!(again.iter().any(|place| place.runtime.id() == runtime));
        assert_eq!(workers.connections(), vec![3; count()]);
    }

    #[test]
    fn each_thread_knows_its_number() {
        let workers = Workers::start().unwrap();
        let (send, told) = std::sync::mpsc::sync_channel(count());
        for _ in 0..count() {
            let send = send.clone();
            workers.execute(async move { send.send(current()).unwrap() });
        }
        let mut all: Vec<_> = told.iter().take(count()).collect();
        all.sort_unstable();
        assert_eq!(all, (0..count()).map(Some).collect::<Vec<_>>());
        assert_eq!(current(), None);
    }

    #[test]
    fn threads_end_when_nobody_needs_them_any_more() {
        let workers = Workers::start().unwrap();
        let (held, dropped) = oneshot::channel::<()>();
        workers.execute(async move {
            let _held = held;
            std::future::pending::<()>().await;
        });
        drop(workers);
        assert!(dropped.blocking_recv().is_err());
    }

    #[tokio::test]
    async fn without_threads_tasks_run_where_they_are() {
        let workers = Workers::default();
        assert!(workers.place().is_none());
        let (send, told) = oneshot::channel();
        workers.execute(async move { send.send(thread::current().id()).unwrap() });
        assert_eq!(told.await.unwrap(), thread::current().id());
    }
}
