use super::parse;
use crate::json::{Document, Duplicates, Kind, push_string};

#[test]
fn the_examples_of_rfc_6901_are_found() {
    let text = r#"{"foo":["bar","baz"],"":0,"a/b":1,"c%d":2,"e^f":3,"g|h":4,"i\\j":5,"k\"l":6," ":7,"m~n":8,"~1":9}"#;
    let document = parse(text);
    let cases = [
        ("", text),
        ("/foo", r#"["bar","baz"]"#),
        ("/foo/0", r#""bar""#),
        ("/", "0"),
        ("/a~1b", "1"),
        ("/c%d", "2"),
        ("/e^f", "3"),
        ("/g|h", "4"),
        ("/i\\j", "5"),
        ("/k\"l", "6"),
        ("/ ", "7"),
        ("/m~0n", "8"),
        ("/~01", "9"),
    ];
    for (pointer, raw) in cases {
        assert_eq!(
            document.pointer(pointer).map(|value| value.raw()),
            Some(raw),
            "{pointer:?}"
        );
    }
}

#[test]
fn a_pointer_that_leads_nowhere_finds_nothing() {
    let document = parse(r#"{"a":[1,[2]],"0":"x"}"#);
    let nowhere = [
        "a",
        "0",
        "/b",
        "/a/2",
        "/a/-",
        "/a/00",
        "/a/01",
        "/a/+1",
        "/a/ 1",
        "/a/",
        "/a/0/0",
        "/0/0",
        "/~",
        "/a~",
        "/~2",
        "//",
        "/a/18446744073709551616",
    ];
    for pointer in nowhere {
        assert!(document.pointer(pointer).is_none(), "{pointer:?}");
    }
}

#[test]
fn names_with_escapes_are_found_by_what_they_mean() {
    let document = parse(r#"{"a\u0062c":1,"\ud83d\ude00":2,"tab\t":3,"\u00e9":4}"#);
    for (name, raw) in [("abc", "1"), ("😀", "2"), ("tab\t", "3"), ("é", "4")] {
        assert_eq!(document.root().get(name).unwrap().raw(), raw);
    }
    assert!(document.root().get("a\\u0062c").is_none());
}

#[test]
fn strings_are_read_without_their_escapes() {
    let cases = [
        (r#""""#, ""),
        (r#""plain""#, "plain"),
        (r#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{c}\n\r\t"),
        (r#""\u0041\u00e9\u20AC""#, "Aé€"),
        (r#""x\uD83D\uDE00y""#, "x😀y"),
        (r#""naïve 日本""#, "naïve 日本"),
        (r#""\\u0041""#, "\\u0041"),
        (r#""\u0000""#, "\0"),
        (r#""\ud800""#, "\u{fffd}"),
        (r#""\ud800\ud800\udc00""#, "\u{fffd}\u{10000}"),
        (r#""\udc00x\ud800\n""#, "\u{fffd}x\u{fffd}\n"),
        (r#""\ud800\u0041""#, "\u{fffd}A"),
    ];
    for (text, meaning) in cases {
        let document = parse(text);
        assert_eq!(document.root().as_str().unwrap(), meaning, "{text}");
        assert_eq!(document.as_str(), text);
    }
}

#[test]
fn every_special_byte_is_found_at_every_distance() {
    for length in 0..200 {
        for special in ["\"", "\\n", "\\\\", "\u{7f}", "é", "\u{80}"] {
            let text = format!("[\"{}{special}\"", "x".repeat(length));
            let found = Document::parse(text + "]");
            assert_eq!(found.is_ok(), special != "\"", "{length} {special}");
        }
        let bare = format!("\"{}\u{1f}{}\"", "x".repeat(length), "y".repeat(100));
        assert!(Document::parse(bare).is_err(), "{length}");
    }
}

#[test]
fn numbers_are_read_where_they_fit_and_keep_their_digits() {
    let document = parse(
        "[18446744073709551615, -9223372036854775808, 9007199254740993, 1.50, 1e400, -0, 1E2, 18446744073709551616]",
    );
    let at = |index| document.root().at(index).unwrap();
    assert_eq!(at(0).as_u64(), Some(u64::MAX));
    assert_eq!(at(0).as_i64(), None);
    assert_eq!(at(1).as_i64(), Some(i64::MIN));
    assert_eq!(at(1).as_u64(), None);
    assert_eq!(at(2).raw(), "9007199254740993");
    assert_eq!((at(3).as_f64(), at(3).as_u64(), at(3).raw()), (Some(1.5), None, "1.50"));
    assert_eq!(at(4).as_f64(), None);
    assert_eq!(at(5).as_i64(), Some(0));
    assert_eq!((at(6).as_f64(), at(6).as_u64()), (Some(100.0), None));
    assert_eq!(at(7).as_u64(), None);
}

#[test]
fn accessors_of_another_kind_give_nothing() {
    let document = parse(r#"{"n":null,"t":true,"f":false,"s":"1","a":[1],"o":{"k":1}}"#);
    let get = |name| document.root().get(name).unwrap();
    assert!(get("n").is_null() && !get("f").is_null());
    assert_eq!(
        (get("t").as_bool(), get("f").as_bool(), get("s").as_bool()),
        (Some(true), Some(false), None)
    );
    assert_eq!((get("s").as_u64(), get("s").as_f64()), (None, None));
    assert!(get("a").as_str().is_none() && get("a").get("0").is_none() && get("o").at(0).is_none());
    assert_eq!((get("s").len(), get("a").len(), get("o").len()), (0, 1, 1));
    assert_eq!(
        (
            get("s").elements().count(),
            get("o").elements().count(),
            get("a").members().count()
        ),
        (0, 0, 0)
    );
    assert_eq!(get("t").kind(), Kind::Bool);
}

#[test]
fn elements_and_members_come_in_the_order_of_the_text() {
    let document = parse("{ \"z\" : [ 1 , [ ] , \"x\" ] , \"a\\n\" : { } , \"m\" : -1.5e3 }");
    let members: Vec<_> = document
        .root()
        .members()
        .map(|(name, value)| (name, value.raw()))
        .collect();
    assert_eq!(
        members,
        [
            ("z".into(), "[ 1 , [ ] , \"x\" ]"),
            ("a\n".into(), "{ }"),
            ("m".into(), "-1.5e3")
        ]
    );
    let names: Vec<_> = document.root().raw_members().map(|(name, _)| name).collect();
    assert_eq!(names, [r#""z""#, r#""a\n""#, r#""m""#]);
    let elements = document.root().get("z").unwrap().elements();
    assert_eq!(elements.len(), 3);
    assert_eq!(
        elements.map(|value| value.raw()).collect::<Vec<_>>(),
        ["1", "[ ]", "\"x\""]
    );
}

#[test]
fn a_value_becomes_a_document_that_shares_the_text() {
    let document = parse(" { \"a\": 1, \"b\": [ { \"c\\n\": \"x\" } , 2 ] } ");
    let part = document.pointer("/b").unwrap().to_document();
    assert_eq!(part.as_str(), "[ { \"c\\n\": \"x\" } , 2 ]");
    assert_eq!(part.nodes(), parse(part.as_str()).nodes());
    let whole = document.bytes().as_ptr_range();
    assert!(whole.contains(&part.bytes().as_ptr()));
    assert_eq!(document.root().to_document().as_str(), document.as_str().trim());
}

#[test]
fn made_documents_are_what_parsing_their_text_gives() {
    let made = [
        Document::null(),
        Document::object(),
        Document::array(),
        Document::from(true),
        Document::from(false),
        Document::from(u64::MAX),
        Document::from(i64::MIN),
        Document::string(""),
        Document::string("plain"),
        Document::from("\"quoted\" \\ and\nbroken"),
    ];
    for document in made {
        assert_eq!(document.nodes(), parse(document.as_str()).nodes(), "{document}");
    }
}

#[test]
fn strings_are_written_with_only_those_escapes_that_must_be() {
    let cases = [
        ("", r#""""#),
        ("é/\u{7f}😀", "\"é/\u{7f}😀\""),
        ("a\"b\\c", r#""a\"b\\c""#),
        ("\n\r\t\u{8}\u{c}\0\u{1f}", r#""\n\r\t\b\f\u0000\u001f""#),
    ];
    for (text, json) in cases {
        let mut out = b"> ".to_vec();
        push_string(&mut out, text);
        assert_eq!(String::from_utf8(out).unwrap(), format!("> {json}"));
    }
}

#[test]
fn a_document_with_repeated_names_keeps_its_bytes_until_it_is_edited() {
    let text = r#"{ "a": {"d":1,"d":2}, "x": {"k": 1, "k": [{"d":1,"d":2}]}, "\u0061": 2, "b": 3 }"#;
    let mut document = Document::parse_with(text, Duplicates::LastWins).unwrap();
    assert_eq!(document.set("/a", &Document::from(2u64)), Ok(false));
    assert_eq!(document.remove("/none"), Ok(false));
    assert_eq!(document.as_str(), text);
    assert_eq!(document.set("/b", &Document::null()), Ok(true));
    assert_eq!(
        document.as_str(),
        r#"{ "x": {"k": [{"d":2}]}, "\u0061": 2, "b": null }"#
    );
    assert_eq!(document.nodes(), parse(document.as_str()).nodes());
}
