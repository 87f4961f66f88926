use proptest::prelude::*;
use serde_json::Value as Oracle;

use super::parse;
use super::strategies::{nearly_json, text, value};
use crate::json::{Change, Document, Duplicates, EditError, JsonError, Kind, Numbers, Value, push_string, same};

/// The same value as another JSON library reads it.
fn oracle(value: Value<'_>) -> Oracle {
    match value.kind() {
        Kind::Null => Oracle::Null,
        Kind::Bool => value.as_bool().unwrap().into(),
        Kind::Number => value
            .as_u64()
            .map(Oracle::from)
            .or(value.as_i64().map(Oracle::from))
            .unwrap_or(value.as_f64().into()),
        Kind::String => value.as_str().unwrap().into(),
        Kind::Array => value.elements().map(oracle).collect(),
        Kind::Object => value
            .members()
            .map(|(name, value)| (name.into_owned(), oracle(value)))
            .collect(),
    }
}

/// Whether two oracles agree, with numbers within what a less exact reader of decimals may be off by.
fn agree(a: &Oracle, b: &Oracle) -> bool {
    match (a, b) {
        (Oracle::Number(a), Oracle::Number(b)) => {
            let (a, b) = (a.as_f64().unwrap(), b.as_f64().unwrap());
            (a - b).abs() <= a.abs() * 1e-15 + 1e-300
        }
        (Oracle::Array(a), Oracle::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| agree(a, b)),
        (Oracle::Object(a), Oracle::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(name, a)| b.get(name).is_some_and(|b| agree(a, b)))
        }
        _ => a == b,
    }
}

/// The pointers to all values in a value.
fn pointers(value: Value<'_>, here: String, found: &mut Vec<String>) {
    found.push(here.clone());
    for (index, element) in value.elements().enumerate() {
        pointers(element, format!("{here}/{index}"), found);
    }
    for (name, member) in value.members() {
        pointers(
            member,
            format!("{here}/{}", name.replace('~', "~0").replace('/', "~1")),
            found,
        );
    }
}

fn all_pointers(document: &Document) -> Vec<String> {
    let mut found = Vec::new();
    pointers(document.root(), String::new(), &mut found);
    found
}

/// Fails unless a document's index is the one that reading its text gives.
fn assert_index_is_fresh(document: &Document) -> Result<(), TestCaseError> {
    let fresh = Document::parse(document.bytes().clone());
    let fresh = fresh.map_err(|error| TestCaseError::fail(format!("{document}: {error}")))?;
    prop_assert_eq!(document.nodes(), fresh.nodes(), "{}", document);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_json_text_is_read_as_another_library_reads_it(text in text()) {
        let document = parse(&text);
        prop_assert_eq!(document.as_str(), &text);
        prop_assert!(agree(&oracle(document.root()), &serde_json::from_str(&text).unwrap()));
    }

    #[test]
    fn broken_json_is_taken_and_refused_as_by_another_library(bytes in nearly_json()) {
        let other = serde_json::from_slice::<Oracle>(&bytes);
        match (Document::parse_with(bytes, Duplicates::LastWins), other) {
            (Ok(document), Ok(other)) => prop_assert!(agree(&oracle(document.root()), &other)),
            (Err(_), Err(_)) => {}
            // The other library has no text for half of a surrogate pair, and no number beyond the range of doubles.
            (Ok(_), Err(error)) => {
                let message = error.to_string();
                prop_assert!(message.contains("surrogate") || message.contains("hex escape") || message.contains("range"), "{}", message);
            }
            (Err(error), Ok(_)) => prop_assert!(false, "refused: {}", error),
        }
    }

    #[test]
    fn a_text_comes_back_from_its_quotes_however_far_its_escapes_are_apart(said in "([ -~\n\u{1}\"\\\\é😀]|[a-z]{1,40}){0,40}") {
        let mut quoted = Vec::new();
        push_string(&mut quoted, &said);
        prop_assert_eq!(&serde_json::from_slice::<String>(&quoted).unwrap(), &said);
        let spelt: String = said.encode_utf16().map(|unit| match u8::try_from(unit) {
            Ok(letter @ (b'a'..=b'z' | b' ')) => char::from(letter).to_string(),
            _ => format!("\\u{unit:04x}"),
        }).collect();
        for written in [String::from_utf8(quoted).unwrap(), format!("\"{spelt}\"")] {
            let document = parse(&written);
            prop_assert_eq!(document.root().as_str().unwrap(), said.as_str(), "{}", written);
        }
    }

    #[test]
    fn texts_are_compared_rightly_wherever_they_begin_to_differ(
        alike in "[a-z]{0,40}(\"|\n|\\\\|é|😀|[a-z]{1,9}){0,12}",
        ends in prop::array::uniform2("(\"|\n|\\\\|é|è|😀|😁|[a-c]){0,3}"),
        spell in any::<bool>(),
    ) {
        let written = |said: &str, spell: bool| match spell {
            true => format!("\"{}\"", said.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect::<String>()),
            false => serde_json::to_string(said).unwrap(),
        };
        let [left, right] = ends.map(|end| format!("{alike}{end}"));
        for (spell_left, spell_right) in [(spell, spell), (spell, !spell)] {
            let (x, y) = (parse(&written(&left, spell_left)), parse(&written(&right, spell_right)));
            prop_assert_eq!(same(x.root(), y.root(), Numbers::Exact), left == right, "{} {}", x, y);
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Err(error) = Document::parse(bytes.clone()) {
            prop_assert!(error.offset().unwrap_or(0) <= bytes.len());
            prop_assert!(error.line_and_column(&bytes).is_some());
        }
    }

    #[test]
    fn cutting_a_container_short_is_always_noticed(text in text(), place in any::<prop::sample::Index>()) {
        let text = format!("[{}]", text);
        let cut = &text.as_bytes()[..place.index(text.len())];
        let refused = Document::parse(cut.to_vec());
        prop_assert!(matches!(refused, Err(JsonError::UnexpectedEnd { .. } | JsonError::NotUtf8 { .. })), "{:?}", refused);
    }

    #[test]
    fn every_value_is_found_by_its_pointer_and_stands_alone(text in text()) {
        let document = parse(&text);
        for pointer in all_pointers(&document) {
            let value = document.pointer(&pointer).unwrap();
            prop_assert_eq!(value.raw(), &text[value.range()]);
            assert_index_is_fresh(&value.to_document())?;
        }
    }

    #[test]
    fn setting_changes_only_its_place(text in text(), new in value(), place in any::<prop::sample::Index>()) {
        let before = parse(&text);
        let pointer = place.get(&all_pointers(&before)).clone();
        let range = before.pointer(&pointer).unwrap().range();
        let new = parse(&new);
        let mut after = before.clone();
        match after.set(&pointer, &new) {
            Ok(true) if pointer.is_empty() => prop_assert_eq!(after.as_str(), new.as_str()),
            Ok(true) => prop_assert_eq!(after.as_str(), format!("{}{}{}", &text[..range.start], new, &text[range.end..])),
            Ok(false) => {
                prop_assert!(same(before.pointer(&pointer).unwrap(), new.root(), Numbers::Exact));
                prop_assert_eq!(after.as_str(), &text);
            }
            Err(error) => prop_assert_eq!(error, EditError::TooDeep),
        }
        assert_index_is_fresh(&after)?;
        prop_assert!(same(after.pointer(&pointer).unwrap(), new.root(), Numbers::Exact));
    }

    #[test]
    fn adding_and_removing_again_gives_back_every_byte(
        text in text(), new in value(), place in any::<prop::sample::Index>(), index in any::<prop::sample::Index>()
    ) {
        let before = parse(&text);
        let containers: Vec<String> = all_pointers(&before)
            .into_iter()
            .filter(|pointer| matches!(before.pointer(pointer).unwrap().kind(), Kind::Array | Kind::Object))
            .collect();
        prop_assume!(!containers.is_empty());
        let container = place.get(&containers);
        let value = before.pointer(container).unwrap();
        let token = match value.kind() {
            Kind::Array => index.index(value.len() + 1).to_string(),
            _ => "a name of\n~0 its~1own".to_owned(),
        };
        let pointer = format!("{container}/{token}");
        let new = parse(&new);
        let mut document = before.clone();
        prop_assert_eq!(document.insert(&pointer, &new), Ok(()));
        assert_index_is_fresh(&document)?;
        prop_assert!(same(document.pointer(&pointer).unwrap(), new.root(), Numbers::Exact));
        prop_assert_eq!(document.remove(&pointer), Ok(true));
        prop_assert_eq!(document.as_str(), &text);
        prop_assert_eq!(document.nodes(), before.nodes());
    }

    #[test]
    fn many_edits_one_after_the_other_keep_the_index_true(
        text in text(),
        edits in prop::collection::vec((0..3u8, any::<prop::sample::Index>(), value()), 1..12),
    ) {
        let mut document = parse(&text);
        for (kind, place, value) in edits {
            let pointer = place.get(&all_pointers(&document)).clone();
            let value = parse(&value);
            let mut expected: Oracle = oracle(document.root());
            match kind {
                0 => drop(document.set(&pointer, &value)),
                1 => drop(document.insert(&(pointer.clone() + "/0"), &value)),
                _ => {
                    let removed = document.remove(&pointer);
                    prop_assert_eq!(removed, if pointer.is_empty() { Err(EditError::WholeDocument) } else { Ok(true) });
                }
            }
            if kind == 0 {
                *expected.pointer_mut(&pointer).unwrap() = oracle(value.root());
                prop_assert_eq!(oracle(document.root()), expected);
            }
            assert_index_is_fresh(&document)?;
        }
    }

    #[test]
    fn changes_of_the_text_come_to_what_reading_all_of_it_comes_to(
        text in text(),
        values in prop::collection::vec((any::<prop::sample::Index>(), 0..4u8, value()), 0..5),
        cut in prop::option::of((any::<prop::sample::Index>(), 0..9_usize, "[\\[\\]{}\",:0-9a é\\\\]{0,4}")),
    ) {
        let before = parse(&text);
        let pointers = all_pointers(&before);
        let mut changes: Vec<Change> = values.into_iter().map(|(place, kind, value)| {
            let range = before.pointer(place.get::<String>(&pointers)).unwrap().range();
            match kind {
                0 => Change { range: range.start..range.start, text: format!("{value},") },
                1 => Change { range: range.end..range.end, text: format!(",{value}") },
                2 => Change { text: format!("[{value},{}]", &text[range.clone()]), range },
                _ => Change { range, text: value },
            }
        }).collect();
        changes.extend(cut.map(|(place, length, new)| {
            let start = text.floor_char_boundary(place.index(text.len() + 1));
            Change { range: start..text.floor_char_boundary(start + length), text: new }
        }));
        changes.sort_by_key(|change| (change.range.start, change.range.end));
        let read = Document::parse(Change::all(&text, 0, &changes));
        match (before.changed(&changes), read) {
            (Ok(changed), Ok(read)) => {
                prop_assert_eq!(changed.as_str(), read.as_str());
                prop_assert_eq!(changed.nodes(), read.nodes());
            }
            (changed, read) => prop_assert_eq!(changed.map(|changed| changed.to_string()), read.map(|read| read.to_string())),
        }
    }

    #[test]
    fn a_value_is_the_same_after_another_library_wrote_it(text in text()) {
        let document = parse(&text);
        let rewritten = serde_json::to_string(&serde_json::from_str::<Oracle>(&text).unwrap()).unwrap();
        let through = parse(&serde_json::to_string(&oracle(document.root())).unwrap());
        let rewritten = parse(&rewritten);
        prop_assert!(same(document.root(), through.root(), Numbers::AsDouble));
        prop_assert!(agree(&oracle(rewritten.root()), &oracle(document.root())));
    }

    #[test]
    fn repeated_names_are_noticed_and_the_last_of_them_wins(
        names in prop::collection::vec("[ab]{1,2}", 0..40), escape in any::<bool>()
    ) {
        let written = |name: &str| if escape { name.replace('a', "\\u0061") } else { name.to_owned() };
        let members: Vec<String> = names
            .iter()
            .enumerate()
            .map(|(number, name)| format!("\"{}\":{number}", if number % 2 == 0 { written(name) } else { name.clone() }))
            .collect();
        let text = format!("{{{}}}", members.join(","));
        let distinct: std::collections::HashSet<&String> = names.iter().collect();
        prop_assert_eq!(Document::parse(text.clone()).is_ok(), distinct.len() == names.len());
        let mut document = Document::parse_with(text, Duplicates::LastWins).unwrap();
        for name in distinct {
            let last = names.iter().rposition(|other| other == name).map(|last| last as u64);
            prop_assert_eq!(document.root().get(name).unwrap().as_u64(), last);
        }
        document.set("/new", &Document::null()).unwrap();
        assert_index_is_fresh(&document)?;
    }
}
