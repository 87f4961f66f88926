//! The packed ABI, broken in every way.
