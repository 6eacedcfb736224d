//! Why a run failed: the condition and reason that tell it, and what happens next.

use api::meta::reason::{FEATURE_GATE_DISABLED, source as reason};

use crate::storage::StoreError;

/// A failed step. The text with its sources is what users read.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// `spec.serviceAccountName` without the gate for it.
    #[error(
        "to use spec.serviceAccountName for provider authentication please enable the ObjectLevelWorkloadIdentity \
         feature gate in the controller"
    )]
    ServiceAccount,
    /// A provider that is not there yet.
    #[error("provider '{0}' is not supported by this controller yet")]
    Provider(&'static str),
    /// `spec.verify`, which is not there yet.
    #[error("spec.verify is not supported by this controller yet")]
    Verify,
    /// The credentials of a GitHub App for another provider.
    #[error("secretRef '{0}' has github app data but provider is not set to github")]
    GitHubApp(String),
    /// The URL cannot be parsed; Flux's text.
    #[error("{0}")]
    Url(String),
    /// The proxy's Secret is missing or incomplete.
    #[error("failed to configure proxy options: {0}")]
    Proxy(String),
    /// A Secret cannot be read.
    #[error("failed to get secret '{name}': {cause}")]
    Secret {
        /// Namespace and name.
        name: String,
        /// The API server's answer.
        cause: String,
    },
    /// The credentials don't fit together.
    #[error("failed to configure authentication options: {0}")]
    Authentication(String),
    /// An included repository does not exist.
    #[error(
        "could not get resource for include '{0}': GitRepository.source.toolkit.fluxcd.io \"{0}\" not found"
    )]
    IncludeMissing(String),
    /// An included repository has no artifact.
    #[error("no artifact available for include '{0}'")]
    IncludeEmpty(String),
    /// Keys, certificates or proxy cannot be used.
    #[error("failed to create Git client: {0}")]
    Client(String),
    /// The fetch failed.
    #[error("failed to checkout and determine revision: {0}")]
    Fetch(String),
    /// The repository has no commit.
    #[error("git repository is empty")]
    Empty,
    /// `spec.sparseCheckout` names what is not there.
    #[error("failed to sparse checkout directories : {0}")]
    Sparse(String),
    /// The repository is above the limit.
    #[error(
        "failed to checkout and determine revision: {cause} (limit of --git-max-size: {limit} bytes)"
    )]
    TooLarge {
        /// What is too large.
        cause: String,
        /// The limit in bytes.
        limit: u64,
    },
    /// An include cannot be put in its place.
    #[error("failed to copy '{name}' include from {from} to {to}: {cause}")]
    Include {
        /// The repository.
        name: String,
        /// Where in its artifact.
        from: String,
        /// Where in ours.
        to: String,
        /// Why not.
        cause: String,
    },
    /// The artifact cannot be written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An artifact that is not what its digest says cannot be removed.
    #[error("failed to remove artifact")]
    Remove(#[source] std::io::Error),
    /// A task of the blocking pool died.
    #[error("{0} ended unexpectedly")]
    Task(&'static str),
}

/// What follows a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// Another try after the back-off.
    Retry,
    /// Another try when the include changes, or after `--requeue-dependency`.
    Wait,
    /// None until the object changes.
    Stall,
}

impl Failure {
    /// The condition that tells of it, if any does.
    pub(super) fn condition(&self) -> Option<&'static str> {
        Some(match self {
            Self::ServiceAccount
            | Self::Provider(_)
            | Self::GitHubApp(_)
            | Self::Url(_)
            | Self::Proxy(_)
            | Self::Secret { .. }
            | Self::Authentication(_)
            | Self::Client(_)
            | Self::Fetch(_)
            | Self::Empty
            | Self::Sparse(_)
            | Self::TooLarge { .. } => reason::condition::FETCH_FAILED,
            Self::Verify => reason::condition::SOURCE_VERIFIED,
            Self::IncludeMissing(_) | Self::IncludeEmpty(_) => {
                reason::condition::INCLUDE_UNAVAILABLE
            }
            Self::Store(StoreError::Lock(_)) | Self::Remove(_) | Self::Task(_) => return None,
            Self::Include { .. } | Self::Store(_) => reason::condition::STORAGE_OPERATION_FAILED,
        })
    }

    /// The reason, in the condition and in the event.
    pub(super) fn reason(&self) -> &'static str {
        match self {
            Self::ServiceAccount => FEATURE_GATE_DISABLED,
            Self::Provider(_) | Self::GitHubApp(_) => reason::INVALID_PROVIDER_CONFIGURATION,
            Self::Verify => reason::VERIFICATION_ERROR,
            Self::Url(_) => reason::URL_INVALID,
            Self::Proxy(_) | Self::Secret { .. } | Self::Authentication(_) => {
                reason::AUTHENTICATION_FAILED
            }
            Self::IncludeMissing(_) => reason::NOT_FOUND,
            Self::IncludeEmpty(_) => reason::NO_ARTIFACT,
            Self::Client(_) | Self::Fetch(_) | Self::Sparse(_) | Self::TooLarge { .. } => {
                reason::GIT_OPERATION_FAILED
            }
            Self::Empty => reason::EMPTY_GIT_REPOSITORY,
            Self::Include { .. } => reason::COPY_FAILURE,
            Self::Store(StoreError::Directory(_)) => reason::DIRECTORY_CREATION_FAILED,
            Self::Store(StoreError::File(_) | StoreError::Write(_)) => {
                reason::ARCHIVE_OPERATION_FAILED
            }
            Self::Store(StoreError::Lock(_)) | Self::Remove(_) | Self::Task(_) => {
                api::meta::reason::FAILED
            }
        }
    }

    /// What happens next.
    pub(super) fn next(&self) -> Next {
        match self {
            Self::ServiceAccount
            | Self::Provider(_)
            | Self::Verify
            | Self::GitHubApp(_)
            | Self::Url(_) => Next::Stall,
            Self::IncludeMissing(_) | Self::IncludeEmpty(_) => Next::Wait,
            _ => Next::Retry,
        }
    }

    /// The whole text.
    pub(super) fn message(&self) -> String {
        runtime::log::chain(self)
    }

    /// Sorts an error of a fetch.
    pub(super) fn of_fetch(error: &git::Error, limit: u64) -> Self {
        match error {
            git::Error::Empty => Self::Empty,
            git::Error::SparseNotFound(_) => Self::Sparse(error.to_string()),
            error if error.kind() == git::Kind::TooLarge => Self::TooLarge {
                cause: error.to_string(),
                limit,
            },
            error => Self::Fetch(error.to_string()),
        }
    }
}
