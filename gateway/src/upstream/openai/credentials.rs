//! What a call carries that others are not to see: keys, and headers of the operator's.

use std::sync::Arc;

use http::header::{AUTHORIZATION, COOKIE, HeaderMap, HeaderName, PROXY_AUTHORIZATION};
use http::{Response, StatusCode};
use tokio::time::Instant;

use crate::config::UpstreamConfig;
use crate::upstream::held::{Held, SecretSource, Watch};
use crate::upstream::hidden::Hidden;
use crate::upstream::keys::{Chosen, Keys, Tried};
use crate::upstream::secret::Secret;

/// Headers whose value is a secret wherever it is written.
const SECRET: [HeaderName; 5] = [
    AUTHORIZATION,
    PROXY_AUTHORIZATION,
    COOKIE,
    HeaderName::from_static("api-key"),
    HeaderName::from_static("x-api-key"),
];

/// What goes with a key and is none.
const ACCOUNT: [HeaderName; 2] = [
    HeaderName::from_static("openai-organization"),
    HeaderName::from_static("openai-project"),
];

pub(super) struct Credentials {
    pub(super) keys: Keys,
    headers: Vec<Extra>,
    /// Whether the client's own key is sent.
    forward_client_key: bool,
    watch: Watch,
}

struct Extra {
    name: HeaderName,
    held: Arc<Held>,
    is_secret: bool,
}

impl Credentials {
    /// # Errors
    /// In words, what can't be read.
    pub(super) fn new(upstream: &Arc<str>, config: &UpstreamConfig) -> Result<Credentials, String> {
        let keys = Keys::new(upstream, config)?;
        let headers = config.headers.iter().map(|(name, source)| {
            let source = SecretSource::of(source.value.as_ref(), source.env.as_ref(), source.file.as_ref())
                .ok_or_else(|| format!("the header `{name}` has no value"))?;
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| format!("`{name}` is no header's name"))?;
            let is_secret = !matches!(source, SecretSource::Configuration(_)) || SECRET.contains(&name);
            let form = if [AUTHORIZATION, PROXY_AUTHORIZATION].contains(&name) {
                Secret::with_scheme
            } else {
                Secret::plain
            };
            let held = Held::read(source, form).map_err(|problem| format!("the header `{name}`: {problem}"))?;
            Ok(Extra {
                name,
                held: Arc::new(held),
                is_secret,
            })
        });
        let headers: Vec<Extra> = headers.collect::<Result<_, String>>()?;
        let held = keys.held().chain(headers.iter().map(|extra| extra.held.clone()));
        Ok(Credentials {
            watch: Watch::new(held),
            keys,
            headers,
            forward_client_key: config.forward_client_key,
        })
    }

    /// Puts everything but a key of the gateway's into a request; gives back what is secret of it.
    pub(super) fn put_into(&self, headers: &mut HeaderMap, client_key: &HeaderMap) -> Hidden {
        self.watch.look();
        let mut hidden = Hidden::default();
        if self.forward_client_key {
            for (name, value) in client_key {
                if ACCOUNT.contains(name) {
                    headers.insert(name, value.clone());
                    continue;
                }
                let secret = Secret::of_client(value);
                headers.insert(name, secret.header());
                hidden.add(Arc::new(secret));
            }
        }
        for Extra { name, held, is_secret } in &self.headers {
            let secret = held.secret();
            let mut value = secret.header();
            value.set_sensitive(*is_secret);
            headers.insert(name, value);
            if *is_secret {
                hidden.add(secret);
            }
        }
        hidden
    }

    /// A call with this key was answered like this. Gives back the key with which it is to be sent again, if it is: the
    /// same one where its file holds another secret now, else another one.
    pub(super) async fn after<B>(
        &self,
        chosen: &Chosen,
        response: &Response<B>,
        tried: &mut Tried,
        end: Instant,
    ) -> Option<Chosen> {
        let status = response.status();
        let is_worth_a_look = status == StatusCode::UNAUTHORIZED && self.keys.is_in_file(chosen);
        if is_worth_a_look && !std::mem::replace(&mut tried.files, true) {
            self.watch.look_now(end).await;
            if let Some(renewed) = self.keys.renewed(chosen) {
                return Some(renewed);
            }
        }
        self.keys.after(chosen, status, response.headers(), tried)
    }

    /// What they are, for the banner.
    pub(super) fn summary(&self) -> String {
        match self.keys.count() {
            0 if self.forward_client_key => "with the client's key".to_owned(),
            0 => "without a key".to_owned(),
            1 => "with a key".to_owned(),
            count => format!("with {count} keys"),
        }
    }
}
