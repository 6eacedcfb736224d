//! When objects are ready.
//!
//! [`kstatus`] reads one object's state off its content; [`HealthCheck`] asks for a set of objects,
//! once per call and without holding anything between calls, so that a caller's timers and watches
//! decide when it looks again. Source: fluxcd/cli-utils `pkg/kstatus` (1.2), fluxcd/pkg
//! `ssa/manager_wait.go`, `runtime/statusreaders`.

pub mod kstatus;
mod wait;

pub use kstatus::{Status, Verdict};
pub use wait::{HealthCheck, HealthTarget, Readiness, Summary};

use serde_json::Value;

/// A user's own reading of some kinds: `spec.healthCheckExprs`.
pub trait CustomStatus: Send + Sync {
    /// The state of `object`; `None` to leave it to the built-in rules.
    fn status(&self, object: &Value) -> Option<Verdict>;
}
