//! Guests that take more memory than they have.
