//! What the load generator told once, and its command line.

use std::path::Path;
use std::time::Duration;

use heimdall_load::oha::{Http, Load, OhaError, read};

#[test]
fn what_it_told_is_read() {
    let shot = read(include_bytes!("oha.json")).unwrap();
    assert_eq!((shot.answered, shot.failed.len()), (11295, 0));
    assert_eq!(shot.took, Duration::from_secs_f64(0.212243979));
    assert_eq!(shot.per_second().round(), 53217.0);
    let times = [shot.p50, shot.p99, shot.p999].map(|time| time.as_nanos());
    assert_eq!(times, [55_443, 172_357, 3_486_060]);
}

#[test]
fn what_failed_is_told_and_what_was_cut_off_is_not() {
    let told = include_str!("oha.json")
        .replace("\"200\": 11295", "\"200\": 11290, \"502\": 5")
        .replace(
            "\"aborted due to deadline\": 2",
            "\"aborted due to deadline\": 2, \"connection closed\": 3",
        );
    let shot = read(told.as_bytes()).unwrap();
    let failed: Vec<_> = shot
        .failed
        .iter()
        .map(|(what, count)| (what.as_str(), *count))
        .collect();
    assert_eq!(
        (shot.answered, failed),
        (11290, vec![("502", 5), ("connection closed", 3)])
    );
}

#[test]
fn without_an_answer_there_are_no_times() {
    let told = br#"{"summary": {"total": 1.0}, "latencyPercentiles": {"p50": null, "p99": null, "p99.9": null},
        "statusCodeDistribution": {}, "errorDistribution": {"aborted due to deadline": 2}}"#;
    assert!(matches!(read(told), Err(OhaError::Nothing(failed)) if failed.is_empty()));
    assert!(matches!(read(b"{}"), Err(OhaError::Form(_))));
}

#[test]
fn calls_at_once_are_connections_or_streams_of_fewer() {
    let load = |at_once, http| {
        let headers = [("x-key".to_owned(), "value".to_owned())];
        let load = Load {
            url: "http://127.0.0.1:1/v1",
            headers: &headers,
            body: Path::new("body.json"),
            at_once,
            http,
            time: Duration::from_millis(1500),
        };
        load.arguments().join(" ")
    };
    let head = "--no-tui --output-format json -m POST -T application/json -z 1500ms";
    let tail = "-D body.json -H x-key: value";
    let url = "http://127.0.0.1:1/v1";
    assert_eq!(load(32, Http::One), format!("{head} -c 32 {tail} {url}"));
    assert_eq!(load(32, Http::Two), format!("{head} -c 4 {tail} -p 8 --http2 {url}"));
    assert_eq!(load(1, Http::Two), format!("{head} -c 1 {tail} -p 1 --http2 {url}"));
}
