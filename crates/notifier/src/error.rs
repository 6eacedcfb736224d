//! What can go wrong, in Flux's words. Joined with their sources by `: `, the texts are complete.

use api::notification::ProviderType;

use crate::{address::AddressError, http::SendError};

/// Why a notifier cannot be built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The type is unknown.
    #[error("provider {0} not supported")]
    Unsupported(ProviderType),
    /// The address is none.
    #[error("{0}")]
    Address(#[from] AddressError),
    /// Something is missing.
    #[error("{0}")]
    Missing(&'static str),
    /// The channel does not have the provider's form.
    #[error("{0}")]
    Channel(String),
    /// The certificates cannot be used.
    #[error("failed to get TLS config: {0}")]
    Tls(String),
    /// The proxy cannot be used.
    #[error("failed to get proxy URL: {0}")]
    Proxy(String),
}

/// Why a provider has not taken an event.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PostError {
    /// The payload has no JSON form.
    #[error("marshalling notification payload failed")]
    Payload(#[from] serde_json::Error),
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
