//! What a plugin writes to its standard error.

use std::time::Duration;

use heimdall_host::failure::Cause;
use heimdall_host::functions::Json;
use serde_json::json;

use crate::lines::Lines;

use super::command::{ANSWER, command};
use super::{cause, kit};
use crate::support::load;

#[tokio::test]
async fn lines_of_standard_error_are_log_lines() {
    let (lines, _collected) = Lines::collect();
    let plugin = kit(|_| {}).await;
    plugin
        .call::<()>("stderr", Json(json!(["one", "two\u{1b}[1m"])))
        .await
        .unwrap();
    let logged = lines.of_plugins();
    assert_eq!(logged.len(), 3, "{logged:?}");
    for (line, text) in logged.iter().zip(["one", r"two\u{1b}[1m", "the last one"]) {
        assert!(line.starts_with("WARN") && line.contains(text), "{line}");
        assert!(line.contains(r#"hook="stderr""#), "{line}");
    }
}

#[tokio::test]
async fn what_was_written_is_logged_though_the_plugin_never_ends() {
    let (lines, _collected) = Lines::collect();
    let texts = [("before", 2, "before\n"), ("half", 2, "half"), ANSWER];
    let start = "(call $before) (call $half) (call $answer) (loop $on (br $on))";
    let plugin = load(command(&texts, start), |_| {}).await.unwrap();
    plugin.call::<()>("any", ()).await.unwrap();
    let logged = lines.of_plugins();
    assert!(
        matches!(logged.as_slice(), [one, two] if one.contains("before") && two.contains("half")),
        "{logged:?}"
    );
}

#[tokio::test]
async fn a_flood_of_lines_is_dropped_and_told() {
    let (lines, _collected) = Lines::collect();
    let plugin = load(
        command(&[("line", 2, "line\n"), ANSWER], "(loop $on (call $line) (br $on))"),
        |settings| {
            settings.limits.hook_timeout = Duration::from_millis(100);
            settings.limits.log_lines = 10;
        },
    );
    let error = plugin.await.unwrap().call::<()>("any", ()).await.unwrap_err();
    assert!(matches!(cause(error), Cause::Deadline(_)));
    let logged = lines.of_plugins();
    assert_eq!(logged.len(), 11, "{logged:?}");
    assert!(logged.last().unwrap().contains("lines dropped"), "{logged:?}");
}

#[tokio::test]
async fn only_the_last_lines_are_in_a_failure() {
    let start = "(local $left i32)
        (local.set $left (i32.const 100))
        (loop $on (call $line) (local.set $left (i32.sub (local.get $left) (i32.const 1))) (br_if $on (local.get $left)))
        (call $last) unreachable";
    let plugin = load(
        command(&[("line", 2, "a line\n"), ("last", 2, "the end")], start),
        |_| {},
    );
    let error = plugin.await.unwrap().call::<()>("any", ()).await.unwrap_err();
    let Cause::Trap(text) = cause(error) else {
        panic!("no trap")
    };
    let said = r#"; it said last: "a line", "a line", "a line", "a line", "the end""#;
    assert!(text.contains("unreachable") && text.ends_with(said), "{text}");
}
