//! Manifests: which modules a plugin is made of, and what it may do.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use heimdall_host::limits::Limits;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

/// A manifest, with the names that Extism gives its members.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The modules. The one that is named `main` is the plugin, or else the last; the others are linked with it by their names.
    #[serde(default)]
    pub wasm: Vec<Wasm>,
    /// How much it may need.
    #[serde(default)]
    pub memory: Memory,
    /// What the guest is told of its configuration.
    #[serde(default)]
    pub config: BTreeMap<String, String>,
    /// Globs of hosts that it may send requests to.
    pub allowed_hosts: Option<Vec<String>>,
    /// Directories that it sees: those of the host, `ro:` before those that it can't change, and what it calls them.
    pub allowed_paths: Option<BTreeMap<String, String>>,
    /// How long one call may take.
    pub timeout_ms: Option<u64>,
}

/// How much a plugin may need.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Memory {
    /// Pages of 64 KiB, over all of its memories.
    pub max_pages: Option<u32>,
    /// Bytes of a response to a request of its own.
    pub max_http_response_bytes: Option<u64>,
    /// Bytes of its variables; 0: it may set none.
    pub max_var_bytes: Option<u64>,
}

/// A module, and where it is.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wasm {
    /// In a file, relative to the manifest or to where this program runs.
    pub path: Option<String>,
    /// Here, as base64.
    pub data: Option<String>,
    /// At a URL.
    pub url: Option<String>,
    /// What is sent with the request to it.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// How it is asked for.
    pub method: Option<String>,
    /// What it is imported by.
    pub name: Option<String>,
    /// Its SHA-256, in lower-case hexadecimal digits.
    pub hash: Option<String>,
}

/// Why a manifest can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// It has another form.
    #[error("{0}; correct it")]
    Form(String),
    /// It names no module.
    #[error("it names no module in `wasm`; name the plugin's there by `path`, `data` or `url`")]
    Empty,
    /// There are too many of them.
    #[error("it names {0} modules, {MODULES} are allowed")]
    TooMany(usize),
    /// A module has the name of something else.
    #[error(
        "one of its modules is named `{0}`, which is what the host's functions are imported from; give it another name"
    )]
    Reserved(String),
    /// They did not come in time.
    #[error("its modules were not there after {0:?}; try again")]
    TooSlow(Duration),
    /// Two modules have one name.
    #[error("two of its modules are named `{0}`; give each a name of its own")]
    Twice(String),
    /// A module can't be had.
    #[error("its module `{name}` can't be had: {reason}")]
    Module {
        /// What the manifest calls it, or where it is.
        name: String,
        /// Why, and what to do.
        reason: String,
    },
}

/// The name of the plugin among its modules.
const MAIN: &str = "main";
/// How long all modules may take to come.
const FETCH: Duration = Duration::from_secs(60);
/// Modules of one plugin.
const MODULES: usize = 32;
/// Bytes of a manifest beside a module that stands in it.
const MANIFEST: usize = 1 << 20;

impl Manifest {
    /// Bytes that a manifest may have under these limits: a module may stand in it.
    pub fn most(limits: &Limits) -> usize {
        limits.module.saturating_mul(2).saturating_add(MANIFEST)
    }

    /// Reads TOML or JSON. None where it is neither, or names no `wasm`: then it is no manifest.
    pub fn read(bytes: &[u8]) -> Option<Result<Manifest, ManifestError>> {
        let text = std::str::from_utf8(bytes).ok().filter(|text| text.contains("wasm"))?;
        let form = |error: String| ManifestError::Form(error.trim_end().to_owned());
        if let Ok(table) = toml::from_str::<toml::Table>(text) {
            table.get("wasm")?;
            return Some(toml::from_str(text).map_err(|error| form(error.to_string())));
        }
        let value: serde_json::Value = serde_json::from_str(text).ok()?;
        value.get("wasm")?;
        Some(serde_json::from_str(text).map_err(|error| form(error.to_string())))
    }

    /// The modules: the plugin's, and those that are linked with it, by name. `file` is the manifest's own place.
    ///
    /// # Errors
    /// What is wrong with one of them.
    pub async fn modules(&self, file: &str, limits: &Limits) -> Result<(Bytes, Vec<(String, Bytes)>), ManifestError> {
        let fetched = tokio::time::timeout(FETCH, self.fetch_all(file, limits)).await;
        fetched.unwrap_or(Err(ManifestError::TooSlow(FETCH)))
    }

    /// Where the modules may lie that are named by paths. `file` is the manifest's own place.
    pub fn files(&self, file: &str) -> Vec<PathBuf> {
        if is_remote(file) {
            return Vec::new();
        }
        let paths = self.wasm.iter().take(MODULES).filter_map(|wasm| wasm.path.as_deref());
        paths.flat_map(|path| places(path, file)).collect()
    }

    async fn fetch_all(&self, file: &str, limits: &Limits) -> Result<(Bytes, Vec<(String, Bytes)>), ManifestError> {
        let names = self.names()?;
        let mut main = None;
        let mut linked = Vec::new();
        for (name, wasm) in names.iter().zip(&self.wasm) {
            let bytes = wasm.fetch(file, limits).await.map_err(|reason| ManifestError::Module {
                name: wasm.shown(name),
                reason,
            })?;
            match name.as_str() {
                MAIN => main = Some(bytes),
                name => linked.push((name.to_owned(), bytes)),
            }
        }
        Ok((main.ok_or(ManifestError::Empty)?, linked))
    }

    /// What each module is called, of which exactly one is the plugin.
    fn names(&self) -> Result<Vec<String>, ManifestError> {
        match self.wasm.as_slice() {
            [_] => return Ok(vec![MAIN.to_owned()]),
            several if several.len() > MODULES => return Err(ManifestError::TooMany(several.len())),
            _ => {}
        }
        let name = |wasm: &Wasm| wasm.name.clone().unwrap_or_else(|| MAIN.to_owned());
        let mut names: Vec<String> = self.wasm.iter().map(name).collect();
        if !names.iter().any(|name| name == MAIN) {
            *names.last_mut().ok_or(ManifestError::Empty)? = MAIN.to_owned();
        }
        for (place, name) in names.iter().enumerate() {
            if super::is_reserved(name) {
                return Err(ManifestError::Reserved(name.clone()));
            }
            if names.iter().skip(place + 1).any(|other| other == name) {
                return Err(ManifestError::Twice(name.clone()));
            }
        }
        Ok(names)
    }
}

impl Wasm {
    fn shown(&self, name: &str) -> String {
        let url = self.url.as_deref().and_then(|url| reqwest::Url::parse(url).ok());
        let url = url.as_ref().map(super::http::shown);
        self.path.clone().or(url).unwrap_or_else(|| name.to_owned())
    }

    async fn fetch(&self, file: &str, limits: &Limits) -> Result<Bytes, String> {
        let bytes = match (&self.path, &self.data, &self.url) {
            (Some(path), None, None) => read(path, file, limits).await?,
            (None, Some(data), None) => {
                let decoded = STANDARD.decode(data);
                decoded
                    .map_err(|error| format!("its `data` is no base64: {error}"))?
                    .into()
            }
            (None, None, Some(url)) => self.download(url, file, limits).await?,
            _ => return Err("it needs one of `path`, `data` and `url`".to_owned()),
        };
        let found = hex(&Sha256::digest(&bytes));
        match &self.hash {
            Some(hash) if *hash != found => Err(format!(
                "its SHA-256 is {found}, and {hash} is expected; check the file, or correct `hash`"
            )),
            _ => Ok(bytes),
        }
    }

    async fn download(&self, url: &str, file: &str, limits: &Limits) -> Result<Bytes, String> {
        let fetched = super::http::fetch(
            url,
            self.method.as_deref(),
            &self.headers,
            limits.module,
            is_remote(file),
        );
        fetched.await.map_err(|error| error.to_string())
    }
}

/// Whether a manifest came by URL: then its author is not who runs this program.
pub fn is_remote(file: &str) -> bool {
    file.starts_with("http://") || file.starts_with("https://")
}

/// A file that a manifest names: relative to the manifest, or else to where this program runs.
async fn read(path: &str, manifest: &str, limits: &Limits) -> Result<Bytes, String> {
    if is_remote(manifest) {
        return Err("a manifest that comes by URL names no files here; give a `url`".to_owned());
    }
    let (path, manifest, most) = (path.to_owned(), manifest.to_owned(), limits.module);
    let read = tokio::task::spawn_blocking(move || read_file(&path, &manifest, most)).await;
    read.map_err(|broken| broken.to_string())?
}

/// Beside the manifest, and where this program runs.
fn places(path: &str, manifest: &str) -> [PathBuf; 2] {
    let folder = Path::new(manifest).parent().unwrap_or(Path::new(""));
    [folder.join(path), path.into()]
}

fn read_file(path: &str, manifest: &str, most: usize) -> Result<Bytes, String> {
    let [beside, here] = places(path, manifest);
    let place = if beside.exists() { beside } else { here };
    let file = std::fs::File::open(&place).map_err(|error| error.to_string())?;
    let is_file = file.metadata().map_err(|error| error.to_string())?.is_file();
    if !is_file {
        return Err("it is no regular file".to_owned());
    }
    let mut bytes = Vec::new();
    let read = file.take((most as u64).saturating_add(1)).read_to_end(&mut bytes);
    match read.map_err(|error| error.to_string())? {
        size if size > most => Err(format!("it has more than the {most} bytes that are allowed")),
        _ => Ok(bytes.into()),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Manifest {
        Manifest::read(text.as_bytes()).unwrap().unwrap()
    }

    #[test]
    fn json_and_toml_say_the_same() {
        let json = read(r#"{"wasm":[{"path":"a.wasm"}],"config":{"k":"v"},"memory":{"max_pages":4},"timeout_ms":10}"#);
        let toml = read("timeout_ms = 10\n[[wasm]]\npath = 'a.wasm'\n[config]\nk = 'v'\n[memory]\nmax_pages = 4\n");
        assert_eq!(format!("{json:?}"), format!("{toml:?}"));
        assert_eq!(json.memory.max_pages, Some(4));
    }

    #[test]
    fn what_names_no_modules_is_no_manifest() {
        for other in ["{}", "[1]", "not at all", "{\"plugins\":[]}", ""] {
            assert!(Manifest::read(other.as_bytes()).is_none(), "{other}");
        }
    }

    #[test]
    fn unknown_members_are_told() {
        for wrong in [r#"{"wasm":[],"more":1}"#, r#"{"wasm":[{"file":"a"}]}"#] {
            let error = Manifest::read(wrong.as_bytes()).unwrap().unwrap_err();
            assert!(error.to_string().contains("unknown field"), "{error}");
        }
    }

    #[test]
    fn one_module_is_the_plugin_whatever_its_name_and_of_several_the_one_named_so_or_the_last() {
        let names = |text| read(text).names().map_err(|error| error.to_string());
        assert_eq!(names(r#"{"wasm":[{"path":"a","name":"x"}]}"#).unwrap(), ["main"]);
        assert_eq!(
            names(r#"{"wasm":[{"path":"a","name":"x"},{"path":"b","name":"y"}]}"#).unwrap(),
            ["x", "main"]
        );
        assert_eq!(
            names(r#"{"wasm":[{"path":"a"},{"path":"b","name":"y"}]}"#).unwrap(),
            ["main", "y"]
        );
        assert!(
            names(r#"{"wasm":[{"path":"a"},{"path":"b"}]}"#)
                .unwrap_err()
                .contains("`main`")
        );
        assert!(names(r#"{"wasm":[]}"#).is_err());
    }

    #[tokio::test]
    async fn a_module_is_held_against_its_hash() {
        let hash = hex(&Sha256::digest(b"\0asm"));
        let module = |hash: &str| format!(r#"{{"wasm":[{{"data":"AGFzbQ==","hash":"{hash}"}}]}}"#);
        let limits = Limits::default();
        let (main, linked) = read(&module(&hash)).modules("m.json", &limits).await.unwrap();
        assert_eq!((main.as_ref(), linked.len()), (b"\0asm".as_slice(), 0));
        let wrong = read(&module(&hash.to_uppercase())).modules("m.json", &limits).await;
        assert!(wrong.unwrap_err().to_string().contains("SHA-256"));
    }

    #[test]
    fn its_files_are_those_beside_it_and_where_the_program_runs() {
        let manifest = read(r#"{"wasm":[{"path":"a.wasm"},{"path":"/b.wasm"},{"url":"http://c"},{"data":""}]}"#);
        let files = ["plugins/a.wasm", "a.wasm", "/b.wasm", "/b.wasm"].map(PathBuf::from);
        assert_eq!(manifest.files("plugins/m.json"), files);
    }

    #[tokio::test]
    async fn a_manifest_by_url_names_no_files() {
        let manifest = read(r#"{"wasm":[{"path":"a.wasm"}]}"#);
        assert!(manifest.files("https://example.com/m.json").is_empty());
        let refused = manifest.modules("https://example.com/m.json", &Limits::default()).await;
        assert!(refused.unwrap_err().to_string().contains("by URL"));
    }
}
