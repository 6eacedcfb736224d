//! What a build may fetch from elsewhere.
//!
//! The engine knows no network. A caller that allows remote files supplies a [`Remote`]; without
//! one they are an error. A build that used one is not repeatable from its tree alone, which its
//! read set says.
//! Source: kustomize `api/internal/git/repospec.go`, `api/internal/loader` (api 0.21.1).

use std::sync::Arc;

/// Fetches remote files.
pub trait Remote: Send + Sync {
    /// Returns the body at an `http` or `https` URL.
    ///
    /// # Errors
    /// [`RemoteError::Status`] for a response that is not a success.
    fn fetch(&self, url: &str) -> Result<Arc<[u8]>, RemoteError>;
}

/// Why a remote file could not be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RemoteError {
    /// The server answered with a failure, such as `404 (Not Found)`.
    #[error("status code {0}")]
    Status(String),
    /// There was no answer.
    #[error("{0}")]
    Failed(String),
}

/// Whether a base is a Git repository rather than a directory.
pub(crate) fn is_repository(path: &str) -> bool {
    let path = path.strip_prefix("git::").unwrap_or(path);
    let has_scheme = ["ssh://", "https://", "http://", "file://"]
        .iter()
        .any(|scheme| {
            path.get(..scheme.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(scheme))
        });
    if has_scheme {
        return true;
    }
    if path.starts_with('/') || path.starts_with('.') {
        return false;
    }
    let lower = path.to_ascii_lowercase();
    let host = lower
        .split_once('@')
        .map_or(lower.as_str(), |(_, rest)| rest);
    if host.len() < lower.len() {
        // With a user: `git@host:org/repo` or `git@host/org/repo`.
        return host.contains(':') || host.contains('/');
    }
    let github = lower
        .strip_prefix("github.com/")
        .or_else(|| lower.strip_prefix("github.com:"));
    github.is_some_and(|rest| rest.split('/').filter(|part| !part.is_empty()).count() >= 2)
}

#[cfg(test)]
mod tests {
    use super::is_repository;

    #[test]
    fn tells_repositories_from_directories() {
        for (path, want) in [
            ("../base", false),
            ("base", false),
            ("github.com/org/repo", true),
            ("github.com/org", false),
            ("git@github.com:org/repo.git", true),
            ("https://example.com/org/repo//path?ref=v1", true),
            ("git::https://example.com/a/b", true),
            ("/abs", false),
        ] {
            assert_eq!(is_repository(path), want, "{path}");
        }
    }
}
