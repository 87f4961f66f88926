//! Metrics as Prometheus would read them, each rule of the format checked.

use std::collections::{BTreeMap, BTreeSet};

use heimdall_tests::process::Gateway;

use crate::support::*;

pub type Labels = BTreeMap<String, String>;

/// What `/metrics` told.
#[derive(Debug)]
pub struct Scrape {
    /// Names, and their types.
    pub families: BTreeMap<String, String>,
    pub samples: Vec<(String, Labels, f64)>,
}

impl Scrape {
    pub async fn of(gateway: &Gateway) -> Scrape {
        let answer = get(gateway, "/metrics").await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let content_type = answer.header("content-type").unwrap();
        assert!(
            content_type.starts_with("application/openmetrics-text; version=1.0.0"),
            "{content_type}"
        );
        Scrape::read(&answer.body)
    }

    pub fn read(text: &str) -> Scrape {
        let text = text
            .strip_suffix("# EOF\n")
            .unwrap_or_else(|| panic!("no end in {text}"));
        let mut scrape = Scrape {
            families: BTreeMap::new(),
            samples: Vec::new(),
        };
        let (mut family, mut helped) = (String::new(), BTreeSet::new());
        for line in text.lines() {
            if let Some(rest) = line.strip_prefix("# HELP ") {
                let (name, help) = rest.split_once(' ').unwrap();
                assert!(!help.is_empty() && helped.insert(name.to_owned()), "{line}");
            } else if let Some(rest) = line.strip_prefix("# TYPE ") {
                let (name, kind) = rest.split_once(' ').unwrap();
                assert!(helped.contains(name), "{line}");
                let twice = scrape.families.insert(name.to_owned(), kind.to_owned());
                assert_eq!(twice, None, "{line}");
                family = name.to_owned();
            } else {
                let sample = sample(line);
                scrape.check_name(&family, &sample.0);
                scrape.samples.push(sample);
            }
        }
        let series = scrape.samples.iter().map(|(name, labels, _)| (name, labels));
        assert_eq!(series.collect::<BTreeSet<_>>().len(), scrape.samples.len());
        scrape.check_histograms();
        scrape
    }

    fn check_name(&self, family: &str, name: &str) {
        let suffix = name
            .strip_prefix(family)
            .unwrap_or_else(|| panic!("{name} in {family}"));
        let suffixes: &[&str] = match self.families[family].as_str() {
            "counter" => &["_total"],
            "gauge" => &[""],
            "histogram" => &["_sum", "_count", "_bucket"],
            other => panic!("{family} is a {other}"),
        };
        assert!(suffixes.contains(&suffix), "{name} in {family}");
    }

    /// Buckets rise, and the last one is as large as the count.
    fn check_histograms(&self) {
        for (family, _) in self.families.iter().filter(|(_, kind)| *kind == "histogram") {
            for (_, labels, count) in self.named(&format!("{family}_count")) {
                let is_of = |other: &&(String, Labels, f64)| {
                    let mut rest = other.1.clone();
                    rest.remove("le").is_some() && rest == *labels
                };
                let buckets: Vec<_> = self.named(&format!("{family}_bucket")).filter(is_of).collect();
                assert!(buckets.is_sorted_by(|a, b| a.2 <= b.2), "{family} {labels:?}");
                let last = buckets.last().unwrap();
                assert_eq!((last.1["le"].as_str(), last.2), ("+Inf", *count), "{family}");
                let sum = self.value(&format!("{family}_sum"), labels);
                assert!(sum == 0.0 || *count > 0.0, "{family} {labels:?}: {sum} in {count}");
            }
        }
    }

    fn named(&self, name: &str) -> impl Iterator<Item = &(String, Labels, f64)> {
        self.samples.iter().filter(move |(other, ..)| other == name)
    }

    fn value(&self, name: &str, labels: &Labels) -> f64 {
        let found = self.named(name).find(|(_, other, _)| other == labels);
        found.unwrap_or_else(|| panic!("no {name} {labels:?}")).2
    }

    /// The sum of the series of this name that have these labels.
    pub fn sum(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let has = |all: &Labels| {
            labels
                .iter()
                .all(|(label, value)| all.get(*label).is_some_and(|it| it == value))
        };
        let found: Vec<f64> = self.named(name).filter(|(_, all, _)| has(all)).map(|it| it.2).collect();
        assert!(!found.is_empty(), "no {name} {labels:?}");
        found.iter().sum()
    }

    /// Names and labels, without numbers.
    pub fn series(&self) -> BTreeSet<(String, Labels)> {
        let series = self.samples.iter();
        series.map(|(name, labels, _)| (name.clone(), labels.clone())).collect()
    }
}

fn sample(line: &str) -> (String, Labels, f64) {
    let (series, number) = line.rsplit_once(' ').unwrap_or_else(|| panic!("{line}"));
    let (name, labels) = match series.split_once('{') {
        Some((name, labels)) => (name, labels.strip_suffix('}').unwrap_or_else(|| panic!("{line}"))),
        None => (series, ""),
    };
    assert!(
        name.bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_'),
        "{line}"
    );
    (
        name.to_owned(),
        self::labels(labels),
        number.parse().unwrap_or_else(|_| panic!("{line}")),
    )
}

fn labels(mut text: &str) -> Labels {
    let mut labels = Labels::new();
    while !text.is_empty() {
        let (name, rest) = text.split_once("=\"").unwrap();
        let mut value = String::new();
        let mut characters = rest.char_indices();
        let end = loop {
            match characters.next().unwrap() {
                (at, '"') => break at,
                (_, '\\') => value.push(match characters.next().unwrap().1 {
                    'n' => '\n',
                    other => other,
                }),
                (_, other) => value.push(other),
            }
        };
        assert_eq!(labels.insert(name.to_owned(), value), None);
        let rest = &rest[end + 1..];
        text = rest.strip_prefix(',').unwrap_or(rest);
    }
    labels
}

/// Scrapes until this holds: what is counted after an answer, the gateway counts on its own time.
pub async fn eventually(gateway: &Gateway, holds: impl Fn(&Scrape) -> bool) -> Scrape {
    let started = std::time::Instant::now();
    loop {
        let scrape = Scrape::of(gateway).await;
        if holds(&scrape) {
            return scrape;
        }
        assert!(started.elapsed() < PATIENCE, "{scrape:#?}");
    }
}
