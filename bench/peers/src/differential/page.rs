//! The page `docs/compatibility.md`.

use std::fmt::Write as _;

use heimdall_differential::outcome::Answer;

use super::verdict::{Verdict, in_short};

const HEAD: &str = "\
# Compatibility

What plugins of other hosts find here, line by line, beside what their own hosts do. `just peers` writes this page: it gives the
same binaries and the same calls to the original host and to Heimdall, in one run. ✓: the same bytes came out, or a failure of
the same class that says at least as much. ✗: something else, on purpose; below each table stands why. A difference that nobody
explained fails the run.

Several calls of one case are separated by commas. The cases are in `bench/peers/differential/`.
";

/// What was compared of one ABI.
pub struct Part {
    /// Its name.
    pub title: String,
    /// The original and its version.
    pub original: String,
    /// Why there is none here.
    pub missing: Option<String>,
    /// All cases.
    pub verdicts: Vec<Verdict>,
}

/// Whole, in Markdown.
pub fn render(parts: &[Part]) -> String {
    let mut out = HEAD.to_owned();
    for part in parts {
        let same = part.verdicts.iter().filter(|verdict| verdict.is_same).count();
        // Writing to a string does not fail.
        let _written = write!(out, "\n## {}\n\n", part.title);
        let _written = match &part.missing {
            None => writeln!(
                out,
                "The original is {}. In {same} of {} cases ours does the same.\n",
                part.original,
                part.verdicts.len()
            ),
            Some(why) => writeln!(
                out,
                "The original, {}, is not available here: {why} What ours does is compared with what the ABI says: {same} of \
                 {} cases.\n",
                part.original,
                part.verdicts.len()
            ),
        };
        out.push_str(&table(part));
        out.push_str(&differences(part));
    }
    out
}

fn table(part: &Part) -> String {
    let mut out =
        "| feature | case | original | Heimdall | | difference |\n| --- | --- | --- | --- | --- | --- |\n".to_owned();
    let mut last = "";
    let mut number = 0;
    for verdict in &part.verdicts {
        let feature = match verdict.feature == last {
            true => "",
            false => &verdict.feature,
        };
        last = &verdict.feature;
        let theirs = verdict
            .theirs
            .as_deref()
            .map_or("not available here".to_owned(), all_in_short);
        let mark = if verdict.is_same { "✓" } else { "✗" };
        let note = match &verdict.difference {
            Some(_) => {
                number += 1;
                number.to_string()
            }
            None => String::new(),
        };
        let cells = [
            feature,
            &verdict.case,
            &theirs,
            &all_in_short(&verdict.ours),
            mark,
            &note,
        ]
        .map(cell);
        let _written = writeln!(out, "| {} |", cells.join(" | "));
    }
    out
}

fn differences(part: &Part) -> String {
    let explained = part.verdicts.iter().filter_map(|verdict| verdict.difference.as_ref());
    let lines: Vec<String> = explained
        .enumerate()
        .map(|(at, difference)| format!("{}. {difference}\n", at + 1))
        .collect();
    match lines.is_empty() {
        true => String::new(),
        false => format!("\nWhat differs on purpose:\n\n{}", lines.concat()),
    }
}

/// What came of each call; what came of several in a row, once.
fn all_in_short(answers: &[Answer]) -> String {
    let mut all: Vec<(&str, usize)> = Vec::new();
    for answer in answers {
        let told = in_short(answer);
        match all.last_mut() {
            Some((last, times)) if *last == told => *times += 1,
            _ => all.push((told, 1)),
        }
    }
    let all = all.iter().map(|(told, times)| match times {
        1 => (*told).to_owned(),
        times => format!("{times} × {told}"),
    });
    all.collect::<Vec<_>>().join(", ")
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

#[cfg(test)]
mod tests {
    use heimdall_differential::outcome::{Class, Outcome};

    use super::*;

    #[test]
    fn a_page_has_a_table_and_why_what_differs_does() {
        let output = || Answer::from(Outcome::output(b"a"));
        let verdict = |case: &str, is_same, difference: Option<&str>| Verdict {
            feature: "calls".to_owned(),
            case: case.to_owned(),
            theirs: Some(vec![output(), output()]),
            ours: vec![output(), Outcome::failed(Class::Load, "", "no").into()],
            difference: difference.map(str::to_owned),
            wrong: Vec::new(),
            is_same,
        };
        let part = Part {
            title: "It".to_owned(),
            original: "it 1.0".to_owned(),
            missing: None,
            verdicts: vec![
                verdict("one | two", true, None),
                verdict("three", false, Some("Because.")),
            ],
        };
        let page = render(&[part]);
        for told in [
            "In 1 of 2 cases",
            "| calls | one \\| two | 2 × output | output, not loaded | ✓ |  |\n|  | three |",
            "| ✗ | 1 |",
            "\n1. Because.\n",
        ] {
            assert!(page.contains(told), "{told}: {page}");
        }
    }
}
