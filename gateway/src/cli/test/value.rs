//! Documents of the host as values that patterns are compared with. The host takes more than other readers of JSON do,
//! and what a client gets must not be taken for nothing because of that.

use heimdall_host::json::{Document, Kind, Value as Part};
use serde_json::Value;

pub(super) fn of(document: &Document) -> Value {
    of_part(document.root())
}

fn of_part(part: Part<'_>) -> Value {
    match part.kind() {
        Kind::Object => {
            let members = part.members();
            members
                .map(|(name, member)| (name.into_owned(), of_part(member)))
                .collect()
        }
        Kind::Array => part.elements().map(of_part).collect(),
        // Half of a surrogate pair is U+FFFD there.
        Kind::String => Value::String(part.as_str().unwrap_or_default().into_owned()),
        // A number that no type holds is compared as it is written.
        _ => serde_json::from_str(part.raw()).unwrap_or_else(|_| Value::String(part.raw().to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(text: impl Into<String>) -> Value {
        of(&Document::parse(text.into()).unwrap())
    }

    #[test]
    fn what_other_readers_refuse_is_there() {
        let text = r#"{"half":"LEAKED \ud83d","whole":"\ud83d\ude00","large":[1e400,-0.5],"\udc00":null}"#;
        let expected = json!({"half": "LEAKED \u{fffd}", "whole": "😀", "large": ["1e400", -0.5], "\u{fffd}": null});
        assert_eq!(read(text), expected);
    }

    #[test]
    fn the_deepest_document_is_read_whole() {
        let mut value = &read("[".repeat(128) + &"]".repeat(128));
        let mut levels = 1;
        while let Some(inner) = value.get(0) {
            value = inner;
            levels += 1;
        }
        assert_eq!((levels, value), (128, &json!([])));
    }
}
