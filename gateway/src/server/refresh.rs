//! Looks now and then whether files have changed that are in use, and reads those anew.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio_util::sync::CancellationToken;

use super::clients::Clients;
use super::tls::Tls;

/// How often files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// What tells one version of a file from the next; none: it is not there.
type Stamp = Option<(SystemTime, u64)>;

/// Something that is read from files.
struct Refreshed {
    name: &'static str,
    files: Vec<PathBuf>,
    refresh: Box<dyn Fn() -> Result<(), String> + Send>,
    /// Of the versions that are in use, or were told of as unusable.
    settled: Vec<Stamp>,
    /// Of versions that could not be used at the last look: files of one pair are seldom replaced at once.
    doubtful: Option<Vec<Stamp>>,
}

/// Looks until `stop`, on a thread where that may take long.
pub(crate) async fn refresh(clients: Arc<Clients>, tls: Option<Arc<Tls>>, stop: CancellationToken) {
    let mut all = Vec::new();
    let files: Vec<PathBuf> = clients.files().map(ToOwned::to_owned).collect();
    let refresh = move || clients.refresh().map_err(|error| error.to_string());
    all.push(Refreshed::new("clients' keys", files, refresh));
    if let Some(tls) = tls {
        let files = tls.files().to_vec();
        let refresh = move || tls.refresh().map_err(|error| error.to_string());
        all.push(Refreshed::new("the certificate", files, refresh));
    }
    all.retain(|one| !one.files.is_empty());
    while !all.is_empty() {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
        let looked = tokio::task::spawn_blocking(move || {
            all.iter_mut().for_each(Refreshed::look);
            all
        });
        // It only fails at the end of the process.
        let Ok(back) = looked.await else { return };
        all = back;
    }
}

impl Refreshed {
    fn new(
        name: &'static str,
        files: Vec<PathBuf>,
        refresh: impl Fn() -> Result<(), String> + Send + 'static,
    ) -> Refreshed {
        let settled = stamps(&files);
        // They were read before the plugins were compiled, and may have changed meanwhile.
        let settled = refresh().map_or_else(|_| Vec::new(), |()| settled);
        Refreshed {
            name,
            settled,
            files,
            refresh: Box::new(refresh),
            doubtful: None,
        }
    }

    fn look(&mut self) {
        let now = stamps(&self.files);
        if now == self.settled {
            return;
        }
        match (self.refresh)() {
            Ok(()) => {
                tracing::info!("the files of {} changed and were read again", self.name);
                self.settle(now);
            }
            Err(error) if self.doubtful.as_ref() == Some(&now) => {
                tracing::warn!("{error}; what the files of {} held before stays in use", self.name);
                self.settle(now);
            }
            Err(_) => self.doubtful = Some(now),
        }
    }

    fn settle(&mut self, stamps: Vec<Stamp>) {
        self.settled = stamps;
        self.doubtful = None;
    }
}

fn stamps(files: &[PathBuf]) -> Vec<Stamp> {
    let stamp = |file: &PathBuf| {
        let metadata = file.metadata().ok()?;
        Some((metadata.modified().ok()?, metadata.len()))
    };
    files.iter().map(stamp).collect()
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
        let mut refreshed = Refreshed::new("words", vec![path.clone()], move || {
            counter.fetch_add(1, Ordering::Relaxed);
            let text = std::fs::read_to_string(&path).unwrap();
            if text.contains("bad") {
                Err("bad".to_owned())
            } else {
                Ok(())
            }
        });
        // (what is written, how often it is read by then: at the start, and in four looks)
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
