//! notification-controller: tells people and services of events, and the cluster of webhooks.
//!
//! ```text
//! controllers ──POST──► event_server: decode, clean, rate limit ──► dispatch: match, gates ──► provider lanes
//! Git hosts …  ──POST──► webhook: look up, authenticate, filter ──► annotate the target
//! Provider, Alert, Receiver ──watch──► reconcilers (only while leading)
//! ```
//!
//! Invariants: both servers answer on every replica, leading or not; memory is bounded whatever is sent to
//! them; a provider that does not answer delays no other and no emitter.

mod alert;
mod context;
mod digest;
mod dispatch;
mod event_server;
pub mod flags;
mod metadata;
mod provider;
mod receiver;
mod run;
mod tell;
#[cfg(test)]
mod testing;
mod webhook;

pub use run::run;
