//! Who may compile when: few at a time, and no file twice.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use blake3::Hash;
use tokio::sync::{Mutex as Turn, Semaphore, SemaphorePermit};

use super::compiler::CompileError;

/// How many files are compiled at once: compiling one has all processors for much of its time, and each of those of JavaScript
/// and Python takes 400 MB.
const AT_ONCE: usize = 2;

/// What is being compiled. Clones are the same.
#[derive(Clone)]
pub(super) struct Compiling(Arc<Inner>);

struct Inner {
    turns: Mutex<HashMap<Hash, Weak<Turn<()>>>>,
    places: Semaphore,
}

impl Default for Compiling {
    fn default() -> Self {
        Compiling(Arc::new(Inner {
            turns: Mutex::default(),
            places: Semaphore::new(AT_ONCE),
        }))
    }
}

impl Compiling {
    /// The turn of all who ask for this file, held by whoever compiles it: the next one finds it compiled.
    pub(super) fn turn(&self, file: Hash) -> Arc<Turn<()>> {
        let mut turns = self.0.turns.lock().unwrap_or_else(PoisonError::into_inner);
        turns.retain(|_, turn| turn.strong_count() > 0);
        if let Some(turn) = turns.get(&file).and_then(Weak::upgrade) {
            return turn;
        }
        let turn = Arc::default();
        turns.insert(file, Arc::downgrade(&turn));
        turn
    }

    /// Waits for one of the places of those that are compiled at once.
    pub(super) async fn place(&self) -> Result<SemaphorePermit<'_>, CompileError> {
        let place = self.0.places.acquire().await;
        place.map_err(|closed| CompileError::Crashed(closed.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_file_has_one_turn_as_long_as_somebody_asks_for_it() {
        let compiling = Compiling::default();
        let (one, other) = (blake3::hash(b"one"), blake3::hash(b"other"));
        let (first, second) = (compiling.turn(one), compiling.clone().turn(one));
        let held = first.lock().await;
        assert!(second.try_lock().is_err());
        assert!(compiling.turn(other).try_lock().is_ok());
        drop((held, second));
        drop(first);
        assert!(compiling.turn(one).try_lock().is_ok());
        assert_eq!(compiling.0.turns.lock().unwrap().len(), 1);
    }
}
