//! Waits until a file of a plugin changes.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use ignore::{DirEntry, WalkBuilder};
use notify::event::{AccessKind, AccessMode};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::super::new::LEFT_OUT;
use super::super::project::{self, Project};

/// How long nothing may happen until what happened is taken for all: editors and tools write in several steps.
const QUIET: Duration = Duration::from_millis(50);

/// Events that may wait to be looked at.
const WAITING: usize = 1024;

/// What files hold, by their paths.
type Contents = BTreeMap<PathBuf, blake3::Hash>;

pub(in crate::cli) struct Watch {
    watcher: RecommendedWatcher,
    happened: mpsc::Receiver<notify::Result<Event>>,
    /// As it was when a change was last told.
    contents: Contents,
}

impl Watch {
    /// # Errors
    /// In words, with what can't be watched.
    pub(in crate::cli) fn new(project: &Project) -> anyhow::Result<Watch> {
        let (told, happened) = mpsc::channel(WAITING);
        // One that does not fit in changes nothing: those before it tell that something happened.
        let tell = move |event| drop(told.try_send(event));
        let watcher = notify::recommended_watcher(tell).context("no files can be watched")?;
        let mut watch = Watch {
            watcher,
            happened,
            contents: Contents::new(),
        };
        watch.contents = watch.look(project)?;
        Ok(watch)
    }

    /// Completes when a file holds something else than when a change was last told. A build that writes what was there
    /// already changes nothing.
    ///
    /// # Errors
    /// In words, with what can't be watched.
    pub(in crate::cli) async fn changed(&mut self, project: &Project) -> anyhow::Result<()> {
        loop {
            let contents = self.look(project)?;
            if contents != self.contents {
                self.contents = contents;
                return Ok(());
            }
            while let Some(event) = self.happened.recv().await {
                if is_change(&event) {
                    break;
                }
            }
            while let Ok(Some(_)) = timeout(QUIET, self.happened.recv()).await {}
        }
    }

    /// Reads the files, and watches their folders from here on: those too that came since the last time.
    fn look(&mut self, project: &Project) -> anyhow::Result<Contents> {
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
            match self.watcher.watch(&folder, RecursiveMode::NonRecursive) {
                // It may be gone again.
                Err(_) if !folder.is_dir() => {}
                done => done.with_context(|| {
                    format!(
                        "{} can't be watched; is `fs.inotify.max_user_watches` too low?",
                        folder.display()
                    )
                })?,
            }
        }
        let read = files.into_iter().filter_map(|file| {
            let hash = blake3::hash(&std::fs::read(&file).ok()?);
            Some((file, hash))
        });
        Ok(read.collect())
    }
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

/// A look at a file is none. What can't be told may be one.
fn is_change(event: &notify::Result<Event>) -> bool {
    match event.as_ref().map(|event| event.kind) {
        Ok(EventKind::Access(AccessKind::Close(AccessMode::Write))) => true,
        Ok(EventKind::Access(_)) => false,
        _ => true,
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
        let mut watch = Watch::new(&project).unwrap();
        // Before it is waited for.
        fs::write(desk.path().join("src/a.rs"), "one").unwrap();
        watch.changed(&project).await.unwrap();
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
    }
}
