//! The addresses of an upstream's calls.

use anyhow::Context as _;
use heimdall_host::model::CallKind;
use http::{HeaderValue, Uri};
use reqwest::Url;

use crate::upstream::{Fault, path};

/// Where calls go. Those of a known kind have their address made once.
pub(super) struct Targets {
    /// It ends with a slash.
    base: Url,
    chat: Uri,
    text_completion: Uri,
    responses: Uri,
    embedding: Uri,
    models: Uri,
}

impl Targets {
    /// # Errors
    /// When it is no address.
    pub(super) fn new(base_url: &str) -> anyhow::Result<Targets> {
        let base = Url::parse(&format!("{}/", base_url.trim_end_matches('/')))?;
        let below = |path: &str| -> anyhow::Result<Uri> {
            let uri = base.join(path)?.as_str().parse();
            uri.context("its `base_url` can't be used")
        };
        Ok(Targets {
            chat: below(path(CallKind::Chat))?,
            text_completion: below(path(CallKind::TextCompletion))?,
            responses: below(path(CallKind::Responses))?,
            embedding: below(path(CallKind::Embedding))?,
            models: below("models")?,
            base,
        })
    }

    pub(super) fn base(&self) -> &Url {
        &self.base
    }

    /// What the header `host` has to say.
    ///
    /// # Errors
    /// When no header can.
    pub(super) fn host(&self) -> anyhow::Result<HeaderValue> {
        let authority = self.models.authority().context("its `base_url` has no host")?;
        Ok(HeaderValue::from_str(authority.as_str())?)
    }

    pub(super) fn models(&self) -> Uri {
        self.models.clone()
    }

    pub(super) fn call(&self, kind: CallKind, query: Option<&str>) -> Result<Uri, Fault> {
        if query.is_some() {
            let url = self.base.join(path(kind));
            return with_query(url.map_err(|error| Fault::Unreachable(error.to_string()))?, query);
        }
        let uri = match kind {
            CallKind::Chat => &self.chat,
            CallKind::TextCompletion => &self.text_completion,
            CallKind::Responses => &self.responses,
            CallKind::Embedding => &self.embedding,
        };
        Ok(uri.clone())
    }

    /// What lies below the base URL by these steps, which are decoded.
    pub(super) fn below(&self, segments: Vec<String>, query: Option<&str>) -> Result<Uri, Fault> {
        let mut url = self.base.clone();
        match url.path_segments_mut() {
            Ok(mut path) => path.pop_if_empty().extend(segments),
            Err(()) => return Err(Fault::Unreachable("its address can have no path".to_owned())),
        };
        with_query(url, query)
    }
}

/// Whatever a query holds is written as an address can hold it.
fn with_query(mut url: Url, query: Option<&str>) -> Result<Uri, Fault> {
    url.set_query(query);
    let uri = url.as_str().parse();
    uri.map_err(|_| Fault::AddressTooLong(url.as_str().len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_told_to_the_upstream_as_an_address_can_hold_it() {
        for base in ["http://models.example:80/api/v1", "http://models.example/api/v1//"] {
            let targets = Targets::new(base).unwrap();
            let uri = |query| targets.call(CallKind::TextCompletion, query).unwrap();
            let address = "http://models.example/api/v1/completions";
            assert_eq!(uri(None), address);
            assert_eq!(uri(Some("a=b%20c")), format!("{address}?a=b%20c").as_str());
            assert_eq!(uri(Some("a=\"b c\"#")), format!("{address}?a=%22b%20c%22%23").as_str());
            assert_eq!(targets.host().unwrap(), "models.example");
        }
    }

    #[test]
    fn a_step_of_a_path_stays_one_step() {
        let targets = Targets::new("https://[::1]:8443").unwrap();
        let steps = ["files".to_owned(), "a/b ?".to_owned()].to_vec();
        let uri = targets.below(steps, Some("x")).unwrap();
        assert_eq!(uri, "https://[::1]:8443/files/a%2Fb%20%3F?x");
        assert_eq!(targets.host().unwrap(), "[::1]:8443");
    }
}
