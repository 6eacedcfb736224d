//! What can go wrong, in the words that Flux's users know.
//!
//! [`Error`]'s text is complete: Flux wraps a cause in the middle of some messages, so a chain printer could not
//! rebuild them. [`Error::kind`] is what policy decides on; no text ever holds a credential or a URL's userinfo.
//!
//! Source: fluxcd/pkg git/gogit/clone.go, git/git.go (git 0.52); go-git plumbing/transport/common.go (5.19).

use std::io;

/// Why a fetch or a read failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The settings cannot be used: bad URL, key, certificate or proxy address.
    #[error("{0}")]
    Settings(String),
    /// The address cannot be parsed.
    #[error("{0}")]
    Url(String),
    /// The server has no such repository, or there is nothing in it where a tag or commit is due.
    #[error("unable to clone: {cause}: git repository: '{url}'")]
    RepositoryNotFound {
        /// The URL without userinfo.
        url: String,
        /// What the server said.
        cause: TransportError,
    },
    /// The transfer failed.
    #[error("unable to clone '{url}': {cause}")]
    Clone {
        /// The URL without userinfo.
        url: String,
        /// What failed.
        cause: TransportError,
    },
    /// The references could not be listed while looking for a change.
    #[error("unable to list remote for '{url}': {cause}")]
    List {
        /// The URL without userinfo.
        url: String,
        /// What failed.
        cause: TransportError,
    },
    /// The server does not have the branch or tag.
    #[error("unable to clone '{url}': couldn't find remote ref \"{reference}\"")]
    ReferenceNotFound {
        /// The URL without userinfo.
        url: String,
        /// The absolute reference.
        reference: String,
    },
    /// A branch was asked of a repository without any commit.
    #[error("git repository is empty")]
    Empty,
    /// `ref.name` cannot be a reference.
    #[error("ref {0} is invalid; Git refs cannot begin or end with a slash '/'")]
    InvalidReference(String),
    /// `ref.name` is not among the server's references.
    #[error("unable to resolve ref '{0}' to a specific commit")]
    UnresolvedReference(String),
    /// The commit is neither served directly nor part of the history.
    #[error("unable to resolve commit object for '{0}': object not found")]
    CommitNotFound(String),
    /// The reference leads to something that is no commit.
    #[error("unable to resolve commit object for '{0}': object is not a commit")]
    NotACommit(String),
    /// `ref.semver` is no constraint.
    #[error("semver parse error: {0}")]
    SemverParse(String),
    /// No tag satisfies `ref.semver`.
    #[error("no match found for semver: {0}")]
    SemverNoMatch(String),
    /// A sparse checkout entry selects nothing.
    #[error("sparse checkout dir '{0}' does not exist in repository: no such file or directory")]
    SparseNotFound(String),
    /// A submodule cannot be fetched.
    #[error("unable to fetch submodule '{path}': {cause}")]
    Submodule {
        /// Where the submodule is mounted.
        path: String,
        /// Why.
        cause: Box<Error>,
    },
    /// A file is larger than the limit.
    #[error("file '{path}' has {size} bytes, the limit is {limit}")]
    BlobTooLarge {
        /// The file's path.
        path: String,
        /// Its size in bytes.
        size: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// A tree holds more files than the limit, or is nested too deeply.
    #[error("the tree is too large: {0}")]
    TreeTooLarge(String),
    /// A tree entry has a name that no file may have.
    #[error("the tree holds an invalid path '{0}'")]
    InvalidPath(String),
    /// The cache lacks an object or holds a damaged one. The next fetch rebuilds it.
    #[error("the git cache is corrupt: {0}")]
    Corrupt(String),
    /// The cache's disk failed.
    #[error("git cache {action}: {source_text}", source_text = .source)]
    Storage {
        /// What was tried.
        action: &'static str,
        /// The system's error.
        source: io::Error,
    },
}

/// Why the talk with the server failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TransportError {
    /// 401, or no SSH key was accepted.
    #[error("authentication required")]
    Unauthorized,
    /// 403.
    #[error("authorization failed")]
    Forbidden,
    /// 404 or the like.
    #[error("repository not found")]
    NotFound,
    /// The repository has no commit.
    #[error("remote repository is empty")]
    Empty,
    /// Name resolution or connection failed.
    #[error("{0}")]
    Connect(String),
    /// The TLS handshake failed.
    #[error("{0}")]
    Tls(String),
    /// The deadline passed.
    #[error("context deadline exceeded")]
    Timeout,
    /// The SSH host key is unknown or has changed.
    #[error("ssh: handshake failed: {0}")]
    HostKey(String),
    /// The SSH peers have no algorithm in common, or the handshake broke.
    #[error("ssh: handshake failed: {0}")]
    Handshake(String),
    /// The server answered with an unexpected HTTP status.
    #[error("unexpected client error: status code: {0}")]
    Status(u16),
    /// The server's own words.
    #[error("remote error: {0}")]
    Remote(String),
    /// The answer is not the Git protocol, or ends early.
    #[error("{0}")]
    Protocol(String),
    /// More bytes came than the limit allows.
    #[error("the answer is larger than {0} bytes")]
    TooLarge(u64),
    /// The repository uses SHA-256 object names.
    #[error("the repository uses the SHA-256 object format, which is not supported")]
    ObjectFormat,
}

/// What an error means to policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// Fix the settings.
    Settings,
    /// Fix the credentials.
    Unauthorized,
    /// No such repository.
    NotFound,
    /// No such branch, tag, commit or version.
    ReferenceNotFound,
    /// Nothing was pushed yet.
    Empty,
    /// The server cannot be reached.
    Connect,
    /// The server's certificate is not trusted, or ours is refused.
    Tls,
    /// The SSH host key is not the known one.
    HostKey,
    /// The deadline passed.
    Timeout,
    /// The answer makes no sense.
    Protocol,
    /// A limit was met.
    TooLarge,
    /// The local cache or its disk failed.
    Storage,
}

impl Error {
    /// The class of the error.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Settings(_) | Self::Url(_) | Self::InvalidReference(_) | Self::SemverParse(_) => {
                Kind::Settings
            }
            Self::RepositoryNotFound { .. } => Kind::NotFound,
            Self::Clone { cause, .. } | Self::List { cause, .. } => cause.kind(),
            Self::Empty => Kind::Empty,
            Self::ReferenceNotFound { .. }
            | Self::UnresolvedReference(_)
            | Self::CommitNotFound(_)
            | Self::NotACommit(_)
            | Self::SemverNoMatch(_)
            | Self::SparseNotFound(_) => Kind::ReferenceNotFound,
            Self::Submodule { cause, .. } => cause.kind(),
            Self::BlobTooLarge { .. } | Self::TreeTooLarge(_) => Kind::TooLarge,
            Self::InvalidPath(_) => Kind::Protocol,
            Self::Corrupt(_) | Self::Storage { .. } => Kind::Storage,
        }
    }

    pub(crate) fn storage(action: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Storage { action, source }
    }
}

impl TransportError {
    /// The class of the error.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Unauthorized | Self::Forbidden => Kind::Unauthorized,
            Self::NotFound => Kind::NotFound,
            Self::Empty => Kind::Empty,
            Self::Connect(_) => Kind::Connect,
            Self::Tls(_) => Kind::Tls,
            Self::Timeout => Kind::Timeout,
            Self::HostKey(_) => Kind::HostKey,
            Self::TooLarge(_) => Kind::TooLarge,
            Self::Handshake(_)
            | Self::Status(_)
            | Self::Remote(_)
            | Self::Protocol(_)
            | Self::ObjectFormat => Kind::Protocol,
        }
    }

    pub(crate) fn protocol(text: impl Into<String>) -> Self {
        Self::Protocol(text.into())
    }
}
