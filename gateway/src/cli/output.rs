//! Everything that is printed for people. Nothing here fails: if nobody reads it any more, there is nobody to tell.

use std::fmt::Write as _;
use std::io::Write as _;

/// Prints to standard output.
pub(super) fn print(text: &str) {
    let _unread = std::io::stdout().write_all(text.as_bytes());
}

/// Prints to standard error.
pub(super) fn note(text: &str) {
    let _unread = std::io::stderr().write_all(text.as_bytes());
}

/// Prints an error and what caused it, one cause to a line.
pub(super) fn error(error: &anyhow::Error) {
    note(&block(error));
}

fn block(error: &anyhow::Error) -> String {
    let mut text = format!("error: {}\n", indented(&error.to_string()));
    for cause in error.chain().skip(1) {
        // Writing to a string does not fail.
        let _ = writeln!(text, "  caused by: {}", indented(&cause.to_string()));
    }
    text
}

/// The further lines of a text under its first.
fn indented(text: &str) -> String {
    text.trim_end().replace('\n', "\n    ")
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    #[test]
    fn an_error_is_printed_with_each_cause_on_a_line() {
        let error = anyhow!("no such file").context("first\nsecond").context("it failed");
        let expected = "error: it failed\n  caused by: first\n    second\n  caused by: no such file\n";
        assert_eq!(super::block(&error), expected);
    }
}
