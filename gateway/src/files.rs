//! Files that others write: read up to a size, and looked at for changes.

use std::fs::{File, Metadata};
use std::io::{self, Read, Seek as _};
use std::path::Path;
use std::time::SystemTime;

use notify::event::{AccessKind, AccessMode};
use notify::{Event, EventKind};

/// Why a file is not read, in words that follow its name.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FileError {
    #[error("can't be read: {0}")]
    Unreadable(#[from] io::Error),
    #[error("is no regular file")]
    NotRegular,
    #[error("is over the {} that it may have", in_words(*max))]
    TooLarge { max: u64 },
    #[error("is not UTF-8")]
    NotUtf8,
}

impl FileError {
    /// Whether there is no such file.
    pub(crate) fn is_missing(&self) -> bool {
        matches!(self, FileError::Unreadable(error) if error.kind() == io::ErrorKind::NotFound)
    }
}

/// Reads a file of at most `max` bytes, whatever it is: a pipe too.
pub(crate) fn read(path: &Path, max: u64) -> Result<Vec<u8>, FileError> {
    up_to(max, File::open(path)?)
}

/// Reads a regular file of at most `max` bytes: opening a pipe waits for its other end.
pub(crate) fn read_regular(path: &Path, max: u64) -> Result<Vec<u8>, FileError> {
    if !path.metadata()?.is_file() {
        return Err(FileError::NotRegular);
    }
    read(path, max)
}

/// As [`read_regular`], but nothing of a file that begins like this.
pub(crate) fn read_unless(begins: &[u8], path: &Path, max: u64) -> Result<Vec<u8>, FileError> {
    if !path.metadata()?.is_file() {
        return Err(FileError::NotRegular);
    }
    let mut file = File::open(path)?;
    let mut start = Vec::new();
    (&mut file).take(begins.len() as u64).read_to_end(&mut start)?;
    if start == begins {
        return Ok(Vec::new());
    }
    file.rewind()?;
    up_to(max, file)
}

/// Reads to the end, if that comes within `max` bytes.
pub(crate) fn up_to(max: u64, from: impl Read) -> Result<Vec<u8>, FileError> {
    let mut bytes = Vec::new();
    from.take(max.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > max {
        return Err(FileError::TooLarge { max });
    }
    Ok(bytes)
}

pub(crate) fn text(bytes: Vec<u8>) -> Result<String, FileError> {
    String::from_utf8(bytes).map_err(|_| FileError::NotUtf8)
}

fn in_words(bytes: u64) -> String {
    match bytes {
        0..1024 => format!("{bytes} bytes"),
        1024..1_048_576 => format!("{} KiB", bytes >> 10),
        _ => format!("{} MiB", bytes >> 20),
    }
}

/// What tells one version of a file from the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    modified: Option<SystemTime>,
    length: u64,
    /// A file that is put in another's place can have its time and length.
    number: u64,
    /// When its owner or rights changed, which lets it be read where it could not.
    changed: (i64, i64),
}

impl Stamp {
    /// None: there is no such file.
    pub(crate) fn of(path: &Path) -> Option<Stamp> {
        let metadata = path.metadata().ok()?;
        Some(Stamp {
            modified: metadata.modified().ok(),
            length: metadata.len(),
            number: number(&metadata),
            changed: changed(&metadata),
        })
    }

    /// Whether another change would show: clocks of file systems tick slowly.
    pub(crate) fn is_settled(&self) -> bool {
        let now = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        let (seconds, _) = self.changed;
        now.as_secs().saturating_sub(u64::try_from(seconds).unwrap_or_default()) > 1
    }
}

/// Whether something changed that is watched: a look at a file changes nothing. What can't be told may be one.
pub(crate) fn is_change(event: &notify::Result<Event>) -> bool {
    match event.as_ref().map(|event| event.kind) {
        Ok(EventKind::Access(AccessKind::Close(AccessMode::Write))) => true,
        Ok(EventKind::Access(_)) => false,
        _ => true,
    }
}

#[cfg(unix)]
fn number(metadata: &Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(metadata)
}

#[cfg(not(unix))]
fn number(_metadata: &Metadata) -> u64 {
    0
}

#[cfg(unix)]
fn changed(metadata: &Metadata) -> (i64, i64) {
    use std::os::unix::fs::MetadataExt;
    (metadata.ctime(), metadata.ctime_nsec())
}

#[cfg(not(unix))]
fn changed(_metadata: &Metadata) -> (i64, i64) {
    (0, 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_up_to_a_size() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(&file, [b'x'; 2048]).unwrap();
        assert_eq!(read(file.path(), 2048).unwrap().len(), 2048);
        let error = read(file.path(), 2047).unwrap_err();
        assert_eq!(error.to_string(), "is over the 1 KiB that it may have");
    }

    #[test]
    fn what_is_not_there_and_what_is_no_file_is_told_apart() {
        let directory = tempfile::tempdir().unwrap();
        let missing = read_regular(&directory.path().join("none"), 1).unwrap_err();
        assert!(missing.is_missing(), "{missing}");
        let other = read_regular(directory.path(), 1).unwrap_err();
        assert!(!other.is_missing(), "{other}");
        assert_eq!(other.to_string(), "is no regular file");
    }

    #[test]
    fn a_file_in_another_ones_place_has_another_stamp() {
        let directory = tempfile::tempdir().unwrap();
        let [first, second] = ["first", "second"].map(|name| directory.path().join(name));
        let time = SystemTime::UNIX_EPOCH;
        for path in [&first, &second] {
            std::fs::write(path, "same length").unwrap();
            File::options()
                .write(true)
                .open(path)
                .unwrap()
                .set_modified(time)
                .unwrap();
        }
        let before = Stamp::of(&first);
        assert_eq!(Stamp::of(&first), before);
        std::fs::rename(&second, &first).unwrap();
        assert_ne!(Stamp::of(&first), before);
        std::fs::remove_file(&first).unwrap();
        assert_eq!(Stamp::of(&first), None);
    }

    #[cfg(unix)]
    #[test]
    fn a_file_whose_rights_changed_has_another_stamp() {
        use std::os::unix::fs::PermissionsExt;
        let file = tempfile::NamedTempFile::new().unwrap();
        let before = Stamp::of(file.path());
        // The system's clock for this moves in steps.
        let mut modes = [0o400, 0o600].into_iter().cycle();
        let changed = modes.by_ref().take(1_000_000).find(|mode| {
            std::fs::set_permissions(file.path(), PermissionsExt::from_mode(*mode)).unwrap();
            Stamp::of(file.path()) != before
        });
        assert!(changed.is_some(), "{before:?}");
    }
}
