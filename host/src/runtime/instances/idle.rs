//! Instances that are idle: each thread takes the one first that it has put back, as its core's caches have what it needs.
//!
//! Of those in one queue for all, every second would come from the other one of two cores.

use std::cell::Cell;
use std::num::NonZeroUsize;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crossbeam_queue::ArrayQueue;

/// Places for threads: some more than serve requests, as a rule.
static PLACES: LazyLock<usize> = LazyLock::new(|| {
    thread::available_parallelism()
        .map_or(1, NonZeroUsize::get)
        .saturating_mul(2)
});

/// How many threads have a number.
static THREADS: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    /// The number of this thread, once it has one.
    static THREAD: Cell<Option<usize>> = const { Cell::new(None) };
}

/// The number of this thread, from 0.
fn number() -> usize {
    THREAD.get().unwrap_or_else(|| {
        let number = THREADS.fetch_add(1, Ordering::Relaxed);
        THREAD.set(Some(number));
        number
    })
}

/// Idle instances, as many as the cap at most, without a lock.
pub(super) struct Idle<T> {
    /// One each for the threads whose numbers come to that place.
    near: Box<[ArrayQueue<Apart<T>>]>,
    /// All others.
    far: ArrayQueue<T>,
}

/// In cache lines of its own: neighbours are other threads'.
#[repr(align(128))]
struct Apart<T>(T);

impl<T> Idle<T> {
    pub(super) fn new(cap: usize) -> Self {
        // The only one is at hand for all.
        let places = if cap > 1 { (*PLACES).min(2 * cap) } else { 0 };
        Self::with_places(cap, places)
    }

    fn with_places(cap: usize, places: usize) -> Self {
        Idle {
            near: (0..places).map(|_| ArrayQueue::new(1)).collect(),
            far: ArrayQueue::new(cap),
        }
    }

    /// There is room for as many as there may be.
    pub(super) fn push(&self, one: T) {
        self.push_from(number(), one);
    }

    /// Any one. One that is put back meanwhile may be missed: who puts it back tells those that wait.
    pub(super) fn pop(&self) -> Option<T> {
        self.pop_for(number())
    }

    pub(super) fn len(&self) -> usize {
        self.far.len() + self.near.iter().map(ArrayQueue::len).sum::<usize>()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.far.is_empty() && self.near.iter().all(ArrayQueue::is_empty)
    }

    fn push_from(&self, thread: usize, one: T) {
        let before = match self.place(thread).and_then(|place| self.near.get(place)) {
            Some(own) => own.force_push(Apart(one)).map(|Apart(before)| before),
            None => Some(one),
        };
        if let Some(before) = before {
            drop(self.far.push(before));
        }
    }

    fn pop_for(&self, thread: usize) -> Option<T> {
        // Those who look for others' don't all begin with the same.
        let (before, after) = self.near.split_at(self.place(thread).unwrap_or_default());
        let (own, others) = after.split_first().unzip();
        let others = others.unwrap_or_default().iter().chain(before);
        let own = own.and_then(ArrayQueue::pop).map(|Apart(one)| one);
        own.or_else(|| self.far.pop())
            .or_else(|| others.into_iter().find_map(ArrayQueue::pop).map(|Apart(one)| one))
    }

    fn place(&self, thread: usize) -> Option<usize> {
        thread.checked_rem(self.near.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_thread_put_back_last_it_takes_first() {
        let idle = Idle::with_places(4, 2);
        idle.push_from(1, "another's");
        for own in ["first", "second", "last"] {
            idle.push_from(0, own);
        }
        assert_eq!(idle.pop_for(0), Some("last"));
        assert_eq!(idle.len(), 3);
    }

    #[test]
    fn anothers_is_found_where_there_is_no_other() {
        let idle = Idle::with_places(4, 4);
        for (puts, takes) in [(0, 1), (3, 2), (2, 6)] {
            idle.push_from(puts, puts);
            assert!(!idle.is_empty());
            assert_eq!(idle.pop_for(takes), Some(puts));
            assert!(idle.is_empty());
        }
    }

    #[test]
    fn there_is_room_for_the_cap_wherever_they_are_put_back() {
        for (cap, places) in [(1, 0), (2, 4), (9, 4)] {
            let idle = Idle::with_places(cap, places);
            for threads in [1, 3] {
                (0..cap).for_each(|number| idle.push_from(number % threads, number));
                assert_eq!(idle.len(), cap);
                let mut all: Vec<usize> = std::iter::from_fn(|| idle.pop_for(2)).collect();
                all.sort_unstable();
                assert!(all.into_iter().eq(0..cap), "{cap} in {places}");
            }
        }
    }

    #[test]
    fn threads_have_numbers_of_their_own() {
        let other = thread::scope(|scope| scope.spawn(number).join().unwrap());
        assert_eq!(number(), number());
        assert_ne!(number(), other);
    }
}
