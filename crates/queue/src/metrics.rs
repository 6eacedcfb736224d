//! What the queue tells about itself, as a trait; this crate knows no metrics library.
//!
//! The calls come from inside each transition, under the queue's lock: an implementation must be
//! quick and must not call the queue. `workqueue_unfinished_work_seconds` and
//! `workqueue_longest_running_processor_seconds` change without a transition and are read at scrape
//! from [`Queue::unfinished`](crate::Queue::unfinished).
//!
//! Source: the names are those of controller-runtime pkg/internal/metrics and
//! pkg/controller/priorityqueue/metrics.go. One difference: a key that is added while it runs
//! counts once it is ready, which is when that run ends, and not at once.

use std::time::Duration;

use crate::Class;

/// Receives each change worth counting.
pub trait Metrics: Send + Sync {
    /// `workqueue_depth`: now `keys` keys of `class` are ready. Called with zero for every class
    /// when the queue is created, so that all series exist.
    fn depth(&self, class: Class, keys: usize);
    /// `workqueue_adds_total`: one more key became ready.
    fn added(&self);
    /// `workqueue_retries_total`: one more add or outcome asked for a later run. Despite the name
    /// that includes each interval.
    fn retried(&self);
    /// `workqueue_queue_duration_seconds`: a key was taken this long after it became due.
    fn queued(&self, waited: Duration);
    /// `workqueue_work_duration_seconds`: a run ended after this long.
    fn worked(&self, took: Duration);
    /// `controller_runtime_active_workers`: now `workers` keys are being worked on.
    fn active(&self, workers: usize);
}

/// Counts nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoMetrics;

impl Metrics for NoMetrics {
    fn depth(&self, _: Class, _: usize) {}
    fn added(&self) {}
    fn retried(&self) {}
    fn queued(&self, _: Duration) {}
    fn worked(&self, _: Duration) {}
    fn active(&self, _: usize) {}
}
