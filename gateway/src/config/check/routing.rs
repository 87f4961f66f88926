//! Where calls go: what the types can't say of it.

use std::collections::{BTreeMap, HashSet};

use super::Table;
use crate::config::bounds::MAX_RETRIES;
use crate::config::tree::Step;
use crate::config::{Config, ConfigError, RouteConfig, UpstreamConfig, glob_set, upstream_and_model};
use crate::server::is_own_path;
use crate::text::closest;

/// The start of every path that is passed on.
const API: &str = "/v1/";

pub(super) fn check(config: &Config, root: &Table<'_>) -> Result<(), ConfigError> {
    let upstreams = Names(&config.upstreams);
    for (name, upstream) in &config.upstreams {
        let table = root.table(&[Step::Key("upstreams".into()), Step::Key(name.clone())]);
        if upstream.retries > MAX_RETRIES {
            return Err(table.refuse("retries", format!("is above {MAX_RETRIES}")));
        }
        upstreams.check_list(&table, "fallbacks", &upstream.fallbacks)?;
    }
    check_circles(config, root)?;
    check_aliases(config, &upstreams, root)?;
    for (index, route) in config.routes.iter().enumerate() {
        check_route(
            route,
            &upstreams,
            &root.table(&[Step::Key("routes".into()), Step::Index(index)]),
        )?;
    }
    for (index, entry) in config.passthrough.iter().enumerate() {
        let table = root.table(&[Step::Key("passthrough".into()), Step::Index(index)]);
        check_path(&entry.path, &table)?;
        match &entry.upstream {
            Some(name) => upstreams.check(&table, "upstream", name)?,
            None if config.default_upstream.is_none() && config.upstreams.len() > 1 => {
                let problem = "is missing: there are several upstreams and no `default_upstream`";
                return Err(table.missing("upstream", problem));
            }
            None => {}
        }
    }
    Ok(())
}

/// The upstreams that can be named.
struct Names<'a>(&'a BTreeMap<String, UpstreamConfig>);

impl Names<'_> {
    fn has(&self, name: &str) -> bool {
        self.0.contains_key(name) || (self.0.is_empty() && name == "echo")
    }

    fn check(&self, table: &Table<'_>, key: &str, name: &str) -> Result<(), ConfigError> {
        if self.has(name) {
            return Ok(());
        }
        Err(table.refuse(key, self.unknown(name)))
    }

    /// A place as in `upstream/model` or `upstream`.
    fn check_place(&self, table: &Table<'_>, key: &str, place: &str) -> Result<(), ConfigError> {
        if upstream_and_model(place, |name| self.has(name)).is_some() {
            return Ok(());
        }
        let name = place.split_once('/').map_or(place, |(name, _)| name);
        let problem = if self.has(name) {
            format!("names no model behind the `/` in {place:?}; without the `/` the call's own model is asked")
        } else {
            self.unknown(name)
        };
        Err(table.refuse(key, problem))
    }

    fn check_list(&self, table: &Table<'_>, key: &str, places: &[String]) -> Result<(), ConfigError> {
        places.iter().try_for_each(|place| self.check_place(table, key, place))
    }

    fn unknown(&self, name: &str) -> String {
        if let Some(known) = closest(name, self.0.keys().map(String::as_str)) {
            return format!("names no upstream with {name:?}; did you mean `{known}`?");
        }
        let names: Vec<&str> = self.0.keys().map(String::as_str).collect();
        let there = if names.is_empty() {
            "echo".to_owned()
        } else {
            names.join(", ")
        };
        format!("names no upstream with {name:?}; there are: {there}")
    }
}

fn check_route(route: &RouteConfig, upstreams: &Names<'_>, table: &Table<'_>) -> Result<(), ConfigError> {
    if route.models.is_empty() {
        return Err(table.refuse("models", "is empty: no model would match; `[\"*\"]` matches every one"));
    }
    if route.models.iter().any(String::is_empty) {
        return Err(table.refuse("models", "holds an empty pattern, which no model matches"));
    }
    glob_set(&route.models)
        .map_err(|error| table.refuse("models", format!("has a pattern that can't be read: {error}")))?;
    if route.model.as_ref().is_some_and(String::is_empty) {
        return Err(table.refuse("model", "is empty"));
    }
    upstreams.check(table, "upstream", &route.upstream)?;
    upstreams.check_list(table, "fallbacks", route.fallbacks.as_deref().unwrap_or_default())
}

fn check_path(path: &str, table: &Table<'_>) -> Result<(), ConfigError> {
    if !path.starts_with(API) || path == API {
        return Err(table.refuse("path", format!("has to start with `{API}`, as in `/v1/files*`")));
    }
    if is_own_path(path) {
        return Err(table.refuse("path", "is one that Heimdall answers itself: it is never passed on"));
    }
    glob_set(&[path.to_owned()]).map_err(|error| table.refuse("path", format!("can't be read: {error}")))?;
    Ok(())
}

fn check_aliases(config: &Config, upstreams: &Names<'_>, root: &Table<'_>) -> Result<(), ConfigError> {
    let table = root.table(&[Step::Key("aliases".into())]);
    for (alias, place) in &config.aliases {
        if alias.is_empty() {
            return Err(table.refuse(alias, "is no name for a model: it is empty"));
        }
        if upstreams.has(alias) {
            return Err(table.refuse(alias, "is the name of an upstream; give the alias another one"));
        }
        if upstream_and_model(place, |name| upstreams.has(name)).is_none() && config.aliases.contains_key(place) {
            let problem = format!("stands for {place:?}, which is an alias too: write what that one stands for");
            return Err(table.refuse(alias, problem));
        }
        upstreams.check_place(&table, alias, place)?;
    }
    Ok(())
}

/// Upstreams whose fallbacks lead back to them. Another model of the same upstream is no circle.
fn check_circles(config: &Config, root: &Table<'_>) -> Result<(), ConfigError> {
    for name in config.upstreams.keys() {
        let mut way = Way {
            steps: vec![name],
            seen: HashSet::new(),
        };
        let Some(circle) = way.back(config) else { continue };
        let table = root.table(&[Step::Key("upstreams".into()), Step::Key(name.clone())]);
        return Err(table.refuse("fallbacks", format!("go in a circle: {circle}")));
    }
    Ok(())
}

/// A way from upstream to upstream.
struct Way<'a> {
    steps: Vec<&'a str>,
    seen: HashSet<&'a str>,
}

impl<'a> Way<'a> {
    /// The way back to where this one began, in words, if there is one.
    fn back(&mut self, config: &'a Config) -> Option<String> {
        let (first, last) = (*self.steps.first()?, *self.steps.last()?);
        for place in &config.upstreams.get(last)?.fallbacks {
            let Some((next, model)) = upstream_and_model(place, |name| config.upstreams.contains_key(name)) else {
                continue;
            };
            if next == last && model.is_some() {
                continue;
            }
            self.steps.push(next);
            if next == first {
                return Some(self.steps.join(" → "));
            }
            if self.seen.insert(next)
                && let Some(circle) = self.back(config)
            {
                return Some(circle);
            }
            self.steps.pop();
        }
        None
    }
}
