//! Waits until a file of a plugin changes.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use ignore::{DirEntry, WalkBuilder};
use notify::{ErrorKind, Event, RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;
use tokio::time::{sleep, timeout};

use super::super::new::LEFT_OUT;
use super::super::output::{self, WARNING, printable};
use super::super::project::{self, Project};
use crate::files;

/// How long nothing may happen until what happened is taken for all: editors and tools write in several steps.
const QUIET: Duration = Duration::from_millis(50);

/// How long is waited before what changed during a build is built.
const PAUSE: Duration = Duration::from_secs(1);

/// Events that may wait to be looked at.
const WAITING: usize = 1024;

/// What files hold, by their paths.
type Contents = BTreeMap<PathBuf, blake3::Hash>;

pub(in crate::cli) struct Watch {
    folders: Arc<Mutex<Folders>>,
    happened: mpsc::Receiver<notify::Result<Event>>,
    /// As it was when a change was last told.
    contents: Contents,
}

/// The folders that are watched.
struct Folders {
    watcher: RecommendedWatcher,
    /// Those that can't be, and were told.
    left_out: BTreeSet<PathBuf>,
}

impl Watch {
    /// # Errors
    /// In words, with what can't be watched.
    pub(in crate::cli) async fn new(project: &Project) -> anyhow::Result<Watch> {
        let (told, happened) = mpsc::channel(WAITING);
        // One that does not fit in changes nothing: those before it tell that something happened.
        let tell = move |event| drop(told.try_send(event));
        let folders = Folders {
            watcher: notify::recommended_watcher(tell).context("no files can be watched")?,
            left_out: BTreeSet::new(),
        };
        let mut watch = Watch {
            folders: Arc::new(Mutex::new(folders)),
            happened,
            contents: Contents::new(),
        };
        watch.contents = watch.look(project).await?;
        Ok(watch)
    }

    /// Completes when a file holds something else than when a change was last told, and gives back which. A build that
    /// writes what was there already changes nothing.
    ///
    /// # Errors
    /// In words, with what can't be watched.
    pub(in crate::cli) async fn changed(&mut self, project: &Project) -> anyhow::Result<PathBuf> {
        let mut has_paused = false;
        loop {
            let contents = self.look(project).await?;
            if let Some(file) = differing(&contents, &self.contents) {
                if has_paused {
                    self.contents = contents;
                    return Ok(file);
                }
                // It changed while it was built, maybe by that: a build that always does must not take all there is.
                sleep(PAUSE).await;
                has_paused = true;
                continue;
            }
            has_paused = true;
            while let Some(event) = self.happened.recv().await {
                if files::is_change(&event) {
                    break;
                }
            }
            while let Ok(Some(_)) = timeout(QUIET, self.happened.recv()).await {}
        }
    }

    /// Reads the files, and watches their folders from here on: those too that came since the last time.
    async fn look(&self, project: &Project) -> anyhow::Result<Contents> {
        let (folders, project) = (self.folders.clone(), project.clone());
        // There may be many, or large ones; signals are answered meanwhile.
        let looked = spawn_blocking(move || {
            let mut folders = folders.lock().unwrap_or_else(PoisonError::into_inner);
            look(&mut folders, &project)
        });
        looked.await.context("the files can't be looked at")?
    }
}

fn look(watched: &mut Folders, project: &Project) -> anyhow::Result<Contents> {
    let (mut folders, mut files) = (BTreeSet::new(), BTreeSet::new());
    for entry in entries(project) {
        match entry.file_type().is_some_and(|kind| kind.is_dir()) {
            true => folders.insert(entry.into_path()),
            false => {
                folders.extend(entry.path().parent().map(Path::to_owned));
                files.insert(entry.into_path())
            }
        };
    }
    for folder in folders {
        match watched.watcher.watch(&folder, RecursiveMode::NonRecursive) {
            Ok(()) => {}
            // It may be gone again.
            Err(_) if !folder.is_dir() => {}
            Err(error) if ends_watching(&error) || folder == project.folder => return Err(refused(&folder, error)),
            Err(error) => {
                if watched.left_out.insert(folder.clone()) {
                    output::note(&format!(
                        "{WARNING}changes in {} are not seen{WARNING:#}: {error}\n",
                        printable(&folder.display().to_string())
                    ));
                }
            }
        }
    }
    let read = files.into_iter().filter_map(|file| {
        let hash = hash(&file)?;
        Some((file, hash))
    });
    Ok(read.collect())
}

/// Whether no other folder can be watched either.
fn ends_watching(error: &notify::Error) -> bool {
    matches!(error.kind, ErrorKind::MaxFilesWatch)
}

fn refused(folder: &Path, error: notify::Error) -> anyhow::Error {
    let why = match ends_watching(&error) {
        true => {
            "; raise `fs.inotify.max_user_watches`, or say by `watch` in heimdall.plugin.toml what is to be looked at"
        }
        false => "",
    };
    anyhow::Error::new(error).context(format!("{} can't be watched{why}", folder.display()))
}

/// What a file holds. Pipes and devices are none: they have no end, or wait for one.
fn hash(file: &Path) -> Option<blake3::Hash> {
    let metadata = file.metadata().ok()?;
    if !metadata.is_file() {
        return None;
    }
    let mut hasher = blake3::Hasher::new();
    // What is written behind that meanwhile is a change of its own.
    let content = File::open(file).ok()?.take(metadata.len());
    hasher.update_reader(content).ok()?;
    Some(hasher.finalize())
}

/// A file that holds something else, came or went.
fn differing(now: &Contents, before: &Contents) -> Option<PathBuf> {
    let changed = now.iter().find(|(file, hash)| before.get(*file) != Some(*hash));
    let gone = || before.iter().find(|(file, _)| !now.contains_key(*file));
    changed.or_else(gone).map(|(file, _)| file.clone())
}

/// What may make a build different: neither what it makes itself, nor what is left out by name, or by `.gitignore` unless
/// the plugin says what is to be looked at.
fn entries(project: &Project) -> impl Iterator<Item = DirEntry> + use<> {
    let made: Vec<PathBuf> = [&project.output, project.plugin()]
        .map(|path: &Path| project.folder.join(path))
        .into();
    let chosen = match &project.watch {
        None => vec![project.folder.clone()],
        Some(watch) => {
            let own = [project::FILE, super::CONFIGURATION].map(PathBuf::from);
            let paths = watch.iter().chain(&own).map(|path| project.folder.join(path));
            paths.filter(|path| path.exists()).collect()
        }
    };
    let by_git = project.watch.is_none();
    chosen.into_iter().flat_map(move |path| {
        let made = made.clone();
        let mut walk = WalkBuilder::new(path);
        // As in a repository, whether it is one yet or not.
        walk.standard_filters(by_git).hidden(false).require_git(false);
        walk.filter_entry(move |entry| !is_left_out(entry) && !made.iter().any(|made| made == entry.path()));
        walk.build().filter_map(Result::ok)
    })
}

fn is_left_out(entry: &DirEntry) -> bool {
    let Some(name) = entry.file_name().to_str() else {
        return false;
    };
    match entry.file_type() {
        Some(kind) if kind.is_dir() => entry.depth() > 0 && LEFT_OUT.contains(&name),
        // What editors keep beside a file.
        _ => name.ends_with('~') || name.ends_with(".swp"),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn project(folder: &Path, more: &str) -> Project {
        let text = format!("name = \"a\"\nbuild = \"make\"\noutput = \"a.wasm\"\n{more}");
        Project {
            folder: folder.to_owned(),
            ..Project::parse(&text).unwrap()
        }
    }

    fn paths(project: &Project) -> Vec<String> {
        let files = entries(project).filter(|entry| entry.path().is_file());
        let below = |entry: DirEntry| {
            let path = entry.path().strip_prefix(&project.folder).unwrap();
            path.display().to_string()
        };
        let mut paths: Vec<String> = files.map(below).collect();
        paths.sort();
        paths
    }

    fn desk() -> tempfile::TempDir {
        let desk = tempfile::tempdir().unwrap();
        for file in [
            "src/a.rs",
            "target/x",
            "gen/y",
            "a.wasm",
            ".gitignore",
            "src/a.rs~",
            "node_modules/z",
        ] {
            let file = desk.path().join(file);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, "gen/\n").unwrap();
        }
        desk
    }

    #[test]
    fn what_git_leaves_out_and_what_a_build_makes_is_not_looked_at() {
        let desk = desk();
        assert_eq!(paths(&project(desk.path(), "")), [".gitignore", "src/a.rs"]);
    }

    #[test]
    fn a_plugin_may_say_what_is_looked_at() {
        let desk = desk();
        fs::write(desk.path().join(project::FILE), "").unwrap();
        let watch = "watch = [\"gen\", \"nowhere\"]\n";
        assert_eq!(paths(&project(desk.path(), watch)), ["gen/y", project::FILE]);
    }

    #[tokio::test]
    async fn a_change_is_told_wherever_and_whenever_it_happens() {
        let desk = desk();
        let project = project(desk.path(), "");
        let mut watch = Watch::new(&project).await.unwrap();
        // Before it is waited for.
        let file = desk.path().join("src/a.rs");
        fs::write(&file, "one").unwrap();
        assert_eq!(watch.changed(&project).await.unwrap(), file);
        // In a folder that was not there.
        let write = async {
            tokio::task::yield_now().await;
            fs::create_dir(desk.path().join("new")).unwrap();
            fs::write(desk.path().join("new/b.rs"), "two").unwrap();
        };
        let (told, ()) = tokio::join!(watch.changed(&project), write);
        told.unwrap();
        fs::write(desk.path().join("new/b.rs"), "three").unwrap();
        watch.changed(&project).await.unwrap();
        // The same again is no change, nor is what the build makes.
        fs::write(desk.path().join("new/b.rs"), "three").unwrap();
        fs::write(desk.path().join("a.wasm"), "four").unwrap();
        let told = timeout(Duration::from_millis(300), watch.changed(&project)).await;
        assert!(told.is_err());
        fs::remove_file(&file).unwrap();
        assert_eq!(watch.changed(&project).await.unwrap(), file);
    }

    #[tokio::test]
    async fn pipes_devices_and_links_to_folders_hold_nothing() {
        use std::os::unix::fs::symlink;
        let desk = desk();
        let made = std::process::Command::new("mkfifo")
            .arg(desk.path().join("pipe"))
            .status();
        assert!(made.unwrap().success());
        symlink("/dev/zero", desk.path().join("zero")).unwrap();
        symlink(desk.path(), desk.path().join("above")).unwrap();
        let watch = timeout(Duration::from_secs(60), Watch::new(&project(desk.path(), ""))).await;
        let contents = watch.unwrap().unwrap().contents;
        assert_eq!(contents.len(), 2, "{contents:?}");
    }

    #[test]
    fn the_systems_limit_is_named_where_it_is_reached_only() {
        let folder = Path::new("src");
        let limit = refused(folder, notify::Error::new(ErrorKind::MaxFilesWatch));
        assert!(
            limit.to_string().contains("src can't be watched; raise `fs.inotify"),
            "{limit}"
        );
        let denied = refused(folder, notify::Error::io(std::io::ErrorKind::PermissionDenied.into()));
        assert_eq!(denied.to_string(), "src can't be watched");
    }
}
