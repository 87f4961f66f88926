use super::parse;
use crate::json::{Document, Duplicates};

/// Edits a text and checks that the spliced index is that of the edited text.
fn edited(text: &str, edit: impl FnOnce(&mut Document)) -> String {
    let mut document = parse(text);
    edit(&mut document);
    assert_eq!(document.nodes(), parse(document.as_str()).nodes(), "{document}");
    document.as_str().to_owned()
}

#[test]
fn setting_changes_the_named_place_and_nothing_else() {
    let text =
        "{ \"model\" : \"m\\u0061x\",\n\t\"n\": 1.0, \"messages\":[ {\"role\":\"user\"} , 12345678901234567890 ]}";
    let cases = [
        ("/model", "\"min\"", text.replace("\"m\\u0061x\"", "\"min\"")),
        ("/n", "1", text.replace("1.0", "1")),
        ("/n", "{\"a\":[1,2]}", text.replace("1.0", "{\"a\":[1,2]}")),
        (
            "/messages",
            "null",
            text.replace("[ {\"role\":\"user\"} , 12345678901234567890 ]", "null"),
        ),
        ("/messages/0", "{}", text.replace("{\"role\":\"user\"}", "{}")),
        ("/messages/0/role", "\"system\"", text.replace("user", "system")),
        (
            "/messages/0/name",
            "\"x\"",
            text.replace("\"user\"", "\"user\",\"name\":\"x\""),
        ),
        ("/messages/1", "7", text.replace("12345678901234567890", "7")),
        ("/messages/2", "[[]]", text.replace("7890 ]", "7890,[[]] ]")),
        ("/messages/-", "true", text.replace("7890 ]", "7890,true ]")),
        ("/new~1\"name", "0", text.replace(" ]}", " ],\"new/\\\"name\":0}")),
        ("", " [ 1 ] ", " [ 1 ] ".to_owned()),
    ];
    for (pointer, value, expected) in cases {
        let value = parse(value);
        let after = edited(text, |document| {
            assert_eq!(document.set(pointer, &value), Ok(true), "{pointer}")
        });
        assert_eq!(after, expected, "{pointer}");
    }
}

#[test]
fn setting_what_is_there_already_touches_nothing() {
    let text = r#"{"a":"\u0078\/", "b": {"c": 1, "d": [1, 2]}}"#;
    for (pointer, value) in [
        ("/a", "\"x/\""),
        ("/b", r#"{"d":[1,2],"c":1}"#),
        ("/b/d/0", "1"),
        ("", r#"{"b":{"c":1,"d":[1,2]},"a":"x/"}"#),
    ] {
        let after = edited(text, |document| {
            assert_eq!(document.set(pointer, &parse(value)), Ok(false), "{pointer}")
        });
        assert_eq!(after, text);
    }
}

#[test]
fn a_value_comes_in_without_the_whitespace_around_it() {
    assert_eq!(
        edited("[1]", |document| drop(document.set("/0", &parse("\n { \"a\" : 1 }\n")))),
        "[{ \"a\" : 1 }]"
    );
}

#[test]
fn the_first_child_of_an_empty_container_needs_no_comma() {
    let one = Document::from(1u64);
    assert_eq!(
        edited("{ }", |document| assert_eq!(document.set("/a", &one), Ok(true))),
        "{\"a\":1 }"
    );
    assert_eq!(
        edited("[\n]", |document| assert_eq!(document.set("/0", &one), Ok(true))),
        "[1\n]"
    );
    assert_eq!(
        edited("[[],0]", |document| assert_eq!(document.insert("/0/-", &one), Ok(()))),
        "[[1],0]"
    );
}

#[test]
fn inserting_puts_an_element_in_front_of_another() {
    let text = "[ 1 , {\"a\":2} ]";
    for (pointer, expected) in [
        ("/0", "[ [0],1 , {\"a\":2} ]"),
        ("/1", "[ 1 , [0],{\"a\":2} ]"),
        ("/2", "[ 1 , {\"a\":2},[0] ]"),
        ("/-", "[ 1 , {\"a\":2},[0] ]"),
        ("/1/a", "[ 1 , {\"a\":[0]} ]"),
        ("/1/b", "[ 1 , {\"a\":2,\"b\":[0]} ]"),
        ("", "[0]"),
    ] {
        let after = edited(text, |document| {
            assert_eq!(document.insert(pointer, &parse("[0]")), Ok(()))
        });
        assert_eq!(after, expected, "{pointer}");
    }
}

#[test]
fn removing_takes_one_comma_along() {
    let cases = [
        ("[ 1 , 2 , 3 ]", "/0", "[ 2 , 3 ]"),
        ("[ 1 , 2 , 3 ]", "/1", "[ 1 , 3 ]"),
        ("[ 1 , 2 , 3 ]", "/2", "[ 1 , 2 ]"),
        ("[ 1 ]", "/0", "[  ]"),
        ("[[[0,{}]]]", "/0/0/1", "[[[0]]]"),
        (
            "{ \"a\" : 1 , \"b\" : [2] , \"c\" : 3 }",
            "/a",
            "{ \"b\" : [2] , \"c\" : 3 }",
        ),
        (
            "{ \"a\" : 1 , \"b\" : [2] , \"c\" : 3 }",
            "/b",
            "{ \"a\" : 1 , \"c\" : 3 }",
        ),
        (
            "{ \"a\" : 1 , \"b\" : [2] , \"c\" : 3 }",
            "/c",
            "{ \"a\" : 1 , \"b\" : [2] }",
        ),
        ("{\"a\":{\"b\":1}}", "/a/b", "{\"a\":{}}"),
        ("{\"a\\u0062\":1}", "/ab", "{}"),
    ];
    for (text, pointer, expected) in cases {
        let after = edited(text, |document| {
            assert_eq!(document.remove(pointer), Ok(true), "{text} {pointer}")
        });
        assert_eq!(after, expected, "{text} {pointer}");
    }
}

#[test]
fn a_clone_that_is_edited_leaves_the_original_alone() {
    let original = parse(r#"{"a":[1,2,3]}"#);
    let mut draft = original.clone();
    draft.remove("/a/1").unwrap();
    draft.set("/b", &Document::string("x")).unwrap();
    assert_eq!(original.as_str(), r#"{"a":[1,2,3]}"#);
    assert_eq!(original.pointer("/a/2").unwrap().raw(), "3");
    assert_eq!(draft.as_str(), r#"{"a":[1,3],"b":"x"}"#);
}

#[test]
fn a_value_with_repeated_names_comes_in_with_the_last_of_them() {
    let twice = Document::parse_with(r#"{"k":1,"k":2,"j":3}"#, Duplicates::LastWins).unwrap();
    assert_eq!(
        edited("[0]", |document| drop(document.set("/0", &twice))),
        r#"[{"k":2,"j":3}]"#
    );
    assert_eq!(
        edited("[0]", |document| drop(document.insert("/0", &twice))),
        r#"[{"k":2,"j":3},0]"#
    );
    assert_eq!(
        edited("[0]", |document| drop(document.set("", &twice))),
        r#"{"k":2,"j":3}"#
    );
}

#[test]
fn members_can_be_added_one_after_the_other() {
    let after = edited("{}", |document| {
        for number in 0..50u64 {
            document
                .set(&format!("/list{}", number % 5), &Document::array())
                .unwrap();
            document
                .insert(&format!("/list{}/0", number % 5), &Document::from(number))
                .unwrap();
        }
        for number in 0..4u64 {
            assert_eq!(document.remove(&format!("/list{number}")), Ok(true));
        }
    });
    assert_eq!(after, "{\"list4\":[49]}");
}
