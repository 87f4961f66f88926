//! Looks now and then whether files have changed that are in use, and reads those anew.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::clients::Clients;
use super::tls::Tls;
use crate::files::Stamp;

/// How often files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Something that is read from files.
struct Refreshed {
    name: &'static str,
    files: Vec<PathBuf>,
    /// Whether it is the second time for this version is told: what a first look finds may be half written.
    refresh: Box<dyn Fn(bool) -> Result<(), String> + Send>,
    /// Of the versions that are in use, or were told of as unusable.
    settled: Vec<Option<Stamp>>,
    /// Of versions that could not be used at the last look: files of one pair are seldom replaced at once.
    doubtful: Option<Vec<Option<Stamp>>>,
}

/// Looks at the files of clients' keys until nobody has these clients any more, or until `stop`.
pub(crate) fn refresh_keys(clients: &Arc<Clients>, stop: CancellationToken) -> impl Future<Output = ()> + Send + use<> {
    let files = clients.files().map(ToOwned::to_owned).collect();
    let [to_refresh, to_see] = [Arc::downgrade(clients), Arc::downgrade(clients)];
    let refresh = move |again| match to_refresh.upgrade() {
        Some(clients) => clients.refresh(again).map_err(|error| error.to_string()),
        None => Ok(()),
    };
    let keys = Refreshed::new("clients' keys", files, refresh);
    look_at(keys, move || to_see.strong_count() > 0, stop)
}

/// Looks at these files until `stop`, and has them read again when they changed.
pub(crate) async fn refresh(
    name: &'static str,
    files: Vec<PathBuf>,
    refresh: impl Fn() -> Result<(), String> + Send + 'static,
    stop: CancellationToken,
) {
    look_at(Refreshed::new(name, files, move |_| refresh()), || true, stop).await;
}

/// Looks at the files of the certificate until `stop`.
pub(crate) async fn refresh_certificate(tls: Arc<Tls>, stop: CancellationToken) {
    let files = tls.files().to_vec();
    let to_refresh = tls.clone();
    let refresh = move |_| to_refresh.refresh().map_err(|error| error.to_string());
    let certificate = Refreshed::new("the certificate", files, refresh);
    let tell = move || {
        tls.tell_of_validity();
        true
    };
    look_at(certificate, tell, stop).await;
}

/// Looks until `stop`, on a thread where that may take long, and for as long as it is told to.
async fn look_at(mut files: Refreshed, mut goes_on: impl FnMut() -> bool + Send + 'static, stop: CancellationToken) {
    if files.files.is_empty() {
        return;
    }
    loop {
        let looked = tokio::task::spawn_blocking(move || {
            files.look();
            goes_on().then_some((files, goes_on))
        });
        // It only fails at the end of the process.
        let Ok(Some(back)) = looked.await else { return };
        (files, goes_on) = back;
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    }
}

impl Refreshed {
    fn new(
        name: &'static str,
        files: Vec<PathBuf>,
        refresh: impl Fn(bool) -> Result<(), String> + Send + 'static,
    ) -> Refreshed {
        Refreshed {
            name,
            files,
            refresh: Box::new(refresh),
            // They were read before the plugins were compiled, and may have changed meanwhile: the first look reads them.
            settled: Vec::new(),
            doubtful: None,
        }
    }

    fn look(&mut self) {
        let now: Vec<Option<Stamp>> = self.files.iter().map(|file| Stamp::of(file)).collect();
        if now == self.settled {
            return;
        }
        let again = self.doubtful.as_ref() == Some(&now);
        match (self.refresh)(again) {
            Ok(()) if self.settled.is_empty() => self.settle(now),
            Ok(()) => {
                tracing::info!("the files of {} changed and were read again", self.name);
                self.settle(now);
            }
            Err(error) if again => {
                tracing::warn!("{error}; what was in use of {} stays", self.name);
                self.settle(now);
            }
            Err(_) => self.doubtful = Some(now),
        }
    }

    fn settle(&mut self, stamps: Vec<Option<Stamp>>) {
        self.settled = stamps;
        self.doubtful = None;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn a_change_is_read_once_and_an_unusable_one_twice_at_most() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let read = Arc::new(AtomicUsize::new(0));
        let counter = read.clone();
        let path = file.path().to_owned();
        let mut refreshed = Refreshed::new("words", vec![path.clone()], move |_| {
            counter.fetch_add(1, Ordering::Relaxed);
            let text = std::fs::read_to_string(&path).unwrap();
            if text.contains("bad") {
                Err("bad".to_owned())
            } else {
                Ok(())
            }
        });
        // (what is written, how often it is read in four looks)
        for (text, expected) in [
            (None, 1),
            (Some("good"), 1),
            (Some("bad one"), 2),
            (Some("good again"), 1),
        ] {
            if let Some(text) = text {
                std::fs::write(file.path(), text).unwrap();
            }
            for _ in 0..4 {
                refreshed.look();
            }
            assert_eq!(read.swap(0, Ordering::Relaxed), expected, "{text:?}");
        }
    }
}
