//! Caps what one Store may grow to: the sum over all its memories, and the sum over all its tables.

use std::sync::Arc;

use wasmtime::{ResourceLimiter, Result};

use crate::counters::{Counters, Limit};
use crate::limits::Limits;

/// Core instances, memories and tables of one Store, each. A component of an interpreted language has about 20.
const PARTS: usize = 100;

#[derive(Debug, Default)]
struct Budget {
    used: usize,
    cap: usize,
}

impl Budget {
    fn grow(&mut self, current: usize, desired: usize) -> bool {
        // A growth that is granted here and fails in the engine stays counted: which one failed can't be told.
        match self.used.checked_add(desired.saturating_sub(current)) {
            Some(used) if used <= self.cap => {
                self.used = used;
                true
            }
            _ => false,
        }
    }
}

/// wasmtime's own limiter caps each memory by itself; a plugin with several would get a multiple.
#[derive(Debug)]
pub(super) struct Limiter {
    memory: Budget,
    /// What this call has added to it; none while it starts.
    growth: Option<usize>,
    growth_cap: usize,
    tables: Budget,
    memory_denied: bool,
    counters: Arc<Counters>,
}

impl Limiter {
    pub(super) fn new(limits: &Limits, counters: &Arc<Counters>) -> Self {
        Limiter {
            memory: Budget {
                cap: limits.memory,
                ..Budget::default()
            },
            growth: None,
            growth_cap: limits.memory_growth,
            tables: Budget {
                cap: limits.table_elements,
                ..Budget::default()
            },
            memory_denied: false,
            counters: counters.clone(),
        }
    }

    pub(super) fn memory_used(&self) -> usize {
        self.memory.used
    }

    pub(super) fn memory_denied(&self) -> bool {
        self.memory_denied
    }

    /// A call begins: what earlier ones were denied, and what they added, is theirs. What is there from the start, and what a
    /// start function adds, is no growth.
    pub(super) fn begin(&mut self, is_start: bool) {
        self.memory_denied = false;
        self.growth = (!is_start).then_some(0);
    }

    fn deny(&mut self, limit: Limit) {
        self.counters.over(limit, 1);
        self.memory_denied |= limit != Limit::TableElements;
    }
}

impl ResourceLimiter for Limiter {
    fn memory_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> Result<bool> {
        // The guest itself has ruled it out: no limit of the host's is to blame.
        if maximum.is_some_and(|maximum| desired > maximum) {
            self.memory_denied = true;
            return Ok(false);
        }
        let growth = self
            .growth
            .map(|growth| growth.saturating_add(desired.saturating_sub(current)));
        if growth.is_some_and(|growth| growth > self.growth_cap) {
            self.deny(Limit::MemoryGrowth);
            return Ok(false);
        }
        let granted = self.memory.grow(current, desired);
        match granted {
            true => self.growth = growth,
            false => self.deny(Limit::Memory),
        }
        Ok(granted)
    }

    fn memory_grow_failed(&mut self, _error: wasmtime::Error) -> Result<()> {
        self.memory_denied = true;
        Ok(())
    }

    fn table_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> Result<bool> {
        // The guest's own maximum, or the size of the pool's tables, which is the most that the cap may be.
        let is_ruled_out = maximum.is_some_and(|maximum| desired > maximum);
        if is_ruled_out && desired <= self.tables.cap {
            return Ok(false);
        }
        let granted = !is_ruled_out && self.tables.grow(current, desired);
        if !granted {
            self.deny(Limit::TableElements);
        }
        Ok(granted)
    }

    fn instances(&self) -> usize {
        PARTS
    }

    fn tables(&self) -> usize {
        PARTS
    }

    fn memories(&self) -> usize {
        PARTS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limiter(memory: usize) -> Limiter {
        let limits = Limits {
            memory,
            memory_growth: 50,
            table_elements: 10,
            ..Limits::default()
        };
        Limiter::new(&limits, &Arc::default())
    }

    #[test]
    fn memories_share_one_budget() {
        let mut limiter = limiter(100);
        assert!(limiter.memory_growing(0, 60, None).unwrap());
        assert!(limiter.memory_growing(0, 40, None).unwrap());
        assert!(!limiter.memory_growing(60, 61, None).unwrap());
        assert_eq!(limiter.memory_used(), 100);
        assert!(limiter.memory_denied());
        assert_eq!(limiter.counters.overruns(Limit::Memory), 1);
    }

    #[test]
    fn one_call_may_add_so_much_and_the_next_one_as_much_again() {
        let mut limiter = limiter(1000);
        assert!(limiter.memory_growing(0, 60, None).unwrap());
        limiter.begin(false);
        assert!(limiter.memory_growing(60, 110, None).unwrap());
        assert!(!limiter.memory_growing(110, 111, None).unwrap());
        assert_eq!(limiter.counters.overruns(Limit::MemoryGrowth), 1);
        limiter.begin(false);
        assert!(limiter.memory_growing(110, 111, None).unwrap());
        assert_eq!(limiter.memory_used(), 111);
    }

    #[test]
    fn tables_share_one_budget() {
        let mut limiter = limiter(0);
        assert!(limiter.table_growing(0, 10, None).unwrap());
        assert!(!limiter.table_growing(0, 1, None).unwrap());
        assert!(!limiter.memory_denied());
        assert_eq!(limiter.counters.overruns(Limit::TableElements), 1);
    }

    #[test]
    fn a_table_that_the_engine_rules_out_is_counted_if_it_is_over_the_cap_too() {
        let mut limiter = limiter(0);
        assert!(!limiter.table_growing(0, 9, Some(8)).unwrap());
        assert_eq!(limiter.counters.overruns(Limit::TableElements), 0);
        assert!(!limiter.table_growing(0, 11, Some(10)).unwrap());
        assert_eq!(limiter.counters.overruns(Limit::TableElements), 1);
        assert!(limiter.table_growing(0, 10, None).unwrap());
    }

    #[test]
    fn a_growth_beyond_the_memorys_own_maximum_takes_nothing_from_the_budget() {
        let mut limiter = limiter(100);
        assert!(!limiter.memory_growing(0, 60, Some(50)).unwrap());
        assert_eq!(limiter.memory_used(), 0);
    }
}
