//! The upstreams by name, and which of them a model means.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use heimdall_host::json::Document;
use heimdall_host::model::LlmError;
use tokio::time::timeout;

use super::echo::Echo;
use super::openai::OpenAi;
use super::{Fault, Upstream, UpstreamError};
use crate::config::{Config, UpstreamKind};
use crate::text::shortened;

/// The name of the upstream that is there when none is configured.
const ECHO: &str = "echo";

/// How long an upstream may take to list its models: the others' are waiting with it.
const LIST_TIMEOUT: Duration = Duration::from_secs(5);

pub(crate) struct Upstreams {
    by_name: BTreeMap<Arc<str>, Arc<dyn Upstream>>,
    /// Where models go that name no upstream.
    default: Option<Arc<str>>,
}

impl Upstreams {
    /// # Errors
    /// When an upstream's key is missing or its client can't be made.
    pub(crate) fn new(config: &Config) -> anyhow::Result<Upstreams> {
        let mut by_name: BTreeMap<Arc<str>, Arc<dyn Upstream>> = BTreeMap::new();
        for (name, upstream) in &config.upstreams {
            let made: Arc<dyn Upstream> = match upstream.kind {
                UpstreamKind::Echo => Arc::new(Echo::new(name)),
                UpstreamKind::OpenAi => Arc::new(
                    OpenAi::new(name, upstream).with_context(|| format!("the upstream `{name}` can't be used"))?,
                ),
            };
            by_name.insert(name.as_str().into(), made);
        }
        if by_name.is_empty() {
            by_name.insert(ECHO.into(), Arc::new(Echo::new(ECHO)));
        }
        let only = by_name.keys().next().filter(|_| by_name.len() == 1);
        let default = config
            .default_upstream
            .as_deref()
            .map(Arc::from)
            .or_else(|| only.cloned());
        Ok(Upstreams { by_name, default })
    }

    /// Splits `upstream/model`: the upstream's name and the model. A first part that is no upstream's name belongs to
    /// the model.
    ///
    /// # Errors
    /// When the model names no upstream and there is no default.
    pub(crate) fn resolve<'a>(&self, model: &'a str) -> Result<(Arc<str>, &'a str), LlmError> {
        if let Some((first, rest)) = model.split_once('/')
            && let Some((name, _)) = self.by_name.get_key_value(first)
            && !rest.is_empty()
        {
            return Ok((name.clone(), rest));
        }
        let default = self.default.clone().ok_or_else(|| {
            let start = format!(
                "The model {:?} names no upstream, and there is no `default_upstream`",
                shortened(model)
            );
            self.not_found(&start)
        })?;
        Ok((default, model))
    }

    /// # Errors
    /// When there is no upstream of this name.
    pub(crate) fn get(&self, name: &str) -> Result<&Arc<dyn Upstream>, LlmError> {
        self.by_name
            .get(name)
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

    /// Names and what they are, for the banner.
    pub(crate) fn summaries(&self) -> impl Iterator<Item = (&str, String)> {
        self.by_name
            .iter()
            .map(|(name, upstream)| (name.as_ref(), upstream.summary()))
    }

    /// A model to try out, where one is known without asking.
    pub(crate) fn example_model(&self) -> &str {
        if self.default.as_deref() == Some(ECHO) {
            ECHO
        } else {
            "MODEL"
        }
    }

    /// The models of every upstream: those of the default one as they are called, those of others as `upstream/model`.
    /// An upstream that fails is left out, unless all do.
    ///
    /// # Errors
    /// The first upstream's error, if all fail.
    pub(crate) async fn models(&self) -> Result<Vec<Document>, UpstreamError> {
        let lists = self
            .by_name
            .iter()
            .map(|(name, upstream)| async move { (name, timeout(LIST_TIMEOUT, upstream.models()).await) });
        let mut models = Vec::new();
        let mut first_error = None;
        let mut answered = false;
        for (name, list) in futures_util::future::join_all(lists).await {
            let late = || UpstreamError {
                upstream: name.clone(),
                fault: Fault::FirstByteTimeout(LIST_TIMEOUT),
            };
            match list.unwrap_or_else(|_| Err(late())) {
                Ok(list) => {
                    answered = true;
                    models.extend(list.into_iter().map(|model| self.called(name, model)));
                }
                Err(error) => {
                    tracing::warn!(upstream = %name, "no list of its models: {error}");
                    first_error.get_or_insert(error);
                }
            }
        }
        match first_error {
            Some(error) if !answered => Err(error),
            _ => Ok(models),
        }
    }

    /// The model under the name that clients call it by.
    fn called(&self, upstream: &Arc<str>, mut model: Document) -> Document {
        if self.default.as_ref() != Some(upstream)
            && let Some(id) = model
                .pointer("/id")
                .and_then(|id| id.as_str())
                .map(|id| format!("{upstream}/{id}"))
        {
            // The member is there, so it can be set.
            let _unchanged = model.set("/id", &Document::string(&id));
        }
        model
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::UpstreamConfig;

    fn upstreams(names: &[&str], default: Option<&str>) -> Upstreams {
        let echo = || UpstreamConfig {
            kind: UpstreamKind::Echo,
            ..UpstreamConfig::default()
        };
        let upstreams = names.iter().map(|name| ((*name).to_owned(), echo())).collect();
        let default_upstream = default.map(str::to_owned);
        Upstreams::new(&Config {
            upstreams,
            default_upstream,
            ..Config::default()
        })
        .unwrap()
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
            let resolved = upstreams.resolve(model).ok();
            let resolved = resolved.as_ref().map(|(upstream, model)| (upstream.as_ref(), *model));
            assert_eq!(resolved, expected, "{model} of {names:?} with {default:?}");
        }
    }

    #[test]
    fn a_model_without_an_upstream_is_refused_with_the_upstreams_there_are() {
        let error = upstreams(&["a", "b"], None).resolve("m").unwrap_err();
        let expected = "The model \"m\" names no upstream, and there is no `default_upstream`. Write the model as \
                        `upstream/model`; there are the upstreams: a, b.";
        assert_eq!((error.status, error.message.as_str()), (Some(404), expected));
    }

    #[tokio::test]
    async fn models_of_other_upstreams_are_listed_with_its_name() {
        let models = upstreams(&["a", "b"], Some("a")).models().await.unwrap();
        let ids: Vec<_> = models
            .iter()
            .map(|model| model.pointer("/id").unwrap().as_str().unwrap())
            .collect();
        assert!(
            ids.contains(&"echo".into()) && ids.contains(&"b/echo".into()),
            "{ids:?}"
        );
    }
}
