//! Waits until the configuration's file or a plugin's file holds something else.
//!
//! Folders are watched and not files: a file that is put in another's place is another file, and so is what a link leads to
//! when a folder on its way is swapped, as Kubernetes does it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use heimdall_host::loader::{Host, WASM};
use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::Notify;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, timeout_at};

use crate::config::{Config, Origin};
use crate::files::{self, Stamp};
use crate::plugins::MAX_FILE;

/// Where files are never left alone, they are looked at after this many times the time that they should be.
const PATIENCE: u32 = 10;

/// Links that are followed from one to the next.
const MAX_LINKS: usize = 16;

/// The files that a configuration is made of: its own, those of its plugins, and those that these name as manifests. Blocks.
pub(super) fn files_of(config: &Config, origin: &Origin, host: &Host) -> Vec<PathBuf> {
    let mut files = match origin {
        Origin::File(file) => vec![file.clone()],
        Origin::Environment | Origin::BuiltIn => Vec::new(),
    };
    let plugins = config.plugins.iter();
    for plugin in plugins.filter(|plugin| plugin.enabled && !plugin.is_remote()) {
        let file = PathBuf::from(&plugin.path);
        // A module names nothing, and may be large.
        let bytes = files::read_unless(WASM, &file, MAX_FILE as u64).unwrap_or_default();
        files.extend(host.named_files(&plugin.path, &bytes, &plugin.limits.limits()));
        files.push(file);
    }
    files
}

pub(crate) struct Watch {
    state: Arc<Mutex<State>>,
    happened: Arc<Notify>,
    /// How long files have to be left alone.
    debounce: Duration,
    /// Something happened, and was not looked at to its end.
    is_dirty: bool,
}

struct State {
    watcher: RecommendedWatcher,
    folders: BTreeSet<PathBuf>,
    /// Folders that can't be watched, and were told.
    left_out: BTreeSet<PathBuf>,
    seen: BTreeMap<PathBuf, Seen>,
    /// Whether a file holds something else than when the last reload began.
    has_changed: bool,
}

/// What a file was when it was last looked at.
#[derive(Clone, Default)]
struct Seen {
    /// None: it may change again without showing it.
    stamp: Option<Stamp>,
    /// None: there was no file, or none that could be read.
    hash: Option<blake3::Hash>,
}

impl Watch {
    /// From here on changes of these files are seen.
    ///
    /// # Errors
    /// When the system lets nothing be watched.
    pub(crate) async fn new(files: Vec<PathBuf>, debounce: Duration) -> anyhow::Result<Watch> {
        let happened = Arc::<Notify>::default();
        let told = happened.clone();
        let tell = move |event| {
            if files::is_change(&event) {
                told.notify_one();
            }
        };
        let state = State {
            watcher: notify::recommended_watcher(tell).context("no files can be watched")?,
            folders: BTreeSet::new(),
            left_out: BTreeSet::new(),
            seen: BTreeMap::new(),
            has_changed: false,
        };
        let mut watch = Watch {
            state: Arc::new(Mutex::new(state)),
            happened,
            debounce,
            is_dirty: false,
        };
        watch.follow(files, debounce).await;
        Ok(watch)
    }

    /// Completes when a file holds something else than when the last reload began. It may be given up at any time.
    pub(super) async fn changed(&mut self) {
        loop {
            if !self.is_dirty {
                self.happened.notified().await;
                self.is_dirty = true;
            }
            self.settle().await;
            let has_changed = self.with_state(|state| {
                state.look();
                state.has_changed
            });
            if has_changed.await.unwrap_or(false) {
                return;
            }
            self.is_dirty = false;
        }
    }

    /// Waits until nothing happens for a while.
    async fn settle(&self) {
        let end = Instant::now() + self.debounce * PATIENCE;
        loop {
            let quiet = end.min(Instant::now() + self.debounce);
            if timeout_at(quiet, self.happened.notified()).await.is_err() {
                return;
            }
        }
    }

    /// A reload begins: what it reads is what files hold from here on.
    pub(super) async fn begin(&mut self) {
        let looked = self.with_state(|state| {
            state.look();
            state.has_changed = false;
        });
        if looked.await.is_some() {
            self.is_dirty = false;
        }
    }

    /// From here on these files count, which are not read yet.
    pub(super) async fn follow(&mut self, files: Vec<PathBuf>, debounce: Duration) {
        self.debounce = debounce;
        let followed = self.with_state(move |state| {
            let before = std::mem::take(&mut state.seen);
            state.seen = files.into_iter().map(|file| (file, Seen::default())).collect();
            state.watch_folders();
            for (file, seen) in &mut state.seen {
                *seen = before.get(file).cloned().unwrap_or_else(|| Seen::look(file));
            }
        });
        followed.await;
    }

    /// Works on the state where that may take long; none: at the end of the process.
    async fn with_state<T: Send + 'static>(&self, work: impl FnOnce(&mut State) -> T + Send + 'static) -> Option<T> {
        let state = self.state.clone();
        let worked = spawn_blocking(move || work(&mut state.lock().unwrap_or_else(PoisonError::into_inner)));
        worked.await.ok()
    }
}

impl State {
    /// Looks at the files, and watches their folders from here on: a link may lead elsewhere than before.
    fn look(&mut self) {
        self.watch_folders();
        for (file, seen) in &mut self.seen {
            let stamp = Stamp::of(file);
            if stamp.is_some() && stamp == seen.stamp {
                continue;
            }
            let now = Seen::look(file);
            self.has_changed |= now.hash != seen.hash;
            *seen = now;
        }
    }

    fn watch_folders(&mut self) {
        let folders: BTreeSet<PathBuf> = self.seen.keys().flat_map(|file| folders_of(file)).collect();
        for gone in self.folders.difference(&folders) {
            // The folder itself may be gone.
            let _unwatched = self.watcher.unwatch(gone);
        }
        self.left_out.retain(|folder| folders.contains(folder));
        for folder in &folders {
            // Also those that were watched before: there may be another folder of this name.
            if let Err(error) = self.watcher.watch(folder, RecursiveMode::NonRecursive)
                && self.left_out.insert(folder.clone())
            {
                tracing::warn!(
                    folder = ?folder.display(),
                    "changes of files in it are not seen, so reload by SIGHUP or the admin interface: {error}"
                );
            }
        }
        self.folders = folders;
    }
}

impl Seen {
    fn look(file: &Path) -> Seen {
        // First, so that a change while it is read shows later.
        let stamp = Stamp::of(file).filter(Stamp::is_settled);
        let bytes = files::read_regular(file, MAX_FILE as u64).ok();
        Seen {
            stamp,
            hash: bytes.map(|bytes| blake3::hash(&bytes)),
        }
    }
}

/// The folders in which something happens when a path leads to another file, or its file changes.
fn folders_of(file: &Path) -> BTreeSet<PathBuf> {
    let mut folders = BTreeSet::new();
    let mut path = file.to_owned();
    for _ in 0..MAX_LINKS {
        folders.insert(folder_of(&path));
        // Each link on the way can be swapped.
        let links = path.ancestors().skip(1).filter(|above| above.is_symlink());
        folders.extend(links.map(folder_of));
        match path.read_link() {
            Ok(target) => path = folder_of(&path).join(target),
            Err(_) => break,
        }
    }
    folders
}

/// The folder that a path is in, or the first above it that is there.
fn folder_of(path: &Path) -> PathBuf {
    let above = path.ancestors().skip(1);
    let mut folders = above.map(|folder| match folder.as_os_str().is_empty() {
        true => Path::new("."),
        false => folder,
    });
    folders
        .find(|folder| folder.is_dir())
        .unwrap_or(Path::new("."))
        .to_owned()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    const DEBOUNCE: Duration = Duration::from_millis(20);

    /// Long enough for what does not come to have come.
    const WHILE: Duration = Duration::from_millis(400);

    async fn tells(watch: &mut Watch) -> bool {
        let told = tokio::time::timeout(WHILE * 10, watch.changed()).await.is_ok();
        watch.begin().await;
        told
    }

    async fn is_silent(watch: &mut Watch) -> bool {
        tokio::time::timeout(WHILE, watch.changed()).await.is_err()
    }

    #[tokio::test]
    async fn a_file_that_holds_something_else_is_told_however_it_came_to_that() {
        let desk = tempfile::tempdir().unwrap();
        let file = desk.path().join("a.wasm");
        fs::write(&file, "one").unwrap();
        let mut watch = Watch::new(vec![file.clone()], DEBOUNCE).await.unwrap();
        fs::write(&file, "two").unwrap();
        assert!(tells(&mut watch).await, "written");
        fs::write(desk.path().join("new"), "three").unwrap();
        fs::rename(desk.path().join("new"), &file).unwrap();
        assert!(tells(&mut watch).await, "renamed");
        fs::remove_file(&file).unwrap();
        assert!(tells(&mut watch).await, "removed");
        fs::write(&file, "four").unwrap();
        assert!(tells(&mut watch).await, "there again");
        // The same again, and another file.
        fs::write(&file, "four").unwrap();
        fs::write(desk.path().join("other"), "five").unwrap();
        assert!(is_silent(&mut watch).await);
    }

    #[tokio::test]
    async fn a_link_that_is_swapped_on_the_way_to_a_file_is_a_change() {
        let desk = tempfile::tempdir().unwrap();
        let at = |path: &str| desk.path().join(path);
        for (folder, text) in [("..1", "one"), ("..2", "two"), ("..3", "three")] {
            fs::create_dir(at(folder)).unwrap();
            fs::write(at(folder).join("a.wasm"), text).unwrap();
        }
        let swap = |to: &str| {
            symlink(to, at("next")).unwrap();
            fs::rename(at("next"), at("..data")).unwrap();
        };
        swap("..1");
        symlink("..data/a.wasm", at("a.wasm")).unwrap();
        let beside = at("..data").join("a.wasm");
        for file in [at("a.wasm"), beside] {
            swap("..1");
            let mut watch = Watch::new(vec![file.clone()], DEBOUNCE).await.unwrap();
            for to in ["..2", "..3"] {
                swap(to);
                assert!(tells(&mut watch).await, "{} at {to}", file.display());
            }
            fs::write(at("..3/a.wasm"), format!("four of {}", file.display())).unwrap();
            assert!(tells(&mut watch).await, "{}", file.display());
        }
    }

    #[tokio::test]
    async fn what_changed_before_a_reload_began_is_told_once() {
        let desk = tempfile::tempdir().unwrap();
        let [a, b] = ["a", "b"].map(|name| desk.path().join(name));
        fs::write(&a, "one").unwrap();
        let mut watch = Watch::new(vec![a.clone()], DEBOUNCE).await.unwrap();
        fs::write(&a, "two").unwrap();
        watch.begin().await;
        assert!(is_silent(&mut watch).await);
        // A file that is followed from here on.
        fs::write(&b, "one").unwrap();
        watch.follow(vec![a, b.clone()], DEBOUNCE).await;
        assert!(is_silent(&mut watch).await);
        fs::write(&b, "two").unwrap();
        assert!(tells(&mut watch).await);
    }
}
