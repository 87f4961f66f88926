//! Tests of the JSON document, by what they are about.

mod editing;
mod errors;
mod properties;
mod reading;
mod sameness;
mod strategies;

use super::Document;

fn parse(text: &str) -> Document {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}
