//! Why there is no answer, in the words of Go's client.

use std::{error::Error as _, io};

use reqwest::Method;

use crate::address::Masked;

/// A request that was given up.
#[derive(Debug, thiserror::Error)]
#[error("{method} {address} giving up after {attempts} attempt(s)")]
pub struct SendError {
    pub(crate) method: Method,
    pub(crate) address: Masked,
    pub(crate) attempts: u32,
    /// None when the last answer was 429.
    #[source]
    pub(crate) cause: Option<Failure>,
}

/// Why one attempt failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// An answer that may be better next time.
    #[error("unexpected HTTP status {0}")]
    Status(reqwest::StatusCode),
    /// No answer.
    #[error("{operation} \"{address}\": {cause}")]
    Exchange {
        /// The method, as Go writes it here.
        operation: String,
        /// Where to.
        address: Masked,
        /// What happened.
        cause: Cause,
    },
}

/// What happened to an exchange.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Cause {
    /// The connection failed or broke.
    #[error("{0}")]
    Connection(String),
    /// The other end is not who it should be.
    #[error("tls: failed to verify certificate: x509: {0}")]
    Certificate(&'static str),
    /// The address is no HTTP address.
    #[error("unsupported protocol scheme \"{0}\"")]
    Scheme(String),
    /// The address is none.
    #[error("invalid URL")]
    Address,
    /// A header has a name that none may have.
    #[error("net/http: invalid header field name {0:?}")]
    HeaderName(String),
    /// A header cannot be sent.
    #[error("net/http: invalid header field value for \"{0}\"")]
    Header(String),
    /// The other end sends us round in circles.
    #[error("stopped after 10 redirects")]
    Redirects,
}

impl Failure {
    /// What happened to an exchange with an address.
    pub(crate) fn exchange(method: &Method, address: &str, cause: Cause) -> Self {
        let method = method.as_str();
        let (first, rest) = method.split_at(usize::from(!method.is_empty()));
        Self::Exchange {
            operation: format!("{first}{}", rest.to_lowercase()),
            address: Masked::new(address),
            cause,
        }
    }

    /// Whether another attempt may do better.
    pub(crate) fn may_pass(&self) -> bool {
        match self {
            Self::Status(_) => true,
            Self::Exchange { cause, .. } => matches!(cause, Cause::Connection(_)),
        }
    }
}

impl Cause {
    /// Says what failed without repeating the address, as reqwest would.
    pub(crate) fn of(error: &reqwest::Error) -> Self {
        if error.is_redirect() {
            return Self::Redirects;
        }
        let mut text = String::new();
        let mut next = error.source();
        while let Some(cause) = next {
            if let Some(error) = cause.downcast_ref::<rustls::Error>() {
                return Self::tls(error);
            }
            if let Some(error) = cause.downcast_ref::<io::Error>()
                && let Some(text) = io_text(error)
            {
                return Self::Connection(text.to_owned());
            }
            text = cause.to_string();
            // An I/O error's source is that of the error it carries, so the carried one has to be asked for.
            next = match cause
                .downcast_ref::<io::Error>()
                .and_then(io::Error::get_ref)
            {
                Some(carried) => Some(carried),
                None => cause.source(),
            };
        }
        Self::Connection(match (error.is_timeout(), error.is_connect()) {
            (true, _) => "dial tcp: i/o timeout".to_owned(),
            (_, true) => format!("dial tcp: {text}"),
            _ => text,
        })
    }

    fn tls(error: &rustls::Error) -> Self {
        use rustls::{CertificateError as Bad, Error::InvalidCertificate};
        Self::Certificate(match error {
            InvalidCertificate(Bad::UnknownIssuer | Bad::BadSignature) => {
                "certificate signed by unknown authority"
            }
            InvalidCertificate(Bad::Expired | Bad::ExpiredContext { .. }) => {
                "certificate has expired or is not yet valid"
            }
            InvalidCertificate(Bad::NotValidForName | Bad::NotValidForNameContext { .. }) => {
                "certificate is not valid for the requested name"
            }
            InvalidCertificate(_) => "the certificate is invalid",
            other => return Self::Connection(format!("tls: {other}")),
        })
    }
}

fn io_text(error: &io::Error) -> Option<&'static str> {
    // An error that carries another one says less than that.
    if error.get_ref().is_some() {
        return None;
    }
    Some(match error.kind() {
        io::ErrorKind::ConnectionRefused => "dial tcp: connect: connection refused",
        io::ErrorKind::ConnectionReset => "read tcp: connection reset by peer",
        io::ErrorKind::BrokenPipe => "write tcp: broken pipe",
        io::ErrorKind::HostUnreachable => "dial tcp: connect: no route to host",
        io::ErrorKind::NetworkUnreachable => "dial tcp: connect: network is unreachable",
        io::ErrorKind::TimedOut => "dial tcp: i/o timeout",
        io::ErrorKind::UnexpectedEof => "EOF",
        _ => return None,
    })
}
