//! Caps what one Store may grow to: the sum over all its memories, and the sum over all its tables.

use wasmtime::{ResourceLimiter, Result};

use crate::limits::Limits;

/// Core instances, memories and tables of one Store, each. A component of an interpreted language has about 20.
const PARTS: usize = 100;

#[derive(Debug, Default)]
struct Budget {
    used: usize,
    cap: usize,
}

impl Budget {
    fn grow(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> bool {
        if maximum.is_some_and(|maximum| desired > maximum) {
            return false;
        }
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
    tables: Budget,
    memory_denied: bool,
}

impl Limiter {
    pub(super) fn new(limits: &Limits) -> Self {
        Limiter {
            memory: Budget {
                cap: limits.memory,
                ..Budget::default()
            },
            tables: Budget {
                cap: limits.table_elements,
                ..Budget::default()
            },
            memory_denied: false,
        }
    }

    pub(super) fn memory_used(&self) -> usize {
        self.memory.used
    }

    pub(super) fn memory_denied(&self) -> bool {
        self.memory_denied
    }

    pub(super) fn forget_denials(&mut self) {
        self.memory_denied = false;
    }
}

impl ResourceLimiter for Limiter {
    fn memory_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> Result<bool> {
        let granted = self.memory.grow(current, desired, maximum);
        self.memory_denied |= !granted;
        Ok(granted)
    }

    fn memory_grow_failed(&mut self, _error: wasmtime::Error) -> Result<()> {
        self.memory_denied = true;
        Ok(())
    }

    fn table_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> Result<bool> {
        Ok(self.tables.grow(current, desired, maximum))
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
        Limiter::new(&Limits {
            memory,
            table_elements: 10,
            ..Limits::default()
        })
    }

    #[test]
    fn memories_share_one_budget() {
        let mut limiter = limiter(100);
        assert!(limiter.memory_growing(0, 60, None).unwrap());
        assert!(limiter.memory_growing(0, 40, None).unwrap());
        assert!(!limiter.memory_growing(60, 61, None).unwrap());
        assert_eq!(limiter.memory_used(), 100);
        assert!(limiter.memory_denied());
    }

    #[test]
    fn tables_share_one_budget() {
        let mut limiter = limiter(0);
        assert!(limiter.table_growing(0, 10, None).unwrap());
        assert!(!limiter.table_growing(0, 1, None).unwrap());
        assert!(!limiter.memory_denied());
    }

    #[test]
    fn a_growth_beyond_the_memorys_own_maximum_takes_nothing_from_the_budget() {
        let mut limiter = limiter(100);
        assert!(!limiter.memory_growing(0, 60, Some(50)).unwrap());
        assert_eq!(limiter.memory_used(), 0);
    }
}
