//! What a case allocates.

use serde::{Deserialize, Serialize};

/// What a case allocates for one call, on average.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Counted {
    /// The case's table.
    pub table: String,
    /// By whom, or how.
    pub who: String,
    /// Bytes of the document.
    pub size: u64,
    /// How many allocations.
    pub allocations: f64,
    /// Of how many bytes together.
    pub bytes: f64,
}

impl Counted {
    /// The case's name.
    pub fn name(&self) -> String {
        format!("{} / {} / {}", self.table, self.who, self.size)
    }
}
