//! What a build fetches: files over HTTP, repositories with the user's own `git`.
//!
//! Nothing is set up before a build asks for it. What was fetched lives in temporary directories that go with the
//! [`Network`].
//! Source: kustomize `api/internal/git`, `api/internal/loader` (api 0.21.1).

mod git;
mod http;

use std::sync::{Arc, Mutex, PoisonError};

use kustomize::{Checkout, DiskTree, Remote, RemoteError, Repository};
use tempfile::TempDir;

/// The network, as the command's user reaches it.
#[derive(Default)]
pub(super) struct Network {
    http: http::Client,
    clones: Mutex<Vec<TempDir>>,
}

impl Remote for Network {
    fn fetch(&self, url: &str) -> Result<Arc<[u8]>, RemoteError> {
        self.http.get(url)
    }

    fn checkout(&self, repository: &Repository) -> Result<Checkout, RemoteError> {
        let failed = |error: std::io::Error| RemoteError::Failed(error.to_string());
        let clone = tempfile::Builder::new()
            .prefix("perigee-")
            .tempdir()
            .map_err(failed)?;
        git::clone(repository, clone.path())?;
        let root = clone.path().canonicalize().map_err(failed)?;
        let checkout = Checkout {
            tree: Arc::new(DiskTree::open(&root).map_err(failed)?),
            display_root: root.display().to_string(),
        };
        self.clones
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(clone);
        Ok(checkout)
    }
}
