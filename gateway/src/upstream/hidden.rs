//! What an upstream was told in confidence, taken out of what it answers.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt as _};
use http::{HeaderMap, HeaderName, HeaderValue};

use super::Event;
use super::secret::Secret;

/// The secrets that one call carried.
#[derive(Debug, Clone, Default)]
pub(super) struct Hidden(Vec<Arc<Secret>>);

impl Hidden {
    pub(super) fn add(&mut self, secret: Arc<Secret>) {
        self.0.push(secret);
    }

    /// The headers without those that hold a secret.
    pub(super) fn out_of_headers(&self, mut headers: HeaderMap) -> HeaderMap {
        let tells = |value: &HeaderValue| self.0.iter().any(|secret| secret.is_in(value.as_bytes()));
        let telling: Vec<HeaderName> = headers
            .iter()
            .filter(|(_, value)| tells(value))
            .map(|(name, _)| name.clone())
            .collect();
        for name in telling {
            headers.remove(name);
        }
        headers
    }

    pub(super) fn out_of_bytes(&self, bytes: Bytes) -> Bytes {
        self.0.iter().fold(bytes, |bytes, secret| secret.removed_from(bytes))
    }

    pub(super) fn out_of_event(&self, event: Event) -> Event {
        Event {
            name: event.name.map(|name| self.out_of_text(name)),
            data: self.out_of_text(event.data),
        }
    }

    /// A body without them, however it is cut. What may be the start of one is kept until more is there.
    pub(super) fn out_of_pieces<E: Send + 'static>(
        self,
        pieces: BoxStream<'static, Result<Bytes, E>>,
    ) -> BoxStream<'static, Result<Bytes, E>> {
        if self.0.is_empty() {
            return pieces;
        }
        let ended = pieces.map(Some).chain(stream::once(async { None }));
        let shown = ended.scan((self, Bytes::new()), |(hidden, kept), piece| {
            let shown = match piece {
                Some(Ok(piece)) => Ok(hidden.out_of_next(kept, piece)),
                Some(Err(error)) => Err(error),
                None => Ok(std::mem::take(kept)),
            };
            std::future::ready(Some(shown))
        });
        let is_something = |piece: &Result<Bytes, E>| piece.as_ref().map_or(true, |piece| !piece.is_empty());
        shown
            .filter(move |piece| std::future::ready(is_something(piece)))
            .boxed()
    }

    fn out_of_next(&self, kept: &mut Bytes, piece: Bytes) -> Bytes {
        let joined = if kept.is_empty() {
            piece
        } else {
            [kept.as_ref(), &piece].concat().into()
        };
        let mut shown = self.out_of_bytes(joined);
        let open = self.0.iter().map(|secret| secret.begun_at_the_end_of(&shown)).max();
        *kept = shown.split_off(shown.len().saturating_sub(open.unwrap_or_default()));
        shown
    }

    fn out_of_text(&self, text: String) -> String {
        self.0.iter().fold(text, |text, secret| secret.removed_from_text(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_secret_that_is_cut_in_pieces_is_taken_out_and_nothing_else_is_lost() {
        let mut hidden = Hidden::default();
        hidden.add(Arc::new(Secret::plain("sk-12345678").unwrap()));
        let text = b"sk-1234 and sk-12345678, sk-123456789 and sk-".to_vec();
        for size in 1..text.len() {
            let pieces: Vec<Result<Bytes, ()>> = text.chunks(size).map(|piece| Ok(piece.to_vec().into())).collect();
            let shown = hidden.clone().out_of_pieces(stream::iter(pieces).boxed());
            let shown: Vec<Bytes> = shown.map(Result::unwrap).collect().await;
            assert_eq!(shown.concat(), b"sk-1234 and [key], [key]9 and sk-", "{size}");
        }
    }
}
