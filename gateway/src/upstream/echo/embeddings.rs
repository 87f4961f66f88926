//! Embeddings: a vector of length 1 that depends on the text alone.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use heimdall_host::model::LlmError;
use serde_json::{Value, json};

use super::{Asked, bounds, hash, invalid, words};

const DEFAULT_DIMENSIONS: u64 = 8;
const MAX_DIMENSIONS: u64 = 4096;

/// # Errors
/// When the request asks for something that no embedding has.
pub(super) fn whole(asked: &Asked<'_>) -> Result<Value, LlmError> {
    let dimensions = asked.number("dimensions", DEFAULT_DIMENSIONS);
    if !(1..=MAX_DIMENSIONS).contains(&dimensions) {
        return Err(invalid(
            "dimensions",
            format!("`dimensions` is {dimensions}; 1 to {MAX_DIMENSIONS} are possible"),
        ));
    }
    let format = asked
        .body
        .get("encoding_format")
        .and_then(|format| format.as_str())
        .unwrap_or("float".into());
    let encode: fn(&[f32]) -> Value = match format.as_ref() {
        "float" => |vector| json!(vector),
        "base64" => base64_of,
        other => {
            return Err(invalid(
                "encoding_format",
                format!("`encoding_format` is {other:?}; float and base64 exist"),
            ));
        }
    };
    bounds::check_vectors(asked, dimensions)?;
    let inputs = inputs(asked);
    let used: u64 = inputs.iter().map(|input| words(input)).sum();
    let item = |(index, input): (usize, &String)| json!({"object": "embedding", "index": index, "embedding": encode(&vector(input, dimensions))});
    Ok(json!({
        "object": "list",
        "data": inputs.iter().enumerate().map(item).collect::<Vec<_>>(),
        "model": asked.model,
        "usage": {"prompt_tokens": used, "total_tokens": used},
    }))
}

/// The inputs: a string, a list of them, a list of tokens (shown as it is), or a list of those.
fn inputs(asked: &Asked<'_>) -> Vec<String> {
    let Some(input) = asked.body.get("input") else {
        return Vec::new();
    };
    if let Some(text) = input.as_str() {
        return vec![text.into_owned()];
    }
    let is_tokens = input.elements().next().is_some_and(|first| first.as_f64().is_some());
    if is_tokens {
        return vec![input.raw().to_owned()];
    }
    input
        .elements()
        .map(|input| input.as_str().map_or_else(|| input.raw().to_owned(), Into::into))
        .collect()
}

fn vector(text: &str, dimensions: u64) -> Vec<f32> {
    let text = hash(text.as_bytes());
    // Numbers of 16 bits are exact in an f32, so every machine comes to the same.
    let at = |place: u64| {
        let bits = mixed(text ^ mixed(place));
        ((bits >> 48) as f32 - 32768.0) / 32768.0
    };
    let raw: Vec<f32> = (0..dimensions).map(at).collect();
    let length = raw.iter().map(|number| number * number).sum::<f32>().sqrt();
    let scale = if length > 0.0 { 1.0 / length } else { 1.0 };
    raw.into_iter().map(|number| number * scale).collect()
}

/// Every bit made to depend on every other: the hash alone leaves the high ones of short texts alike.
fn mixed(hash: u64) -> u64 {
    let hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}

fn base64_of(vector: &[f32]) -> Value {
    let bytes: Vec<u8> = vector.iter().flat_map(|number| number.to_le_bytes()).collect();
    STANDARD.encode(bytes).into()
}
