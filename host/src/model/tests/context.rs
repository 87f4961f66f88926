use super::super::{Context, EditError};
use super::json;

#[test]
fn the_request_id_is_always_there_and_never_changes() {
    let mut context = Context::new("r\"1", 100);
    assert!(context.is_empty());
    assert!(matches!(
        context.set("request_id", json("\"x\"")),
        Err(EditError::Other(_))
    ));
    context.set("request_id", json(r#""r\"1""#)).unwrap();
    context.remove("request_id");
    assert_eq!(context.get("request_id").unwrap().as_str(), r#""r\"1""#);
    context.set("z", json("1")).unwrap();
    context.set("a", json("2")).unwrap();
    assert_eq!(context.keys(), ["a", "request_id", "z"]);
    assert_eq!(context.iter().map(|(key, _)| key).collect::<Vec<_>>(), ["a", "z"]);
}

#[test]
fn a_draft_leaves_the_context_alone() {
    let mut context = Context::new("r", 100);
    context.set("a", json("1")).unwrap();
    let mut draft = context.clone();
    draft.set("a", json("2")).unwrap();
    draft.remove("a");
    assert_eq!(context.get("a").unwrap().as_str(), "1");
    assert!(draft.get("a").is_none());
}

#[test]
fn keys_and_values_together_keep_to_the_cap() {
    let mut context = Context::new("r", 6);
    context.set("ab", json("1")).unwrap();
    context.set("cd", json("2")).unwrap();
    assert_eq!(context.set("e", json("3")), Err(EditError::TooLarge(6)));
    assert!(context.get("e").is_none());
    context.set("ab", json("3")).unwrap();
    context.remove("cd");
    context.set("e", json("34")).unwrap();
}

#[test]
fn outside_of_a_request_there_is_no_id_and_nothing_can_be_set() {
    let mut context = Context::default();
    assert_eq!((context.request_id(), context.is_empty()), ("", true));
    assert_eq!(context.set("a", json("1")), Err(EditError::TooLarge(0)));
    assert_eq!(context.tell("a", json("1")), Err(EditError::TooLarge(0)));
    context.remove("a");
    assert!(context.get("a").is_none() && !context.is_hosts("a"));
    assert_eq!(context.keys(), ["request_id"]);
}
