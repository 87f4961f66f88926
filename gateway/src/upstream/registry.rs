//! The upstreams by name, and which of them a model means.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use futures_util::stream::{BoxStream, StreamExt as _};
use heimdall_host::json::Document;
use heimdall_host::model::LlmError;
use http::StatusCode;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use super::echo::Echo;
use super::listing::Merged;
use super::models::ModelList;
use super::openai::OpenAi;
use super::routing::{Choice, Place, Routing};
use super::unavailable::Unavailable;
use super::{Fault, Forward, Forwarded, Upstream, UpstreamAnswer, UpstreamError, UpstreamRequest, bounded, listing};
use crate::config::{Config, UpstreamConfig, UpstreamKind};
use crate::files::Stamp;
use crate::observe::{Asked, UpstreamCounters, UpstreamSpan};
use crate::text::shortened;

/// The name of the upstream that is there when none is configured.
pub(super) const ECHO: &str = "echo";

/// One upstream, and how calls to it are made.
pub(crate) struct Member {
    name: Arc<str>,
    upstream: Arc<dyn Upstream>,
    pub(super) models: ModelList,
    /// How often a call that failed is tried again.
    pub(crate) retries: u32,
    /// The pause before the first retry.
    pub(crate) backoff: Duration,
    /// Time that the first event of a stream may take which another upstream could still replace.
    pub(crate) first_byte: Duration,
    /// Time that a call and all that is tried instead of it may take.
    pub(crate) total: Duration,
    /// The most bytes that an answer may have.
    pub(crate) max_response: usize,
    /// The most requests under way, and how many places of these are free; none: there is no bound.
    places: Option<(u32, Arc<Semaphore>)>,
    counters: Arc<UpstreamCounters>,
    made_of: MadeOf,
}

/// What tells one upstream from another of the same name.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct MadeOf {
    config: UpstreamConfig,
    /// Keys are read again while it serves, its authorities are not.
    ca_file: Option<Stamp>,
    models_lifetime: Duration,
}

impl MadeOf {
    pub(super) fn new(config: &UpstreamConfig, models_lifetime: Duration) -> MadeOf {
        MadeOf {
            config: config.clone(),
            ca_file: config.ca_file.as_deref().and_then(Stamp::of),
            models_lifetime,
        }
    }
}

impl Member {
    /// Makes one call. `end`: when it has to be over, where that is not the upstream's own affair. `span`: where it is traced.
    pub(crate) async fn call(
        &self,
        request: UpstreamRequest,
        end: Option<AttemptsEnd>,
        span: Option<UpstreamSpan>,
    ) -> Result<UpstreamAnswer, UpstreamError> {
        let mut asked = self.counters.ask(span);
        let place = self.enter(&mut asked)?;
        let call = self.upstream.call(request);
        let answer = match end {
            Some(AttemptsEnd { end, error }) => bounded::call(end, error, call).await,
            None => call.await,
        };
        match &answer {
            Ok(UpstreamAnswer::Whole { status, .. }) => asked.answered(status.as_u16()),
            Ok(UpstreamAnswer::Stream { .. }) => asked.answered(StatusCode::OK.as_u16()),
            Err(error) => asked.failed(&error.fault),
        }
        Ok(match answer? {
            UpstreamAnswer::Stream { headers, events } => UpstreamAnswer::Stream {
                headers,
                events: while_under_way(events, (asked, place)),
            },
            whole @ UpstreamAnswer::Whole { .. } => whole,
        })
    }

    /// Passes a request on as it is.
    pub(crate) async fn forward(
        &self,
        request: Forward,
        span: Option<UpstreamSpan>,
    ) -> Result<Forwarded, UpstreamError> {
        let mut asked = self.counters.ask(span);
        let place = self.enter(&mut asked)?;
        let answer = self.upstream.forward(request).await;
        match &answer {
            Ok(answer) => asked.answered(answer.status.as_u16()),
            Err(error) => asked.failed(&error.fault),
        }
        let answer = answer?;
        Ok(Forwarded {
            body: while_under_way(answer.body, (asked, place)),
            ..answer
        })
    }

    /// A place for one more request, where places are counted. Nobody waits for one.
    fn enter(&self, asked: &mut Asked) -> Result<Option<OwnedSemaphorePermit>, UpstreamError> {
        let Some((most, places)) = &self.places else {
            return Ok(None);
        };
        places.clone().try_acquire_owned().map(Some).map_err(|_| {
            let fault = Fault::Busy(*most);
            asked.failed(&fault);
            UpstreamError {
                upstream: self.name.clone(),
                fault,
            }
        })
    }
}

/// The upstream is under way until the stream is dropped.
fn while_under_way<T: 'static>(
    stream: BoxStream<'static, Result<T, UpstreamError>>,
    mut under_way: (Asked, Option<OwnedSemaphorePermit>),
) -> BoxStream<'static, Result<T, UpstreamError>> {
    let held = move |item| {
        let (asked, _place) = &mut under_way;
        if let Err(UpstreamError { fault, .. }) = &item {
            asked.broke_off(fault);
        }
        item
    };
    stream.map(held).boxed()
}

/// When the attempts of a call have to be over, and what is said then.
pub(crate) struct AttemptsEnd {
    pub(crate) end: Instant,
    pub(crate) error: UpstreamError,
}

pub(crate) struct Upstreams {
    pub(super) by_name: BTreeMap<Arc<str>, Arc<Member>>,
    pub(super) routing: Routing,
    /// The aliases, as models.
    pub(super) aliases: BTreeMap<String, Document>,
    pub(super) merged: Merged,
}

impl Upstreams {
    /// Those that are made of the same settings as one of `before` are that one: it keeps its connections, its keys' rests
    /// and its list of models.
    ///
    /// # Errors
    /// When an upstream's key is missing or its client can't be made.
    pub(crate) fn new(config: &Config, before: Option<&Upstreams>) -> anyhow::Result<Upstreams> {
        let lifetime = Duration::from_millis(config.models_cache_ms);
        let mut by_name: BTreeMap<Arc<str>, Arc<Member>> = BTreeMap::new();
        for (name, upstream) in &config.upstreams {
            let made_of = MadeOf::new(upstream, lifetime);
            let same = before.and_then(|before| before.by_name.get(name.as_str()));
            if let Some(same) = same.filter(|same| same.made_of == made_of) {
                by_name.insert(name.as_str().into(), same.clone());
                continue;
            }
            let made: Arc<dyn Upstream> = match upstream.kind {
                UpstreamKind::Echo => Arc::new(Echo::new(name, upstream)),
                UpstreamKind::None => Arc::new(Unavailable::new(name)),
                UpstreamKind::OpenAi => Arc::new(
                    OpenAi::new(name, upstream).with_context(|| format!("the upstream `{name}` can't be used"))?,
                ),
            };
            let name = name.as_str().into();
            let member = member(&name, made, made_of);
            by_name.insert(name, Arc::new(member));
        }
        if by_name.is_empty() {
            let config = UpstreamConfig::default();
            let (name, made) = (ECHO.into(), Arc::new(Echo::new(ECHO, &config)));
            let member = member(&name, made, MadeOf::new(&config, lifetime));
            by_name.insert(name, Arc::new(member));
        }
        for (name, member) in &mut by_name {
            // What was counted goes on, whatever else changed.
            if let Some(before) = before.and_then(|before| before.by_name.get(name))
                && let Some(member) = Arc::get_mut(member)
            {
                member.counters = before.counters.clone();
            }
        }
        let routing = Routing::new(config, by_name.keys())?;
        let aliases = listing::aliases(&routing)?;
        Ok(Upstreams {
            by_name,
            routing,
            aliases,
            merged: Merged::default(),
        })
    }

    /// Where a call of this model goes.
    ///
    /// # Errors
    /// When nothing says where, and there is no default.
    pub(crate) fn choose(&self, model: &str) -> Result<Choice, LlmError> {
        self.routing.choose(model).ok_or_else(|| {
            let start = format!(
                "The model {:?} names no upstream, and there is no `default_upstream`",
                shortened(model)
            );
            self.not_found(&start)
        })
    }

    /// Where a call goes that failed at this upstream, in order.
    pub(crate) fn fallbacks(&self, upstream: &str) -> Arc<[Place]> {
        self.routing.fallbacks(upstream)
    }

    /// The upstream to which a path is passed on; none: it is not.
    pub(crate) fn passes_on(&self, path: &str) -> Option<&Arc<str>> {
        self.routing.passes_on(path)
    }

    /// # Errors
    /// When there is no upstream of this name.
    pub(crate) fn get(&self, name: &str) -> Result<&Member, LlmError> {
        self.by_name
            .get(name)
            .map(Arc::as_ref)
            .ok_or_else(|| self.not_found(&format!("There is no upstream {:?}", shortened(name))))
    }

    fn not_found(&self, start: &str) -> LlmError {
        let names: Vec<&str> = self.by_name.keys().map(AsRef::as_ref).collect();
        LlmError {
            message: format!(
                "{start}. Write the model as `upstream/model`; there are the upstreams: {}.",
                names.join(", ")
            ),
            kind: Some("invalid_request_error".to_owned()),
            code: Some("model_not_found".to_owned()),
            param: Some("model".to_owned()),
            status: Some(404),
            ..LlmError::default()
        }
    }

    /// Names and what was counted of them.
    pub(crate) fn counters(&self) -> impl Iterator<Item = (&str, &UpstreamCounters)> {
        self.by_name.iter().map(|(name, member)| (&**name, &*member.counters))
    }

    /// Names and what they are, for the banner.
    pub(crate) fn summaries(&self) -> impl Iterator<Item = (&str, String)> {
        self.by_name
            .iter()
            .map(|(name, member)| (name.as_ref(), member.upstream.summary()))
    }

    /// A model to try out, where one is known without asking.
    pub(crate) fn example_model(&self) -> &str {
        if self.routing.default().is_some_and(|name| **name == *ECHO) {
            ECHO
        } else {
            "MODEL"
        }
    }
}

pub(super) fn member(name: &Arc<str>, upstream: Arc<dyn Upstream>, made_of: MadeOf) -> Member {
    let config = &made_of.config;
    let places = |most: u32| {
        (
            most,
            Arc::new(Semaphore::new(usize::try_from(most).unwrap_or(usize::MAX))),
        )
    };
    Member {
        name: name.clone(),
        places: config.max_requests.map(places),
        models: ModelList::new(name, upstream.clone(), made_of.models_lifetime),
        upstream,
        counters: Arc::default(),
        retries: config.retries,
        backoff: Duration::from_millis(config.retry_backoff_ms),
        first_byte: Duration::from_millis(config.first_byte_timeout_ms),
        total: Duration::from_millis(config.total_timeout_ms),
        max_response: config.max_response_mib.saturating_mul(1 << 20),
        made_of,
    }
}

#[cfg(test)]
mod tests {
    use heimdall_host::model::{CallKind, LlmRequest};
    use http::HeaderMap;

    use super::*;

    fn upstreams(names: &[&str], default: Option<&str>) -> Upstreams {
        let echo = || UpstreamConfig {
            kind: UpstreamKind::Echo,
            ..UpstreamConfig::default()
        };
        let upstreams = names.iter().map(|name| ((*name).to_owned(), echo())).collect();
        let default_upstream = default.map(str::to_owned);
        let config = Config {
            upstreams,
            default_upstream,
            ..Config::default()
        };
        Upstreams::new(&config, None).unwrap()
    }

    #[test]
    fn a_model_means_the_upstream_that_it_names_or_the_default() {
        let (none, one, two) = (&[][..], &["a"][..], &["a", "b"][..]);
        let cases = [
            (none, None, "echo", Some(("echo", "echo"))),
            (one, None, "m", Some(("a", "m"))),
            (one, None, "a/m", Some(("a", "m"))),
            (two, Some("b"), "m", Some(("b", "m"))),
            (two, Some("b"), "meta/m", Some(("b", "meta/m"))),
            (two, None, "a/meta/m", Some(("a", "meta/m"))),
            (two, None, "m", None),
        ];
        for (names, default, model, expected) in cases {
            let upstreams = upstreams(names, default);
            let target = upstreams.choose(model).ok().map(|choice| choice.target);
            let target = target.as_ref().map(|target| (&*target.upstream, &*target.model));
            assert_eq!(target, expected, "{model} of {names:?} with {default:?}");
        }
    }

    #[test]
    fn an_upstream_whose_settings_stay_is_kept_and_the_others_are_made_anew() {
        let config = |retries| {
            let upstream = |retries| UpstreamConfig {
                kind: UpstreamKind::Echo,
                retries,
                ..UpstreamConfig::default()
            };
            let upstreams = [
                ("same".to_owned(), upstream(1)),
                ("changed".to_owned(), upstream(retries)),
            ];
            Config {
                upstreams: upstreams.into(),
                default_upstream: Some("same".to_owned()),
                ..Config::default()
            }
        };
        let before = Upstreams::new(&config(1), None).unwrap();
        let after = Upstreams::new(&config(2), Some(&before)).unwrap();
        for (name, is_kept) in [("same", true), ("changed", false)] {
            let [before, after] = [&before, &after].map(|upstreams| std::ptr::from_ref(upstreams.get(name).unwrap()));
            assert_eq!(before == after, is_kept, "{name}");
        }
    }

    #[tokio::test]
    async fn a_place_is_taken_until_the_answer_is_over() {
        let echo = UpstreamConfig {
            kind: UpstreamKind::Echo,
            max_requests: Some(1),
            ..UpstreamConfig::default()
        };
        let config = Config {
            upstreams: [("a".to_owned(), echo)].into(),
            ..Config::default()
        };
        let upstreams = Upstreams::new(&config, None).unwrap();
        let body = Document::parse(r#"{"model":"m","messages":[{"role":"user","content":"hi"}]}"#).unwrap();
        let ask = || {
            let request = UpstreamRequest {
                call: LlmRequest::new(CallKind::Chat, "a", "m", true, 0, body.clone()),
                streaming: true,
                query: None,
                headers: HeaderMap::new(),
                client_key: HeaderMap::new(),
            };
            upstreams.get("a").unwrap().call(request, None, None)
        };
        for _ in 0..2 {
            let first = ask().await.unwrap();
            assert!(matches!(first, UpstreamAnswer::Stream { .. }));
            let fault = ask().await.map(|_| ()).unwrap_err().fault;
            assert!(matches!(fault, Fault::Busy(1)), "{fault:?}");
            drop(first);
        }
    }

    #[test]
    fn a_model_without_an_upstream_is_refused_with_the_upstreams_there_are() {
        let error = upstreams(&["a", "b"], None).choose("m").unwrap_err();
        let expected = "The model \"m\" names no upstream, and there is no `default_upstream`. Write the model as \
                        `upstream/model`; there are the upstreams: a, b.";
        assert_eq!((error.status, error.message.as_str()), (Some(404), expected));
    }

    #[tokio::test]
    async fn models_of_other_upstreams_are_listed_with_its_name() {
        let list = upstreams(&["a", "b"], Some("a")).models().await.unwrap();
        let list = Document::parse(list).unwrap();
        let models = list.pointer("/data").unwrap().elements();
        let ids: Vec<_> = models.map(|model| model.get("id").unwrap().as_str().unwrap()).collect();
        assert!(
            ids.contains(&"echo".into()) && ids.contains(&"b/echo".into()),
            "{ids:?}"
        );
    }

    #[tokio::test]
    async fn the_list_of_all_models_is_made_anew_when_one_of_them_changed() {
        for (models_cache_ms, is_same) in [(60_000, true), (0, false)] {
            let config = Config {
                models_cache_ms,
                ..Config::default()
            };
            let upstreams = Upstreams::new(&config, None).unwrap();
            let (first, second) = (upstreams.models().await.unwrap(), upstreams.models().await.unwrap());
            assert_eq!(first, second);
            assert_eq!(first.as_ptr() == second.as_ptr(), is_same, "{models_cache_ms}");
        }
    }
}
