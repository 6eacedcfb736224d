//! What every controller shares.
//!
//! The order of a controller's life: [`flags`] are parsed, [`log`] is installed, [`probe`] and
//! metrics endpoints open, [`cache`]s fill, the [`lease`] is won, [`controller`] workers run,
//! [`shutdown`] ends them. Policy (conditions' reasons, what wakes whom) lives in the controllers'
//! own crates; this crate only knows how.
//!
//! Invariant: no other crate names `kube::runtime`, and none builds an HTTP client for the API
//! server.

pub mod cache;
pub mod client;
pub mod conditions;
pub mod controller;
pub mod events;
pub mod flags;
pub mod held;
pub mod http;
pub mod key;
pub mod leadership;
pub mod lease;
pub mod log;
pub mod metrics;
pub mod probe;
pub mod secrets;
pub mod server;
pub mod shutdown;
pub mod status;

pub use key::ObjectKey;
