//! The HTTP client that providers share.
//!
//! A request is tried up to five times: after a failure of the connection, 429 and 5xx but 501, with waits of 2, 4, 8
//! and 16 s, or what `Retry-After` of a 429 or 503 asks for. There is no deadline per attempt: the delivery's
//! ends it all. Bodies are read to a limit, so that no answer fills the memory.
//!
//! Source: notification-controller internal/notifier/client.go; hashicorp/go-retryablehttp (0.7.8).

mod client;
mod deadline;
mod failure;
mod pool;
mod request;
mod retry;
mod tls;

pub use failure::{Failure, SendError};

pub(crate) use client::Client;
pub(crate) use deadline::within;
pub(crate) use pool::{Pool, direct};
pub(crate) use request::{Request, Response};
pub(crate) use tls::config as tls_config;
