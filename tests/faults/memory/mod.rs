//! Guests that take more memory than they have, or than is theirs.

mod caps;
mod instances;
mod loading;
