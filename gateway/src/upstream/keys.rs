//! The keys of an upstream: which one a call gets, and which are not used for a while.

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use arc_swap::ArcSwapOption;
use http::{HeaderMap, StatusCode};

use super::held::{Held, SecretSource};
use super::retry_after;
use super::secret::Secret;
use crate::config::UpstreamConfig;

/// The longest that an upstream may ask for a key not to be used.
const MAX_ASKED: Duration = Duration::from_secs(3600);

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
    rest: ArcSwapOption<Rest>,
}

/// Why a key is not used for a while.
struct Rest {
    /// What was refused: another secret in the key's place is in use.
    secret: Arc<Secret>,
    /// In milliseconds since the start.
    until: u64,
}

/// The key that a call is sent with.
pub(super) struct Chosen {
    index: usize,
    pub(super) secret: Arc<Secret>,
}

/// What a call has tried.
#[derive(Default)]
pub(super) struct Tried {
    keys: Vec<usize>,
    /// Whether files were looked at, which is worth it once in a call.
    pub(super) files: bool,
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
                rest: ArcSwapOption::empty(),
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

    /// The key of a new call: by weight, of those that are in use; if none is, the one that is used again first. None:
    /// there are no keys.
    pub(super) fn first(&self) -> Option<Chosen> {
        if self.keys.len() <= 1 {
            return self.chosen(0);
        }
        let back_first = || {
            let keys = self.keys.iter().enumerate();
            keys.min_by_key(|(_, key)| key.back()).map(|(index, _)| index)
        };
        let index = self.by_weight(&Tried::default(), self.now()).or_else(back_first)?;
        self.chosen(index)
    }

    /// A call with this key was answered like this. Gives back the key with which it is to be sent again, if it is.
    pub(super) fn after(
        &self,
        chosen: &Chosen,
        status: StatusCode,
        headers: &HeaderMap,
        tried: &mut Tried,
    ) -> Option<Chosen> {
        let is_refused = matches!(status, StatusCode::UNAUTHORIZED | StatusCode::TOO_MANY_REQUESTS);
        if self.keys.len() <= 1 || !is_refused {
            return None;
        }
        let asked = retry_after::of(headers).filter(|_| status == StatusCode::TOO_MANY_REQUESTS);
        let pause = asked.map_or(self.cooldown, |asked| asked.min(MAX_ASKED));
        self.rest(chosen, status, pause);
        tried.keys.push(chosen.index);
        self.chosen(self.by_weight(tried, self.now())?)
    }

    /// The key itself, if another secret is in its place now.
    pub(super) fn renewed(&self, chosen: &Chosen) -> Option<Chosen> {
        self.chosen(chosen.index).filter(|now| now.secret != chosen.secret)
    }

    /// Whether the key is kept in a file.
    pub(super) fn is_in_file(&self, chosen: &Chosen) -> bool {
        self.keys
            .get(chosen.index)
            .is_some_and(|key| key.held.source().file().is_some())
    }

    fn chosen(&self, index: usize) -> Option<Chosen> {
        let secret = self.keys.get(index)?.held.secret();
        Some(Chosen { index, secret })
    }

    /// One of those that are in use and were not tried, if there is any.
    fn by_weight(&self, tried: &Tried, now: u64) -> Option<usize> {
        let in_use = || {
            let keys = self.keys.iter().enumerate();
            keys.filter(|(index, key)| key.back() <= now && !tried.keys.contains(index))
        };
        let total: u64 = in_use().map(|(_, key)| key.weight).sum();
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

    /// Takes a key out of use.
    fn rest(&self, chosen: &Chosen, status: StatusCode, pause: Duration) {
        let Some(key) = self.keys.get(chosen.index) else { return };
        if !Arc::ptr_eq(&chosen.secret, &key.held.secret()) {
            return;
        }
        let now = self.now();
        let was_in_use = key.back() <= now;
        key.rest.store(Some(Arc::new(Rest {
            secret: chosen.secret.clone(),
            until: now.saturating_add(u64::try_from(pause.as_millis()).unwrap_or(u64::MAX)),
        })));
        if was_in_use {
            tracing::warn!(
                upstream = %self.upstream,
                key = %key.held.source(),
                status = status.as_u16(),
                "the upstream refused a key, which is not used for {pause:?}"
            );
        }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

impl Key {
    /// When it is used again, in milliseconds since the start.
    fn back(&self) -> u64 {
        match &*self.rest.load() {
            Some(rest) if Arc::ptr_eq(&rest.secret, &self.held.secret()) => rest.until,
            _ => 0,
        }
    }
}
