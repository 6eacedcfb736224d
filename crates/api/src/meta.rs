//! What all kinds share.

pub mod annotation;
pub mod condition;
pub mod duration;
pub mod reason;
pub mod reference;
pub mod time;

pub use condition::{Condition, ConditionStatus};
pub use duration::Duration;
pub use reference::{LocalObjectReference, NamespacedObjectReference, SecretKeyReference};

/// The finalizer of every Flux object.
pub const FINALIZER: &str = "finalizers.fluxcd.io";

/// The schema of a time: RFC 3339.
pub(crate) fn time_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({ "type": "string", "format": "date-time" })
}
