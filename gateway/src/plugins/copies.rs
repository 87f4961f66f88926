//! The copies of plugins that were downloaded, in the cache directory.
//!
//! Beside each file lies what is known of it. A file that does not have the hash that is written there is no copy: it
//! was damaged, or is another's.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

use super::sha256_of;
use crate::files;

/// The most that is known of a file may take.
const MAX_RECORD: u64 = 16 << 10;

/// A directory of copies.
pub(super) struct Copies {
    directory: PathBuf,
}

/// What a server says of a file, to be asked whether it is still the same.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Validators {
    pub(super) etag: Option<String>,
    pub(super) last_modified: Option<String>,
}

/// What is known of a copy.
#[derive(Debug, Serialize, Deserialize)]
struct Record {
    sha256: String,
    /// When the server last said that this is what it has, in seconds since 1970.
    confirmed: u64,
    validators: Validators,
}

/// A copy.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) bytes: Bytes,
    pub(super) sha256: String,
    pub(super) validators: Validators,
    confirmed: u64,
}

impl Kept {
    /// How long ago the server had it, in words.
    pub(super) fn age(&self) -> String {
        let then = UNIX_EPOCH.checked_add(Duration::from_secs(self.confirmed));
        let age = then.and_then(|then| SystemTime::now().duration_since(then).ok());
        in_words(age.unwrap_or_default().as_secs())
    }
}

impl Copies {
    pub(super) fn new(directory: PathBuf) -> Copies {
        Copies { directory }
    }

    /// The copy of what is at this URL, if there is one of at most `cap` bytes that is as it was written.
    pub(super) fn read(&self, url: &str, cap: usize) -> Option<Kept> {
        let (file, record) = self.paths(url);
        let record: Record = serde_json::from_slice(&files::read_regular(&record, MAX_RECORD).ok()?).ok()?;
        let bytes = files::read_regular(&file, cap as u64).ok()?;
        if sha256_of(&bytes) != record.sha256 {
            tracing::warn!(file = %file.display(), "the copy of a plugin was damaged, and is fetched again");
            return None;
        }
        Some(Kept {
            bytes: bytes.into(),
            sha256: record.sha256,
            validators: record.validators,
            confirmed: record.confirmed,
        })
    }

    /// Keeps what was fetched. Files are replaced as a whole, so that another process never reads half of one.
    pub(super) fn write(&self, url: &str, bytes: &[u8], validators: &Validators) -> io::Result<()> {
        make_directory(&self.directory)?;
        let (file, record) = self.paths(url);
        let written = Record {
            sha256: sha256_of(bytes),
            confirmed: SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .unwrap_or_default()
                .as_secs(),
            validators: validators.clone(),
        };
        self.replace(&file, bytes)?;
        self.replace(&record, &serde_json::to_vec(&written)?)
    }

    fn replace(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        // Temporary files are their owner's alone.
        let mut file = NamedTempFile::new_in(&self.directory)?;
        file.write_all(bytes)?;
        file.persist(path).map(drop).map_err(|error| error.error)
    }

    fn paths(&self, url: &str) -> (PathBuf, PathBuf) {
        let name = blake3::hash(url.as_bytes()).to_hex();
        let path = |ending| self.directory.join(format!("{name}.{ending}"));
        (path("wasm"), path("json"))
    }
}

/// Its owner's alone.
fn make_directory(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

fn in_words(seconds: u64) -> String {
    let (count, unit) = match seconds {
        0..60 => (seconds, "second"),
        60..3600 => (seconds / 60, "minute"),
        3600..86_400 => (seconds / 3600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {unit}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "https://example.com/guard.wasm?signature=secret";

    fn copies() -> (tempfile::TempDir, Copies) {
        let directory = tempfile::tempdir().unwrap();
        let copies = Copies::new(directory.path().join("downloads"));
        (directory, copies)
    }

    #[test]
    fn what_is_kept_is_read_again_with_what_is_known_of_it() {
        let (_directory, copies) = copies();
        let validators = Validators {
            etag: Some("\"1\"".into()),
            last_modified: None,
        };
        copies.write(URL, b"code", &validators).unwrap();
        let kept = copies.read(URL, 4).unwrap();
        assert_eq!((&*kept.bytes, &kept.validators), (&b"code"[..], &validators));
        assert_eq!(kept.sha256, sha256_of(b"code"));
        assert_eq!(kept.age(), "0 seconds");
        assert!(
            copies.read("https://example.com/guard.wasm", 4).is_none(),
            "another URL"
        );
        assert!(copies.read(URL, 3).is_none(), "larger than it may be");
    }

    #[test]
    fn a_damaged_file_or_record_is_no_copy() {
        let (_directory, copies) = copies();
        let (file, record) = copies.paths(URL);
        for (path, damage) in [(&file, "other code"), (&record, "{\"sha256\":"), (&record, "")] {
            copies.write(URL, b"code", &Validators::default()).unwrap();
            fs::write(path, damage).unwrap();
            assert!(copies.read(URL, 100).is_none(), "{damage:?}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn only_its_owner_reads_a_copy() {
        use std::os::unix::fs::PermissionsExt as _;
        let (_directory, copies) = copies();
        copies.write(URL, b"code", &Validators::default()).unwrap();
        let (file, record) = copies.paths(URL);
        for (path, mode) in [(copies.directory.as_path(), 0o700), (&file, 0o600), (&record, 0o600)] {
            let permissions = fs::metadata(path).unwrap().permissions();
            assert_eq!(permissions.mode() & 0o777, mode, "{}", path.display());
        }
    }

    #[test]
    fn an_age_is_told_in_its_largest_unit() {
        for (seconds, words) in [
            (1, "1 second"),
            (59, "59 seconds"),
            (3599, "59 minutes"),
            (7200, "2 hours"),
            (200_000, "2 days"),
        ] {
            assert_eq!(in_words(seconds), words);
        }
    }
}
