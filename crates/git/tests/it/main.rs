//! Fetches against real servers on loopback; the `git` program is server and oracle.

mod cache;
mod faults;
mod references;
mod repository;
mod server;
mod ssh;
mod submodules;
mod tls;

use std::time::Duration;

use git::{Cache, Contents, FetchOptions, Fetched, FileMode, Reference, Remote, Settings, Traffic};

/// Settings whose deadline no healthy test meets.
fn settings() -> Settings {
    Settings {
        timeout: Duration::from_mins(5),
        ..Settings::default()
    }
}

fn remote(url: &str) -> Remote {
    Remote::new(url, settings()).expect("remote")
}

async fn fetch(cache: &Cache, remote: &Remote, reference: &Reference) -> (Contents, Traffic) {
    match cache
        .fetch(remote, reference, &FetchOptions::default())
        .await
        .expect("fetch")
    {
        Fetched::New { contents, traffic } => (*contents, traffic),
        Fetched::Unchanged { revision, .. } => unreachable!("unchanged: {revision}"),
    }
}

fn cache() -> (tempfile::TempDir, Cache) {
    let dir = tempfile::tempdir().expect("temp dir");
    let cache = Cache::open(dir.path().join("cache")).expect("cache");
    (dir, cache)
}

/// The files as `git ls-tree -r` prints them, with what reading each gives.
fn listing(contents: &Contents) -> Vec<String> {
    contents
        .files()
        .iter()
        .map(|file| {
            let content = contents.read(file).expect("read");
            assert_eq!(content.len() as u64, file.size, "{}", file.path);
            let (mode, kind) = match file.mode {
                FileMode::Regular => ("100644", "blob"),
                FileMode::Executable => ("100755", "blob"),
                FileMode::Symlink => ("120000", "blob"),
                FileMode::Submodule => ("160000", "commit"),
            };
            format!("{mode} {kind} {}\t{}", file.oid, file.path)
        })
        .collect()
}
