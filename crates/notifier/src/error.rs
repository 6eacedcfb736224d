//! What can go wrong, in Flux's words. Joined with their sources by `: `, the texts are complete.

use api::notification::ProviderType;

use crate::{
    address::AddressError, commit::CommitError, github_app::AppError, http::SendError,
    identity::AccessError, rest::RestError,
};

/// Why a notifier cannot be built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The type is unknown.
    #[error("provider {0} not supported")]
    Unsupported(ProviderType),
    /// The address is none.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// Something is missing.
    #[error("{0}")]
    Missing(&'static str),
    /// The channel does not have the provider's form.
    #[error("{0}")]
    Channel(String),
    /// The address is no DSN of Sentry's.
    #[error("[Sentry] DsnParseError: {0}")]
    Dsn(&'static str),
    /// The certificates cannot be used.
    #[error("failed to get TLS config: {0}")]
    Tls(String),
    /// The proxy cannot be used.
    #[error("failed to get proxy URL: {0}")]
    Proxy(String),
    /// The address names no repository of the provider's kind.
    #[error("{0}")]
    Repository(String),
    /// The credentials do not fit together.
    #[error("{0}")]
    Credentials(String),
    /// The GitHub App's data is incomplete.
    #[error(transparent)]
    App(#[from] Box<AppError>),
}

/// Why a provider has not taken an event.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PostError {
    /// The payload has no JSON form.
    #[error("marshalling notification payload failed")]
    Payload(#[from] serde_json::Error),
    /// The time is over.
    #[error("context deadline exceeded")]
    Overdue,
    /// A delivery failed, and the provider's kind says what it was to do.
    #[error("{context}")]
    Delivery {
        /// What was to be done.
        context: &'static str,
        /// What happened.
        #[source]
        source: DeliveryError,
    },
    /// A delivery failed.
    #[error(transparent)]
    Plain(#[from] DeliveryError),
    /// The event names no commit, or has no state for one.
    #[error(transparent)]
    Commit(#[from] CommitError),
    /// The event lacks what the provider needs.
    #[error("{0}")]
    Event(String),
    /// A call to the provider's API failed.
    #[error("{context}")]
    Call {
        /// What the call was for.
        context: &'static str,
        /// What happened.
        source: RestError,
    },
    /// The GitHub App gives no token.
    #[error(transparent)]
    App(#[from] Box<AppError>),
    /// The cloud gives no token.
    #[error("{context}")]
    Access {
        /// What the token was for.
        context: &'static str,
        /// What happened.
        source: AccessError,
    },
    /// A message has not reached its queue.
    #[error("{context}")]
    Publish {
        /// What was to be done.
        context: String,
        /// What happened.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// Why one request did not do what it was for.
#[derive(Debug, thiserror::Error)]
pub enum DeliveryError {
    /// There is no answer, or none but failures that may pass.
    #[error("failed to execute request")]
    Execute(#[from] Box<SendError>),
    /// The answer is no.
    #[error("request failed")]
    Rejected(#[from] Rejection),
}

/// How the other end said no.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// With a status.
    #[error("request failed with status code {status}: {body}")]
    Status {
        /// The status code.
        status: u16,
        /// The beginning of the body.
        body: String,
    },
    /// With an answer that is no JSON.
    #[error("unable to unmarshal response body: {0}")]
    Malformed(String),
    /// In the provider's own way.
    #[error("{0}")]
    Answer(String),
}

impl PostError {
    pub(crate) fn delivery(context: Option<&'static str>, source: DeliveryError) -> Self {
        match context {
            Some(context) => Self::Delivery { context, source },
            None => Self::Plain(source),
        }
    }
}

/// Says what a call was for.
pub(crate) trait During<T> {
    /// Wraps the error.
    fn during(self, context: &'static str) -> Result<T, PostError>;
}

impl<T> During<T> for Result<T, RestError> {
    fn during(self, context: &'static str) -> Result<T, PostError> {
        self.map_err(|source| PostError::Call { context, source })
    }
}
