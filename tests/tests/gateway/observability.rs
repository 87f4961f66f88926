//! `docs/observability/`: what it asks for and tells of is what there is.

use std::collections::BTreeSet;
use std::path::Path;

use heimdall_tests::guests::TYPED_TAG;
use heimdall_tests::process::Gateway;
use serde_json::Value;

use crate::scrape::Scrape;
use crate::support::*;

fn document(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/observability");
    std::fs::read_to_string(folder.join(name)).unwrap()
}

async fn scrape() -> Scrape {
    let gateway = Gateway::start(&plugin(TYPED_TAG, ""));
    post(&gateway, "/v1/chat/completions", chat("echo", "hello")).await;
    Scrape::of(&gateway).await
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|character: char| !character.is_ascii_alphanumeric() && character != '_')
}

/// The metrics that a text names.
fn metrics(text: &str) -> BTreeSet<&str> {
    words(text)
        .filter(|word| word.starts_with("heimdall_") || word.starts_with("process_"))
        .collect()
}

/// The expressions of the dashboard and of the alerts.
fn expressions() -> Vec<String> {
    let dashboard: Value = serde_json::from_str(&document("dashboard.json")).unwrap();
    let panels = dashboard["panels"].as_array().unwrap().iter();
    let targets = panels.flat_map(|panel| panel["targets"].as_array().cloned().unwrap_or_default());
    let mut expressions: Vec<String> = targets
        .map(|target| target["expr"].as_str().unwrap().to_owned())
        .collect();
    let variables = dashboard["templating"]["list"].as_array().unwrap().iter();
    let queries = variables.filter_map(|variable| variable["query"]["query"].as_str());
    expressions.extend(queries.map(str::to_owned));
    let alerts = document("alerts.yml");
    let mut rules = alerts.split("- alert: ");
    rules.next();
    for rule in rules {
        let (_, rest) = rule.split_once("expr:").unwrap();
        let end = rest.find("\n        for:").or(rest.find("\n        labels:")).unwrap();
        expressions.push(rest[..end].to_owned());
    }
    assert!(expressions.len() > 30, "{}", expressions.len());
    expressions
}

/// The labels that an expression names: before `=`, `!=`, `=~` and `!~` within braces, and within `by (…)`.
fn labels(expression: &str) -> BTreeSet<&str> {
    let braces = expression
        .split('{')
        .skip(1)
        .filter_map(|rest| Some(rest.split_once('}')?.0));
    let selected = braces.flat_map(|inner| inner.split(", ").filter_map(|one| words(one).next()));
    let grouped = expression
        .split("by (")
        .skip(1)
        .filter_map(|rest| Some(rest.split_once(')')?.0));
    selected.chain(grouped.flat_map(|inner| inner.split(", "))).collect()
}

#[tokio::test]
async fn each_query_of_the_dashboard_and_the_alerts_asks_for_what_there_is() {
    let scrape = scrape().await;
    for expression in expressions() {
        let asked = metrics(&expression);
        assert!(!asked.is_empty(), "{expression}");
        let mut there = BTreeSet::from(["instance", "job"]);
        for name in asked {
            let mut of_name = scrape.samples.iter().filter(|(other, ..)| other == name).peekable();
            assert!(of_name.peek().is_some(), "there is no {name}: {expression}");
            there.extend(of_name.flat_map(|(_, labels, _)| labels.keys().map(String::as_str)));
        }
        for label in labels(&expression) {
            assert!(there.contains(label), "nothing has the label {label}: {expression}");
        }
    }
}

#[tokio::test]
async fn each_metric_is_described_and_nothing_else_is() {
    let scrape = scrape().await;
    let text = document("README.md");
    let described = metrics(&text);
    let there: BTreeSet<String> = scrape
        .families
        .iter()
        .map(|(name, kind)| match kind.as_str() {
            "counter" => format!("{name}_total"),
            _ => name.clone(),
        })
        .collect();
    let there: BTreeSet<&str> = there.iter().map(String::as_str).collect();
    assert_eq!(described, there);
}
