//! The work queue: a pure state machine and a thin asynchronous shell.
//!
//! A controller adds keys (names of objects) and N workers take them. One key is never worked on
//! twice at once; equal keys collapse; a key added during its run runs again afterwards. Urgent
//! classes pass others, but age lifts every key, so none starves. Failed keys back off, each by
//! itself, and a key may wait for an event without holding a worker.
//!
//! - [`State`] decides everything and knows no clock, lock or task; read it first.
//! - `Handoff` puts it behind a lock and says who wakes whom.
//! - [`Queue`] adds tokio's clock and one timer; [`Work`] is the guard that a worker holds.
//!
//! This crate knows no Kubernetes and no metrics library ([`Metrics`] is a trait), and it has no
//! limiter but the back-off: request rates are the client's business.

mod backoff;
mod class;
mod clock;
mod counts;
mod handoff;
#[cfg(test)]
mod loom_model;
mod metrics;
mod outcome;
mod queue;
mod state;
mod time;
mod work;

/// What `handoff` is built on; `loom_model` has its own.
mod primitives {
    pub(crate) use std::sync::{Mutex, MutexGuard};

    pub(crate) use tokio::sync::Notify;

    pub(crate) use crate::clock::Clock;
}

pub use backoff::Backoff;
pub use class::Class;
pub use counts::{Counts, Depth, Phase, Unfinished};
pub use metrics::{Metrics, NoMetrics};
pub use outcome::{Cause, Outcome};
pub use queue::{Key, Queue};
pub use state::{State, Taken};
pub use time::Time;
pub use work::Work;
