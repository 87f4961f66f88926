//! Plugins by URL, from servers that work and servers that do not.

mod copies;
mod refusals;
mod transfers;

use std::fs;
use std::path::{Path, PathBuf};

use heimdall_tests::process::heimdall;
use serde_json::Value;

use crate::site::{Reply, Site, answer};
use crate::wat::packed_answer;

/// The part of every URL here that nobody may see.
const SECRET: &str = "signature=not-to-be-told";

fn plugin() -> Vec<u8> {
    packed_answer("from afar")
}

fn wasm(headers: &str, bytes: &[u8]) -> Reply {
    Reply::Bytes(answer("200 OK", headers, bytes))
}

/// A folder with a configuration, a cache and a state of its own.
struct Home(tempfile::TempDir);

impl Home {
    fn new() -> Home {
        Home(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// `heimdall check` of a plugin at this URL: the exit code and its report.
    fn check(&self, url: &str, more: &str) -> (i32, Value) {
        self.check_file(&entry(url, more), &[])
    }

    fn check_file(&self, config: &str, environment: &[(&str, &str)]) -> (i32, Value) {
        let config = format!("cache_dir = \"cache\"\nstate_dir = \"state\"\n{config}");
        fs::write(self.path().join("heimdall.toml"), config).unwrap();
        let mut command = heimdall(self.path());
        let output = command
            .args(["check", "--json"])
            .envs(environment.iter().copied())
            .output()
            .unwrap();
        let text = [&*output.stdout, &*output.stderr].map(|bytes| String::from_utf8(bytes.to_vec()).unwrap());
        assert!(!text.concat().contains(SECRET), "{text:?}");
        let report = serde_json::from_str(&text[0]).unwrap_or_else(|error| panic!("{error}: {text:?}"));
        (output.status.code().unwrap(), report)
    }

    /// The files that are kept of downloads.
    fn files(&self) -> Vec<PathBuf> {
        let files = fs::read_dir(self.path().join("cache/downloads")).unwrap();
        let files = files.map(|file| file.unwrap().path());
        files.filter(|file| file.extension().unwrap() == "wasm").collect()
    }

    /// The one file that is kept of a download.
    fn copy(&self) -> PathBuf {
        let mut files = self.files();
        assert_eq!(files.len(), 1, "{files:?}");
        files.remove(0)
    }

    fn copies(&self) -> Vec<Vec<u8>> {
        self.files().iter().map(|file| fs::read(file).unwrap()).collect()
    }
}

fn entry(url: &str, more: &str) -> String {
    format!("{more}\n[[plugins]]\nname = \"remote\"\npath = \"{url}\"\n")
}

fn url(site: &Site) -> String {
    format!("http://{}/guard.wasm?{SECRET}", site.address)
}

fn errors(report: &Value) -> String {
    report["errors"].to_string()
}

fn warnings(report: &Value) -> String {
    report["warnings"].to_string()
}
