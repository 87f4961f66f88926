//! Compiled code on a disk that others write to, or that nobody can.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use heimdall_host::loader::{Host, PluginSettings};
use heimdall_host::runtime::{CacheSettings, RuntimeSettings};
use heimdall_tests::process::{Gateway, heimdall};

use crate::guests::*;
use crate::requests::post;
use crate::served::*;
use crate::world::*;

/// Loads a plugin in a host of its own, whose cache is in this folder, and calls it. Whether it came from the cache.
async fn is_cached(world: &World, folder: &Path, bytes: &Bytes) -> bool {
    let settings = RuntimeSettings {
        instances: 4,
        cache: Some(CacheSettings {
            directory: folder.join("cache"),
            key_file: folder.join("state/cache.key"),
        }),
        ..RuntimeSettings::default()
    };
    let builder = Host::builder().runtime(settings).abis(heimdall_shim::abis());
    let host = builder.build().unwrap();
    let settings = PluginSettings::new("guest.wasm");
    let loaded = host
        .load(bytes.clone(), settings)
        .await
        .unwrap_or_else(|error| panic!("{error}"));
    let from_cache = loaded.from_cache;
    let pipeline = world.pipeline(loaded);
    assert_eq!(world.count(&pipeline).await, Some(1));
    pipeline.cleanup().await;
    from_cache
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let files = std::fs::read_dir(folder.join("cache")).unwrap();
    files.map(|file| file.unwrap().path()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_77_a_file_of_the_cache_that_is_damaged_or_foreign() {
    type Harm = fn(Vec<u8>) -> Vec<u8>;
    let harms: [(&str, Harm); 5] = [
        ("empty", |_| Vec::new()),
        ("foreign", |_| b"\x7fELF and what else is run".to_vec()),
        ("cut off", |mut file| {
            file.truncate(file.len() / 2);
            file
        }),
        ("a bit of the code", |mut file| {
            *file.last_mut().unwrap() ^= 1;
            file
        }),
        ("a bit of the head", |mut file| {
            *file.first_mut().unwrap() ^= 1;
            file
        }),
    ];
    surrounded(async |world| {
        for kind in KINDS {
            let folder = tempfile::tempdir().unwrap();
            let guest = faulty(kind, "", "");
            assert!(!is_cached(world, folder.path(), &guest).await);
            for (what, harm) in harms {
                for file in files(folder.path()) {
                    std::fs::write(&file, harm(std::fs::read(&file).unwrap())).unwrap();
                }
                assert!(!is_cached(world, folder.path(), &guest).await, "{kind:?}: {what}");
                assert!(is_cached(world, folder.path(), &guest).await, "{kind:?}: {what}");
            }
            // Authentic, but another plugin's.
            let own = files(folder.path());
            assert!(!is_cached(world, folder.path(), &faulty(kind, "", "(nop)")).await);
            let mut others = files(folder.path());
            others.retain(|file| !own.contains(file));
            std::fs::copy(&others[0], &own[0]).unwrap();
            assert!(
                !is_cached(world, folder.path(), &guest).await,
                "{kind:?}: another plugin's"
            );
            // What it was sealed with is gone.
            std::fs::remove_file(folder.path().join("state/cache.key")).unwrap();
            assert!(!is_cached(world, folder.path(), &guest).await, "{kind:?}: another key");
        }
    })
    .await;
}

/// It says that it compiles anew and why, and serves.
async fn serves_uncached(gateway: Gateway, why: &str) {
    assert_eq!(version(&gateway).await, "one");
    let answer = post(&gateway, "/v1/chat/completions", crate::requests::chat("echo", "hello")).await;
    assert!(answer.body.contains("[tag:healthy]"), "{answer:?}");
    gateway.terminate();
    let (status, output) = tokio::task::spawn_blocking(move || gateway.wait()).await.unwrap();
    assert_eq!(status, 0, "{output}");
    let told = |line: &str| line.contains("compiles anew") && line.contains(why);
    assert!(output.lines().any(told), "{why}: {output}");
}

#[tokio::test]
async fn fault_83_a_cache_that_can_not_be_written() {
    let config = configuration(
        "cache_dir = \"cache\"\nstate_dir = \"state\"",
        &entry("v", "v.wasm", ""),
    );
    // Permissions would not hold where tests are root's.
    let files: [(&str, &[u8]); 2] = [("v.wasm", &versioned("one")), ("cache", b"no folder")];
    serves_uncached(start(&config, &files), "cache").await;
}

#[tokio::test]
async fn fault_83_a_disk_that_is_full() {
    let directory = tempfile::tempdir().unwrap();
    let config = configuration("listen = \"127.0.0.1:0\"", &entry("v", "v.wasm", ""));
    std::fs::write(directory.path().join("heimdall.toml"), config).unwrap();
    // Its compiled code is larger than any file may become here; its memory, which is a file too, is not.
    let large = versioned_with("one", &format!("(data \"{}\")", "x".repeat(8 << 20)));
    std::fs::write(directory.path().join("v.wasm"), large).unwrap();
    let limited = "trap '' XFSZ; ulimit -f 4096; exec \"$0\" serve";
    let binary = heimdall(directory.path()).get_program().to_owned();
    let arguments = ["-c", limited, binary.to_str().unwrap()];
    let gateway = Gateway::start_binary(Path::new("/bin/sh"), directory, &arguments);
    let gateway = gateway.unwrap_or_else(|(status, output)| panic!("{status}:\n{output}"));
    let kept = std::fs::read_dir(gateway.folder().join("cache/heimdall")).unwrap();
    let kept = kept.map(|file| file.unwrap().metadata().unwrap().len());
    assert!(kept.sum::<u64>() < 8 << 20, "nothing is left of what did not fit");
    serves_uncached(gateway, "File too large").await;
}
