//! Files that a host keeps for itself where others may write: it trusts only what it wrote.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::path::Path;

use tempfile::NamedTempFile;

const KEY_BYTES: usize = blake3::KEY_LEN;

/// Authenticates what this host wrote, by a key in a file that its user alone may read.
#[derive(Clone)]
pub struct Seal {
    key: [u8; KEY_BYTES],
}

/// Why there is no [`Seal`].
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// The key's file can't be read.
    #[error("the key can't be read: {0}")]
    Unreadable(io::Error),
    /// Others than its owner may read the key's file, which has this mode.
    #[error("others may read the key (mode {0:03o}); remove it, or make it 600")]
    Exposed(u32),
    /// There was no key, and none could be made.
    #[error("the key can't be written: {0}")]
    Unwritable(io::Error),
    /// The key's file is in the directory of what it seals.
    #[error("the key's file is in the cache's directory; keep it elsewhere")]
    Beside,
    /// The key's file is shorter than a key.
    #[error("the key's file was cut off; remove it, and it is made anew")]
    CutOff,
    /// The key's file was removed while it was being made.
    #[error("the key's file vanished")]
    Vanished,
}

impl std::fmt::Debug for Seal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Seal")
    }
}

impl Seal {
    /// The seal of the key in this file, which is made if it isn't there.
    ///
    /// # Errors
    /// When the key can neither be read nor made, or others may read it.
    pub fn open(key_file: &Path) -> Result<Seal, SealError> {
        if let Some(key) = read_key(key_file)? {
            return Ok(Seal { key });
        }
        make_key(key_file).map_err(SealError::Unwritable)?;
        // Another host may have been first: what is in the file counts.
        let key = read_key(key_file)?.ok_or(SealError::Vanished)?;
        Ok(Seal { key })
    }

    /// The MAC of these parts. Two lists of parts have the same one only if they are equal; hashes are compared in
    /// constant time.
    #[must_use]
    pub fn of(&self, parts: &[&[u8]]) -> blake3::Hash {
        let mut mac = blake3::Hasher::new_keyed(&self.key);
        for part in parts {
            mac.update(&(part.len() as u64).to_le_bytes());
            mac.update(part);
        }
        mac.finalize()
    }
}

/// Makes a directory, and those above it, for its owner alone.
///
/// # Errors
/// When the system refuses.
pub fn make_directory(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Writes these parts to a file: who reads it sees the old file or the whole new one, also after a crash.
///
/// # Errors
/// When the system refuses.
pub fn write_atomically(path: &Path, parts: &[&[u8]]) -> io::Result<()> {
    let directory = path.parent().unwrap_or(Path::new("."));
    // Temporary files are their owner's alone.
    let mut file = NamedTempFile::new_in(directory)?;
    for part in parts {
        file.write_all(part)?;
    }
    file.as_file().sync_data()?;
    file.persist(path)?;
    Ok(())
}

fn make_key(path: &Path) -> io::Result<()> {
    let directory = path.parent().unwrap_or(Path::new("."));
    make_directory(directory)?;
    let mut key = [0; KEY_BYTES];
    getrandom::fill(&mut key).map_err(io::Error::other)?;
    let mut file = NamedTempFile::new_in(directory)?;
    file.write_all(&key)?;
    file.as_file().sync_data()?;
    match file.persist_noclobber(path) {
        Err(error) if error.error.kind() != io::ErrorKind::AlreadyExists => Err(error.error),
        _ => Ok(()),
    }
}

fn read_key(path: &Path) -> Result<Option<[u8; KEY_BYTES]>, SealError> {
    let mut file = match fs::File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file.map_err(SealError::Unreadable)?,
    };
    #[cfg(unix)]
    {
        let metadata = file.metadata().map_err(SealError::Unreadable)?;
        let mode = std::os::unix::fs::MetadataExt::mode(&metadata);
        if mode & 0o077 != 0 {
            return Err(SealError::Exposed(mode & 0o777));
        }
    }
    let mut key = [0; KEY_BYTES];
    file.read_exact(&mut key).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => SealError::CutOff,
        _ => SealError::Unreadable(error),
    })?;
    Ok(Some(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_is_there_gives_the_same_seal_again() {
        let directory = tempfile::tempdir().unwrap();
        let (one, other) = (directory.path().join("a/key"), directory.path().join("b/key"));
        let seal = Seal::open(&one).unwrap();
        let parts: &[&[u8]] = &[b"what", b"it says"];
        assert_eq!(Seal::open(&one).unwrap().of(parts), seal.of(parts));
        assert_ne!(Seal::open(&other).unwrap().of(parts), seal.of(parts));
        assert_ne!(
            seal.of(&[b"wha", b"tit says"]),
            seal.of(parts),
            "where a part ends counts"
        );
    }

    #[test]
    fn a_file_is_replaced_as_a_whole_and_leaves_nothing_else() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("file");
        for text in ["first", "second"] {
            write_atomically(&file, &[text.as_bytes(), b"!"]).unwrap();
            assert_eq!(fs::read_to_string(&file).unwrap(), format!("{text}!"));
        }
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }
}
