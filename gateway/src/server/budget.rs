//! What all requests under way may hold together.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A number of bytes, of which each request takes its part.
#[derive(Debug)]
pub(crate) struct Budget {
    most: AtomicUsize,
    taken: AtomicUsize,
}

/// A request's part, given back when it is dropped.
#[derive(Debug)]
pub(super) struct Share {
    budget: Arc<Budget>,
    bytes: usize,
}

impl Budget {
    pub(crate) fn new(most: usize) -> Arc<Budget> {
        Arc::new(Budget {
            most: AtomicUsize::new(most),
            taken: AtomicUsize::new(0),
        })
    }

    /// From here on all of them may hold this much. What is held already stays.
    pub(crate) fn set_most(&self, most: usize) {
        self.most.store(most, Ordering::Relaxed);
    }

    /// What all of them hold.
    pub(crate) fn taken(&self) -> usize {
        self.taken.load(Ordering::Relaxed)
    }

    /// A part that holds nothing yet.
    pub(super) fn share(self: &Arc<Self>) -> Share {
        Share {
            budget: self.clone(),
            bytes: 0,
        }
    }
}

impl Share {
    /// Makes the part this large, if it is smaller. False: others hold too much.
    #[must_use]
    pub(super) fn grow_to(&mut self, bytes: usize) -> bool {
        let more = bytes.saturating_sub(self.bytes);
        let most = self.budget.most.load(Ordering::Relaxed);
        let grown = |taken: usize| taken.checked_add(more).filter(|taken| *taken <= most);
        let fits = self
            .budget
            .taken
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, grown)
            .is_ok();
        if fits {
            self.bytes += more;
        }
        fits
    }
}

impl Share {
    /// Gives back what is over this.
    pub(super) fn shrink_to(&mut self, bytes: usize) {
        let less = self.bytes.saturating_sub(bytes);
        self.budget.taken.fetch_sub(less, Ordering::Relaxed);
        self.bytes -= less;
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.shrink_to(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_holds_another_can_not_have_until_it_is_given_back() {
        let budget = Budget::new(10);
        let (mut first, mut second) = (budget.share(), budget.share());
        assert!(first.grow_to(6) && first.grow_to(6) && first.grow_to(2));
        assert!(!second.grow_to(5));
        assert!(second.grow_to(4));
        assert!(!first.grow_to(7));
        first.shrink_to(3);
        assert!(second.grow_to(7) && !second.grow_to(8));
        drop(second);
        assert!(first.grow_to(10));
        drop(first);
        assert_eq!(budget.taken(), 0);
    }
}
