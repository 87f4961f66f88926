//! Which upstream a model means, and where a call goes that failed there.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use anyhow::{Context as _, anyhow};
use globset::GlobSet;

use super::registry::ECHO;
use crate::config::{Config, glob_set, upstream_and_model};

/// Where one attempt goes, as the configuration has it: plugins may still change it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) upstream: Arc<str>,
    pub(crate) model: Arc<str>,
}

/// A place of the configuration: an upstream, and the model that is asked there if it is not the call's own.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Place {
    upstream: Arc<str>,
    model: Option<Arc<str>>,
}

impl Place {
    /// This place for a call of `model`.
    pub(crate) fn target(&self, model: &str) -> Target {
        Target {
            upstream: self.upstream.clone(),
            model: self.model.clone().unwrap_or_else(|| model.into()),
        }
    }
}

/// Where a call goes.
#[derive(Debug)]
pub(crate) struct Choice {
    pub(crate) target: Target,
    /// The rule's own fallbacks; none: those of the upstream.
    pub(crate) fallbacks: Option<Arc<[Place]>>,
}

struct Rule {
    models: GlobSet,
    place: Place,
    fallbacks: Option<Arc<[Place]>>,
}

pub(crate) struct Routing {
    /// Every upstream with its fallbacks, in the order in which they are tried: those of fallbacks among them.
    upstreams: BTreeMap<Arc<str>, Arc<[Place]>>,
    aliases: HashMap<Box<str>, Place>,
    rules: Vec<Rule>,
    default: Option<Arc<str>>,
    /// Paths that are passed on, and to whom.
    passed_on: Vec<(GlobSet, Arc<str>)>,
}

impl Routing {
    /// The routing of a configuration, where its upstreams are not called.
    ///
    /// # Errors
    /// As [`Routing::new`].
    pub(crate) fn of(config: &Config) -> anyhow::Result<Routing> {
        let mut names: Vec<Arc<str>> = config.upstreams.keys().map(|name| name.as_str().into()).collect();
        if names.is_empty() {
            names.push(ECHO.into());
        }
        Routing::new(config, names.iter())
    }

    /// The routing between upstreams of these names.
    ///
    /// # Errors
    /// When the configuration names an upstream that is not there, or has a pattern that can't be read.
    pub(super) fn new<'a>(config: &Config, names: impl Iterator<Item = &'a Arc<str>>) -> anyhow::Result<Routing> {
        let mut routing = Routing {
            upstreams: names.map(|name| (name.clone(), Arc::default())).collect(),
            aliases: HashMap::new(),
            rules: Vec::new(),
            default: None,
            passed_on: Vec::new(),
        };
        let chains = config.upstreams.keys().map(|name| {
            let mut chain = Chain::default();
            chain.follow(&routing, config, name, None)?;
            Ok((name.as_str().into(), chain.places.into()))
        });
        let chains: Vec<(Arc<str>, Arc<[Place]>)> = chains.collect::<anyhow::Result<_>>()?;
        for (alias, place) in &config.aliases {
            let place = routing.place(place)?;
            routing.aliases.insert(alias.as_str().into(), place);
        }
        for route in &config.routes {
            let place = Place {
                model: route.model.as_deref().map(Arc::from),
                ..routing.place(&route.upstream)?
            };
            let fallbacks = route
                .fallbacks
                .as_ref()
                .map(|places| routing.places(places))
                .transpose()?;
            routing.rules.push(Rule {
                models: glob_set(&route.models)?,
                place,
                fallbacks: fallbacks.map(Arc::from),
            });
        }
        let only = routing.upstreams.keys().next().filter(|_| routing.upstreams.len() == 1);
        routing.default = config
            .default_upstream
            .as_deref()
            .map(Arc::from)
            .or_else(|| only.cloned());
        for entry in &config.passthrough {
            let upstream = match &entry.upstream {
                Some(name) => routing.place(name)?.upstream,
                None => routing
                    .default
                    .clone()
                    .context("`passthrough` needs a `default_upstream`")?,
            };
            let path = glob_set(std::slice::from_ref(&entry.path))?;
            routing.passed_on.push((path, upstream));
        }
        routing.upstreams.extend(chains);
        Ok(routing)
    }

    /// Where a call of this model goes: see the configuration's `routes`. A first part that is no upstream's name
    /// belongs to the model. None: nowhere.
    pub(crate) fn choose(&self, model: &str) -> Option<Choice> {
        if let Some(place) = self.aliases.get(model) {
            return Some(by_upstream(place.target(model)));
        }
        if let Some((first, rest)) = model.split_once('/')
            && let Some((upstream, _)) = self.upstreams.get_key_value(first)
            && !rest.is_empty()
        {
            return Some(by_upstream(Target {
                upstream: upstream.clone(),
                model: rest.into(),
            }));
        }
        if let Some(rule) = self.rules.iter().find(|rule| rule.models.is_match(model)) {
            return Some(Choice {
                target: rule.place.target(model),
                fallbacks: rule.fallbacks.clone(),
            });
        }
        let upstream = self.default.clone()?;
        let model = model.into();
        Some(by_upstream(Target { upstream, model }))
    }

    /// The fallbacks of an upstream, in the order in which they are tried.
    pub(super) fn fallbacks(&self, upstream: &str) -> Arc<[Place]> {
        self.upstreams.get(upstream).cloned().unwrap_or_default()
    }

    /// Where models go that nothing else says anything of.
    pub(super) fn default(&self) -> Option<&Arc<str>> {
        self.default.as_ref()
    }

    /// The upstream to which a path is passed on: that of the first pattern which it matches.
    pub(super) fn passes_on(&self, path: &str) -> Option<&Arc<str>> {
        let entry = self.passed_on.iter().find(|(pattern, _)| pattern.is_match(path));
        entry.map(|(_, upstream)| upstream)
    }

    /// Further names of models, with the upstream of each.
    pub(super) fn aliases(&self) -> impl Iterator<Item = (&str, &str)> {
        self.aliases.iter().map(|(alias, place)| (&**alias, &*place.upstream))
    }

    fn place(&self, text: &str) -> anyhow::Result<Place> {
        let place = upstream_and_model(text, |name| self.upstreams.contains_key(name));
        let (upstream, model) = place.ok_or_else(|| anyhow!("{text:?} names no upstream"))?;
        let (upstream, _) = self.upstreams.get_key_value(upstream).context("an upstream is gone")?;
        Ok(Place {
            upstream: upstream.clone(),
            model: model.map(Arc::from),
        })
    }

    fn places(&self, texts: &[String]) -> anyhow::Result<Vec<Place>> {
        texts.iter().map(|text| self.place(text)).collect()
    }
}

fn by_upstream(target: Target) -> Choice {
    Choice {
        target,
        fallbacks: None,
    }
}

/// The fallbacks of an upstream, and theirs.
#[derive(Default)]
struct Chain {
    places: Vec<Place>,
    seen: HashSet<Place>,
}

impl Chain {
    /// Adds the fallbacks of an upstream, each followed by its own. What was asked for there goes on, unless a fallback
    /// names another model. A place that was seen ends its branch.
    fn follow(
        &mut self,
        routing: &Routing,
        config: &Config,
        name: &str,
        model: Option<&Arc<str>>,
    ) -> anyhow::Result<()> {
        self.seen.insert(Place {
            model: model.cloned(),
            ..routing.place(name)?
        });
        let fallbacks = config.upstreams.get(name).map(|upstream| upstream.fallbacks.as_slice());
        for fallback in routing.places(fallbacks.unwrap_or_default())? {
            let place = Place {
                model: fallback.model.or_else(|| model.cloned()),
                ..fallback
            };
            if self.seen.insert(place.clone()) {
                self.places.push(place.clone());
                self.follow(routing, config, &place.upstream, place.model.as_ref())?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{RouteConfig, UpstreamConfig};

    /// Upstreams of these names with their fallbacks.
    fn config(upstreams: &[(&str, &[&str])]) -> Config {
        let upstream = |(name, fallbacks): &(&str, &[&str])| {
            let fallbacks = fallbacks.iter().map(|place| (*place).to_owned()).collect();
            let config = UpstreamConfig {
                fallbacks,
                ..UpstreamConfig::default()
            };
            ((*name).to_owned(), config)
        };
        Config {
            upstreams: upstreams.iter().map(upstream).collect(),
            ..Config::default()
        }
    }

    fn routing(config: &Config) -> Routing {
        let names: Vec<Arc<str>> = config.upstreams.keys().map(|name| name.as_str().into()).collect();
        Routing::new(config, names.iter()).unwrap()
    }

    fn route(models: &[&str], upstream: &str, model: Option<&str>) -> RouteConfig {
        RouteConfig {
            models: models.iter().map(|model| (*model).to_owned()).collect(),
            upstream: upstream.to_owned(),
            model: model.map(str::to_owned),
            fallbacks: None,
        }
    }

    /// `upstream model` for each place, `-` for the call's own model.
    fn written(places: &[Place]) -> Vec<String> {
        let text = |place: &Place| format!("{} {}", place.upstream, place.model.as_deref().unwrap_or("-"));
        places.iter().map(text).collect()
    }

    #[test]
    fn an_alias_goes_before_an_upstreams_name_that_before_a_rule_and_that_before_the_default() {
        let mut config = config(&[("a", &[]), ("b", &[]), ("c", &[])]);
        config.default_upstream = Some("c".to_owned());
        config.aliases = [("a/fast", "b/small"), ("gpt-x", "b"), ("smart", "a/org/big")]
            .map(|(alias, place)| (alias.to_owned(), place.to_owned()))
            .into();
        config.routes = vec![
            route(&["gpt-?", "o*"], "a", None),
            route(&["o1", "meta/*"], "b", Some("m")),
        ];
        let routing = routing(&config);
        let cases = [
            ("a/fast", "b", "small"),
            ("gpt-x", "b", "gpt-x"),
            ("smart", "a", "org/big"),
            ("a/gpt-x", "a", "gpt-x"),
            ("gpt-4", "a", "gpt-4"),
            ("gpt-44", "c", "gpt-44"),
            ("o1", "a", "o1"),
            ("meta/llama/3", "b", "m"),
            ("b/", "c", "b/"),
            ("", "c", ""),
        ];
        for (model, upstream, asked) in cases {
            let target = routing.choose(model).unwrap().target;
            assert_eq!((&*target.upstream, &*target.model), (upstream, asked), "{model}");
        }
    }

    #[test]
    fn a_fallback_brings_its_own_before_the_next_one() {
        let config = config(&[("a", &["b/m", "c"]), ("b", &["d", "c/n"]), ("c", &["d"]), ("d", &[])]);
        let routing = routing(&config);
        assert_eq!(
            written(&routing.fallbacks("a")),
            ["b m", "d m", "c n", "d n", "c -", "d -"]
        );
        assert_eq!(written(&routing.fallbacks("c")), ["d -"]);
        assert_eq!(written(&routing.fallbacks("d")), [""; 0]);
    }

    #[test]
    fn an_upstream_may_fall_back_to_another_model_of_its_own() {
        let routing = routing(&config(&[("a", &["a/small", "a/tiny"])]));
        assert_eq!(written(&routing.fallbacks("a")), ["a small", "a tiny"]);
    }

    #[test]
    fn a_rules_own_fallbacks_bring_no_others() {
        let mut config = config(&[("a", &["c"]), ("b", &["c"]), ("c", &[])]);
        config.routes = vec![RouteConfig {
            fallbacks: Some(vec!["b/n".to_owned()]),
            ..route(&["m"], "a", None)
        }];
        let choice = routing(&config).choose("m").unwrap();
        assert_eq!(written(&choice.fallbacks.unwrap()), ["b n"]);
    }
}
