use crate::json::{Document, Duplicates, EditError, JsonError, MAX_DEPTH};

fn refused(text: &[u8]) -> JsonError {
    Document::parse(text.to_vec()).expect_err(&String::from_utf8_lossy(text))
}

#[test]
fn every_mistake_is_named_with_its_place_in_words() {
    let cases: &[(&str, &str)] = &[
        ("", "expected a value at byte 0, but the text ends there"),
        (" \n", "expected a value at byte 2, but the text ends there"),
        (
            "\u{feff}{}",
            "the text starts with a byte order mark, which JSON does not allow",
        ),
        ("}", "expected a value at byte 0, found `}`"),
        ("NaN", "expected a value at byte 0, found `N`"),
        ("-Infinity", "a number is malformed at byte 1"),
        (
            "nul",
            "expected one of `true`, `false` and `null` at byte 3, but the text ends there",
        ),
        (
            "[nulL]",
            "expected one of `true`, `false` and `null` at byte 4, found `L`",
        ),
        ("{\"a\" 1}", "expected `:` after a member's name at byte 5, found `1`"),
        (
            "{\"a\"",
            "expected `:` after a member's name at byte 4, but the text ends there",
        ),
        (
            "{a:1}",
            "expected a member's name in quotes or `}` at byte 1, found `a`",
        ),
        ("{\"a\":1,}", "expected a member's name in quotes at byte 7, found `}`"),
        ("{\"a\":}", "expected a value at byte 5, found `}`"),
        (
            "{\"a\":1 \"b\":2}",
            "expected `,` or `}` after a member's value at byte 7, found `\"`",
        ),
        (
            "{\"a\":1]",
            "expected `,` or `}` after a member's value at byte 6, found `]`",
        ),
        ("[1,]", "expected a value at byte 3, found `]`"),
        ("[,1]", "expected a value at byte 1, found `,`"),
        (
            "[1 2]",
            "expected `,` or `]` after an array's element at byte 3, found `2`",
        ),
        (
            "[1",
            "expected `,` or `]` after an array's element at byte 2, but the text ends there",
        ),
        ("[\u{a0}1]", "expected a value at byte 1, found U+00A0"),
        ("{} {}", "the document is complete, yet more text follows at byte 3"),
        ("1 garbage", "the document is complete, yet more text follows at byte 2"),
        (
            "\"abc",
            "expected the string's closing quote at byte 4, but the text ends there",
        ),
        (
            "\"a\nb\"",
            "a string holds the bare control character U+000A at byte 2; JSON wants it escaped",
        ),
        (
            "\"12345678\u{1}\"",
            "a string holds the bare control character U+0001 at byte 9; JSON wants it escaped",
        ),
        ("\"\\x\"", "a string has an escape at byte 1 that JSON does not have"),
        (
            "\"a\\u12G4\"",
            "a string has an escape at byte 2 that JSON does not have",
        ),
        ("\"\\u12\"", "a string has an escape at byte 1 that JSON does not have"),
        (
            "\"\\u12",
            "expected the rest of an escape at byte 5, but the text ends there",
        ),
        (
            "\"\\",
            "expected the rest of an escape at byte 2, but the text ends there",
        ),
        ("01", "a number is malformed at byte 1"),
        ("+1", "expected a value at byte 0, found `+`"),
        (".5", "expected a value at byte 0, found `.`"),
        ("1.", "expected a digit at byte 2, but the text ends there"),
        ("[1.]", "a number is malformed at byte 3"),
        ("-", "expected a digit at byte 1, but the text ends there"),
        ("1e+", "expected a digit at byte 3, but the text ends there"),
        ("1ex", "a number is malformed at byte 2"),
        ("0x10", "a number is malformed at byte 1"),
        ("1_000", "a number is malformed at byte 1"),
        ("1.5.2", "a number is malformed at byte 3"),
        (
            "{\"a\":1,\"b\":{},\"a\":2}",
            "an object has more than one member \"a\", again at byte 14",
        ),
    ];
    for (text, message) in cases {
        assert_eq!(refused(text.as_bytes()).to_string(), *message, "{text:?}");
    }
}

#[test]
fn bytes_that_are_no_utf8_are_refused_where_they_start() {
    let cases: &[(&[u8], usize)] = &[
        (b"\"ab\xff\"", 3),
        (b"\xfe", 0),
        (b"\"\xed\xa0\x80\"", 1),
        (b"\"\xc0\x80\"", 1),
        (b"\"\xe2\x82", 1),
    ];
    for &(text, offset) in cases {
        assert_eq!(refused(text), JsonError::NotUtf8 { offset });
    }
}

#[test]
fn nesting_is_taken_up_to_the_limit_and_refused_beyond_it() {
    let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    assert!(Document::parse(nested(MAX_DEPTH)).is_ok());
    assert_eq!(
        refused(nested(MAX_DEPTH + 1).as_bytes()),
        JsonError::TooDeep { offset: MAX_DEPTH }
    );
    let bomb = "{\"a\":".repeat(1_000_000);
    assert_eq!(refused(bomb.as_bytes()), JsonError::TooDeep { offset: 5 * MAX_DEPTH });
}

#[test]
fn a_repeated_name_is_refused_however_it_is_written() {
    for text in [
        r#"{"ab":1,"a\u0062":2}"#,
        r#"{"a\u0062":1,"ab":2}"#,
        r#"[{"x":{"":1,"":1}}]"#,
        r#"{"\/":1,"/":2}"#,
    ] {
        assert!(
            matches!(refused(text.as_bytes()), JsonError::DuplicateMember { .. }),
            "{text}"
        );
    }
}

#[test]
fn a_repeated_name_is_found_among_many() {
    let many = |last: &str| {
        let members: Vec<String> = (0..5000).map(|n| format!("\"member{n}\":{n}")).collect();
        format!("{{{},\"{last}\":0}}", members.join(","))
    };
    assert!(Document::parse(many("member5000")).is_ok());
    for last in ["member17", "member\\u0034999"] {
        assert!(
            matches!(refused(many(last).as_bytes()), JsonError::DuplicateMember { .. }),
            "{last}"
        );
    }
}

#[test]
fn the_last_of_several_members_wins_where_that_is_chosen() {
    let text = r#"{"a":1,"b":{"c":1,"c":2},"a":{"d":3}}"#;
    let document = Document::parse_with(text, Duplicates::LastWins).unwrap();
    assert_eq!(document.as_str(), text);
    assert_eq!(document.pointer("/a/d").unwrap().raw(), "3");
    assert_eq!(document.pointer("/b/c").unwrap().raw(), "2");
    assert_eq!(document.root().len(), 3);
}

#[test]
fn a_long_name_is_cut_in_the_message() {
    let name = "n".repeat(10_000);
    let error = refused(format!("{{\"{name}\":1,\"{name}\":2}}").as_bytes());
    assert!(error.to_string().len() < 200);
}

#[test]
fn an_error_tells_line_and_column() {
    let text = b"{\n  \"a\": 1,\n  b\n}";
    assert_eq!(refused(text).line_and_column(text), Some((3, 3)));
    assert_eq!(refused(b"]").line_and_column(b"]"), Some((1, 1)));
    assert_eq!(JsonError::TooLarge { length: 5_000_000_000 }.line_and_column(b""), None);
}

#[test]
fn an_edit_that_is_not_possible_says_why_and_changes_nothing() {
    let text = r#"{"a":[1,2],"b":{"c":"x"}}"#;
    let cases: &[(&str, &str)] = &[
        (
            "a",
            "`a` is no JSON pointer: it is empty or starts with `/`, and `~` stands only in `~0` and `~1`",
        ),
        (
            "/a~2",
            "`/a~2` is no JSON pointer: it is empty or starts with `/`, and `~` stands only in `~0` and `~1`",
        ),
        ("/x/y", "the document has nothing at `/x`"),
        ("/a/7/y/z", "the document has nothing at `/a/7`"),
        ("/a/-/y", "the document has nothing at `/a/-`"),
        ("/b/c/d", "the value at `/b/c` is neither an array nor an object"),
        ("/b/c/d/e", "the value at `/b/c` is neither an array nor an object"),
        (
            "/a/3",
            "`3` is no place of an array of 2: an index from 0 to 2, without leading zeros, or `-`",
        ),
        (
            "/a/01",
            "`01` is no place of an array of 2: an index from 0 to 2, without leading zeros, or `-`",
        ),
        (
            "/a/",
            "`` is no place of an array of 2: an index from 0 to 2, without leading zeros, or `-`",
        ),
    ];
    for (pointer, message) in cases {
        let mut document: Document = text.parse().unwrap();
        assert_eq!(
            document.set(pointer, &Document::null()).unwrap_err().to_string(),
            *message
        );
        assert_eq!(
            document.insert(pointer, &Document::null()).unwrap_err().to_string(),
            *message
        );
        assert_eq!(document.as_str(), text);
    }
}

#[test]
fn removing_what_is_not_there_is_no_mistake_but_removing_everything_is() {
    let text = r#"{"a":[1,2],"b":"x"}"#;
    let mut document: Document = text.parse().unwrap();
    for pointer in ["/c", "/c/d", "/a/2", "/a/-", "/a/01", "/b/0", "/a/0/x"] {
        assert_eq!(document.remove(pointer), Ok(false), "{pointer}");
    }
    assert_eq!(document.remove(""), Err(EditError::WholeDocument));
    assert_eq!(
        document.remove("a"),
        Err(EditError::BadPointer {
            pointer: "a".to_owned()
        })
    );
    assert_eq!(document.as_str(), text);
}

#[test]
fn an_edit_cannot_nest_deeper_than_the_limit() {
    let nested = |depth: usize| Document::parse("[".repeat(depth) + &"]".repeat(depth)).unwrap();
    let mut document = nested(100);
    let innermost = "/0".repeat(99) + "/-";
    assert_eq!(document.insert(&innermost, &nested(29)), Err(EditError::TooDeep));
    assert_eq!(document.set(&innermost, &nested(29)), Err(EditError::TooDeep));
    assert_eq!(document.set("/0", &nested(128)), Err(EditError::TooDeep));
    assert_eq!(document.insert(&innermost, &nested(28)), Ok(()));
    let in_front = "/0".repeat(100);
    assert_eq!(document.insert(&in_front, &nested(29)), Err(EditError::TooDeep));
    assert!(Document::parse(document.bytes().clone()).is_ok());
}
