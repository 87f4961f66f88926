//! JSON texts as strangers write them.

use proptest::collection::vec;
use proptest::prelude::*;

/// Whitespace as it comes between tokens, mostly none.
fn gap() -> impl Strategy<Value = String> + Clone {
    prop_oneof![4 => Just(String::new()), 1 => "[ \t\r\n]{1,12}"]
}

/// One character of a string as it can be written.
fn string_piece() -> impl Strategy<Value = String> + Clone {
    prop_oneof![
        6 => "[ !#-\\[\\]-~]{1,20}",
        2 => "[à-ÿ€日本😀\u{7f}\u{80}]{1,4}",
        1 => prop::sample::select(vec!["\\\"", "\\\\", "\\/", "\\b", "\\f", "\\n", "\\r", "\\t"]).prop_map(String::from),
        1 => any::<char>().prop_map(|character| {
            let mut units = [0; 2];
            character.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04X}")).collect()
        }),
    ]
}

fn string() -> impl Strategy<Value = String> + Clone {
    vec(string_piece(), 0..5).prop_map(|pieces| format!("\"{}\"", pieces.concat()))
}

/// Numbers of any length that are finite as doubles.
fn number() -> impl Strategy<Value = String> + Clone {
    "-?(0|[1-9][0-9]{0,30})(\\.[0-9]{1,25})?([eE][+-]?[0-9]{1,2})?"
}

fn scalar() -> impl Strategy<Value = String> + Clone {
    let literal = prop::sample::select(vec!["null", "true", "false", "[]", "{}"]).prop_map(String::from);
    prop_oneof![literal, number(), string()]
}

/// A container's text from its children's.
fn container(brackets: [char; 2], children: Vec<String>, gap: &str) -> String {
    let [open, close] = brackets;
    format!("{open}{gap}{}{gap}{close}", children.join(&format!("{gap},{gap}")))
}

/// The names of an object: odd ones, but told apart by a number.
fn members(children: Vec<(String, String)>, gap: &str) -> Vec<String> {
    let named = children.into_iter().enumerate();
    named
        .map(|(number, (name, value))| format!("\"{number}#{}{gap}:{gap}{value}", &name[1..]))
        .collect()
}

/// One JSON value.
pub(super) fn value() -> impl Strategy<Value = String> + Clone {
    scalar().prop_recursive(5, 60, 20, |inner| {
        prop_oneof![
            (vec(inner.clone(), 0..20), gap()).prop_map(|(children, gap)| container(['[', ']'], children, &gap)),
            (vec((string(), inner), 0..20), gap()).prop_map(|(children, gap)| container(
                ['{', '}'],
                members(children, &gap),
                &gap
            )),
        ]
    })
}

/// One JSON text: a value with whitespace around it.
pub(super) fn text() -> impl Strategy<Value = String> + Clone {
    (gap(), value(), gap()).prop_map(|(before, value, after)| before + &value + &after)
}

/// A text that is nearly JSON: one with some bytes changed, lost, or added.
pub(super) fn nearly_json() -> impl Strategy<Value = Vec<u8>> {
    let change = (
        any::<prop::sample::Index>(),
        0..3u8,
        prop::sample::select(b"{}[]\",:\\u0-9eE.+tn \n\x00\x1f\xff\xc3x".to_vec()),
    );
    (text(), vec(change, 1..4)).prop_map(|(text, changes)| {
        let mut bytes = text.into_bytes();
        for (place, what, byte) in changes {
            let at = place.index(bytes.len() + 1);
            match what {
                0 => bytes.insert(at, byte),
                1 => bytes.truncate(at.max(1)),
                _ => bytes.get_mut(at).into_iter().for_each(|old| *old = byte),
            }
        }
        bytes
    })
}
