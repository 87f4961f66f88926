//! The files below a folder, links followed. The build script reads `templates/` with it, `heimdall new --from` any folder.

use std::fs;
use std::path::{Path, PathBuf};

/// Folders of what tools make and fetch: neither part of a template, nor looked at for changes.
pub const LEFT_OUT: [&str; 7] = [
    ".git",
    ".venv",
    "__pycache__",
    "build",
    "dist",
    "node_modules",
    "target",
];

/// How deep folders may lie: a link to a folder above itself leads down for ever.
const MAX_DEPTH: usize = 32;

/// The most files and folders: what is no template is not to be walked through for hours.
const MAX_FILES: usize = 10_000;

/// A file.
pub struct Found {
    /// Below the folder, with `/`.
    pub path: String,
    /// Where it is.
    pub file: PathBuf,
    pub executable: bool,
}

/// All files, in the order of their paths.
///
/// # Errors
/// In words, with what can't be read.
pub fn files(folder: &Path) -> Result<Vec<Found>, String> {
    let (mut found, mut seen) = (Vec::new(), 0);
    collect(folder, ("", 0), &mut found, &mut seen)?;
    found.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(found)
}

fn collect(
    folder: &Path,
    (above, depth): (&str, usize),
    found: &mut Vec<Found>,
    seen: &mut usize,
) -> Result<(), String> {
    if depth > MAX_DEPTH {
        return Err(format!(
            "{} lies {MAX_DEPTH} folders deep; does a link lead to a folder above it?",
            folder.display()
        ));
    }
    let unreadable = |path: &Path, error| format!("{} can't be read: {error}", path.display());
    for entry in fs::read_dir(folder).map_err(|error| unreadable(folder, error))? {
        let file = entry.map_err(|error| unreadable(folder, error))?.path();
        let Some(name) = file.file_name().and_then(|name| name.to_str()) else {
            return Err(format!("the name of {} is not UTF-8", file.display()));
        };
        *seen += 1;
        if *seen > MAX_FILES {
            return Err(format!(
                "there are more than {MAX_FILES} files and folders in it (the last: {}); is it a template?",
                file.display()
            ));
        }
        let path = format!("{above}{name}");
        let metadata = fs::metadata(&file).map_err(|error| unreadable(&file, error))?;
        if metadata.is_file() {
            let executable = is_executable(&metadata);
            found.push(Found { path, file, executable });
        } else if metadata.is_dir() && !LEFT_OUT.contains(&name) {
            collect(&file, (&format!("{path}/"), depth + 1), found, seen)?;
        }
    }
    Ok(())
}

#[cfg(unix)]
fn is_executable(metadata: &fs::Metadata) -> bool {
    std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o111 != 0
}

#[cfg(not(unix))]
fn is_executable(_metadata: &fs::Metadata) -> bool {
    false
}
