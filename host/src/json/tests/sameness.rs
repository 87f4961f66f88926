use super::parse;
use crate::json::{Document, Duplicates, Numbers, same};

fn compare(a: &str, b: &str, numbers: Numbers) -> bool {
    let (a, b) = (parse(a), parse(b));
    let there = same(a.root(), b.root(), numbers);
    assert_eq!(
        there,
        same(b.root(), a.root(), numbers),
        "{a} and {b} are compared alike in both directions"
    );
    there
}

#[test]
fn values_that_say_the_same_are_the_same_however_they_are_written() {
    let cases = [
        (r#"{"a":1,"b":[true,null]}"#, "{ \"b\" : [ true , null ] , \"a\" : 1 }"),
        (r#""a\u0062\/""#, r#""ab/""#),
        (r#"{"\u0061":{}}"#, r#"{"a":{ }}"#),
        (r#""\ud800""#, "\"\u{fffd}\""),
        (
            r#""as before \n \ud83d\ud83d\ude00""#,
            "\"as before \\n \\ud83d\u{1f600}\"",
        ),
        ("[]", "[ ]"),
    ];
    for (a, b) in cases {
        assert!(compare(a, b, Numbers::Exact), "{a} {b}");
        assert!(compare(a, b, Numbers::AsDouble), "{a} {b}");
    }
}

#[test]
fn values_that_say_different_things_differ() {
    let cases = [
        ("null", "false"),
        ("true", "false"),
        ("0", "null"),
        ("\"1\"", "1"),
        ("[1,2]", "[2,1]"),
        ("[1]", "[1,1]"),
        ("[]", "{}"),
        (r#"{"a":1}"#, r#"{"b":1}"#),
        (r#"{"a":1}"#, r#"{"a":1,"b":1}"#),
        (r#"{"a":{"b":[0,{"c":"x"}]}}"#, r#"{"a":{"b":[0,{"c":"y"}]}}"#),
        ("1", "2"),
        // Halves of a surrogate pair, of which the first is the same.
        (r#""as before \n \ud83d\ude00""#, r#""as before \n \ud83d""#),
        (r#""as before \n \ud83d\ude00""#, r#""as before \n \ud83d\ude01""#),
        (r#""as before \n \ud83d\ude00""#, r#""as before \n \ud83d ude00""#),
        (r#""as before \\""#, r#""as before \\n""#),
    ];
    for (a, b) in cases {
        assert!(!compare(a, b, Numbers::Exact), "{a} {b}");
        assert!(!compare(a, b, Numbers::AsDouble), "{a} {b}");
    }
}

#[test]
fn numbers_are_compared_by_their_text_or_as_doubles() {
    let as_doubles_only = [
        ("1", "1.0"),
        ("1e2", "100"),
        ("9007199254740993", "9007199254740992"),
        ("0", "-0"),
    ];
    for (a, b) in as_doubles_only {
        assert!(!compare(a, b, Numbers::Exact), "{a} {b}");
        assert!(compare(a, b, Numbers::AsDouble), "{a} {b}");
    }
    assert!(!compare("1e400", "1e401", Numbers::AsDouble));
    assert!(compare("1e400", "1e400", Numbers::AsDouble));
}

#[test]
fn large_objects_are_compared_without_order() {
    let object = |names: &mut dyn Iterator<Item = u32>, last: &str| {
        let members: Vec<String> = names.map(|name| format!("\"n{name}\":{name}")).collect();
        format!("{{{},\"last\":{last}}}", members.join(","))
    };
    let forth = object(&mut (0..3000), "1");
    assert!(compare(&forth, &object(&mut (0..3000).rev(), "1"), Numbers::Exact));
    assert!(!compare(&forth, &object(&mut (0..3000).rev(), "2"), Numbers::Exact));
    assert!(!compare(&forth, &object(&mut (1..3001).rev(), "1"), Numbers::Exact));
    assert!(!compare(&forth, &object(&mut (0..3001), "1"), Numbers::Exact));
}

#[test]
fn of_repeated_members_only_the_last_counts() {
    let parse_with = |text: &'static str| Document::parse_with(text, Duplicates::LastWins).unwrap();
    let twice = parse_with(r#"{"a":1,"b":2,"a":3}"#);
    assert!(same(twice.root(), parse(r#"{"b":2,"a":3}"#).root(), Numbers::Exact));
    assert!(!same(twice.root(), parse(r#"{"b":2,"a":1}"#).root(), Numbers::Exact));
    assert!(!same(
        twice.root(),
        parse_with(r#"{"a":1,"b":2,"a":1}"#).root(),
        Numbers::Exact
    ));
}
