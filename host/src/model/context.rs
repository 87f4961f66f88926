//! One request's journey: values that hooks leave for later hooks of any plugin.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::EditError;
use crate::json::{Document, Numbers, same};

/// The key of the request's id, which is always there and never set.
const REQUEST_ID: &str = "request_id";

/// The values that travel with one request through every hook of every plugin. A draft is a clone.
///
/// The default is what there is outside of a request: its id is empty, and nothing can be set.
#[derive(Debug, Clone, Default)]
pub struct Context(Option<Arc<Parts>>);

#[derive(Debug, Clone)]
struct Parts {
    request_id: Arc<str>,
    max_bytes: usize,
    /// Of all keys and values.
    bytes: usize,
    values: BTreeMap<Arc<str>, Document>,
    /// The keys that are the host's, besides the request's id.
    told: BTreeSet<Arc<str>>,
}

impl Context {
    /// The context of a request that just arrived. Keys and values together may have `max_bytes`.
    pub fn new(request_id: &str, max_bytes: usize) -> Context {
        Context(Some(Arc::new(Parts {
            request_id: request_id.into(),
            max_bytes,
            bytes: 0,
            values: BTreeMap::new(),
            told: BTreeSet::new(),
        })))
    }

    fn values(&self) -> Option<&BTreeMap<Arc<str>, Document>> {
        self.0.as_ref().map(|parts| &parts.values)
    }

    /// The id that is in logs, traces and the `x-request-id` header.
    pub fn request_id(&self) -> &str {
        self.0.as_ref().map_or("", |parts| &parts.request_id)
    }

    /// The value of a key; `request_id` always has one.
    pub fn get(&self, key: &str) -> Option<Document> {
        if key == REQUEST_ID {
            Some(Document::string(self.request_id()))
        } else {
            self.values()?.get(key).cloned()
        }
    }

    /// Whether a key is the host's: plugins read it, and can't change it.
    pub fn is_hosts(&self, key: &str) -> bool {
        key == REQUEST_ID || self.0.as_ref().is_some_and(|parts| parts.told.contains(key))
    }

    /// Sets the value of a key that is the host's from then on.
    ///
    /// # Errors
    /// As [`Context::set`].
    pub fn tell(&mut self, key: &str, value: Document) -> Result<(), EditError> {
        self.set(key, value)?;
        if let Some(parts) = &mut self.0 {
            Arc::make_mut(parts).told.insert(key.into());
        }
        Ok(())
    }

    /// Sets the value of a key.
    ///
    /// # Errors
    /// [`EditError::Other`] for a key that is the host's, unless the value is the one it has; [`EditError::TooLarge`] where
    /// the whole context would outgrow its cap.
    pub fn set(&mut self, key: &str, value: Document) -> Result<(), EditError> {
        if self.is_hosts(key) {
            return match self.get(key) {
                Some(old) if same(old.root(), value.root(), Numbers::Exact) => Ok(()),
                _ => Err(EditError::Other(format!("`{key}` is the host's and can't be set"))),
            };
        }
        let before = self.size_of(key);
        let Some(parts) = &mut self.0 else {
            return Err(EditError::TooLarge(0));
        };
        let size = parts.bytes - before + key.len() + value.len();
        if size > parts.max_bytes {
            return Err(EditError::TooLarge(u32::try_from(parts.max_bytes).unwrap_or(u32::MAX)));
        }
        let parts = Arc::make_mut(parts);
        parts.values.insert(key.into(), value);
        parts.bytes = size;
        Ok(())
    }

    /// Removes a key; one that is the host's stays.
    pub fn remove(&mut self, key: &str) {
        if self.is_hosts(key) {
            return;
        }
        let size = self.size_of(key);
        if let Some(parts) = self.0.as_mut().filter(|parts| parts.values.contains_key(key)) {
            let parts = Arc::make_mut(parts);
            parts.values.remove(key);
            parts.bytes -= size;
        }
    }

    /// What a key takes of the cap; 0 where it is not there.
    fn size_of(&self, key: &str) -> usize {
        let value = self.values().and_then(|values| values.get(key));
        value.map_or(0, |value| key.len() + value.len())
    }

    /// The keys in alphabetical order, `request_id` among them.
    pub fn keys(&self) -> Vec<String> {
        let mut keys: Vec<String> = self.iter().map(|(key, _)| key.to_owned()).collect();
        let place = keys.partition_point(|key| key.as_str() < REQUEST_ID);
        keys.insert(place, REQUEST_ID.to_owned());
        keys
    }

    /// Keys and values in alphabetical order, without `request_id`.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Document)> {
        let values = self.values().into_iter().flatten();
        values.map(|(key, value)| (&**key, value))
    }

    /// Whether there is nothing but `request_id`.
    pub fn is_empty(&self) -> bool {
        self.values().is_none_or(BTreeMap::is_empty)
    }
}
