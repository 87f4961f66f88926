//! The token that clients of the admin interface show. This process knows it only as a hash.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, ensure};
use arc_swap::ArcSwap;
use http::header::{AUTHORIZATION, HeaderMap};

use crate::config::SecretPlace;
use crate::upstream::SecretSource;

/// The token, wherever it is kept.
pub(super) struct Token {
    /// Of this process alone, so that a hash tells nothing outside it.
    salt: [u8; blake3::KEY_LEN],
    source: SecretSource,
    hash: ArcSwap<blake3::Hash>,
}

impl Token {
    /// # Errors
    /// When there is none, or none that a header can carry.
    pub(super) fn read(place: &SecretPlace) -> anyhow::Result<Token> {
        let source = SecretSource::of(None, place.env.as_ref(), place.file.as_ref());
        let source = source.context("the admin interface's token: `admin.token` says nowhere where it is")?;
        let mut salt = [0; blake3::KEY_LEN];
        getrandom::fill(&mut salt).context("this system has no randomness to hash the admin interface's token with")?;
        let hash = ArcSwap::from_pointee(hash_of(&salt, &source)?);
        Ok(Token { salt, source, hash })
    }

    /// Reads it again.
    ///
    /// # Errors
    /// As [`Token::read`]; the one before stays in use.
    pub(super) fn refresh(&self) -> anyhow::Result<()> {
        self.hash.store(Arc::new(hash_of(&self.salt, &self.source)?));
        Ok(())
    }

    /// The file that it is kept in.
    pub(super) fn files(&self) -> Vec<PathBuf> {
        self.source.file().map(Path::to_owned).into_iter().collect()
    }

    /// Whether a request shows it. How long that takes does not tell how much of it is right.
    pub(super) fn is_shown(&self, headers: &HeaderMap) -> bool {
        let shown = headers.get(AUTHORIZATION).and_then(|value| {
            let (scheme, token) = value.as_bytes().split_at_checked("bearer ".len())?;
            scheme.eq_ignore_ascii_case(b"bearer ").then(|| token.trim_ascii())
        });
        shown.is_some_and(|token| blake3::keyed_hash(&self.salt, token) == **self.hash.load())
    }
}

fn hash_of(salt: &[u8; blake3::KEY_LEN], source: &SecretSource) -> anyhow::Result<blake3::Hash> {
    let token = source.read().context("the admin interface's token can't be read")?;
    ensure!(!token.is_empty(), "the admin interface's token: {source} is empty");
    ensure!(
        token.bytes().all(|byte| byte.is_ascii_graphic()),
        "the admin interface's token: {source} has a space or another character that no token can have"
    );
    Ok(blake3::keyed_hash(salt, token.as_bytes()))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn the_token_is_shown_as_a_bearers_and_as_a_whole() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(&file, "token-1\n").unwrap();
        let place = SecretPlace {
            file: Some(file.path().to_owned()),
            env: None,
        };
        let token = Token::read(&place).unwrap();
        let is_shown = |value: &'static str| {
            token.is_shown(&HeaderMap::from_iter([(
                AUTHORIZATION,
                HeaderValue::from_static(value),
            )]))
        };
        for (value, expected) in [
            ("Bearer token-1", true),
            ("bearer  token-1 ", true),
            ("Bearer token-12", false),
            ("Bearer token-", false),
            ("Bearer ", false),
            ("Basic token-1", false),
            ("token-1", false),
        ] {
            assert_eq!(is_shown(value), expected, "{value}");
        }
        assert!(!token.is_shown(&HeaderMap::new()));
        for unusable in ["", " \n", "two words"] {
            std::fs::write(&file, unusable).unwrap();
            token.refresh().unwrap_err();
            assert!(is_shown("Bearer token-1"), "{unusable:?}");
        }
        std::fs::write(&file, "token-2").unwrap();
        token.refresh().unwrap();
        assert!(is_shown("Bearer token-2") && !is_shown("Bearer token-1"));
    }
}
