use heimdall_host::json::Document;

use super::super::bifrost::shapes::{MESSAGES, RESPONSE};
use super::{Edits, FREE, Shape, merged};

fn merge(old: &str, new: &str, shape: &'static Shape) -> String {
    let old: Document = old.parse().unwrap();
    let new: Document = new.parse().unwrap();
    match merged(&old, new.root(), shape).unwrap() {
        Some(changed) => changed.as_str().to_owned(),
        None => old.as_str().to_owned(),
    }
}

#[test]
fn what_says_the_same_keeps_its_bytes() {
    for (old, new) in [
        (r#"{ "a": 1, "b": "<" }"#, r#"{"b":"\u003c","a":1.0}"#),
        (r#"{"n": 9007199254740993}"#, r#"{"n":9007199254740992}"#),
        (r#"{"n": 1e2, "deep": [{"x": null}]}"#, r#"{"deep":[{}],"n":100}"#),
        (r#"{"a": "é\n"}"#, r#"{"a":"\u00e9\u000a"}"#),
        (r#"{"a":1,"unknown":{"b":[1,2]}}"#, r#"{"a":1}"#),
        (
            r#"{"a":1}"#,
            r#"{"A":1,"extra":null,"list":[],"text":"","inner":{"x":null}}"#,
        ),
        (r#"{"tool_calls":[{"id":"1"}]}"#, r#"{"tool_calls":null}"#),
        (r#"{"a":null}"#, r#"{"a":""}"#),
        ("[1, 2,\n3]", "[1.0,2,3]"),
    ] {
        assert_eq!(merge(old, new, &FREE), old, "{new}");
    }
}

#[test]
fn only_what_changed_differs() {
    for (old, new, expected) in [
        (
            r#"{ "a": 1, "b": "<" }"#,
            r#"{"b":">","a":1}"#,
            r#"{ "a": 1, "b": ">" }"#,
        ),
        (
            r#"{ "a" : { "b": 1e1, "c" : [ ] } }"#,
            r#"{"a":{"b":10,"d":2}}"#,
            r#"{ "a" : { "b": 1e1, "c" : [ ],"d":2 } }"#,
        ),
        (r#"{}"#, r#"{"a":1,"b":2}"#, r#"{"a":1,"b":2}"#),
        (
            r#"{"Name":1,"name":2}"#,
            r#"{"name":3,"Name":1}"#,
            r#"{"Name":1,"name":3}"#,
        ),
        (r#"{"a":"x"}"#, r#"{"A":"y"}"#, r#"{"a":"y"}"#),
        (r#"{"a":"x"}"#, r#"{"a":""}"#, r#"{"a":""}"#),
        (r#"{"a":null}"#, r#"{"a":[1]}"#, r#"{"a":[1]}"#),
        ("[ 1,  2, 3 ]", "[1,5,3]", "[ 1,  5, 3 ]"),
    ] {
        assert_eq!(merge(old, new, &FREE), expected, "{new}");
    }
}

#[test]
fn an_inserted_message_leaves_the_others_untouched() {
    let old = r#"[ {"role":"user", "content":"\u0061", "x": 9007199254740993} ,  {"role":"assistant","content":"b"} ]"#;
    let new = r#"[{"role":"system","content":"s"},{"role":"user","content":"a"},{"role":"assistant","content":"b"}]"#;
    let expected = r#"[ {"role":"system","content":"s"},{"role":"user", "content":"\u0061", "x": 9007199254740993} ,  {"role":"assistant","content":"b"} ]"#;
    assert_eq!(merge(old, new, &MESSAGES), expected);
}

#[test]
fn an_inserted_message_comes_without_the_nulls_of_its_struct() {
    let new =
        r#"[{"role":"assistant","content":null,"name":null,"tool_calls":[{"x":null}]},{"role":"user","content":"a"}]"#;
    let expected = r#"[{"role":"assistant","content":null,"tool_calls":[{"x":null}]},{"role":"user","content":"a"}]"#;
    assert_eq!(merge(r#"[{"role":"user","content":"a"}]"#, new, &MESSAGES), expected);
}

#[test]
fn a_message_that_was_changed_beside_an_inserted_one_keeps_what_the_guest_does_not_know() {
    let old = r#"[{"role":"user","content":"secret","name":"n"}]"#;
    let new = r#"[{"role":"system","content":"s"},{"role":"user","content":"***"}]"#;
    let expected = r#"[{"role":"system","content":"s"},{"role":"user","content":"***","name":"n"}]"#;
    assert_eq!(merge(old, new, &MESSAGES), expected);
}

#[test]
fn a_window_that_moves_does_not_mix_messages() {
    let old = r#"[{"role":"system","content":"s"},{"role":"assistant","content":null,"tool_calls":[1]},{"role":"tool","content":"t"}]"#;
    let new = r#"[{"role":"assistant","content":null},{"role":"tool","content":"t"},{"role":"user","content":"u"}]"#;
    let expected = r#"[{"role":"assistant","content":null,"tool_calls":[1]},{"role":"tool","content":"t"},{"role":"user","content":"u"}]"#;
    assert_eq!(merge(old, new, &MESSAGES), expected);
}

#[test]
fn elements_that_are_gone_are_removed() {
    for (old, new, expected) in [
        ("[ 1, 2, 3 ]", "[1,3]", "[ 1,3 ]"),
        ("[1, 2]", "[]", "[]"),
        ("[1,2,3]", "[2]", "[2]"),
        ("[]", "[1]", "[1]"),
    ] {
        assert_eq!(merge(old, new, &FREE), expected);
    }
}

#[test]
fn null_deletes_named_members_alone() {
    for (old, new, expected) in [
        (
            r#"{"id":"a", "usage":{"total_tokens":1}, "x":1}"#,
            r#"{"usage":null,"x":null}"#,
            r#"{"id":"a", "x":1}"#,
        ),
        (
            r#"{ "usage":{} , "id":"a" }"#,
            r#"{"usage":null}"#,
            r#"{ "usage":{} , "id":"a" }"#,
        ),
        (
            r#"{"usage":{"total_tokens":1}}"#,
            r#"{"usage":null,"y":2}"#,
            r#"{"y":2}"#,
        ),
        (
            r#"{"choices":[{"finish_reason":"stop","message":{"content":"a"}}]}"#,
            r#"{"choices":[{"finish_reason":null,"message":{"content":null}}]}"#,
            r#"{"choices":[{"finish_reason":null,"message":{"content":null}}]}"#,
        ),
    ] {
        assert_eq!(merge(old, new, &RESPONSE), expected, "{new}");
    }
}

#[test]
fn of_repeated_members_an_edit_leaves_the_last() {
    use heimdall_host::json::Duplicates;
    let old = Document::parse_with(r#"{"a":"secret","a":"shown","b":1}"#, Duplicates::LastWins).unwrap();
    let new: Document = r#"{"a":"***"}"#.parse().unwrap();
    assert_eq!(
        merged(&old, new.root(), &FREE).unwrap().unwrap().as_str(),
        r#"{"a":"***","b":1}"#
    );
}

#[test]
fn a_deeply_nested_answer_is_merged_in_time() {
    let nested = |inner: &str| format!("{}{inner}{}", "[".repeat(120), "]".repeat(120));
    assert_eq!(merge(&nested("1"), &nested("2"), &FREE), nested("2"));
}

#[test]
fn a_large_text_deep_in_lists_is_not_compared_at_each_depth() {
    let text = "a".repeat(1 << 20);
    let nested = |end: u8| {
        let inner = format!("[\"{text}\",{end}]");
        (1..120).fold(inner, |inner, _| format!("[{inner}]"))
    };
    let (old, new) = (
        nested(1).parse::<Document>().unwrap(),
        nested(2).parse::<Document>().unwrap(),
    );
    let mut edits = Edits::default();
    edits.merge(old.root(), new.root(), &FREE);
    // All guesses but those for which there was no room were in vain.
    let unused = edits.budget.guesses.0;
    assert!(unused < 2 << 20, "{unused}");
    assert_eq!(edits.apply(&old).unwrap().unwrap().as_str(), new.as_str());
}

#[test]
fn of_several_spellings_of_a_name_the_first_counts() {
    assert_eq!(
        merge(r#"{"aa":1,"b":[]}"#, r#"{"Aa":2,"aA":3}"#, &FREE),
        r#"{"aa":2,"b":[]}"#
    );
}

#[test]
fn an_answer_of_very_many_spellings_is_merged_in_time() {
    const NAME: &str = "abcdefghijklmnop";
    let spelt = |bits: u32| -> String {
        let letters = NAME.chars().enumerate();
        letters
            .map(|(place, letter)| match bits >> place & 1 {
                0 => letter.to_ascii_uppercase(),
                _ => letter,
            })
            .collect()
    };
    let members: Vec<String> = (0..1 << 16).map(|bits| format!(r#""{}":1"#, spelt(bits))).collect();
    let old = format!(r#"{{"{NAME}":1}}"#);
    let new = format!("{{{}}}", members.join(","));
    assert!(merge(&old, &new, &FREE).contains(NAME));
}

#[test]
fn a_large_element_is_not_read_anew_for_each_element_of_an_answer() {
    let members: Vec<String> = (0..50_000).map(|n| format!(r#""m{n}":{n}"#)).collect();
    let old = format!(r#"[{{"role":"user",{}}}]"#, members.join(","));
    let new = format!("[{}]", vec![r#"{"role":"tool"}"#; 50_000].join(","));
    let merged = merge(&old, &new, &MESSAGES);
    assert!(merged.ends_with(r#"{"role":"tool"}]"#));
}

#[test]
fn counts_that_a_struct_prints_where_there_were_none_are_no_change() {
    let zeros = r#"{"usage":{"prompt_tokens":0,"completion_tokens":0,"total_tokens":0}}"#;
    for (old, new) in [
        (
            r#"{"usage":{"prompt_tokens":1}}"#,
            r#"{"usage":{"prompt_tokens":1,"completion_tokens":0,"total_tokens":0}}"#,
        ),
        (r#"{"usage":null}"#, zeros),
        (r#"{"id":"c1"}"#, zeros),
    ] {
        assert_eq!(merge(old, new, &RESPONSE), old, "{new}");
    }
    let told = r#"{"usage":{"prompt_tokens":1,"total_tokens":0}}"#;
    assert_eq!(
        merge(r#"{"usage":{"prompt_tokens":2,"total_tokens":2}}"#, told, &RESPONSE),
        told
    );
    assert_eq!(merge("{}", r#"{"temperature":0}"#, &FREE), r#"{"temperature":0}"#);
}
