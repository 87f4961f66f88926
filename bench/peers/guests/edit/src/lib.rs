//! The edit that every guest does, whatever ABI it has: JSON in, one message more in it, JSON out.

use serde_json::{Value, json};

/// A request with a system message put first. `messages`: the pointer to its list of messages.
pub fn edit(request: &[u8], messages: &str) -> Result<Vec<u8>, serde_json::Error> {
    let mut request: Value = serde_json::from_slice(request)?;
    if let Some(messages) = request.pointer_mut(messages).and_then(Value::as_array_mut) {
        messages.insert(0, json!({ "role": "system", "content": TEXT }));
    }
    serde_json::to_vec(&request)
}

/// What the message says.
pub const TEXT: &str = "Answer in one sentence.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_stands_first_and_all_else_stays() {
        let edited = edit(br#"{"model":"m","messages":[{"role":"user"}]}"#, "/messages").unwrap();
        let edited: Value = serde_json::from_slice(&edited).unwrap();
        let system = json!({"role": "system", "content": TEXT});
        assert_eq!(edited, json!({"model": "m", "messages": [system, {"role": "user"}]}));
    }
}
