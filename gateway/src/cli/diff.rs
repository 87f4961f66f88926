//! What differs between two texts, within bounds: they may be as large as what plugins and upstreams say.

use std::fmt::Write as _;
use std::time::Duration;

use similar::TextDiff;

/// How long the shortest diff is looked for; after that a longer one does.
const PATIENCE: Duration = Duration::from_secs(1);

/// Lines that a diff has.
const MAX_LINES: usize = 400;

/// A unified diff, with the names of both sides if they have any; empty: nothing differs.
pub(super) fn unified(before: &str, after: &str, names: Option<(&str, &str)>) -> String {
    if before == after {
        return String::new();
    }
    let diff = TextDiff::configure().timeout(PATIENCE).diff_lines(before, after);
    let mut unified = diff.unified_diff();
    unified.missing_newline_hint(false);
    if let Some((before, after)) = names {
        unified.header(before, after);
    }
    bounded(unified.to_string())
}

fn bounded(diff: String) -> String {
    let Some((end, _)) = diff.match_indices('\n').nth(MAX_LINES - 1) else {
        return diff;
    };
    let (shown, rest) = diff.split_at(end + 1);
    match rest.lines().count() {
        0 => diff,
        more => {
            let mut shown = shown.to_owned();
            // Writing to a string does not fail.
            let _ = writeln!(shown, "… and {more} more lines");
            shown
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[test]
    fn a_diff_has_what_differs_and_some_lines_around_it() {
        let diff = unified("a\nb\n", "a\nc\n", Some(("one", "other")));
        assert_eq!(diff, "--- one\n+++ other\n@@ -1,2 +1,2 @@\n a\n-b\n+c\n");
        assert_eq!(unified("a", "a", None), "");
    }

    #[test]
    fn a_long_diff_says_how_much_of_it_is_left_out() {
        let lines = |count: usize| "x\n".repeat(count);
        // The line of the place belongs to the diff.
        assert_eq!(unified("", &lines(MAX_LINES - 1), None).lines().count(), MAX_LINES);
        let diff = unified("", &lines(MAX_LINES + 9), None);
        assert_eq!(diff.lines().count(), MAX_LINES + 1);
        assert!(diff.ends_with("+x\n… and 10 more lines\n"), "{diff}");
    }

    #[test]
    fn texts_that_have_little_in_common_are_not_compared_for_long() {
        let text = |by: u64| {
            (0..60_000_u64)
                .map(|line| format!("{}\n", line * by % 10_007))
                .collect::<String>()
        };
        let (before, after, started) = (text(7), text(4_001), Instant::now());
        assert!(!unified(&before, &after, None).is_empty());
        assert!(started.elapsed() < Duration::from_secs(60), "{:?}", started.elapsed());
    }
}
