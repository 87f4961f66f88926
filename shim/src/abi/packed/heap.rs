//! What is known of a guest's allocator, and when its heap is about to run dry.

use super::memory::Span;

/// Room that a call is expected to need beside its inputs and a result of twice their size.
const MARGIN: u64 = 4096;

/// What was found out about an allocator when its plugin was loaded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct HeapReport {
    /// The first address that it gave.
    pub first: Option<u32>,
    /// It counts up from address 0.
    pub starts_at_zero: bool,
    /// It gives addresses in the module's own stack and data, or from 0.
    pub is_low: bool,
    /// The bytes of a heap that runs dry, as nothing that is freed is used again.
    pub capacity: Option<u64>,
}

/// How far the heap of one instance has been used up.
#[derive(Debug, Default)]
pub(super) struct Heap {
    /// The first address, since the start or the last reset.
    first: Option<u32>,
    /// Behind the highest address that was given out.
    end: u64,
    /// The first address that the call before this one was given.
    call_before: Option<u32>,
    /// The first address of this call.
    this_call: Option<u32>,
    /// The most that a call has used up.
    largest_call: u64,
}

impl Heap {
    /// Whether nothing has been allocated since the start or the last reset.
    pub(super) fn is_fresh(&self) -> bool {
        self.first.is_none()
    }

    pub(super) fn begin_call(&mut self) {
        self.call_before = self.this_call.take().or(self.call_before);
    }

    pub(super) fn allocated(&mut self, span: Span) {
        self.first.get_or_insert(span.address);
        self.end = self.end.max(span.end());
        if self.this_call.is_none() {
            self.this_call = Some(span.address);
            let used = self
                .call_before
                .map_or(0, |before| u64::from(span.address.saturating_sub(before)));
            self.largest_call = self.largest_call.max(used);
        }
    }

    /// A result that the guest allocated itself.
    pub(super) fn result(&mut self, span: Span) {
        if self.first.is_some_and(|first| first <= span.address) {
            self.end = self.end.max(span.end());
        }
    }

    pub(super) fn reset(&mut self) {
        *self = Heap {
            largest_call: self.largest_call,
            ..Heap::default()
        };
    }

    /// Whether most of a heap of this capacity is used up: time for a fresh one, before a call needs it.
    pub(super) fn is_nearly_full(&self, capacity: u64) -> bool {
        let used = self.first.map(|first| self.end.saturating_sub(u64::from(first)));
        capacity != u64::MAX && used.is_some_and(|used| used > capacity / 4 * 3)
    }

    /// Whether a call with inputs of this size may find a heap of this capacity dry, and a fresh one would not be.
    pub(super) fn runs_dry(&self, capacity: u64, inputs: u64) -> bool {
        let Some(first) = self.first.filter(|_| capacity != u64::MAX) else {
            return false;
        };
        let used = self.end.saturating_sub(u64::from(first));
        let needed = self.largest_call.max(inputs.saturating_mul(3).saturating_add(MARGIN));
        needed <= capacity && used.saturating_add(needed) > capacity
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(address: u32, length: u32) -> Span {
        Span { address, length }
    }

    #[test]
    fn a_heap_that_is_nearly_full_is_foreseen_to_run_dry() {
        let mut heap = Heap::default();
        assert!(!heap.runs_dry(10_000, 100));
        heap.allocated(span(1000, 100));
        assert!(!heap.runs_dry(10_000, 100));
        heap.result(span(1100, 7000));
        assert!(heap.runs_dry(10_000, 100));
    }

    #[test]
    fn what_an_earlier_call_used_up_is_expected_of_the_next() {
        let mut heap = Heap::default();
        for place in [0, 6000] {
            heap.begin_call();
            heap.allocated(span(1000 + place, 100));
        }
        assert!(heap.runs_dry(12_000, 100));
        assert!(!heap.runs_dry(12_101, 100));
    }

    #[test]
    fn a_call_that_is_too_large_for_a_fresh_heap_is_left_to_this_one() {
        let mut heap = Heap::default();
        heap.allocated(span(1000, 100));
        assert!(heap.runs_dry(10_000, 1_960));
        assert!(!heap.runs_dry(10_000, 2_000));
    }

    #[test]
    fn a_heap_of_unknown_size_is_not_foreseen_to_run_dry() {
        let mut heap = Heap::default();
        heap.allocated(span(0, u32::MAX));
        assert!(!heap.runs_dry(u64::MAX, 100));
    }
}
