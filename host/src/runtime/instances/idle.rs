//! Instances that are idle: each thread takes the one first that it has put back, as its core's caches have what it needs.
//!
//! Of those in one queue for all, every second would come from the other one of two cores.

use std::cell::Cell;
use std::num::NonZeroUsize;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crossbeam_queue::ArrayQueue;

/// More places than threads that serve requests, as a rule: threads that share one still have an instance each.
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

/// So many of them at most, without a lock.
pub(super) struct Idle<T> {
    /// One each for the threads whose number stands for the place.
    near: Box<[ArrayQueue<T>]>,
    /// All others.
    far: ArrayQueue<T>,
}

impl<T> Idle<T> {
    pub(super) fn new(cap: usize) -> Self {
        // The only one is at hand for all.
        let places = if cap > 1 { *PLACES } else { 0 };
        Idle {
            near: (0..places).map(|_| ArrayQueue::new(1)).collect(),
            far: ArrayQueue::new(cap),
        }
    }

    /// There is room for as many as there may be.
    pub(super) fn push(&self, one: T) {
        let left = match self.own() {
            Some(own) => own.push(one),
            None => Err(one),
        };
        if let Err(one) = left {
            drop(self.far.push(one));
        }
    }

    /// Any one, if one was there during all of the call.
    pub(super) fn pop(&self) -> Option<T> {
        let own = self.own().and_then(ArrayQueue::pop);
        own.or_else(|| self.far.pop())
            .or_else(|| self.near.iter().find_map(ArrayQueue::pop))
    }

    pub(super) fn len(&self) -> usize {
        self.far.len() + self.near.iter().map(ArrayQueue::len).sum::<usize>()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.far.is_empty() && self.near.iter().all(ArrayQueue::is_empty)
    }

    fn own(&self) -> Option<&ArrayQueue<T>> {
        self.near.get(number().checked_rem(self.near.len())?)
    }
}

/// The number of this thread, from 0.
fn number() -> usize {
    THREAD.get().unwrap_or_else(|| {
        let number = THREADS.fetch_add(1, Ordering::Relaxed);
        THREAD.set(Some(number));
        number
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_thread_put_back_last_it_takes_first() {
        let idle = Idle::new(4);
        idle.push("other");
        thread::scope(|scope| {
            scope.spawn(|| {
                idle.push("own");
                idle.push("third");
                let taken = [(); 3].map(|()| idle.pop());
                assert_eq!(taken[0], Some("own"));
            });
        });
        assert!(idle.is_empty());
    }

    #[test]
    fn one_of_another_thread_is_found_where_there_is_no_other() {
        let idle = Idle::new(4);
        idle.push(1);
        let found = thread::scope(|scope| scope.spawn(|| idle.pop()).join().unwrap());
        assert_eq!((found, idle.pop()), (Some(1), None));
    }

    #[test]
    fn there_is_room_for_the_cap_from_one_thread() {
        for cap in [1, 2, 9] {
            let idle = Idle::new(cap);
            for number in 0..cap {
                idle.push(number);
            }
            assert_eq!(idle.len(), cap);
            let mut all: Vec<usize> = std::iter::from_fn(|| idle.pop()).collect();
            all.sort_unstable();
            assert!(all.into_iter().eq(0..cap), "of {cap}");
        }
    }
}
