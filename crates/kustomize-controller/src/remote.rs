//! What builds fetch: files over HTTP, and bases from Git repositories over HTTP, without credentials.
//!
//! Everything that one build fetches has one deadline and a bound on its size, and runs on the thread of the build, never
//! on a worker. There is no `git` program: the `git` crate fetches into a directory that is gone afterwards, and the files are
//! held in memory while the build runs. A build that fetched anything is never believed unchanged.
//!
//! With `--no-remote-bases` repositories are refused; files are fetched all the same, as in Flux.
//! Source: fluxcd/pkg `kustomize/filesys` (1.39), kustomize-controller `--no-remote-bases`.

use std::sync::Arc;
use std::time::Duration;

use git::{Cache, FetchOptions, Fetched, FileMode, Reference, Settings};
use kustomize::{Checkout, MemoryTree, RemoteError, Repository};
use tokio::runtime::Handle;
use tokio::time::{Instant, timeout_at};

/// How long all that one build fetches may take.
const BUILD: Duration = Duration::from_mins(3);
/// Bytes of the largest file, as in a snapshot's build.
const MAX_FILE: usize = 64 << 20;
/// Bytes of all files of a repository, and of what is received for them.
const MAX_REPOSITORY: u64 = 128 << 20;

/// The network, as builds may use it.
#[derive(Clone, Debug)]
pub(crate) struct Network {
    http: reqwest::Client,
    bases: bool,
}

/// What one build may fetch.
pub(crate) struct Session {
    network: Network,
    runtime: Handle,
    deadline: Instant,
}

impl Network {
    /// `bases` says whether repositories are allowed.
    pub(crate) fn new(http: reqwest::Client, bases: bool) -> Self {
        Self { http, bases }
    }

    /// Starts the clock for one build. To be called on the runtime; used on a thread that may block.
    pub(crate) fn session(&self) -> Session {
        Session {
            network: self.clone(),
            runtime: Handle::current(),
            deadline: Instant::now() + BUILD,
        }
    }
}

impl Session {
    fn within<T>(
        &self,
        what: &str,
        work: impl Future<Output = Result<T, RemoteError>>,
    ) -> Result<T, RemoteError> {
        let late = || RemoteError::Failed(format!("{what}: the build's time is over"));
        self.runtime
            .block_on(timeout_at(self.deadline, work))
            .unwrap_or_else(|_| Err(late()))
    }
}

impl kustomize::Remote for Session {
    fn fetch(&self, url: &str) -> Result<Arc<[u8]>, RemoteError> {
        self.within(url, get(&self.network.http, url))
    }

    fn checkout(&self, repository: &Repository) -> Result<Checkout, RemoteError> {
        let url = repository.url();
        if !self.network.bases {
            return Err(RemoteError::Failed(format!(
                "fs-security-constraint clone {url}: remote bases are not allowed"
            )));
        }
        if !(url.starts_with("https://") || url.starts_with("http://")) {
            return Err(RemoteError::Failed(format!(
                "remote base '{}' is not at an http or https URL",
                repository.raw()
            )));
        }
        self.within(url, checkout(repository))
    }
}

async fn get(http: &reqwest::Client, url: &str) -> Result<Arc<[u8]>, RemoteError> {
    let failed = |error: reqwest::Error| {
        RemoteError::Failed(format!("Get \"{url}\": {}", error.without_url()))
    };
    let mut response = http.get(url).send().await.map_err(failed)?;
    let status = response.status();
    if !status.is_success() {
        let reason = status.canonical_reason().unwrap_or("");
        return Err(RemoteError::Status(format!(
            "{} ({reason})",
            status.as_u16()
        )));
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(failed)? {
        if body.len() + chunk.len() > MAX_FILE {
            return Err(RemoteError::Failed(format!(
                "Get \"{url}\": the body is larger than {MAX_FILE} bytes"
            )));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.into())
}

async fn checkout(repository: &Repository) -> Result<Checkout, RemoteError> {
    let url = repository.url();
    let failed = |error: &dyn std::error::Error| RemoteError::Failed(error.to_string());
    let settings = Settings {
        timeout: repository.timeout().min(BUILD),
        max_bytes: MAX_REPOSITORY,
        ..Settings::default()
    };
    let remote = git::Remote::new(url, settings).map_err(|error| failed(&error))?;
    let options = FetchOptions {
        submodules: repository.submodules(),
        limits: git::Limits {
            file_bytes: MAX_FILE as u64,
            ..git::Limits::default()
        },
        ..FetchOptions::default()
    };
    let directory = tempfile::tempdir().map_err(|error| failed(&error))?;
    let cache = Cache::open(directory.path()).map_err(|error| failed(&error))?;
    let mut missing = None;
    for reference in meanings(repository.reference()) {
        match cache.fetch(&remote, &reference, &options).await {
            Ok(Fetched::New { contents, .. }) => {
                return Ok(Checkout {
                    tree: Arc::new(tree(&contents)?),
                    display_root: format!(
                        "/{}",
                        url.split_once("://").map_or(url, |(_, rest)| rest)
                    ),
                });
            }
            // Never, since no revision was named as known.
            Ok(Fetched::Unchanged { .. }) => {}
            Err(git::Error::Clone {
                cause: git::TransportError::Timeout,
                ..
            }) => return Err(RemoteError::Timeout(format!("git fetch {url}"))),
            Err(
                error @ (git::Error::ReferenceNotFound { .. } | git::Error::UnresolvedReference(_)),
            ) => missing = Some(error),
            Err(error) => return Err(failed(&error)),
        }
    }
    Err(missing.map_or_else(
        || RemoteError::Failed(format!("nothing was fetched from {url}")),
        |error| failed(&error),
    ))
}

/// What a reference may mean, in the order in which Git looks.
fn meanings(reference: &str) -> Vec<Reference> {
    let is_hash = reference.len() == 40 && reference.bytes().all(|byte| byte.is_ascii_hexdigit());
    match reference {
        "" | "HEAD" => vec![Reference::name("HEAD")],
        hash if is_hash => vec![Reference::commit(hash)],
        full if full.starts_with("refs/") => vec![Reference::name(full)],
        short => vec![Reference::tag(short), Reference::branch(short)],
    }
}

/// The files of a commit, in memory.
fn tree(contents: &git::Contents) -> Result<MemoryTree, RemoteError> {
    let total: u64 = contents.files().iter().map(|file| file.size).sum();
    if total > MAX_REPOSITORY {
        return Err(RemoteError::Failed(format!(
            "the repository has {total} bytes, the limit is {MAX_REPOSITORY}"
        )));
    }
    let mut tree = MemoryTree::default();
    for file in contents.files() {
        let content = contents
            .read(file)
            .map_err(|error| RemoteError::Failed(error.to_string()))?;
        match file.mode {
            FileMode::Submodule => {}
            FileMode::Symlink => tree.insert_link(&file.path, &String::from_utf8_lossy(&content)),
            _ => tree.insert(&file.path, content),
        }
    }
    Ok(tree)
}

#[cfg(test)]
mod tests;
