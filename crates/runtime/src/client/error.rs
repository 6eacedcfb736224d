//! What can go wrong with a request to the API server.
//!
//! The texts are those that client-go prints, because they end up in conditions and events that
//! people and dashboards match on. Source: apimachinery `api/errors`, `api/meta` (0.36).

use std::{fmt, sync::Arc, time::Duration};

use serde::Deserialize;

/// Why a request failed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ApiError {
    /// The server answered, and refused.
    #[error("{0}")]
    Status(Box<Status>),
    /// The server does not serve the kind.
    #[error("no matches for kind {kind:?} in {place}")]
    NoMatch {
        /// The kind asked for.
        kind: String,
        /// Where it was looked for: `version "apps/v1"` or `group "apps"`.
        place: String,
    },
    /// No answer came: the connection failed.
    #[error("{method} {url:?}: {cause}")]
    Unreachable {
        /// The method as Go writes it: `Get`.
        method: &'static str,
        /// The whole URL.
        url: String,
        /// The chain of causes.
        cause: String,
        /// Whether an established connection broke, so that a repeat may well succeed.
        reset: bool,
    },
    /// No answer came within the deadline.
    #[error("{method} {url:?}: context deadline exceeded")]
    Timeout {
        /// The method as Go writes it: `Get`.
        method: &'static str,
        /// The whole URL.
        url: String,
    },
    /// The answer is not what it should be.
    #[error("unable to decode the answer of {url:?}")]
    Decode {
        /// The whole URL.
        url: String,
        /// What does not fit. It quotes no content.
        source: Arc<serde_json::Error>,
    },
    /// The request cannot be formed, such as for a name with a slash.
    #[error("{0}")]
    Request(String),
}

/// The server's answer to a request that it refused: `meta/v1` Status.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase", default)]
pub struct Status {
    /// The HTTP status code.
    pub code: u16,
    /// The reason as the server spells it; may be empty or unknown to us. See [`ApiError::reason`].
    pub reason: String,
    /// The text for people.
    pub message: String,
    /// The parts of it.
    pub details: Details,
}

/// Details of a [`Status`].
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase", default)]
pub struct Details {
    /// The causes, such as one per invalid field.
    pub causes: Vec<Cause>,
    /// After how many seconds to try again; 0 when the server does not say.
    pub retry_after_seconds: u64,
}

/// One cause of a failure.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(default)]
pub struct Cause {
    /// The type of the cause: `FieldValueInvalid`, `FieldManagerConflict`, …
    pub reason: String,
    /// The text for people.
    pub message: String,
    /// The path of the field, as `spec.selector`.
    pub field: String,
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident = $code:literal,)*) => {
        /// The reasons that the API machinery defines.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Reason {
            $($(#[$doc])* $name,)*
            /// None that we know.
            Unknown,
        }

        impl Reason {
            const KNOWN: &[(Self, &'static str, u16)] =
                &[$((Self::$name, stringify!($name), $code),)*];
        }
    };
}

reasons! {
    /// The object is not there.
    NotFound = 404,
    /// The credentials are not accepted.
    Unauthorized = 401,
    /// The user may not do this.
    Forbidden = 403,
    /// An object of this name exists.
    AlreadyExists = 0,
    /// The object changed meanwhile, or another manager owns a field.
    Conflict = 409,
    /// The resource is gone for good, or the watch's start is.
    Gone = 0,
    /// A field is not valid.
    Invalid = 422,
    /// The list's continuation is too old.
    Expired = 410,
    /// The server cannot do it now.
    ServerTimeout = 0,
    /// The server did not finish in time.
    Timeout = 504,
    /// The server sheds load.
    TooManyRequests = 429,
    /// The request makes no sense to the server.
    BadRequest = 400,
    /// The resource has no such verb.
    MethodNotAllowed = 405,
    /// The server cannot answer in a type that we accept.
    NotAcceptable = 406,
    /// The body is too large.
    RequestEntityTooLarge = 413,
    /// The server does not read this type of body.
    UnsupportedMediaType = 415,
    /// Something broke inside the server.
    InternalError = 500,
    /// The server, or one behind it, is not there.
    ServiceUnavailable = 503,
}

impl Status {
    /// The reason: what the server says, else what the code means.
    pub fn reason(&self) -> Reason {
        let known = |test: &dyn Fn(&(Reason, &str, u16)) -> bool| {
            Reason::KNOWN.iter().find(|row| test(row)).map(|row| row.0)
        };
        known(&|row| row.1 == self.reason)
            .or_else(|| known(&|row| row.2 != 0 && row.2 == self.code))
            .unwrap_or(Reason::Unknown)
    }
}

impl ApiError {
    /// A refusal as the server words it.
    pub fn status(code: u16, reason: &str, message: impl Into<String>) -> Self {
        Self::Status(Box::new(Status {
            code,
            reason: reason.into(),
            message: message.into(),
            details: Details::default(),
        }))
    }

    /// Converts what kube's own calls return.
    pub fn from_kube(error: &kube::Error) -> Self {
        match error {
            kube::Error::Api(status) => Self::Status(Box::new(Status {
                code: status.code,
                reason: status.reason.clone(),
                message: status.message.clone(),
                details: status
                    .details
                    .as_ref()
                    .map(Details::from_kube)
                    .unwrap_or_default(),
            })),
            kube::Error::Service(source) => match source.downcast_ref::<Self>() {
                Some(error) => error.clone(),
                None => Self::Request(chain(source.as_ref())),
            },
            other => Self::Request(chain(other)),
        }
    }

    /// The server's reason in the API's spelling; empty when no server answered or it gave none.
    pub fn reason(&self) -> &str {
        match self {
            Self::Status(status) => &status.reason,
            _ => "",
        }
    }

    /// The causes that the server listed.
    pub fn causes(&self) -> &[Cause] {
        match self {
            Self::Status(status) => &status.details.causes,
            _ => &[],
        }
    }

    /// Whether the server refused for `reason`.
    pub fn is(&self, reason: Reason) -> bool {
        matches!(self, Self::Status(status) if status.reason() == reason)
    }

    /// Whether the object is not there.
    pub fn is_not_found(&self) -> bool {
        self.is(Reason::NotFound)
    }

    /// Whether the kind is not served.
    pub fn is_no_match(&self) -> bool {
        matches!(self, Self::NoMatch { .. })
    }

    /// Whether nobody serves the path: the kind is gone since it was discovered.
    pub fn is_unserved(&self) -> bool {
        self.is_not_found()
            && matches!(self, Self::Status(status) if status.message.starts_with(UNSERVED))
    }

    /// Whether the object changed meanwhile.
    pub fn is_conflict(&self) -> bool {
        self.is(Reason::Conflict)
    }

    /// Whether trying again later, with nothing changed, may succeed.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Timeout { .. } => true,
            Self::Status(status) => matches!(
                status.reason(),
                Reason::ServerTimeout
                    | Reason::Timeout
                    | Reason::TooManyRequests
                    | Reason::InternalError
                    | Reason::ServiceUnavailable
            ),
            Self::NoMatch { .. } | Self::Decode { .. } | Self::Request(_) => false,
        }
    }

    pub(super) fn is_reset(&self) -> bool {
        matches!(self, Self::Unreachable { reset: true, .. })
    }
}

/// How [`super::generic_status`] begins a 404 of a path that nobody serves.
pub(super) const UNSERVED: &str = "the server could not find the requested resource";

impl Details {
    fn from_kube(details: &kube::core::response::StatusDetails) -> Self {
        let causes = details.causes.iter().map(|cause| Cause {
            reason: cause.reason.clone(),
            message: cause.message.clone(),
            field: cause.field.clone(),
        });
        Self {
            causes: causes.collect(),
            retry_after_seconds: details.retry_after_seconds.into(),
        }
    }
}

impl Status {
    /// After how long the server asks to try again.
    pub fn retry_after(&self) -> Option<Duration> {
        let seconds = self.details.retry_after_seconds;
        (seconds > 0).then(|| Duration::from_secs(seconds))
    }
}

/// The error and its sources, joined as Go joins wrapped errors; a source that its parent's text
/// already ends with is not repeated.
pub(super) fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        let part = source.to_string();
        if !text.ends_with(&part) {
            text.push_str(": ");
            text.push_str(&part);
        }
        next = source.source();
    }
    text
}
