use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use serde_json::json;

use super::*;

/// The paths at which a value is not as expected.
fn wrong(pattern: &Value, actual: &Value) -> Vec<String> {
    let found = compare(pattern, actual).mismatches.into_iter();
    found.map(|mismatch| mismatch.path).collect()
}

#[test]
fn what_is_named_has_to_be_there_and_what_is_not_may_be() {
    let actual = json!({"a": 1, "b": {"c": [1, {"d": "x"}], "e": null}, "n": 2.0});
    for pattern in [
        json!({}),
        json!({"a": 1.0, "n": 2}),
        json!({"b": {"c": [1, {"d": "x"}]}}),
        json!({"b": {"c": [1, {}], "e": null}}),
        json!({"z": "<absent>", "b": {"d": "<absent>"}}),
        json!({"a": "<number>", "b": "<any>"}),
        json!({"b": {"c": ["<number>", {"d": "<text>"}], "e": "<any>"}}),
    ] {
        assert_eq!(wrong(&pattern, &actual), Vec::<String>::new(), "{pattern}");
    }
    for (pattern, paths) in [
        (json!({"a": 2}), vec!["a"]),
        (json!({"a": "1"}), vec!["a"]),
        (json!({"a": "<text>"}), vec!["a"]),
        (json!({"a": "<absent>"}), vec!["a"]),
        (json!({"z": "<any>"}), vec!["z"]),
        (json!({"z": null}), vec!["z"]),
        (json!({"b": {"e": "<absent>"}}), vec!["b.e"]),
        (json!({"b": {"c": [1, {"d": "y"}]}, "a": 3}), vec!["a", "b.c[1].d"]),
        (json!({"b": {"c": [1]}}), vec!["b.c[1]"]),
        (json!({"b": {"c": [1, {}, 3]}}), vec!["b.c[2]"]),
        (json!({"b": []}), vec!["b"]),
        (json!([]), vec![""]),
    ] {
        assert_eq!(wrong(&pattern, &actual), paths, "{pattern}");
    }
}

#[test]
fn three_dots_stand_for_any_elements() {
    let actual = json!([1, 2, 3]);
    for (pattern, fits) in [
        (json!(["..."]), true),
        (json!([1, "..."]), true),
        (json!([1, 2, 3, "..."]), true),
        (json!(["...", 3]), true),
        (json!(["...", 2, "..."]), true),
        (json!([1, "...", 3]), true),
        (json!(["...", 1, "...", 2]), false),
        (json!([2, "..."]), false),
        (json!([1, 2, 3, 4, "..."]), false),
        (json!(["..", 2, 3]), false),
    ] {
        assert_eq!(wrong(&pattern, &actual).is_empty(), fits, "{pattern}");
    }
    assert_eq!(wrong(&json!([1, 2, 3, 4, "..."]), &actual), ["[3]"]);
    assert_eq!(wrong(&json!({"a": ["...", 9]}), &json!({"a": [1]})), ["a"]);
}

#[test]
fn a_name_with_a_star_means_any_member_that_it_fits() {
    let actual = json!({"guard/tokens": 6, "guard-c/tokens": 7, "tag": "a", "a*b": 1});
    for (pattern, paths) in [
        (json!({"*/tokens": 7}), vec![]),
        (json!({"*/tokens": 8}), vec!["*/tokens"]),
        (json!({"t*g": "b"}), vec!["tag"]),
        (json!({"x*": "<any>"}), vec!["x*"]),
        (json!({"x*": "<absent>"}), vec![]),
        (json!({"t*": "<absent>"}), vec!["tag"]),
        (json!({r"a\*b": 1}), vec![]),
        (json!({r"t\*g": "a"}), vec!["t*g"]),
    ] {
        assert_eq!(wrong(&pattern, &actual), paths, "{pattern}");
    }
}

#[test]
fn what_is_seen_differs_from_the_pattern_only_where_something_is_wrong() {
    let pattern = json!({"a": "x*", "b": [1, "<any>", "..."], "c": {"d": 1}, "e": "<absent>"});
    let actual = json!({"a": "xyz", "b": [1, 2, 3], "c": {"d": 2, "f": 3}, "g": 4});
    let seen = compare(&pattern, &actual).seen;
    assert_eq!(
        seen,
        json!({"a": "x*", "b": [1, "<any>", "..."], "c": {"d": 2}, "e": "<absent>"})
    );
}

#[test]
fn whole_numbers_are_told_apart_however_large() {
    let (one, other) = (json!(9_007_199_254_740_993_u64), json!(9_007_199_254_740_992_u64));
    assert!(wrong(&one, &one).is_empty());
    assert_eq!(wrong(&one, &other), [""]);
}

fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::from),
        (-1e9..1e9).prop_map(Value::from),
        r"[ab*<>.]{0,4}".prop_map(Value::String),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::Array),
            btree_map(r"[ab*]{1,2}", inner, 0..4).prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// The pattern that only this value fits, and objects that have more.
fn exactly(value: &Value) -> Value {
    let text = |text: &str| text.replace('*', r"\*");
    match value {
        Value::String(it) => Value::String(text(it)),
        Value::Array(elements) => elements.iter().map(exactly).collect(),
        Value::Object(members) => Value::Object(members.iter().map(|(name, it)| (text(name), exactly(it))).collect()),
        other => other.clone(),
    }
}

/// Whether it says of itself that it is no text but a pattern.
fn has_dots(value: &Value) -> bool {
    match value {
        Value::String(text) => text == REST,
        Value::Array(elements) => elements.iter().any(has_dots),
        Value::Object(members) => members.values().any(has_dots),
        _ => false,
    }
}

proptest! {
    #[test]
    fn every_value_fits_itself(value in values()) {
        prop_assume!(!has_dots(&value));
        let compared = compare(&exactly(&value), &value);
        prop_assert_eq!(compared.mismatches, vec![]);
        prop_assert_eq!(compared.seen, shown(&value));
    }

    #[test]
    fn another_value_is_told_by_a_path(one in values(), other in values()) {
        prop_assume!(!has_dots(&one));
        let compared = compare(&exactly(&one), &other);
        let is_same = compared.mismatches.is_empty();
        prop_assert_eq!(is_same, has(&other, &one), "{:?}", compared);
    }

    #[test]
    fn any_fits_everything(value in values()) {
        prop_assert!(fits(&json!("<any>"), &value));
        prop_assert!(fits(&json!(["...", "<any>"]), &json!([1, value])));
        let is_there = json!({"a": value});
        prop_assert_eq!(fits(&json!({"a": "<absent>"}), &is_there), false);
    }
}

/// As what is seen has it: names as they are there.
fn shown(value: &Value) -> Value {
    match value {
        Value::Object(members) => Value::Object(members.iter().map(|(name, it)| (name.clone(), shown(it))).collect()),
        Value::Array(elements) => elements.iter().map(shown).collect(),
        other => exactly(other),
    }
}

/// Whether a value has all that another one has.
fn has(value: &Value, other: &Value) -> bool {
    match (value, other) {
        (Value::Object(value), Value::Object(other)) => other
            .iter()
            .all(|(name, it)| value.get(name).is_some_and(|there| has(there, it))),
        (Value::Array(value), Value::Array(other)) => {
            value.len() == other.len() && value.iter().zip(other).all(|(value, other)| has(value, other))
        }
        (Value::Number(value), Value::Number(other)) => same_number(other, value),
        _ => value == other,
    }
}
