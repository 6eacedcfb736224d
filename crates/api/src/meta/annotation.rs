//! Annotations and labels that Flux's controllers read.

/// A changed value asks for a reconcile at once. It is a token, by convention a time.
pub const RECONCILE_REQUEST: &str = "reconcile.fluxcd.io/requestedAt";

/// Annotations under this prefix are copied into the object's events.
pub const EVENT_PREFIX: &str = "event.toolkit.fluxcd.io/";

/// The conventional label that names an object's shard.
pub const SHARD_KEY: &str = "sharding.fluxcd.io/key";
