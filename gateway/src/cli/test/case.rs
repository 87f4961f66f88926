//! The cases as they are written: their keys, and what can be wrong with them before anything runs.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use super::json::Json;
use crate::cli::recorded::{Recorded, RecordedResponse, model_request, resolved};
use crate::config::{ConfigError, Item, read_items};

/// A case as its file has it.
#[derive(Deserialize)]
pub(super) struct Written {
    name: Option<String>,
    config: Option<Json>,
    #[serde(default)]
    before: Vec<Neighbour>,
    #[serde(default)]
    after: Vec<Neighbour>,
    #[serde(default)]
    context: BTreeMap<String, Json>,
    request: Option<Json>,
    response: Option<Json>,
    expect: Expect,
}

/// Another plugin of the pipeline.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Neighbour {
    /// From the case's file on.
    pub(super) path: PathBuf,
    pub(super) name: Option<String>,
    pub(super) config: Option<Json>,
}

/// What a case looks at. What is a pattern keeps its own null; anything else that says nothing is refused, or it would
/// look as if something were looked at.
#[derive(Deserialize, Serialize)]
struct Expect {
    #[serde(default, deserialize_with = "said", skip_serializing_if = "Option::is_none")]
    outcome: Option<Outcome>,
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    upstream: Option<Option<ExpectUpstream>>,
    #[serde(default, deserialize_with = "said", skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(default, deserialize_with = "filled", skip_serializing_if = "Map::is_empty")]
    headers: Map<String, Value>,
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    body: Option<Value>,
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    text: Option<Value>,
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    events: Option<Value>,
    #[serde(default, deserialize_with = "filled", skip_serializing_if = "Map::is_empty")]
    context: Map<String, Value>,
    #[serde(default, deserialize_with = "filled", skip_serializing)]
    log: Vec<String>,
    #[serde(default, deserialize_with = "said", skip_serializing)]
    load_error: Option<String>,
}

#[derive(Deserialize, Serialize)]
struct ExpectUpstream {
    #[serde(default, deserialize_with = "said", skip_serializing_if = "Option::is_none")]
    provider: Option<String>,
    #[serde(default, deserialize_with = "said", skip_serializing_if = "Option::is_none")]
    model: Option<String>,
    #[serde(default, deserialize_with = "filled", skip_serializing_if = "Map::is_empty")]
    headers: Map<String, Value>,
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    body: Option<Value>,
}

/// What plugins made of the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Outcome {
    /// It went to the upstream, and the upstream's answer back.
    Passed,
    /// A plugin answered in the model's place.
    Answered,
    /// A plugin replied before anything was routed.
    Responded,
    Refused,
    /// A hook failed.
    Failed,
}

/// A value that is written, be it null.
fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(reader: D) -> Result<Option<T>, D::Error> {
    T::deserialize(reader).map(Some)
}

/// A value that is written, and not null.
fn said<'de, D: Deserializer<'de>, T: Deserialize<'de>>(reader: D) -> Result<Option<T>, D::Error> {
    let said = Option::<T>::deserialize(reader)?;
    said.map(Some)
        .ok_or_else(|| D::Error::custom("null says nothing to look at: leave the key out, or say what is expected"))
}

/// An object or a list that has something in it.
fn filled<'de, D, T>(reader: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default + PartialEq,
{
    let filled = Option::<T>::deserialize(reader)?;
    filled
        .filter(|value| *value != T::default())
        .ok_or_else(|| D::Error::custom("it names nothing to look at: leave the key out, or say what is expected"))
}

/// A case that can be run.
pub(super) struct Case {
    pub(super) name: String,
    /// Its file, and the place in it.
    pub(super) file: PathBuf,
    pub(super) place: String,
    pub(super) config: Option<Json>,
    pub(super) before: Vec<Neighbour>,
    pub(super) after: Vec<Neighbour>,
    pub(super) context: BTreeMap<String, Json>,
    pub(super) looks: Looks,
}

/// What a case looks at.
pub(super) enum Looks {
    /// What a request comes to.
    Request(Box<Exchange>),
    /// The text with which the plugin is not loaded.
    LoadError(String),
}

pub(super) struct Exchange {
    pub(super) recorded: Recorded,
    /// The pattern of all but the log.
    pub(super) pattern: Value,
    pub(super) log: Vec<String>,
    /// Whether it says what a failing hook comes to.
    pub(super) names_outcome: bool,
}

/// Reads the cases of one file.
pub(super) fn read(file: &Path) -> Result<Vec<Case>, ConfigError> {
    let items = read_items::<Written>(file)?;
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    let several = items.len() > 1;
    let named = items.into_iter().zip(1_usize..).map(|(item, number)| {
        let default = match several {
            true => format!("{stem}#{number}"),
            false => stem.to_string(),
        };
        case(file, default, item)
    });
    named.collect()
}

fn case(file: &Path, default: String, mut item: Item<Written>) -> Result<Case, ConfigError> {
    let looks = match item.value.expect.load_error.clone() {
        Some(error) => Looks::LoadError(only_load_error(&item, error)?),
        None => Looks::Request(Box::new(exchange(&item)?)),
    };
    let folder = file.parent().unwrap_or(Path::new(""));
    let neighbours = item.value.before.iter_mut().chain(&mut item.value.after);
    neighbours.for_each(|neighbour| neighbour.path = folder.join(&neighbour.path));
    let place = item.place().to_string();
    let written = item.value;
    Ok(Case {
        name: written.name.unwrap_or(default),
        file: file.to_owned(),
        place,
        config: written.config,
        before: written.before,
        after: written.after,
        context: written.context,
        looks,
    })
}

fn only_load_error(item: &Item<Written>, error: String) -> Result<String, ConfigError> {
    let (pattern, written) = (pattern(item)?, &item.value);
    let others = pattern.as_object().is_some_and(|members| !members.is_empty()) || !written.expect.log.is_empty();
    if others {
        let problem = "has `load_error`: a plugin that is not loaded leaves nothing else to look at".to_owned();
        return Err(item.wrong("expect", None, problem));
    }
    Ok(error)
}

fn exchange(item: &Item<Written>) -> Result<Exchange, ConfigError> {
    let (pattern, written) = (pattern(item)?, &item.value);
    if pattern.as_object().is_some_and(Map::is_empty) && written.expect.log.is_empty() {
        let problem = "names nothing to look at, so that the case could not fail".to_owned();
        return Err(item.wrong("expect", None, problem));
    }
    let Some(request) = &written.request else {
        let problem = "is missing: what is sent to the plugin?".to_owned();
        return Err(item.wrong("request", None, problem));
    };
    let mut recorded = Recorded::parse(request.bytes()).map_err(|problem| item.wrong("request", None, problem))?;
    if let Some(response) = &written.response {
        let response = RecordedResponse::parse(response.bytes());
        recorded.response = Some(response.map_err(|problem| item.wrong("response", None, problem))?);
    }
    let is_stream = recorded
        .response
        .as_ref()
        .is_some_and(|response| response.events.is_some());
    if is_stream && !asks_for_stream(&recorded) {
        let problem = "is a stream, and the request asks for none: its body needs `\"stream\": true`".to_owned();
        return Err(item.wrong("response", None, problem));
    }
    Ok(Exchange {
        recorded,
        pattern,
        log: written.expect.log.clone(),
        names_outcome: written.expect.outcome.is_some(),
    })
}

fn asks_for_stream(recorded: &Recorded) -> bool {
    let request = model_request(&recorded.http, false, |model| Some(resolved(model, None)));
    request.is_ok_and(|request| request.streaming())
}

/// What is expected, as one pattern; names of headers as they are told.
fn pattern(item: &Item<Written>) -> Result<Value, ConfigError> {
    let problem = |error: serde_json::Error| item.wrong("expect", None, format!("can't be read: {error}"));
    let mut pattern = serde_json::to_value(&item.value.expect).map_err(problem)?;
    for (pointer, key) in [
        ("/headers", "expect.headers"),
        ("/upstream/headers", "expect.upstream.headers"),
    ] {
        if let Some(Value::Object(headers)) = pattern.pointer_mut(pointer) {
            for (name, value) in std::mem::take(headers) {
                let name = name.to_ascii_lowercase();
                if headers.contains_key(&name) {
                    let problem =
                        format!("has `{key}` with the header `{name}` twice: upper and lower case are the same");
                    return Err(item.wrong("expect", None, problem));
                }
                headers.insert(name, value);
            }
        }
    }
    Ok(pattern)
}
