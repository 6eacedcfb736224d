//! What a build may fetch from elsewhere.
//!
//! The engine knows no network. A caller that allows remote files and bases supplies a [`Remote`];
//! without one they are errors. A build that used one is not repeatable from its tree alone, which
//! its read set says.
//! Source: kustomize `api/internal/git/cloner.go`, `api/internal/loader` (api 0.21.1).

use std::sync::Arc;

use crate::file::FileTree;
use crate::repository::Repository;

/// Fetches remote files and repositories.
pub trait Remote: Send + Sync {
    /// Returns the body at an `http` or `https` URL.
    ///
    /// # Errors
    /// [`RemoteError::Status`] for a response that is not a success.
    fn fetch(&self, url: &str) -> Result<Arc<[u8]>, RemoteError>;

    /// Returns the files of a repository at the reference that its address names.
    ///
    /// A build asks once for each URL and reference, however many layers name it.
    ///
    /// # Errors
    /// [`RemoteError::Timeout`] when a step takes longer than the address allows.
    fn checkout(&self, repository: &Repository) -> Result<Checkout, RemoteError>;
}

/// The files of a repository.
#[derive(Clone)]
pub struct Checkout {
    /// The files; nothing outside of the repository is reachable through it.
    pub tree: Arc<dyn FileTree>,
    /// What messages put before a path of the tree.
    pub display_root: String,
}

/// Why something remote could not be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RemoteError {
    /// The server answered with a failure, such as `404 (Not Found)`.
    #[error("status code {0}")]
    Status(String),
    /// This command took longer than the repository's timeout.
    #[error("timeout running '{0}'")]
    Timeout(String),
    /// There was no answer.
    #[error("{0}")]
    Failed(String),
}

/// Whether a path is fetched over HTTP when it stands where a file may.
pub(crate) fn is_file_url(path: &str) -> bool {
    path.split_once(':').is_some_and(|(scheme, _)| {
        scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https")
    })
}

#[cfg(test)]
mod tests {
    use super::is_file_url;

    #[test]
    fn tells_urls_from_paths() {
        for (path, want) in [
            ("https://host/a.yaml", true),
            ("HTTP://host/a.yaml", true),
            ("ssh://host/a", false),
            ("file:///a", false),
            ("https", false),
            ("./http:/a", false),
        ] {
            assert_eq!(is_file_url(path), want, "{path}");
        }
    }
}
