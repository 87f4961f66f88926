//! Any document, printed anew by a guest as Go would, comes out as it went in.

use heimdall_host::json::Document;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::Value as Json;

use super::{FREE, merged};

/// JSON texts with whitespace, escapes, numbers of any size and nesting.
fn text() -> impl Strategy<Value = String> {
    let number = prop_oneof![
        any::<i64>().prop_map(|n| n.to_string()),
        Just("9007199254740993".to_owned()),
        Just("1.0".to_owned()),
        Just("-0.10e+2".to_owned()),
        (0.0..1e9_f64).prop_map(|n| format!("{n}")),
    ];
    let string = prop_oneof![
        "[a-z<>&é🦀 ]{0,8}".prop_map(|s| format!("\"{s}\"")),
        Just(r#""\u003c\ud83e\udd80\/""#.to_owned()),
        Just(r#""\u0000\t\"""#.to_owned()),
    ];
    let leaf = prop_oneof![Just("null".to_owned()), Just("true".to_owned()), number, string];
    leaf.prop_recursive(5, 48, 6, |inner| {
        let members = vec(("[a-e]{1,2}", inner.clone()), 0..6).prop_map(|members| {
            let mut seen = Vec::new();
            let mut out = Vec::new();
            for (name, value) in members {
                if !seen.contains(&name) {
                    out.push(format!(" \"{name}\" : {value}"));
                    seen.push(name);
                }
            }
            format!("{{{} }}", out.join(" ,"))
        });
        prop_oneof![
            vec(inner, 0..6).prop_map(|items| format!("[ {}]", items.join(", "))),
            members
        ]
    })
}

/// As a Go guest prints it that keeps everything in maps: sorted members, doubles, `<` escaped.
fn reprinted(text: &str) -> String {
    fn as_double(value: Json) -> Json {
        match value {
            Json::Number(number) => Json::from(number.as_f64()),
            Json::Array(items) => items.into_iter().map(as_double).collect(),
            Json::Object(members) => members
                .into_iter()
                .map(|(name, value)| (name, as_double(value)))
                .collect(),
            other => other,
        }
    }
    let value: Json = serde_json::from_str(text).unwrap();
    as_double(value)
        .to_string()
        .replace('<', "\\u003c")
        .replace('&', "\\u0026")
}

proptest! {
    #[test]
    fn a_guest_that_prints_a_document_anew_changes_nothing(text in text()) {
        let old: Document = text.parse().unwrap();
        let new: Document = reprinted(&text).parse().unwrap();
        prop_assert!(merged(&old, new.root(), &FREE).unwrap().is_none());
    }

    #[test]
    fn where_one_member_changes_only_it_differs(before in text(), after in text()) {
        let wrap = |value: &str| format!("{{ \"x\" : {before},\"changed\":  {value} , \"y\":[ {after} ]}}");
        let old: Document = wrap("\"old\"").parse().unwrap();
        let new: Document = reprinted(&wrap("\"new\"")).parse().unwrap();
        let merged = merged(&old, new.root(), &FREE).unwrap().unwrap();
        prop_assert_eq!(merged.as_str(), wrap("\"new\""));
    }

    #[test]
    fn any_answer_makes_valid_json(old in text(), new in text()) {
        let old: Document = old.parse().unwrap();
        let new: Document = new.parse().unwrap();
        prop_assert!(merged(&old, new.root(), &FREE).is_ok());
    }
}
