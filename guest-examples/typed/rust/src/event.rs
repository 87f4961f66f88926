//! Events of streams, as JSON text.

use std::collections::BTreeMap;

use serde_json::value::{RawValue, to_raw_value};

/// Values are kept as they were written: what a provider sends may be what only JSON can say (half of a surrogate pair).
type Members = BTreeMap<String, Box<RawValue>>;

/// The event without the members that a client adds up: they have been sent with the event that had them first.
pub fn only_text(event: &str) -> Result<String, serde_json::Error> {
    let mut members: Members = serde_json::from_str(event)?;
    members.remove("usage");
    if let Some(choices) = members.get_mut("choices") {
        let mut stripped: Option<Vec<Members>> = serde_json::from_str(choices.get())?;
        for choice in stripped.iter_mut().flatten() {
            only_text_of_choice(choice)?;
        }
        *choices = to_raw_value(&stripped)?;
    }
    serde_json::to_string(&members)
}

fn only_text_of_choice(choice: &mut Members) -> Result<(), serde_json::Error> {
    choice.remove("logprobs");
    if let Some(delta) = choice.get_mut("delta") {
        let mut stripped: Option<Members> = serde_json::from_str(delta.get())?;
        stripped
            .iter_mut()
            .for_each(|it| it.retain(|name, _| name == "content"));
        *delta = to_raw_value(&stripped)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_client_adds_up_is_left_out() {
        let event = r#"{"id":"c","choices":[{"index":1,"delta":{"role":"assistant","content":"TO","tool_calls":[]},"logprobs":{"content":[]},"finish_reason":null}],"usage":{"total_tokens":3}}"#;
        let expected = r#"{"choices":[{"delta":{"content":"TO"},"finish_reason":null,"index":1}],"id":"c"}"#;
        assert_eq!(only_text(event).unwrap(), expected);
    }

    #[test]
    fn events_of_other_shapes_keep_their_members() {
        let event = r#"{"delta":"TO","item_id":"i","type":"response.output_text.delta"}"#;
        assert_eq!(only_text(event).unwrap(), event);
        let event = r#"{"choices":[{"delta":null,"text":"TO"}],"n":12345678901234567890.10}"#;
        assert_eq!(only_text(event).unwrap(), event);
    }

    #[test]
    fn half_of_a_surrogate_pair_passes() {
        let event = r#"{"choices":[{"delta":{"content":"TO"},"vendor":"\ud83d"}],"id":"\ude00"}"#;
        assert_eq!(only_text(event).unwrap(), event);
    }
}
