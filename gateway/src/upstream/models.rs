//! The models that an upstream has: asked for when somebody wants to know, remembered, and never waited for longer than
//! the client's patience.

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use heimdall_host::json::Document;
use tokio::sync::watch;
use tokio::time::{Instant, timeout, timeout_at};

use super::{Fault, Upstream, UpstreamError};
use crate::text::shortened;

/// How long an upstream may take to list its models.
pub(super) const LIST_TIMEOUT: Duration = Duration::from_secs(10);

/// How soon an upstream that failed to is asked again.
const AFTER_FAILURE: Duration = Duration::from_secs(5);

/// What is remembered of one upstream's list.
pub(super) const MAX_MODELS: usize = 10_000;
const MAX_BYTES: usize = 4 << 20;

/// One model, as its upstream knows it.
#[derive(Debug)]
pub(super) struct Model {
    pub(super) id: String,
    pub(super) document: Document,
}

/// What is known of an upstream's models.
#[derive(Debug, Clone, Default)]
pub(super) struct Known {
    /// The last list that it gave; none: it gave none yet.
    pub(super) models: Option<Arc<[Model]>>,
    /// Why it gave none when it was last asked.
    pub(super) error: Option<UpstreamError>,
    /// Until when it is not asked again; none: it was never asked.
    fresh_until: Option<Instant>,
}

impl Known {
    fn is_due(&self) -> bool {
        self.fresh_until.is_none_or(|end| Instant::now() >= end)
    }
}

/// An upstream's models.
pub(super) struct ModelList(Arc<Shared>);

struct Shared {
    name: Arc<str>,
    upstream: Arc<dyn Upstream>,
    lifetime: Duration,
    known: watch::Sender<Known>,
    /// Whether it is being asked.
    asking: AtomicBool,
}

impl ModelList {
    /// The models of this upstream, remembered for `lifetime`.
    pub(super) fn new(name: &Arc<str>, upstream: Arc<dyn Upstream>, lifetime: Duration) -> ModelList {
        ModelList(Arc::new(Shared {
            name: name.clone(),
            upstream,
            lifetime,
            known: watch::Sender::default(),
            asking: AtomicBool::new(false),
        }))
    }

    /// What is known now.
    pub(super) fn known(&self) -> Known {
        self.0.known.borrow().clone()
    }

    /// What is known now, if a list is; else as [`ModelList::by`] has it. An old list is asked for anew meanwhile, unless
    /// it is not to be remembered at all.
    pub(super) async fn soon(&self, moment: Instant) -> Known {
        let known = self.known();
        if known.models.is_none() || self.0.lifetime.is_zero() {
            return self.by(moment).await;
        }
        if known.is_due() {
            Shared::ask(&self.0);
        }
        known
    }

    /// What is known when the upstream was asked, if that is due, or at this moment at the latest. It goes on being asked
    /// then, so that the next one to want its list has it.
    pub(super) async fn by(&self, moment: Instant) -> Known {
        let mut changes = self.0.known.subscribe();
        let is_due = changes.borrow_and_update().is_due();
        if is_due {
            Shared::ask(&self.0);
            let _late = timeout_at(moment, changes.changed()).await;
        }
        self.known()
    }

    /// The error of an upstream that was waited for in vain.
    pub(super) fn late(&self) -> UpstreamError {
        self.0.late()
    }
}

impl Shared {
    /// Asks the upstream, unless that is under way.
    fn ask(self: &Arc<Self>) {
        if self.asking.swap(true, Ordering::AcqRel) {
            return;
        }
        let asking = Asking(self.clone());
        let list = self.clone();
        tokio::spawn(async move {
            let models = timeout(LIST_TIMEOUT, list.upstream.models()).await;
            // First, so that who learns of the answer may ask again.
            drop(asking);
            list.learn(models.unwrap_or_else(|_| Err(list.late())));
        });
    }

    fn learn(&self, answer: Result<Vec<Document>, UpstreamError>) {
        let now = Instant::now();
        match answer {
            Ok(models) => {
                let known = Known {
                    models: Some(self.bounded(models).into()),
                    error: None,
                    fresh_until: Some(now + self.lifetime),
                };
                self.known.send_replace(known);
            }
            Err(error) => {
                // An upstream's words come from anywhere: `?` escapes what could forge a line.
                let told = shortened(&error.to_string()).into_owned();
                tracing::warn!(upstream = %self.name, error = ?told, "the upstream gave no list of its models");
                self.known.send_modify(|known| {
                    known.error = Some(error);
                    known.fresh_until = Some(now + self.lifetime.min(AFTER_FAILURE));
                });
            }
        }
    }

    /// The models that can be called, as many as are remembered.
    fn bounded(&self, models: Vec<Document>) -> Vec<Model> {
        let all = models.len();
        let mut bytes = 0;
        let kept = models.into_iter().take(MAX_MODELS).take_while(|model| {
            bytes += model.len();
            bytes <= MAX_BYTES
        });
        let mut looked_at = 0;
        let kept: Vec<Model> = kept
            .inspect(|_| looked_at += 1)
            .filter_map(|document| {
                let id = document.pointer("/id")?.as_str()?.into_owned();
                // What an upstream sent as one body is not to be kept for the sake of a part of it.
                let document = Document::parse(document.as_str().to_owned()).ok()?;
                Some(Model { id, document })
            })
            .collect();
        if looked_at < all {
            tracing::warn!(upstream = %self.name, models = all, "only the first {looked_at} of its models are listed");
        }
        kept
    }

    fn late(&self) -> UpstreamError {
        UpstreamError {
            upstream: self.name.clone(),
            fault: Fault::FirstByteTimeout(LIST_TIMEOUT),
        }
    }
}

/// That an upstream is being asked: until this is dropped, however that ends.
struct Asking(Arc<Shared>);

impl Drop for Asking {
    fn drop(&mut self) {
        self.0.asking.store(false, Ordering::Release);
    }
}
