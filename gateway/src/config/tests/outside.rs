//! What holds of any text and any tree.

use std::sync::Arc;

use proptest::prelude::*;

use super::super::format::Format;
use super::super::load::parse_with;
use super::super::tree::{Entry, Node, Place, Text, Value};

const FILES: [&str; 3] = ["a.toml", "a.yaml", "a.json"];

/// Texts that look like configurations more often than chance has it.
fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("listen"),
        Just("plugins"),
        Just("upstreams"),
        Just("providers"),
        Just("keys"),
        Just("path"),
        Just("config"),
        Just("[["),
        Just("]]"),
        Just("["),
        Just("]"),
        Just("{"),
        Just("}"),
        Just(": "),
        Just(" = "),
        Just("- "),
        Just("\n"),
        Just("  "),
        Just("\t"),
        Just("\""),
        Just("'"),
        Just("&a "),
        Just("*a"),
        Just("!!str "),
        Just("|"),
        Just(">"),
        Just("---\n"),
        Just("..."),
        Just("? "),
        Just("#"),
        Just(","),
        Just("."),
        Just("1"),
        Just("-1"),
        Just("1e400"),
        Just("true"),
        Just("~"),
        Just("\\u0000"),
        Just("\\ud800"),
        Just("é"),
        Just("\u{feff}"),
        Just("\r\n"),
        Just("%YAML 1.2\n"),
        Just("<<"),
    ];
    prop_oneof![
        prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat()),
        any::<String>(),
    ]
}

fn node() -> impl Strategy<Value = Node> {
    let place = Place::whole(&Arc::new(Text {
        name: "test".to_owned(),
        text: String::new(),
    }));
    let words = prop_oneof![
        any::<String>(),
        "[-+.0-9a-fxo:~ #&*?|<>!%@`'\"\\[\\]{},\t\n]{0,8}",
        "(yes|no|on|null|true|~|0x1f|1e3|1_000|<<|=)"
    ];
    let scalar = prop_oneof![
        any::<bool>().prop_map(Value::Truth),
        any::<i64>().prop_map(Value::Integer),
        (i64::MAX as u64 + 1..).prop_map(Value::Unsigned),
        any::<i32>().prop_map(|number| Value::Float(f64::from(number) / 8.0 + 0.0625)),
        words.clone().prop_map(Value::Text),
    ];
    let at = place.clone();
    let scalar = scalar.prop_map(move |value| Node::new(at.clone(), value));
    let inner = scalar.prop_recursive(4, 24, 4, move |inner| {
        let (at, there) = (place.clone(), place.clone());
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4)
                .prop_map(move |values| Node::new(at.clone(), Value::List(values))),
            prop::collection::btree_map(any::<String>(), inner, 0..4).prop_map(move |entries| table(entries, &there)),
        ]
    });
    prop::collection::btree_map(words, inner, 0..5).prop_map(|entries| {
        let place = Place::whole(&Arc::new(Text {
            name: "test".to_owned(),
            text: String::new(),
        }));
        table(entries, &place)
    })
}

fn table(entries: std::collections::BTreeMap<String, Node>, place: &Place) -> Node {
    let entries = entries.into_iter().map(|(key, node)| Entry {
        key,
        place: place.clone(),
        node,
    });
    Node::new(place.clone(), Value::Table(entries.collect()))
}

/// The values without their places; tables without their order.
fn plain(node: &Node) -> serde_json::Value {
    serde_json::to_value(node).unwrap()
}

proptest! {
    #[test]
    fn no_text_panics_the_loader(text in text(), name in "(__|[a-zA-Z0-9_.]){0,12}", value in any::<String>()) {
        for file in FILES {
            let _whatever = parse_with(file, &text, &[]);
            let _whatever = parse_with(file, "", &[(&format!("HEIMDALL__{name}"), &value)]);
        }
    }

    #[test]
    fn what_is_written_in_a_format_is_read_as_the_same(tree in node()) {
        for format in [Format::Toml, Format::Yaml, Format::Json] {
            let text = format.write(&tree).unwrap();
            let source = Arc::new(Text { name: "written".to_owned(), text: text.clone() });
            let read = format.read(&source).map_err(|error| TestCaseError::fail(format!("{error}\n{text}")))?;
            prop_assert_eq!(plain(&read), plain(&tree), "{}", text);
        }
    }
}
