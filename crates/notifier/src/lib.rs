//! An event in, a message at a provider out.
//!
//! ```text
//! Settings ──build──► Notifier ──post(event)──► provider::X: payload ──► http::Client: retries, TLS, proxy
//! (resolved)          (checks only)
//! ```
//!
//! Invariants: no Kubernetes client; [`build`] opens no connection; whoever calls [`Notifier::post`] bounds it with
//! the provider's timeout, and dropping the future ends the delivery; payloads are Flux's, byte for byte, with
//! metadata in the order of its keys where Flux's order is random; no error's text holds a credential, nor more of
//! an address than scheme and host.
//!
//! Errors carry their causes in `source()`: joined by `: ` they read as Flux's.
//!
//! Source: notification-controller internal/notifier (1.9.3).

#![allow(dead_code, reason = "providers that use the helpers follow")]

mod address;
mod error;
mod http;
mod json;
mod markdown;
mod notifier;
mod provider;
mod settings;
mod shared;
mod text;

pub use error::{BuildError, DeliveryError, PostError, Rejection};
pub use http::{Failure, SendError};
pub use notifier::{Notifier, build};
pub use settings::{Identity, IdentityError, ObjectName, Settings, Tls};
pub use shared::{Shared, SharedOptions};
