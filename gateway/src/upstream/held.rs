//! A secret and where it comes from. One that is kept in a file is read again when the file changed.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use tokio::sync::{Mutex, OwnedMutexGuard};
use tokio::task::JoinHandle;
use tokio::time::timeout_at;

use super::secret::Secret;
use crate::files::{self, FileError, Stamp};

/// The largest file that is read as a secret.
const MAX_FILE: u64 = 64 << 10;

/// How often files are looked at, at most.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How long a call that was refused waits for a look at its key's file.
const LOOK_PATIENCE: Duration = Duration::from_secs(5);

/// Where a secret is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SecretSource {
    Configuration(String),
    Environment(String),
    File(PathBuf),
}

/// Why a secret can't be read, in words which start with where it was to be.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SecretError {
    #[error("the environment variable `{0}` is not set, or is not UTF-8")]
    NotSet(String),
    #[error("the file `{}` {error}", file.display())]
    File { file: PathBuf, error: FileError },
}

impl SecretError {
    /// Whether the file is there, and the system did not let it be read.
    fn is_passing(&self) -> bool {
        let is_unreadable = matches!(
            self,
            SecretError::File {
                error: FileError::Unreadable(_),
                ..
            }
        );
        is_unreadable && !self.is_missing_file()
    }

    /// Whether it was to be in a file that is not there.
    pub(crate) fn is_missing_file(&self) -> bool {
        matches!(self, SecretError::File { error, .. } if error.is_missing())
    }
}

impl SecretSource {
    /// The one of the three that is written. The configuration is checked to have exactly one.
    pub(crate) fn of(value: Option<&String>, env: Option<&String>, file: Option<&PathBuf>) -> Option<SecretSource> {
        let file = file.cloned().map(SecretSource::File);
        let env = env.cloned().map(SecretSource::Environment);
        file.or(env).or(value.cloned().map(SecretSource::Configuration))
    }

    /// The text, without white space around it.
    pub(crate) fn read(&self) -> Result<String, SecretError> {
        let text = match self {
            SecretSource::Configuration(text) => text.clone(),
            SecretSource::Environment(name) => std::env::var(name).map_err(|_| SecretError::NotSet(name.clone()))?,
            SecretSource::File(file) => files::read_regular(file, MAX_FILE)
                .and_then(files::text)
                .map_err(|error| SecretError::File {
                    file: file.clone(),
                    error,
                })?,
        };
        Ok(text.trim().to_owned())
    }

    pub(crate) fn file(&self) -> Option<&Path> {
        match self {
            SecretSource::File(file) => Some(file),
            _ => None,
        }
    }
}

impl fmt::Display for SecretSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SecretSource::Configuration(_) => f.write_str("the value"),
            SecretSource::Environment(name) => write!(f, "the environment variable `{name}`"),
            SecretSource::File(file) => write!(f, "the file `{}`", file.display()),
        }
    }
}

/// How a secret's text becomes a header.
pub(super) type Form = fn(&str) -> Result<Secret, &'static str>;

pub(super) struct Held {
    source: SecretSource,
    form: Form,
    current: ArcSwap<Secret>,
    looked: std::sync::Mutex<Looked>,
}

/// Versions of a file.
#[derive(Default)]
struct Looked {
    /// The one that was read last.
    read: Option<Stamp>,
    /// The one that was told of last as unusable.
    told: Option<Stamp>,
}

impl Held {
    /// # Errors
    /// In words, where there is no secret, or none that a header can carry.
    pub(super) fn read(source: SecretSource, form: Form) -> Result<Held, String> {
        // Taken first: a change while it is read shows later.
        let stamp = source.file().and_then(Stamp::of);
        let text = source.read().map_err(|error| error.to_string())?;
        let secret = form(&text).map_err(|problem| format!("{source} {problem}"))?;
        Ok(Held {
            source,
            form,
            current: ArcSwap::from_pointee(secret),
            looked: std::sync::Mutex::new(Looked {
                read: stamp,
                told: None,
            }),
        })
    }

    pub(super) fn secret(&self) -> Arc<Secret> {
        self.current.load_full()
    }

    pub(super) fn source(&self) -> &SecretSource {
        &self.source
    }

    /// Reads the file again if it changed. A version that is no secret is told of once, and the one before it stays.
    pub(super) fn refresh(&self) {
        let Some(file) = self.source.file() else { return };
        let mut looked = self.looked.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Stamp::of(file);
        if now == looked.read {
            return;
        }
        let read = self.source.read();
        // What can't be read for the moment is looked at again.
        if !read.as_ref().is_err_and(SecretError::is_passing) {
            looked.read = now;
        }
        let read = read.map_err(|error| error.to_string());
        let secret = read.and_then(|text| (self.form)(&text).map_err(|problem| format!("{} {problem}", self.source)));
        match secret {
            Ok(secret) if secret == **self.current.load() => {}
            Ok(secret) => {
                self.current.store(Arc::new(secret));
                tracing::info!("{} changed and was read again", self.source);
            }
            Err(problem) => {
                if looked.told != now || now.is_none() {
                    tracing::warn!("{problem}; what was read of it before stays in use");
                }
                looked.told = now;
            }
        }
    }
}

/// Looks at files now and then, while somebody asks for what they hold: one look at a time, because files that a network
/// brings may let it wait for good.
pub(super) struct Watch {
    files: Arc<[Arc<Held>]>,
    started: Instant,
    /// In milliseconds since the start.
    looked: AtomicU64,
    /// Locked by the look that is under way.
    looking: Arc<Mutex<()>>,
}

impl Watch {
    pub(super) fn new(held: impl Iterator<Item = Arc<Held>>) -> Watch {
        Watch {
            files: held.filter(|held| held.source.file().is_some()).collect(),
            started: Instant::now(),
            looked: AtomicU64::new(0),
            looking: Arc::default(),
        }
    }

    /// Looks at the files in the background, if it was not done a moment ago.
    pub(super) fn look(&self) {
        if self.files.is_empty() {
            return;
        }
        let now = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let looked = self.looked.load(Ordering::Relaxed);
        let is_due = now.saturating_sub(looked) >= LOOK_EVERY.as_millis() as u64;
        let is_ours = || {
            let swapped = self
                .looked
                .compare_exchange(looked, now, Ordering::Relaxed, Ordering::Relaxed);
            swapped.is_ok()
        };
        if is_due
            && is_ours()
            && let Ok(looking) = self.looking.clone().try_lock_owned()
        {
            self.begin(looking);
        }
    }

    /// Looks at the files, and waits for it until this moment, or as long as it is worth.
    pub(super) async fn look_now(&self, end: tokio::time::Instant) {
        let end = end.min(tokio::time::Instant::now() + LOOK_PATIENCE);
        let look = async {
            let looking = self.looking.clone().lock_owned().await;
            // It only fails at the end of the process.
            let _looked = self.begin(looking).await;
        };
        let _late = timeout_at(end, look).await;
    }

    fn begin(&self, looking: OwnedMutexGuard<()>) -> JoinHandle<()> {
        let files = self.files.clone();
        tokio::task::spawn_blocking(move || {
            files.iter().for_each(|held| held.refresh());
            drop(looking);
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(file: &Path) -> Held {
        Held::read(SecretSource::File(file.to_owned()), Secret::plain).unwrap()
    }

    #[test]
    fn a_file_that_changed_is_read_again() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(&file, "first-key\n").unwrap();
        let held = held(file.path());
        assert_eq!(held.secret().header(), "first-key");
        std::fs::write(&file, "the second key").unwrap();
        held.refresh();
        assert_eq!(held.secret().header(), "the second key");
    }

    #[test]
    fn a_file_that_went_or_holds_no_secret_any_more_leaves_the_one_before() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("key");
        std::fs::write(&file, "first-key").unwrap();
        let held = held(&file);
        for broken in [Some("\n"), Some("a\nb"), None] {
            match broken {
                Some(text) => std::fs::write(&file, text).unwrap(),
                None => std::fs::remove_file(&file).unwrap(),
            }
            held.refresh();
            assert_eq!(held.secret().header(), "first-key", "{broken:?}");
        }
    }

    #[test]
    fn what_is_no_secret_is_refused_by_where_it_was_to_be() {
        let directory = tempfile::tempdir().unwrap();
        let write = |name: &str, bytes: &[u8]| {
            let file = directory.path().join(name);
            std::fs::write(&file, bytes).unwrap();
            file
        };
        let cases = [
            (directory.path().join("none"), "can't be read: No such file"),
            (directory.path().to_owned(), "is no regular file"),
            (write("empty", b" \n"), "is empty"),
            (write("binary", &[0xff]), "is not UTF-8"),
            (write("lines", b"a\nb"), "holds a character that no header can carry"),
            (write("large", &[b'x'; 65_537]), "is over the 64 KiB"),
        ];
        for (file, words) in cases {
            let problem = Held::read(SecretSource::File(file.clone()), Secret::plain)
                .err()
                .unwrap();
            let start = format!("the file `{}` {words}", file.display());
            assert!(problem.starts_with(&start), "{problem}, not {start}");
        }
    }

    #[tokio::test]
    #[expect(
        clippy::await_holding_lock,
        reason = "a look that waits for the lock is what is tested"
    )]
    async fn a_look_that_hangs_is_the_only_one_and_nobody_waits_for_it_for_good() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(&file, "first-key").unwrap();
        let held = Arc::new(held(file.path()));
        let watch = Watch {
            started: Instant::now() - LOOK_EVERY,
            ..Watch::new([held.clone()].into_iter())
        };
        // As a network does that is gone.
        let hangs = held.looked.lock().unwrap();
        watch.look();
        let looks = || Arc::strong_count(&watch.files) - 1;
        assert_eq!(looks(), 1);
        watch.looked.store(0, Ordering::Relaxed);
        watch.look();
        watch.look_now(tokio::time::Instant::now()).await;
        assert_eq!(looks(), 1);
        drop(hangs);
        std::fs::write(&file, "the second key").unwrap();
        watch
            .look_now(tokio::time::Instant::now() + Duration::from_secs(3600))
            .await;
        assert_eq!(held.secret().header(), "the second key");
    }
}
