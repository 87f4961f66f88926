//! Files that are being compiled, so that none is compiled twice at once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use blake3::Hash;

/// Held by whoever compiles a file.
type Turn = tokio::sync::Mutex<()>;

/// Those files. Clones are the same.
#[derive(Clone, Default)]
pub(super) struct Compiling(Arc<Mutex<HashMap<Hash, Weak<Turn>>>>);

impl Compiling {
    /// The turn of all who ask for this file.
    pub(super) fn turn(&self, file: Hash) -> Arc<Turn> {
        let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        turns.retain(|_, turn| turn.strong_count() > 0);
        if let Some(turn) = turns.get(&file).and_then(Weak::upgrade) {
            return turn;
        }
        let turn = Arc::default();
        turns.insert(file, Arc::downgrade(&turn));
        turn
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
        assert_eq!(compiling.0.lock().unwrap().len(), 1);
    }
}
