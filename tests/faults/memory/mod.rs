//! Guests that take more memory than they have, or than is theirs.
