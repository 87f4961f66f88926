use http::HeaderValue;
use http::header::RETRY_AFTER;

use super::*;

fn keys(weights: &[u64]) -> Keys {
    let key = |weight: &u64| Key {
        held: Arc::new(Held::read(SecretSource::Configuration(format!("key-{weight}")), Secret::bearer).unwrap()),
        weight: *weight,
        back: AtomicU64::new(0),
    };
    Keys {
        upstream: "up".into(),
        keys: weights.iter().map(key).collect(),
        cooldown: Duration::from_secs(60),
        choices: AtomicU64::new(0),
        started: Instant::now(),
    }
}

fn refuse(keys: &Keys, chosen: &Chosen, retry_after: Option<&'static str>, tried: &mut Tried) -> bool {
    let headers = retry_after.map(|value| (RETRY_AFTER, HeaderValue::from_static(value)));
    keys.refused(
        chosen,
        StatusCode::TOO_MANY_REQUESTS,
        &headers.into_iter().collect(),
        tried,
    )
}

/// For how many milliseconds a key is out of use.
fn pause(keys: &Keys, index: usize) -> u64 {
    keys.keys[index].back.load(Ordering::Relaxed).saturating_sub(keys.now())
}

#[test]
fn each_key_gets_its_share_of_the_calls() {
    for weights in [&[1, 1][..], &[3, 1], &[1, 2, 7], &[1]] {
        let keys = keys(weights);
        let mut counts = vec![0_i64; weights.len()];
        for _ in 0..1000 {
            counts[keys.choose(&Tried::default()).unwrap().index] += 1;
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
    let mut seen = Vec::new();
    for more in [true, true, false] {
        let chosen = keys.choose(&tried).unwrap();
        seen.push(chosen.index);
        assert_eq!(refuse(&keys, &chosen, None, &mut tried), more);
    }
    seen.sort_unstable();
    assert_eq!(seen, [0, 1, 2]);
    assert!(keys.choose(&tried).is_none());
}

#[test]
fn a_refused_key_is_not_used_until_its_pause_is_over() {
    let keys = keys(&[1, 1]);
    let chosen = keys.choose(&Tried::default()).unwrap();
    refuse(&keys, &chosen, None, &mut Tried::default());
    for _ in 0..10 {
        assert_ne!(keys.choose(&Tried::default()).unwrap().index, chosen.index);
    }
    let later = keys.now() + 60_001;
    let after: Vec<_> = (0..10).filter_map(|_| keys.index(&Tried::default(), later)).collect();
    assert!(after.contains(&chosen.index), "{after:?}");
}

#[test]
fn the_upstream_says_how_long_the_pause_is_up_to_an_hour() {
    for (asked, at_least, at_most) in [
        (None, 50_000, 60_000),
        (Some("5"), 1, 5_000),
        (Some("600"), 500_000, 600_000),
        (Some("999999999"), 3_500_000, 3_600_000),
    ] {
        let keys = keys(&[1, 1]);
        let chosen = keys.choose(&Tried::default()).unwrap();
        refuse(&keys, &chosen, asked, &mut Tried::default());
        let pause = pause(&keys, chosen.index);
        assert!((at_least..=at_most).contains(&pause), "{asked:?}: {pause}");
    }
}

#[test]
fn when_no_key_is_in_use_the_one_that_comes_back_first_is_taken() {
    let keys = keys(&[1, 1, 1]);
    for (index, seconds) in ["50", "5", "500"].into_iter().enumerate() {
        let secret = keys.keys[index].held.secret();
        refuse(&keys, &Chosen { index, secret }, Some(seconds), &mut Tried::default());
    }
    for _ in 0..3 {
        assert_eq!(keys.choose(&Tried::default()).unwrap().index, 1);
    }
}

#[test]
fn the_only_key_is_always_used() {
    let keys = keys(&[1]);
    let chosen = keys.choose(&Tried::default()).unwrap();
    assert!(!refuse(&keys, &chosen, None, &mut Tried::default()));
    assert_eq!(pause(&keys, 0), 0);
    assert_eq!(keys.choose(&Tried::default()).unwrap().index, 0);
}
