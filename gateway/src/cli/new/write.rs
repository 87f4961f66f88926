//! Writes a plugin's folder: all of it, or nothing.

use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use super::render::Files;

/// What a folder may have and still be taken for empty: `git init` may have come first.
const NO_CONTENT: &str = ".git";

/// Writes the files into this folder, which is made if it is not there.
///
/// # Errors
/// In words; nothing of it is left then.
pub(super) fn write(folder: &Path, files: &Files) -> anyhow::Result<()> {
    let taken = taken_by(folder)?;
    if let Some(name) = taken {
        bail!(
            "the folder {} is not empty: {} is there; give another folder by `--dir`, or empty this one",
            folder.display(),
            name.display()
        );
    }
    let made = make(folder)?;
    let done = fill(folder, files);
    if done.is_err() {
        // From the deepest to the highest; what others put there meanwhile stays.
        for folder in made.iter().rev() {
            let _theirs = fs::remove_dir(folder);
        }
    }
    done.with_context(|| format!("the plugin can't be written to {}", folder.display()))
}

/// The first thing that is in a folder; none: it is empty, or not there.
fn taken_by(folder: &Path) -> anyhow::Result<Option<OsString>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => {
            return Err(error).with_context(|| {
                format!(
                    "a plugin can't be written to {}; give another folder by `--dir`",
                    folder.display()
                )
            });
        }
    };
    let names = entries.filter_map(Result::ok).map(|entry| entry.file_name());
    Ok(names.filter(|name| name != NO_CONTENT).min())
}

/// Makes a folder and those above it; gives back which of them were not there, from the highest to the deepest.
fn make(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let is_missing = |folder: &&Path| !folder.as_os_str().is_empty() && !folder.exists();
    let mut missing: Vec<PathBuf> = folder.ancestors().take_while(is_missing).map(Path::to_owned).collect();
    missing.reverse();
    fs::create_dir_all(folder).with_context(|| format!("the folder {} can't be made", folder.display()))?;
    Ok(missing)
}

/// Everything is written beside where it goes, and moved there when it is complete.
fn fill(folder: &Path, files: &Files) -> anyhow::Result<()> {
    let stage = tempfile::Builder::new().prefix(".heimdall-new-").tempdir_in(folder)?;
    for (path, file) in files {
        let to = stage.path().join(path);
        let write = || {
            fs::create_dir_all(to.parent().unwrap_or(stage.path()))?;
            options(file.executable).open(&to)?.write_all(&file.bytes)
        };
        write().with_context(|| path.clone())?;
    }
    let mut moved: Vec<PathBuf> = Vec::new();
    let all_moved = fs::read_dir(stage.path()).and_then(|entries| {
        for entry in entries {
            let entry = entry?;
            let to = folder.join(entry.file_name());
            fs::rename(entry.path(), &to)?;
            moved.push(to);
        }
        Ok(())
    });
    if let Err(error) = all_moved {
        for path in moved {
            let _gone = match path.is_dir() {
                true => fs::remove_dir_all(&path),
                false => fs::remove_file(&path),
            };
        }
        return Err(error.into());
    }
    Ok(())
}

/// A new file; what its rights are beyond that is the user's mask's to say.
fn options(executable: bool) -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, if executable { 0o777 } else { 0o666 });
    options
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::new::render::Rendered;

    fn files(paths: &[&str]) -> Files {
        let file = |path: &&str| {
            let rendered = Rendered {
                bytes: b"text".to_vec(),
                executable: path.ends_with(".sh"),
            };
            ((*path).to_owned(), rendered)
        };
        paths.iter().map(file).collect()
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn folders_are_made_and_files_keep_their_right_to_be_run() {
        let desk = tempfile::tempdir().unwrap();
        let folder = desk.path().join("a/b");
        write(&folder, &files(&["src/one.txt", "two.sh", ".hidden"])).unwrap();
        assert_eq!(names(&folder), [".hidden", "src", "two.sh"]);
        assert_eq!(fs::read(folder.join("src/one.txt")).unwrap(), b"text");
        use std::os::unix::fs::PermissionsExt as _;
        let mode = |file: &str| fs::metadata(folder.join(file)).unwrap().permissions().mode() & 0o100;
        assert_eq!((mode("two.sh"), mode("src/one.txt")), (0o100, 0));
    }

    #[test]
    fn a_folder_with_something_in_it_is_left_alone() {
        let desk = tempfile::tempdir().unwrap();
        fs::write(desk.path().join("notes.txt"), "mine").unwrap();
        let error = write(desk.path(), &files(&["one.txt"])).unwrap_err().to_string();
        assert!(error.contains("notes.txt") && error.contains("--dir"), "{error}");
        assert_eq!(names(desk.path()), ["notes.txt"]);
    }

    #[test]
    fn a_folder_that_git_knows_is_empty() {
        let desk = tempfile::tempdir().unwrap();
        fs::create_dir(desk.path().join(".git")).unwrap();
        write(desk.path(), &files(&["one.txt"])).unwrap();
        assert_eq!(names(desk.path()), [".git", "one.txt"]);
    }

    #[test]
    fn of_what_can_not_be_written_nothing_is_left() {
        let desk = tempfile::tempdir().unwrap();
        // The second would have to lie in the first.
        let error = write(&desk.path().join("a/b"), &files(&["one", "one/two"])).unwrap_err();
        assert!(format!("{error:#}").contains("one/two"), "{error:#}");
        assert!(names(desk.path()).is_empty(), "{:?}", names(desk.path()));
        fs::write(desk.path().join("file"), "").unwrap();
        assert!(write(&desk.path().join("file"), &files(&["one"])).is_err());
    }
}
