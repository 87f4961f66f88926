//! The command line as a script sees it: what goes where, and with which exit code.

#![allow(clippy::unwrap_used, reason = "a test that fails by a panic says what is wrong")]

use std::process::{Command, Output};

fn heimdall(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_heimdall"))
        .args(arguments)
        .env("NO_COLOR", "1")
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn help_and_version_go_to_standard_output() {
    for (arguments, words) in [
        (&["--help"][..], "Exit codes"),
        (&["serve", "--help"], "heimdall serve --config"),
        (&["inspect", "--help"], "heimdall inspect"),
        (&["--version"], env!("CARGO_PKG_VERSION")),
    ] {
        let output = heimdall(arguments);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
        assert!(
            text(&output.stdout).contains(words),
            "{arguments:?}: {}",
            text(&output.stdout)
        );
    }
}

#[test]
fn a_wrong_command_line_ends_with_2_and_says_what_is_wrong() {
    for (arguments, words) in [
        (&["sevre"][..], "serve"),
        (&["serve", "--confg", "x"], "--config"),
        (&["inspect"], "FILE"),
    ] {
        let output = heimdall(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(
            text(&output.stderr).contains(words),
            "{arguments:?}: {}",
            text(&output.stderr)
        );
    }
}

#[test]
fn a_configuration_that_is_not_there_is_named() {
    let output = heimdall(&["serve", "--config", "nowhere.toml"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        text(&output.stderr).contains("nowhere.toml"),
        "{}",
        text(&output.stderr)
    );
}

#[test]
fn a_file_that_is_not_there_can_not_be_inspected() {
    let output = heimdall(&["inspect", "nowhere.wasm"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        text(&output.stderr).contains("nowhere.wasm"),
        "{}",
        text(&output.stderr)
    );
}
