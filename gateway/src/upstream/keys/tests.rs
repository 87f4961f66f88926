use http::HeaderValue;
use http::header::RETRY_AFTER;

use super::*;

fn keys(weights: &[u64]) -> Keys {
    let key = |weight: &u64| Key {
        held: Arc::new(Held::read(SecretSource::Configuration(format!("key-{weight}")), Secret::bearer).unwrap()),
        weight: *weight,
        rest: ArcSwapOption::empty(),
    };
    Keys {
        upstream: "up".into(),
        keys: weights.iter().map(key).collect(),
        cooldown: Duration::from_secs(60),
        choices: AtomicU64::new(0),
        started: Instant::now(),
    }
}

fn refuse(keys: &Keys, chosen: &Chosen, retry_after: Option<&'static str>, tried: &mut Tried) -> Option<Chosen> {
    let headers = retry_after.map(|value| (RETRY_AFTER, HeaderValue::from_static(value)));
    keys.after(
        chosen,
        StatusCode::TOO_MANY_REQUESTS,
        &headers.into_iter().collect(),
        tried,
    )
}

/// For how many milliseconds a key is out of use.
fn pause(keys: &Keys, index: usize) -> u64 {
    keys.keys[index].back().saturating_sub(keys.now())
}

#[test]
fn each_key_gets_its_share_of_the_calls() {
    for weights in [&[1, 1][..], &[3, 1], &[1, 2, 7], &[1]] {
        let keys = keys(weights);
        let mut counts = vec![0_i64; weights.len()];
        for _ in 0..1000 {
            counts[keys.first().unwrap().index] += 1;
        }
        let total: u64 = weights.iter().sum();
        for (count, weight) in counts.iter().zip(weights) {
            let share = i64::try_from(1000 * weight / total).unwrap();
            assert!((count - share).abs() <= 3, "{counts:?} of {weights:?}");
        }
    }
}

#[test]
fn a_call_tries_each_key_once_and_then_none() {
    let keys = keys(&[1, 1, 1]);
    let mut tried = Tried::default();
    let mut next = keys.first();
    let mut seen = Vec::new();
    while let Some(chosen) = next {
        seen.push(chosen.index);
        next = refuse(&keys, &chosen, None, &mut tried);
    }
    seen.sort_unstable();
    assert_eq!(seen, [0, 1, 2]);
}

#[test]
fn any_other_answer_leaves_a_key_in_use() {
    let keys = keys(&[1, 1]);
    let chosen = keys.first().unwrap();
    for status in [200, 400, 403, 500, 503].map(|status| StatusCode::from_u16(status).unwrap()) {
        let next = keys.after(&chosen, status, &HeaderMap::new(), &mut Tried::default());
        assert!(next.is_none(), "{status}");
    }
    assert_eq!(pause(&keys, chosen.index), 0);
}

#[test]
fn a_refused_key_is_not_used_until_its_pause_is_over() {
    let keys = keys(&[1, 1]);
    let chosen = keys.first().unwrap();
    refuse(&keys, &chosen, None, &mut Tried::default());
    for _ in 0..10 {
        assert_ne!(keys.first().unwrap().index, chosen.index);
    }
    let later = keys.now() + 60_001;
    let after: Vec<_> = (0..10)
        .filter_map(|_| keys.by_weight(&Tried::default(), later))
        .collect();
    assert!(after.contains(&chosen.index), "{after:?}");
}

#[test]
fn the_upstream_says_how_long_the_pause_is_up_to_an_hour() {
    for (asked, at_least, at_most) in [
        (None, 50_000, 60_000),
        (Some("0"), 50_000, 60_000),
        (Some("5"), 1, 5_000),
        (Some("600"), 500_000, 600_000),
        (Some("999999999"), 3_500_000, 3_600_000),
    ] {
        let keys = keys(&[1, 1]);
        let chosen = keys.first().unwrap();
        refuse(&keys, &chosen, asked, &mut Tried::default());
        let pause = pause(&keys, chosen.index);
        assert!((at_least..=at_most).contains(&pause), "{asked:?}: {pause}");
    }
}

#[test]
fn the_operators_pause_may_be_longer_than_an_hour() {
    let keys = Keys {
        cooldown: Duration::from_secs(86_400),
        ..keys(&[1, 1])
    };
    let chosen = keys.first().unwrap();
    refuse(&keys, &chosen, None, &mut Tried::default());
    assert!(pause(&keys, chosen.index) > 86_000_000);
}

#[test]
fn a_key_that_rests_is_in_use_when_another_secret_is_in_its_place() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&file, "first-key").unwrap();
    let mut keys = keys(&[1, 1]);
    let source = SecretSource::File(file.path().to_owned());
    keys.keys[0].held = Arc::new(Held::read(source, Secret::bearer).unwrap());
    let first = keys.chosen(0).unwrap();
    let next = refuse(&keys, &first, None, &mut Tried::default()).unwrap();
    assert_eq!(next.index, 1);
    assert!(pause(&keys, 0) > 0 && keys.renewed(&first).is_none());
    std::fs::write(&file, "the second key").unwrap();
    keys.keys[0].held.refresh();
    assert_eq!(pause(&keys, 0), 0);
    assert_eq!(keys.renewed(&first).unwrap().secret.header(), "Bearer the second key");
    // What a call is told that began before says nothing of the new one.
    refuse(&keys, &first, None, &mut Tried::default());
    assert_eq!(pause(&keys, 0), 0);
}

#[test]
fn when_no_key_is_in_use_the_one_that_comes_back_first_is_taken() {
    let keys = keys(&[1, 1, 1]);
    for (index, seconds) in ["50", "5", "500"].into_iter().enumerate() {
        let secret = keys.keys[index].held.secret();
        refuse(&keys, &Chosen { index, secret }, Some(seconds), &mut Tried::default());
    }
    for _ in 0..3 {
        assert_eq!(keys.first().unwrap().index, 1);
    }
}

#[test]
fn the_only_key_is_always_used() {
    let keys = keys(&[1]);
    let chosen = keys.first().unwrap();
    assert!(refuse(&keys, &chosen, None, &mut Tried::default()).is_none());
    assert_eq!(pause(&keys, 0), 0);
    assert_eq!(keys.first().unwrap().index, 0);
}
