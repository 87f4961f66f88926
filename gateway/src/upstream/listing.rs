//! The models of all upstreams, under the names by which clients call them.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use futures_util::future::join_all;
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use heimdall_host::json::Document;
use heimdall_host::model::LlmError;
use serde_json::json;
use tokio::time::Instant;

use super::models::{LIST_TIMEOUT, Model};
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

impl Upstreams {
    /// The models of every upstream, under the names by which clients call them, and the aliases: those that lead to
    /// them as they are, others as `upstream/model`. An upstream that is slow is listed as it was known before, one that
    /// fails too, unless all do.
    ///
    /// # Errors
    /// The first upstream's error, if there is nothing to list.
    pub(crate) async fn models(&self) -> Result<Vec<Document>, UpstreamError> {
        let now = Instant::now();
        join_all(
            self.by_name
                .values()
                .map(|member| member.models.by(now + LIST_PATIENCE)),
        )
        .await;
        if self
            .by_name
            .values()
            .all(|member| member.models.known().models.is_none())
        {
            let lists = self.by_name.values().map(|member| member.models.by(now + LIST_TIMEOUT));
            let mut lists: FuturesUnordered<_> = lists.collect();
            while let Some(known) = lists.next().await {
                if known.models.is_some() {
                    break;
                }
            }
        }
        let mut listed = Vec::new();
        let mut first_error = None;
        for (name, member) in &self.by_name {
            let known = member.models.known();
            match &known.models {
                Some(models) => listed.extend(models.iter().map(|model| self.called(name, model))),
                None => _ = first_error.get_or_insert_with(|| known.error.unwrap_or_else(|| member.models.late())),
            }
        }
        match first_error {
            Some(error) if listed.is_empty() => Err(error),
            _ => Ok(self.with_aliases(listed)),
        }
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
        let known = member.models.by(Instant::now() + LIST_TIMEOUT).await;
        let Some(models) = known.models else {
            return Err(LlmError::from(&known.error.unwrap_or_else(|| member.models.late())));
        };
        let model = models.iter().find(|model| *model.id == *choice.target.model);
        model.map(|model| renamed(model, id)).ok_or_else(|| no_model(id))
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
