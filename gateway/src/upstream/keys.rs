//! The keys of an upstream: which one a call gets, and which are not used for a while.

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use http::{HeaderMap, StatusCode};

use super::held::{Held, SecretSource};
use super::retry_after;
use super::secret::Secret;
use crate::config::UpstreamConfig;

/// The longest that an upstream may ask for a key not to be used.
const MAX_COOLDOWN: Duration = Duration::from_secs(3600);

/// What is added for each choice: the golden ratio of 2^64, which spreads the choices evenly.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

pub(super) struct Keys {
    upstream: Arc<str>,
    keys: Vec<Key>,
    cooldown: Duration,
    choices: AtomicU64,
    started: Instant,
}

struct Key {
    held: Arc<Held>,
    weight: u64,
    /// When it is used again, in milliseconds since the start.
    back: AtomicU64,
}

/// The key that a call was sent with.
pub(super) struct Chosen {
    index: usize,
    pub(super) secret: Arc<Secret>,
}

/// What a call has tried.
#[derive(Default)]
pub(super) struct Tried {
    keys: Vec<usize>,
    files: bool,
}

impl Keys {
    /// # Errors
    /// In words, which key is missing and why.
    pub(super) fn new(upstream: &Arc<str>, config: &UpstreamConfig) -> Result<Keys, String> {
        let one = config
            .api_key_env
            .iter()
            .map(|name| (SecretSource::Environment(name.clone()), 1));
        let several = config.keys.iter().filter_map(|key| {
            let origin = SecretSource::of(None, key.env.as_ref(), key.file.as_ref())?;
            Some((origin, u64::from(key.weight)))
        });
        let keys = one.chain(several).map(|(origin, weight)| {
            Ok(Key {
                held: Arc::new(Held::read(origin, Secret::bearer)?),
                weight,
                back: AtomicU64::new(0),
            })
        });
        Ok(Keys {
            upstream: upstream.clone(),
            keys: keys.collect::<Result<_, String>>()?,
            cooldown: Duration::from_millis(config.key_cooldown_ms),
            choices: AtomicU64::new(0),
            started: Instant::now(),
        })
    }

    pub(super) fn held(&self) -> impl Iterator<Item = Arc<Held>> {
        self.keys.iter().map(|key| key.held.clone())
    }

    pub(super) fn count(&self) -> usize {
        self.keys.len()
    }

    /// Whether a call that is refused may be sent again.
    pub(super) fn may_try_again(&self) -> bool {
        self.keys.len() > 1 || self.keys.iter().any(|key| key.held.source().file().is_some())
    }

    /// The key of the next call: by weight, of those that are in use; if none is, the one that is used again first.
    pub(super) fn choose(&self, tried: &Tried) -> Option<Chosen> {
        let index = self.index(tried, self.now())?;
        let secret = self.keys.get(index)?.held.secret();
        Some(Chosen { index, secret })
    }

    fn index(&self, tried: &Tried, now: u64) -> Option<usize> {
        if self.keys.len() <= 1 {
            return (!self.keys.is_empty()).then_some(0);
        }
        let in_use = || {
            let keys = self.keys.iter().enumerate();
            keys.filter(|(index, key)| key.is_in_use(now) && !tried.keys.contains(index))
        };
        let total: u64 = in_use().map(|(_, key)| key.weight).sum();
        if total == 0 {
            let keys = self.keys.iter().enumerate();
            let first = keys.min_by_key(|(_, key)| key.back.load(Ordering::Relaxed));
            return first.filter(|_| tried.keys.is_empty()).map(|(index, _)| index);
        }
        let point = self.choices.fetch_add(STEP, Ordering::Relaxed);
        let mut point = u64::try_from((u128::from(point) * u128::from(total)) >> 64).unwrap_or(0);
        let mut last = None;
        for (index, key) in in_use() {
            if point < key.weight {
                return Some(index);
            }
            point -= key.weight;
            last = Some(index);
        }
        // Another call's answer took keys out of use meanwhile.
        last
    }

    /// A call was answered like this. Gives back whether it is to be sent again, with another key.
    pub(super) fn refused(&self, chosen: &Chosen, status: StatusCode, headers: &HeaderMap, tried: &mut Tried) -> bool {
        if self.keys.len() <= 1 {
            return false;
        }
        let asked = retry_after::of(headers).filter(|_| status == StatusCode::TOO_MANY_REQUESTS);
        let pause = asked.unwrap_or(self.cooldown).min(MAX_COOLDOWN);
        self.rest(chosen, status, pause);
        tried.keys.push(chosen.index);
        let now = self.now();
        let mut others = self.keys.iter().enumerate();
        others.any(|(index, key)| key.is_in_use(now) && !tried.keys.contains(&index))
    }

    /// Takes a key out of use.
    fn rest(&self, chosen: &Chosen, status: StatusCode, pause: Duration) {
        let Some(key) = self.keys.get(chosen.index) else { return };
        let now = self.now();
        let back = now.saturating_add(u64::try_from(pause.as_millis()).unwrap_or(u64::MAX));
        if key.back.swap(back, Ordering::Relaxed) <= now {
            tracing::warn!(
                upstream = %self.upstream,
                key = %key.held.source(),
                status = status.as_u16(),
                "the upstream refused a key, which is not used for {pause:?}"
            );
        }
    }

    /// Whether the key is kept in a file that is worth a look: once in a call.
    pub(super) fn may_have_changed(&self, chosen: &Chosen, tried: &mut Tried) -> bool {
        let is_file = |key: &Key| key.held.source().file().is_some();
        self.keys.get(chosen.index).is_some_and(is_file) && !std::mem::replace(&mut tried.files, true)
    }

    pub(super) fn has_changed(&self, chosen: &Chosen) -> bool {
        let now = self.keys.get(chosen.index).map(|key| key.held.secret());
        now.is_some_and(|now| now != chosen.secret)
    }

    fn now(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

impl Key {
    fn is_in_use(&self, now: u64) -> bool {
        self.back.load(Ordering::Relaxed) <= now
    }
}
