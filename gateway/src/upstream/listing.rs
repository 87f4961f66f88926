//! The models of all upstreams, under the names by which clients call them.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use arc_swap::ArcSwapOption;
use bytes::Bytes;
use futures_util::future::join_all;
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use heimdall_host::json::Document;
use heimdall_host::model::LlmError;
use serde_json::json;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::models::{Known, LIST_TIMEOUT, Model};
use super::registry::Upstreams;
use super::routing::Routing;
use super::{Target, UpstreamError};
use crate::text::shortened;

/// How long the list waits for an upstream, if another one has something to list.
const LIST_PATIENCE: Duration = Duration::from_secs(2);

/// The aliases, each as a model in OpenAI's shape.
pub(super) fn aliases(routing: &Routing) -> anyhow::Result<BTreeMap<String, Document>> {
    let model = |(alias, upstream): (&str, &str)| {
        let model = json!({"id": alias, "object": "model", "created": 0, "owned_by": upstream}).to_string();
        let model = Document::parse(model).with_context(|| format!("the alias {alias:?} can't be listed"))?;
        Ok((alias.to_owned(), model))
    };
    routing.aliases().map(model).collect()
}

/// The models of one upstream; none: they are not known.
type List = Option<Arc<[Model]>>;

/// The list of all models as it was last made: it can be large, and clients ask for it more often than it changes.
#[derive(Default)]
pub(super) struct Merged {
    last: ArcSwapOption<Made>,
    making: Mutex<()>,
}

struct Made {
    of: Vec<List>,
    list: Bytes,
}

impl Merged {
    async fn of(&self, lists: Vec<List>, make: impl FnOnce(&[List]) -> Bytes) -> Bytes {
        let made = || {
            let last = self.last.load();
            let made = last.as_ref().filter(|made| is_same(&made.of, &lists))?;
            Some(made.list.clone())
        };
        if let Some(list) = made() {
            return list;
        }
        let _making = self.making.lock().await;
        if let Some(list) = made() {
            return list;
        }
        let list = make(&lists);
        self.last.store(Some(Arc::new(Made {
            list: list.clone(),
            of: lists,
        })));
        list
    }
}

/// Whether these are the same lists, not only equal ones.
fn is_same(left: &[List], right: &[List]) -> bool {
    left.len() == right.len()
        && left.iter().zip(right).all(|pair| match pair {
            (Some(left), Some(right)) => Arc::ptr_eq(left, right),
            (None, None) => true,
            _ => false,
        })
}

impl Upstreams {
    /// OpenAI's list of the models of every upstream, under the names by which clients call them, and the aliases: those
    /// that lead to them as they are, others as `upstream/model`. An upstream that is slow or fails is listed as it was
    /// known before, unless nothing is known of any.
    ///
    /// # Errors
    /// The first upstream's error, if there is nothing to list.
    pub(crate) async fn models(&self) -> Result<Bytes, UpstreamError> {
        self.wait_for_lists().await;
        let (mut lists, mut first_error) = (Vec::new(), None);
        for member in self.by_name.values() {
            let known = member.models.known();
            if known.models.is_none() {
                first_error.get_or_insert_with(|| known.error.unwrap_or_else(|| member.models.late()));
            }
            lists.push(known.models);
        }
        match first_error {
            Some(error) if lists.iter().flatten().all(|list| list.is_empty()) => Err(error),
            _ => Ok(self.merged.of(lists, |lists| self.merge(lists)).await),
        }
    }

    async fn wait_for_lists(&self) {
        let now = Instant::now();
        let members = || self.by_name.values();
        join_all(members().map(|member| member.models.soon(now + LIST_PATIENCE))).await;
        if members().any(|member| member.models.known().models.is_some()) {
            return;
        }
        let lists = members().map(|member| member.models.by(now + LIST_TIMEOUT));
        let mut lists: FuturesUnordered<_> = lists.collect();
        while let Some(known) = lists.next().await {
            if known.models.is_some() {
                break;
            }
        }
    }

    fn merge(&self, lists: &[List]) -> Bytes {
        let mut listed = Vec::new();
        for (name, models) in self.by_name.keys().zip(lists) {
            let models = models.iter().flat_map(|models| models.iter());
            listed.extend(models.map(|model| self.called(name, model)));
        }
        let models = self.with_aliases(listed);
        let models: Vec<&str> = models.iter().map(Document::as_str).collect();
        format!(r#"{{"object":"list","data":[{}]}}"#, models.join(",")).into()
    }

    /// One model, by a name that clients call it by.
    ///
    /// # Errors
    /// When there is none, or its upstream can't be asked.
    pub(crate) async fn model(&self, id: &str) -> Result<Document, LlmError> {
        if let Some(alias) = self.aliases.get(id) {
            return Ok(alias.clone());
        }
        let choice = self.routing.choose(id).ok_or_else(|| no_model(id))?;
        let member = self.get(&choice.target.upstream)?;
        let patience = Instant::now() + LIST_TIMEOUT;
        let found = |known: &Known| {
            let mut models = known.models.iter().flat_map(|models| models.iter());
            let model = models.find(|model| *model.id == *choice.target.model)?;
            Some(renamed(model, id))
        };
        if let Some(model) = found(&member.models.soon(patience).await) {
            return Ok(model);
        }
        // What an old list does not have may be new.
        let known = member.models.by(patience).await;
        if known.models.is_none() {
            return Err(LlmError::from(&known.error.unwrap_or_else(|| member.models.late())));
        }
        found(&known).ok_or_else(|| no_model(id))
    }

    /// The model under the name that clients call it by.
    fn called(&self, upstream: &Arc<str>, model: &Model) -> (String, Document) {
        let leads_there = |target: &Target| target.upstream == *upstream && *target.model == *model.id;
        let is_plain = self
            .routing
            .choose(&model.id)
            .is_some_and(|choice| leads_there(&choice.target));
        let id = if is_plain {
            model.id.clone()
        } else {
            format!("{upstream}/{}", model.id)
        };
        let document = renamed(model, &id);
        (id, document)
    }

    fn with_aliases(&self, listed: Vec<(String, Document)>) -> Vec<Document> {
        let ids: HashSet<&str> = listed.iter().map(|(id, _)| id.as_str()).collect();
        let aliases = self.aliases.iter().filter(|(alias, _)| !ids.contains(alias.as_str()));
        let aliases: Vec<Document> = aliases.map(|(_, model)| model.clone()).collect();
        listed
            .into_iter()
            .map(|(_, document)| document)
            .chain(aliases)
            .collect()
    }
}

fn renamed(model: &Model, id: &str) -> Document {
    let mut document = model.document.clone();
    if model.id != id {
        // The member is there, so it can be set.
        let _unchanged = document.set("/id", &Document::string(id));
    }
    document
}

fn no_model(id: &str) -> LlmError {
    LlmError {
        message: format!("The model '{}' does not exist.", shortened(id)),
        kind: Some("invalid_request_error".to_owned()),
        code: Some("model_not_found".to_owned()),
        param: Some("model".to_owned()),
        status: Some(404),
        ..LlmError::default()
    }
}
