//! The copies of plugins that were downloaded, in the cache directory.
//!
//! For each URL there is a record: what the server said, and the hash of what it sent, by which the file is called. Records
//! carry the host's seal: whoever may write to the cache directory alone can bring no plugin in that was not there before. A file that does not have
//! the hash of its record is no copy either: it was damaged.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use heimdall_host::runtime::{Seal, make_directory, write_atomically};
use serde::{Deserialize, Serialize};

use super::sha256_of;
use crate::files;

/// The beginning of what is sealed, with the version of the format.
const MAGIC: &[u8] = b"heimdall copy of a plugin 1\n";

/// The most that is known of a file may take.
const MAX_RECORD: u64 = 16 << 10;

/// How long a copy is kept that nobody uses.
const KEPT_FOR: Duration = Duration::from_secs(90 * 24 * 3600);
const A_DAY: Duration = Duration::from_secs(24 * 3600);

/// What the names of records and of files end with.
const RECORD: &str = "record";
const FILE: &str = "wasm";

/// A directory of copies.
pub(super) struct Copies {
    directory: PathBuf,
    seal: Seal,
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
    pub(super) fn new(directory: PathBuf, seal: Seal) -> Copies {
        Copies { directory, seal }
    }

    /// The copy of what is at this URL, if there is one of at most `cap` bytes that is as it was written.
    pub(super) fn read(&self, url: &str, cap: usize) -> Option<Kept> {
        let path = self.record_of(url);
        let record = files::read_regular(&path, MAX_RECORD).ok()?;
        let Some(record) = self.unsealed(url, &record) else {
            tracing::warn!(file = %path.display(), "the record of a plugin was damaged, or is not this gateway's: the \
                           plugin is fetched again");
            return None;
        };
        let file = self.file_of(&record.sha256);
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

    /// Keeps what was fetched. The record is replaced last, so that it never tells of a file that is not there.
    pub(super) fn write(&self, url: &str, bytes: &[u8], validators: &Validators) -> io::Result<()> {
        make_directory(&self.directory)?;
        let sha256 = sha256_of(bytes);
        let file = self.file_of(&sha256);
        if !files::read_regular(&file, bytes.len() as u64).is_ok_and(|there| there == bytes) {
            write_atomically(&file, &[bytes])?;
        }
        let record = serde_json::to_vec(&Record {
            sha256,
            confirmed: SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .unwrap_or_default()
                .as_secs(),
            validators: validators.clone(),
        })?;
        let mac = self.mac(url, &record);
        write_atomically(&self.record_of(url), &[mac.to_hex().as_bytes(), b"\n", &record])
    }

    /// Removes what nobody used for long, but for the copies of these URLs. What can't be removed stays.
    pub(super) fn tidy<'a>(&self, used: impl Iterator<Item = &'a str>) {
        for record in used.map(|url| self.record_of(url)) {
            // Another gateway that shares the directory sees by it that the copy is in use.
            let _stays = fs::File::open(record).and_then(|file| file.set_modified(SystemTime::now()));
        }
        let (records, files): (Vec<_>, Vec<_>) = self.entries().partition(|path| is_called(path, RECORD));
        let (old, kept): (Vec<_>, Vec<_>) = records.into_iter().partition(|record| is_older(record, KEPT_FOR));
        let of_records: HashSet<PathBuf> = kept.iter().filter_map(|record| self.file_of_record(record)).collect();
        let left = files.into_iter().filter(|file| {
            // One that was written a moment ago may be about to get its record.
            is_called(file, FILE) && !of_records.contains(file) && is_older(file, A_DAY)
        });
        for path in old.into_iter().chain(left) {
            let _stays = fs::remove_file(path);
        }
    }

    fn entries(&self) -> impl Iterator<Item = PathBuf> {
        let entries = fs::read_dir(&self.directory).into_iter().flatten();
        entries.filter_map(|entry| Some(entry.ok()?.path()))
    }

    fn mac(&self, url: &str, record: &[u8]) -> blake3::Hash {
        self.seal.of(&[MAGIC, url.as_bytes(), record])
    }

    fn unsealed(&self, url: &str, text: &[u8]) -> Option<Record> {
        let (mac, record) = parts(text)?;
        let is_ours = self.mac(url, record) == mac;
        is_ours.then(|| serde_json::from_slice(record).ok())?
    }

    fn file_of_record(&self, record: &Path) -> Option<PathBuf> {
        let text = files::read_regular(record, MAX_RECORD).ok()?;
        let record: Record = serde_json::from_slice(parts(&text)?.1).ok()?;
        Some(self.file_of(&record.sha256))
    }

    fn record_of(&self, url: &str) -> PathBuf {
        let name = blake3::hash(url.as_bytes()).to_hex();
        self.directory.join(format!("{name}.{RECORD}"))
    }

    fn file_of(&self, sha256: &str) -> PathBuf {
        self.directory.join(format!("{sha256}.{FILE}"))
    }
}

/// The seal of a record, and what is sealed.
fn parts(text: &[u8]) -> Option<(blake3::Hash, &[u8])> {
    let end = memchr::memchr(b'\n', text)?;
    let mac = blake3::Hash::from_hex(text.get(..end)?).ok()?;
    Some((mac, text.get(end + 1..)?))
}

fn is_called(path: &Path, extension: &str) -> bool {
    path.extension().is_some_and(|there| there == extension)
}

fn is_older(path: &Path, age: Duration) -> bool {
    let modified = path.metadata().and_then(|metadata| metadata.modified()).ok();
    modified
        .and_then(|then| then.elapsed().ok())
        .is_some_and(|elapsed| elapsed > age)
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
        let copies = of(directory.path(), "key");
        (directory, copies)
    }

    fn of(directory: &Path, key: &str) -> Copies {
        let seal = Seal::open(&directory.join(key)).unwrap();
        Copies::new(directory.join("downloads"), seal)
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
        assert!(
            copies.read("https://example.com/guard.wasm", 4).is_none(),
            "another URL"
        );
        assert!(copies.read(URL, 3).is_none(), "larger than it may be");
    }

    #[test]
    fn a_damaged_file_or_record_is_no_copy() {
        let (_directory, copies) = copies();
        let (file, record) = (copies.file_of(&sha256_of(b"code")), copies.record_of(URL));
        for (path, damage) in [(&file, "other code"), (&record, "{\"sha256\":"), (&record, "")] {
            copies.write(URL, b"code", &Validators::default()).unwrap();
            assert!(copies.read(URL, 100).is_some());
            fs::write(path, damage).unwrap();
            assert!(copies.read(URL, 100).is_none(), "{damage:?}");
        }
    }

    #[test]
    fn what_another_key_sealed_or_another_url_s_record_is_no_copy() {
        let (directory, copies) = copies();
        of(directory.path(), "another-key")
            .write(URL, b"planted", &Validators::default())
            .unwrap();
        assert!(copies.read(URL, 100).is_none());
        copies
            .write("https://example.com/other.wasm", b"other", &Validators::default())
            .unwrap();
        fs::copy(
            copies.record_of("https://example.com/other.wasm"),
            copies.record_of(URL),
        )
        .unwrap();
        assert!(copies.read(URL, 100).is_none());
    }

    #[test]
    fn what_nobody_used_for_long_is_removed() {
        let (_directory, copies) = copies();
        let urls = ["https://x/used", "https://x/new", "https://x/old"];
        for url in urls {
            copies.write(url, url.as_bytes(), &Validators::default()).unwrap();
        }
        copies
            .write("https://x/used", b"second version", &Validators::default())
            .unwrap();
        let is_new = |path: &Path| *path == copies.record_of("https://x/new");
        for path in copies.entries().filter(|path| !is_new(path)) {
            let long_ago = SystemTime::now() - 2 * KEPT_FOR;
            fs::File::open(path).unwrap().set_modified(long_ago).unwrap();
        }
        copies.tidy(["https://x/used"].into_iter());
        assert_eq!(copies.read("https://x/used", 100).unwrap().bytes, "second version");
        assert_eq!(copies.read("https://x/new", 100).unwrap().bytes, "https://x/new");
        assert_eq!(copies.entries().count(), 4, "two records with their files");
    }

    #[cfg(unix)]
    #[test]
    fn only_its_owner_reads_a_copy() {
        use std::os::unix::fs::PermissionsExt as _;
        let (_directory, copies) = copies();
        copies.write(URL, b"code", &Validators::default()).unwrap();
        let (file, record) = (copies.file_of(&sha256_of(b"code")), copies.record_of(URL));
        for (path, mode) in [(copies.directory.as_path(), 0o700), (&file, 0o600), (&record, 0o600)] {
            let permissions = fs::metadata(path).unwrap().permissions();
            assert_eq!(permissions.mode() & 0o777, mode, "{}", path.display());
        }
    }

    #[test]
    fn an_age_is_told_in_its_largest_unit() {
        for (seconds, words) in [
            (0, "0 seconds"),
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
