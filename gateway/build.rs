//! Puts `templates/` into the binary, for `heimdall new`: a table of `include_bytes!`, made here because links are followed
//! and what tools leave in a folder is left out.

use std::collections::BTreeSet;
use std::error::Error;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

#[path = "src/cli/new/folder.rs"]
mod folder;

fn main() -> Result<(), Box<dyn Error>> {
    let templates = Path::new(&env::var("CARGO_MANIFEST_DIR")?)
        .join("../templates")
        .canonicalize()?;
    // New files and lost ones too.
    let mut watched = BTreeSet::from([templates.clone()]);
    let mut table = String::from("&[\n");
    let mut languages: Vec<PathBuf> = fs::read_dir(&templates)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    // What several languages share lies in a folder that is no template, and is linked from theirs.
    languages.retain(|path| path.join("template.toml").is_file());
    languages.sort();
    for folder in languages {
        let name = folder.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        writeln!(table, "    ({name:?}, &[")?;
        for folder::Found { path, file, executable } in folder::files(&folder)? {
            let is_link = file.is_symlink();
            let file = file.canonicalize()?;
            // Beside what a link leads to may lie what tools make; in a folder of the template there may be more files one day.
            watched.extend(match is_link {
                true => Some(file.clone()),
                false => file.parent().map(Path::to_owned),
            });
            writeln!(
                table,
                "        Embedded {{ path: {path:?}, bytes: include_bytes!({file:?}), executable: {executable} }},"
            )?;
        }
        writeln!(table, "    ]),")?;
    }
    table.push(']');
    fs::write(Path::new(&env::var("OUT_DIR")?).join("templates.rs"), table)?;
    let mut out = io::stdout();
    writeln!(out, "cargo::rerun-if-changed=src/cli/new/folder.rs")?;
    for folder in watched {
        writeln!(out, "cargo::rerun-if-changed={}", folder.display())?;
    }
    Ok(())
}
