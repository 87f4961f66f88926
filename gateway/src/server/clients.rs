//! The clients that may call: their keys, which this process knows only as hashes, and how often each may call.

use std::collections::BTreeMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use http::header::{AUTHORIZATION, HeaderMap, HeaderName};

use super::rate::Rate;
use crate::config::{ClientKeyConfig, Config};
use crate::upstream::SecretSource;

/// Where a key may stand, besides `authorization`.
const OTHER_HEADERS: [HeaderName; 2] = [HeaderName::from_static("x-api-key"), HeaderName::from_static("api-key")];

/// Why a client's key can't be used.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ClientKeyError {
    #[error("the key of the client `{client}`: {problem}")]
    Unusable { client: Arc<str>, problem: String },
    #[error("the key of the client `{client}`: {problem}")]
    Gone { client: Arc<str>, problem: String },
    #[error("the clients `{first}` and `{second}` have the same key: logs and limits could not tell them apart")]
    Same { first: Arc<str>, second: Arc<str> },
    #[error("this system has no randomness to hash clients' keys with: {0}")]
    NoRandomness(String),
}

/// All clients. Without any, no request is asked for a key.
pub(crate) struct Clients {
    /// Of this process alone, so that a hash tells nothing outside it.
    salt: [u8; blake3::KEY_LEN],
    made_of: BTreeMap<String, ClientKeyConfig>,
    kept: Vec<Kept>,
    clients: ArcSwap<Vec<Client>>,
}

/// Where a client's key is kept, and what does not change with it.
struct Kept {
    name: Arc<str>,
    source: SecretSource,
    rate: Option<Arc<Rate>>,
}

/// A client that showed its key.
#[derive(Clone)]
pub(super) struct Client {
    pub(super) name: Arc<str>,
    pub(super) rate: Option<Arc<Rate>>,
    key: blake3::Hash,
}

/// What a request shows of its client.
pub(super) enum Shown {
    Client(Client),
    WrongKey,
    NoKey,
}

impl Clients {
    /// Reads every client's key. Those that `before` has with the same allowance keep what is left of it.
    ///
    /// # Errors
    /// For the first that is not there, is no key, or is another's too.
    pub(crate) fn read(config: &Config, before: Option<&Clients>) -> Result<Clients, ClientKeyError> {
        let mut salt = [0; blake3::KEY_LEN];
        if !config.client_keys.is_empty() {
            getrandom::fill(&mut salt).map_err(|error| ClientKeyError::NoRandomness(error.to_string()))?;
        }
        let clients = Clients {
            salt,
            kept: kept(&config.client_keys, before),
            made_of: config.client_keys.clone(),
            clients: ArcSwap::default(),
        };
        clients.refresh(false)?;
        Ok(clients)
    }

    /// Whether they are made of these settings.
    pub(super) fn are_of(&self, keys: &BTreeMap<String, ClientKeyConfig>) -> bool {
        self.made_of == *keys
    }

    /// Whether clients are asked for a key.
    pub(crate) fn are_asked(&self) -> bool {
        !self.kept.is_empty()
    }

    /// The files that keys are kept in.
    pub(super) fn files(&self) -> impl Iterator<Item = &std::path::Path> {
        self.kept.iter().filter_map(|kept| kept.source.file())
    }

    /// Reads every key anew. A client whose key is unusable keeps the one that it had; one whose key is gone, too, unless
    /// `gone_counts`: then it has none until there is one again.
    ///
    /// # Errors
    /// The first key that is unusable or gone.
    pub(super) fn refresh(&self, gone_counts: bool) -> Result<(), ClientKeyError> {
        let before = self.clients.load();
        let mut clients: Vec<Client> = Vec::with_capacity(self.kept.len());
        let mut first_error = None;
        for Kept { name, source, rate } in &self.kept {
            let read = self
                .hash_of(name, source)
                .and_then(|key| match clients.iter().find(|other| other.key == key) {
                    Some(other) => Err(ClientKeyError::Same {
                        first: other.name.clone(),
                        second: name.clone(),
                    }),
                    None => Ok(key),
                });
            let key = match read {
                Ok(key) => key,
                Err(gone @ ClientKeyError::Gone { .. }) if gone_counts => {
                    tracing::warn!("{gone}; nobody can call as this client until it has a key again");
                    continue;
                }
                Err(error) => {
                    first_error.get_or_insert(error);
                    match before.iter().find(|client| client.name == *name) {
                        Some(client) => client.key,
                        None => continue,
                    }
                }
            };
            clients.push(Client {
                name: name.clone(),
                rate: rate.clone(),
                key,
            });
        }
        self.clients.store(Arc::new(clients));
        first_error.map_or(Ok(()), Err)
    }

    fn hash_of(&self, client: &Arc<str>, source: &SecretSource) -> Result<blake3::Hash, ClientKeyError> {
        let (unusable, gone) = (
            |problem| ClientKeyError::Unusable {
                client: client.clone(),
                problem,
            },
            |problem| ClientKeyError::Gone {
                client: client.clone(),
                problem,
            },
        );
        let key = source.read().map_err(|error| match error.is_missing_file() {
            true => gone(error.to_string()),
            false => unusable(error.to_string()),
        })?;
        if key.is_empty() {
            return Err(gone(format!("{source} is empty")));
        }
        if !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            let problem = "has a space or another character that no key can have";
            return Err(unusable(format!("{source} {problem}")));
        }
        Ok(blake3::keyed_hash(&self.salt, key.as_bytes()))
    }

    /// Who a request is from, by the key in its headers.
    pub(super) fn identify(&self, headers: &HeaderMap) -> Shown {
        let Some(key) = key(headers) else {
            return Shown::NoKey;
        };
        let key = blake3::keyed_hash(&self.salt, key);
        // Every one is looked at, so that the time does not tell how many there are before the right one.
        let clients = self.clients.load();
        let found = clients.iter().fold(None, |found, client| match client.key == key {
            true => Some(client),
            false => found,
        });
        match found {
            Some(client) => Shown::Client(client.clone()),
            None => Shown::WrongKey,
        }
    }
}

fn kept(keys: &BTreeMap<String, ClientKeyConfig>, before: Option<&Clients>) -> Vec<Kept> {
    let rate_before = |name: &str, key: &ClientKeyConfig| {
        let before = before?;
        let allowance = |key: &ClientKeyConfig| (key.requests_per_minute, key.burst);
        let same = before
            .made_of
            .get(name)
            .filter(|same| allowance(same) == allowance(key));
        let kept = same.and_then(|_| before.kept.iter().find(|kept| *kept.name == *name))?;
        kept.rate.clone()
    };
    let kept = keys.iter().filter_map(|(name, key)| {
        // The configuration is checked to have one of the two.
        let source = SecretSource::of(None, key.env.as_ref(), key.file.as_ref())?;
        let new_rate = || Some(Arc::new(Rate::new(key.requests_per_minute?, key.burst)));
        Some(Kept {
            name: name.as_str().into(),
            source,
            rate: rate_before(name, key).or_else(new_rate),
        })
    });
    kept.collect()
}

/// The key that a request shows.
fn key(headers: &HeaderMap) -> Option<&[u8]> {
    let bearer = headers.get(AUTHORIZATION).and_then(|value| {
        let (scheme, key) = value.as_bytes().split_at_checked("bearer ".len())?;
        scheme.eq_ignore_ascii_case(b"bearer ").then(|| key.trim_ascii())
    });
    let others = || OTHER_HEADERS.iter().find_map(|name| headers.get(name));
    let key = bearer.or_else(|| others().map(|value| value.as_bytes().trim_ascii()));
    key.filter(|key| !key.is_empty())
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use http::header::HeaderValue;

    use super::*;

    fn clients(keys: &[(&str, &str)]) -> Result<Clients, ClientKeyError> {
        let directory = tempfile::tempdir().unwrap();
        let client_keys = keys.iter().map(|(name, key)| {
            let file = directory.path().join(name);
            std::fs::write(&file, key).unwrap();
            let key = ClientKeyConfig {
                file: Some(file),
                ..ClientKeyConfig::default()
            };
            ((*name).to_owned(), key)
        });
        let config = Config {
            client_keys: client_keys.collect(),
            ..Config::default()
        };
        Clients::read(&config, None)
    }

    fn shown(clients: &Clients, headers: &[(&'static str, &'static str)]) -> String {
        let headers = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
        match clients.identify(&headers.collect()) {
            Shown::Client(client) => client.name.to_string(),
            Shown::WrongKey => "wrong".to_owned(),
            Shown::NoKey => "none".to_owned(),
        }
    }

    #[test]
    fn a_client_is_known_by_its_key_in_any_of_three_headers() {
        let clients = clients(&[("a", "key-a\n"), ("b", "key-b")]).unwrap();
        let cases: [(&[(&str, &str)], &str); 11] = [
            (&[("authorization", "Bearer key-a")], "a"),
            (&[("authorization", "bearer  key-b ")], "b"),
            (&[("x-api-key", "key-a")], "a"),
            (&[("api-key", "key-b")], "b"),
            (&[("authorization", "Basic xyz"), ("x-api-key", "key-a")], "a"),
            (&[("authorization", "Bearer wrong"), ("x-api-key", "key-a")], "wrong"),
            (&[("authorization", "Bearer key-a2")], "wrong"),
            (&[("authorization", "Bearer KEY-A")], "wrong"),
            (&[("authorization", "Bearer")], "none"),
            (&[("authorization", "Bearer ")], "none"),
            (&[], "none"),
        ];
        for (headers, expected) in cases {
            assert_eq!(shown(&clients, headers), expected, "{headers:?}");
        }
    }

    #[test]
    fn a_key_that_is_gone_counts_at_the_second_look_and_one_that_is_no_key_never_does() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("a");
        std::fs::write(&file, "key-a").unwrap();
        let key = ClientKeyConfig {
            file: Some(file.clone()),
            ..ClientKeyConfig::default()
        };
        let config = Config {
            client_keys: [("a".to_owned(), key)].into(),
            ..Config::default()
        };
        let clients = Clients::read(&config, None).unwrap();
        let shown = || shown(&clients, &[("x-api-key", "key-a")]);
        for gone in [Some(""), Some(" \n"), None] {
            match gone {
                Some(text) => std::fs::write(&file, text).unwrap(),
                None => std::fs::remove_file(&file).unwrap(),
            }
            clients.refresh(false).unwrap_err();
            assert_eq!(shown(), "a", "{gone:?}");
            clients.refresh(true).unwrap();
            assert_eq!(shown(), "wrong", "{gone:?}");
            std::fs::write(&file, "key-a").unwrap();
            clients.refresh(false).unwrap();
            assert_eq!(shown(), "a");
        }
        std::fs::write(&file, "two words").unwrap();
        clients.refresh(true).unwrap_err();
        assert_eq!(shown(), "a");
    }

    #[test]
    fn a_client_whose_allowance_stays_keeps_what_is_left_of_it() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(&file, "key-a").unwrap();
        let config = |each| {
            let key = ClientKeyConfig {
                file: Some(file.path().to_owned()),
                requests_per_minute: NonZeroU32::new(each),
                ..ClientKeyConfig::default()
            };
            Config {
                client_keys: [("a".to_owned(), key)].into(),
                ..Config::default()
            }
        };
        let waits = |clients: &Clients| {
            let Shown::Client(client) = clients.identify(&headers("key-a")) else {
                panic!("the client is not known");
            };
            client.rate.unwrap().take().wait.is_some()
        };
        let before = Clients::read(&config(1), None).unwrap();
        assert!(!waits(&before));
        let same = Clients::read(&config(1), Some(&before)).unwrap();
        assert!(waits(&same));
        let raised = Clients::read(&config(2), Some(&same)).unwrap();
        assert!(!waits(&raised));
    }

    fn headers(key: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(HeaderName::from_static("x-api-key"), HeaderValue::from_static(key))])
    }

    #[test]
    fn a_key_that_can_not_be_used_holds_up_no_other() {
        let directory = tempfile::tempdir().unwrap();
        let file = |name: &str| directory.path().join(name);
        let client_keys = ["a", "b"].map(|name| {
            std::fs::write(file(name), format!("key-{name}")).unwrap();
            let key = ClientKeyConfig {
                file: Some(file(name)),
                ..ClientKeyConfig::default()
            };
            (name.to_owned(), key)
        });
        let config = Config {
            client_keys: client_keys.into(),
            ..Config::default()
        };
        let clients = Clients::read(&config, None).unwrap();
        std::fs::write(file("a"), "two words").unwrap();
        std::fs::write(file("b"), "key-2").unwrap();
        let error = clients.refresh(false).unwrap_err().to_string();
        assert!(error.contains("client `a`"), "{error}");
        for (key, expected) in [("key-a", "a"), ("key-b", "wrong"), ("key-2", "b")] {
            assert_eq!(shown(&clients, &[("x-api-key", key)]), expected, "{key}");
        }
    }

    #[test]
    fn keys_that_tell_nobody_apart_are_refused_by_name() {
        let cases = [
            (vec![("a", "same"), ("b", "same\n")], "`a` and `b` have the same key"),
            (vec![("a", " \n")], "the client `a`: the file"),
            (vec![("a", "two words")], "a space"),
        ];
        for (keys, words) in cases {
            let error = clients(&keys).err().unwrap().to_string();
            assert!(error.contains(words) && !error.contains("same\n"), "{error}");
        }
    }
}
