//! All that is measured, table by table.
//!
//! ```
//! let cases = heimdall_bench::cases::all();
//! assert!(cases.iter().any(|case| case.name() == "before-call: one member is read / typed / 375"));
//! ```

mod answering;
mod chains;
mod changing;
mod editing;
mod every_hook;
mod guards;
mod indexing;
mod instances;
mod interrupting;
mod loading;
pub mod memory;
mod reading;
mod requests;
mod tagging;

pub use answering::ANSWERING;
pub use chains::{CHAINS, LONG_CHAINS};
pub use changing::{NOTHING, RUST};
pub use editing::EDITING;
pub use every_hook::CHUNKS;
pub use guards::GUARDS;
pub use indexing::INDEXING;
pub use instances::INSTANCES;
pub use interrupting::INTERRUPTING;
pub use loading::LOADING;
pub use reading::{FLOOR, READING};
pub use requests::{ALL_HOOKS, REQUESTS};

use bytes::Bytes;

use crate::Error;
use crate::case::Case;

/// Reads or assembles a guest.
type Load = fn() -> Result<Bytes, Error>;

/// Every case. Those of one table stand together.
pub fn all() -> Vec<Case> {
    let tables = [
        indexing::cases(),
        reading::cases(),
        changing::cases(),
        editing::cases(),
        guards::cases(),
        tagging::cases(),
        chains::cases(),
        every_hook::cases(),
        requests::cases(),
        instances::cases(),
        answering::cases(),
        loading::cases(),
        interrupting::cases(),
    ];
    tables.into_iter().flatten().collect()
}
