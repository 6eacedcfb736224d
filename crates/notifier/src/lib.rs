//! An event in, a message at a provider out.
//!
//! ```text
//! Settings ──build──► Notifier ──post(event)──► provider::X: payload ──► http::Client: retries, TLS, proxy
//! (resolved)          (checks only)
//! ```
//!
//! Invariants: no Kubernetes client; [`build`] opens no connection; a delivery is bounded by the provider's
//! timeout, and dropping its future ends it; payloads are Flux's, byte for byte, with
//! metadata in the order of its keys where Flux's order is random; no error's text holds a credential, nor more of
//! an address that a user wrote than scheme and host (the paths of Git hosts' APIs are no secrets).
//!
//! Errors carry their causes in `source()`: joined by `: ` they read as Flux's.
//!
//! Source: notification-controller internal/notifier (1.9.3).

mod address;
mod change_request;
mod commit;
mod error;
mod git_address;
mod github_app;
mod http;
mod identity;
mod json;
mod markdown;
mod notifier;
mod provider;
mod rest;
mod settings;
mod shared;
mod text;
mod token_cache;

pub use commit::CommitError;
pub use error::{BuildError, DeliveryError, PostError, Rejection};
pub use github_app::AppError;
pub use http::{Failure, SendError};
pub use identity::{AccessError, CloudEnvironment};
pub use notifier::{Notifier, build};
pub use rest::RestError;
pub use settings::{Identity, IdentityError, ObjectName, Settings, Tls};
pub use shared::{Shared, SharedOptions};
pub use token_cache::{MAX_DURATION as MAX_TOKEN_DURATION, TokenCache, TokenCacheObserver};
