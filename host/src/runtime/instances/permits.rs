//! Room for instances: so many permits, and the calls that wait for one.
//!
//! An instance that comes back is nobody's: one call that waits is told, and looks for it, as does any that comes by before. So
//! it is not kept for a call whose thread is at work. Calls of the thread on which it came back are told first, as that wakes
//! no other thread; each [`FAIR`] the one that waited longest. Who was told and came too late is given the next. Where calls take
//! longer than it takes to wake a thread, an instance is given to a call of the same thread, whose caches have what it needs,
//! unless it is the turn of the one that waited longest.

use std::collections::{BTreeMap, VecDeque};
use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::thread::{self, ThreadId};
use std::time::Duration;

use tokio::time::Instant;

/// How long one thread's calls may be told before one of another thread's that waits for longer.
const FAIR: Duration = Duration::from_millis(1);

/// There are no permits any more.
#[derive(Debug)]
pub(super) struct Closed;

/// So many permits. Its lock is taken only where calls wait, or no instance is idle.
pub(super) struct Permits {
    is_closed: AtomicBool,
    state: Mutex<State>,
}

struct State {
    free: usize,
    /// In the order in which they came.
    waiting: BTreeMap<u64, Waiter>,
    next: u64,
    /// Those that came too late, in their order. Some may have gone.
    late: VecDeque<u64>,
    /// When the one that waited longest was told last, or began to wait where none did.
    since: Instant,
}

struct Waiter {
    thread: ThreadId,
    waker: Option<Waker>,
    told: Told,
}

enum Told {
    Nothing,
    /// It has not looked yet.
    ToLook,
    /// It looked, and others were before it.
    TooLate,
    Given(Permit),
}

/// Room for one instance. Dropped, it is free.
pub(super) struct Permit {
    permits: Arc<Permits>,
}

/// What a call has got, that may have waited for it.
pub(super) enum Got<T> {
    /// What it found.
    Found(T),
    Permit(Permit),
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut state = self.permits.state();
        state.free += 1;
        let told = state.pass_on(&self.permits);
        drop(state);
        wake(told);
    }
}

impl Permits {
    pub(super) fn new(count: usize) -> Arc<Permits> {
        Arc::new(Permits {
            is_closed: AtomicBool::new(false),
            state: Mutex::new(State {
                free: count,
                waiting: BTreeMap::new(),
                next: 0,
                late: VecDeque::new(),
                since: Instant::now(),
            }),
        })
    }

    /// Nobody gets one any more, and who waits is told so.
    pub(super) fn close(&self) {
        let mut state = self.state();
        self.is_closed.store(true, Ordering::Release);
        let wakers: Vec<_> = state.waiting.values_mut().map(|waiting| waiting.waker.take()).collect();
        drop(state);
        wakers.into_iter().for_each(wake);
    }

    pub(super) fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::Acquire)
    }

    /// How many are nobody's.
    pub(super) fn free(&self) -> usize {
        self.state().free
    }

    /// One that is free; none: there is none.
    pub(super) fn try_take(self: &Arc<Self>) -> Result<Option<Permit>, Closed> {
        let mut state = self.state();
        match self.is_closed() {
            true => Err(Closed),
            false => Ok(self.free_one(&mut state)),
        }
    }

    /// Waits for what `look` finds, or for a permit.
    pub(super) async fn wait<T>(self: &Arc<Self>, look: impl Fn() -> Option<T>) -> Result<Got<T>, Closed> {
        let mut place = self.enter();
        let got = poll_fn(|context| place.poll(context, &look)).await;
        place.has_found = matches!(got, Ok(Got::Found(_)));
        got
    }

    /// There is something to find: one of those who wait looks for it. Gives back whether it is to be [given](Self::give) to
    /// one of them instead. `is_long`: calls take long.
    #[must_use]
    pub(super) fn tell(&self, is_long: bool) -> bool {
        let mut state = self.state();
        if state.has_late() || (is_long && state.next_of_here().is_some()) {
            return true;
        }
        let told = state.tell();
        drop(state);
        wake(told);
        false
    }

    /// It is for the first call that came too late, or one of this thread.
    pub(super) fn give(&self, permit: Permit) {
        let mut state = self.state();
        let number = state.next_late().or_else(|| state.next_of_here());
        let Some(waiting) = number.and_then(|number| state.waiting.get_mut(&number)) else {
            drop(state);
            return drop(permit);
        };
        waiting.told = Told::Given(permit);
        let waker = waiting.waker.take();
        drop(state);
        wake(waker);
    }

    fn enter(self: &Arc<Self>) -> Place<'_> {
        let mut state = self.state();
        if state.waiting.is_empty() {
            state.since = Instant::now();
        }
        let number = state.next;
        state.next += 1;
        let waiting = Waiter {
            thread: thread::current().id(),
            waker: None,
            told: Told::Nothing,
        };
        state.waiting.insert(number, waiting);
        Place {
            permits: self,
            number,
            has_found: false,
        }
    }

    fn free_one(self: &Arc<Self>, state: &mut State) -> Option<Permit> {
        state.free = state.free.checked_sub(1)?;
        Some(Permit { permits: self.clone() })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Who is to be woken, to look. One of a thread at a time is enough.
    fn tell(&mut self) -> Option<Waker> {
        let is_due = self.is_due();
        let of_here = (!is_due).then(|| self.first_of(thread::current().id())).flatten();
        let number = of_here.or_else(|| self.first_of_others())?;
        if is_due {
            self.since = Instant::now();
        }
        self.waiting.get_mut(&number)?.tell()
    }

    /// The same, the one that came too late first.
    fn tell_late(&mut self) -> Option<Waker> {
        let number = self.next_late()?;
        self.waiting.get_mut(&number)?.tell()
    }

    /// Something is free, or to be found: who is to be woken for it.
    fn pass_on(&mut self, permits: &Arc<Permits>) -> Option<Waker> {
        if self.free == 0 {
            return self.tell_late().or_else(|| self.tell());
        }
        let Some(late) = self.next_late().and_then(|number| self.waiting.get_mut(&number)) else {
            return self.tell();
        };
        self.free -= 1;
        late.told = Told::Given(Permit {
            permits: permits.clone(),
        });
        late.waker.take()
    }

    /// Whether it is the turn of the one that waited longest.
    fn is_due(&self) -> bool {
        self.since.elapsed() >= FAIR
    }

    /// Of those of a thread that were not given one, and did not come too late, the one that waited longest.
    fn first_of(&self, thread: ThreadId) -> Option<u64> {
        let mut of_thread = self.waiting.iter().filter(|(_, waiting)| waiting.thread == thread);
        let first = of_thread.find(|(_, waiting)| matches!(waiting.told, Told::Nothing | Told::ToLook));
        first.map(|(number, _)| *number)
    }

    /// Of those that were told nothing, the one that waited longest, of a thread of which none is about to look.
    fn first_of_others(&self) -> Option<u64> {
        let mut looking = Vec::new();
        for (number, waiting) in &self.waiting {
            match waiting.told {
                Told::ToLook => looking.push(waiting.thread),
                Told::Nothing if !looking.contains(&waiting.thread) => return Some(*number),
                _ => {}
            }
        }
        None
    }

    /// Who of this thread is given one. A thread can use one at a time.
    fn next_of_here(&self) -> Option<u64> {
        let here = thread::current().id();
        let has_one = |waiting: &Waiter| waiting.thread == here && matches!(waiting.told, Told::Given(_));
        match self.is_due() || self.waiting.values().any(has_one) {
            true => None,
            false => self.first_of(here),
        }
    }

    /// Whether one came too late and still waits.
    fn has_late(&mut self) -> bool {
        while let Some(number) = self.late.front() {
            if self.waiting.contains_key(number) {
                return true;
            }
            self.late.pop_front();
        }
        false
    }

    fn next_late(&mut self) -> Option<u64> {
        if self.has_late() { self.late.pop_front() } else { None }
    }
}

impl Waiter {
    fn tell(&mut self) -> Option<Waker> {
        match self.told {
            Told::Nothing | Told::TooLate => {
                self.told = Told::ToLook;
                self.waker.take()
            }
            Told::ToLook | Told::Given(_) => None,
        }
    }
}

/// A call that waits. It leaves the queue when it is dropped.
struct Place<'a> {
    permits: &'a Arc<Permits>,
    number: u64,
    has_found: bool,
}

impl Place<'_> {
    fn poll<T>(&self, context: &Context<'_>, look: impl Fn() -> Option<T>) -> Poll<Result<Got<T>, Closed>> {
        loop {
            if let Some(found) = look() {
                return Poll::Ready(Ok(Got::Found(found)));
            }
            let mut state = self.permits.state();
            // Under the lock: who closes them wakes those whose wakers are there.
            if self.permits.is_closed() {
                return Poll::Ready(Err(Closed));
            }
            if let Some(permit) = self.permits.free_one(&mut state) {
                return Poll::Ready(Ok(Got::Permit(permit)));
            }
            let Some(waiting) = state.waiting.get_mut(&self.number) else {
                return Poll::Ready(Err(Closed));
            };
            waiting.waker = Some(context.waker().clone());
            match std::mem::replace(&mut waiting.told, Told::TooLate) {
                Told::Given(permit) => return Poll::Ready(Ok(Got::Permit(permit))),
                // What came since it looked was told to nobody, as it was about to look.
                Told::ToLook => state.late.push_back(self.number),
                told => {
                    waiting.told = told;
                    return Poll::Pending;
                }
            }
        }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut state = self.permits.state();
        let left = state.waiting.remove(&self.number);
        let was_told = left.as_ref().is_some_and(|left| matches!(left.told, Told::ToLook));
        // Told of a permit, it may have found an instance.
        let is_left_over = state.free > 0 || (was_told && !self.has_found);
        let told = is_left_over.then(|| state.pass_on(self.permits)).flatten();
        drop(state);
        wake(told);
        // A permit that it was given is free now.
        drop(left);
    }
}

fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        waker.wake();
    }
}

#[cfg(test)]
mod tests;
