//! Time that the tests make: epochs by a thread, and tokio's paused clock by the tick.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::task::Poll;
use std::thread::JoinHandle;
use std::time::Duration;

use heimdall_host::runtime::Runtime;

/// How often the host's own ticker ticks.
pub const TICK: Duration = Duration::from_millis(10);

/// More ticks than anything here may take.
const MOST: u32 = 10_000;

/// As long as it is there, busy guests give way: epochs come from another thread, as this one is a guest's until then.
pub struct Epochs {
    until: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// Guests that don't take long should be done by then: one that gives way is a tick that is counted.
const PATIENCE: Duration = Duration::from_millis(1);

impl Epochs {
    pub fn begin(runtime: &Runtime) -> Epochs {
        let (until, over) = sync_channel(0);
        let engine = runtime.engine().clone();
        let thread = std::thread::spawn(move || {
            while over.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
                engine.increment_epoch();
            }
        });
        Epochs {
            until: Some(until),
            thread: Some(thread),
        }
    }
}

impl Drop for Epochs {
    fn drop(&mut self) {
        drop(self.until.take());
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

/// Runs something to its end; each time that it gives way, a tick passes. How many did.
pub async fn count_ticks<T>(runtime: &Runtime, work: impl Future<Output = T>) -> (u32, T) {
    let mut work = pin!(work);
    for ticks in 0..MOST {
        let polled = poll_fn(|context| {
            let _epochs = Epochs::begin(runtime);
            Poll::Ready(work.as_mut().poll(context))
        });
        match polled.await {
            Poll::Ready(done) => return (ticks, done),
            Poll::Pending => tokio::time::advance(TICK).await,
        }
    }
    panic!("it runs on after {MOST} ticks")
}
