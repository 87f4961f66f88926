//! What cases came to, as the XML that CI systems read.

use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::report;
use super::run::Ran;

/// Writes the file: a suite for each file of cases.
pub(super) fn write(file: &Path, ran: &[Ran<'_>], elapsed: Duration) -> anyhow::Result<()> {
    let name = file.display();
    let xml = to_xml(ran, elapsed).with_context(|| format!("{name} can't be written as XML"))?;
    std::fs::write(file, xml).with_context(|| format!("the file {name} can't be written"))
}

fn to_xml(ran: &[Ran<'_>], elapsed: Duration) -> anyhow::Result<String> {
    let mut report = Report::new("heimdall test");
    report.set_time(elapsed);
    for of_file in ran.chunk_by(|one, other| one.case.file == other.case.file) {
        let Some(first) = of_file.first() else { continue };
        let name = xml_text(&first.case.file.display().to_string());
        let mut suite = TestSuite::new(name.clone());
        suite.set_time(of_file.iter().map(|ran| ran.time).sum());
        suite.add_test_cases(of_file.iter().map(|ran| test_case(&name, ran)));
        report.add_test_suite(suite);
    }
    Ok(report.to_string()?)
}

fn test_case(file: &str, ran: &Ran<'_>) -> TestCase {
    let mut status = match &ran.failure {
        None => TestCaseStatus::success(),
        Some(_) => TestCaseStatus::non_success(NonSuccessKind::Failure),
    };
    if ran.failure.is_some() {
        let text = anstream::adapter::strip_str(&report::text(ran)).to_string();
        status.set_message(xml_text(&format!("{}: it is not as expected", ran.case.place)));
        status.set_description(xml_text(&text));
    }
    let mut case = TestCase::new(xml_text(&ran.case.name), status);
    case.set_classname(file);
    case.set_time(ran.time);
    case
}

/// Without the two characters that no XML can have, however they are written, and that the library lets through.
fn xml_text(text: &str) -> String {
    text.replace(['\u{fffe}', '\u{ffff}'], "\u{fffd}")
}
