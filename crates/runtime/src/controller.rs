//! Workers that take keys from a queue and hand them to a reconciler.
//!
//! Invariants: one key is never reconciled twice at once (the queue's promise); a panic ends one
//! run, not the worker; every run is counted under controller-runtime's names, and its outcome
//! alone decides what happens to the key next.

use std::{future::Future, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures::FutureExt;
use queue::{Class, Outcome, Queue, Work};
use tokio::{task::JoinSet, time::Instant};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use crate::{ObjectKey, metrics::Metrics};

/// What a controller is called in logs and metrics.
#[derive(Clone, Copy, Debug)]
pub struct Name {
    /// `kustomization`: the `controller` label.
    pub controller: &'static str,
    /// `kustomize.toolkit.fluxcd.io`.
    pub group: &'static str,
    /// `Kustomization`.
    pub kind: &'static str,
}

/// One run of a reconciler.
#[derive(Clone, Debug)]
pub struct Run {
    /// Why the key was due.
    pub class: Class,
    /// Cancelled when the key is due again already: whatever this run would still wait for, a newer
    /// run will do.
    pub superseded: CancellationToken,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Nothing to do until something changes.
    Done,
    /// Due again after this long.
    After(Duration),
    /// Due again after the key's back-off, without an error.
    Requeue,
    /// Waits for [`Queue::wake`], at most this long; holds no worker.
    Wait(Duration),
    /// Failed; due again after the key's back-off.
    Failed,
    /// Failed in a way that only a change can mend.
    FailedForGood,
}

impl Ending {
    fn outcome(self) -> Outcome {
        match self {
            Self::Done | Self::FailedForGood => Outcome::Done,
            Self::After(wait) => Outcome::Again(wait),
            Self::Requeue | Self::Failed => Outcome::Retry,
            Self::Wait(deadline) => Outcome::Wait {
                deadline: Some(deadline),
            },
        }
    }

    /// The `result` label. Source: controller-runtime pkg/internal/controller.
    fn result(self) -> &'static str {
        match self {
            Self::Done => "success",
            Self::After(_) | Self::Wait(_) => "requeue_after",
            Self::Requeue => "requeue",
            Self::Failed | Self::FailedForGood => "error",
        }
    }
}

/// Brings one object to its desired state.
pub trait Reconciler: Send + Sync + 'static {
    /// Runs once for `key`. Reports whatever it has to say itself; the ending is all that is left.
    fn reconcile(&self, key: &ObjectKey, run: Run) -> impl Future<Output = Ending> + Send;
}

/// Runs `workers` workers until `stop` is cancelled and their running work has ended, at most
/// `grace` later.
pub async fn run<R: Reconciler>(
    name: Name,
    queue: Arc<Queue<ObjectKey>>,
    reconciler: Arc<R>,
    workers: usize,
    metrics: &Metrics,
    stop: CancellationToken,
    grace: Duration,
) {
    metrics.init_controller(name.controller, workers);
    let ages = Arc::clone(&queue);
    metrics.queue_ages(name.controller, move || {
        let unfinished = ages.unfinished();
        (
            unfinished.total.as_secs_f64(),
            unfinished.longest.as_secs_f64(),
        )
    });
    tracing::info!(
        controller = name.controller,
        controllerGroup = name.group,
        controllerKind = name.kind,
        "worker count" = workers,
        "Starting workers"
    );
    let mut set = JoinSet::new();
    for _ in 0..workers {
        let (queue, reconciler, metrics) =
            (Arc::clone(&queue), Arc::clone(&reconciler), metrics.clone());
        set.spawn(async move {
            while let Some(work) = queue.take().await {
                step(name, work, &*reconciler, &metrics).await;
            }
        });
    }
    stop.cancelled().await;
    queue.shutdown();
    let ended = async { while set.join_next().await.is_some() {} };
    if tokio::time::timeout(grace, ended).await.is_err() {
        tracing::error!(controller = name.controller, "work did not end in time");
    }
}

async fn step<R: Reconciler>(name: Name, work: Work<ObjectKey>, reconciler: &R, metrics: &Metrics) {
    let key = work.key().clone();
    let span = tracing::info_span!(
        "reconcile",
        controller = name.controller,
        controllerGroup = name.group,
        controllerKind = name.kind,
        namespace = &*key.namespace,
        name = &*key.name,
        reconcileID = random_id(),
    );
    let run = Run {
        class: work.class(),
        superseded: work.superseded().clone(),
    };
    let started = Instant::now();
    let reconciled = AssertUnwindSafe(reconciler.reconcile(&key, run)).catch_unwind();
    let ending = match reconciled.instrument(span.clone()).await {
        Ok(ending) => ending,
        Err(panic) => {
            metrics
                .reconcile_panics
                .with_label_values(&[name.controller])
                .inc();
            span.in_scope(|| {
                tracing::error!(
                    panic = panic_text(&*panic),
                    "Observed a panic in reconciler"
                );
            });
            Ending::Failed
        }
    };
    metrics
        .reconcile_time
        .with_label_values(&[name.controller])
        .observe(started.elapsed().as_secs_f64());
    metrics
        .reconcile_total
        .with_label_values(&[name.controller, ending.result()])
        .inc();
    if matches!(ending, Ending::Failed | Ending::FailedForGood) {
        metrics
            .reconcile_errors
            .with_label_values(&[name.controller])
            .inc();
    }
    if ending == Ending::FailedForGood {
        metrics
            .terminal_errors
            .with_label_values(&[name.controller])
            .inc();
    }
    work.finish(ending.outcome());
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("unknown")
}

/// Returns the jittered wait until the next run, within ±`percent` of `interval`; zero stays zero.
///
/// `unit` is a uniform random number in `0.0..1.0`, `percent` is 0..=99.
/// Source: fluxcd/pkg runtime/jitter/interval.go (0.111).
pub fn jittered(interval: Duration, percent: u8, unit: f64) -> Duration {
    let spread = f64::from(percent.min(99)) / 100.0;
    interval.mul_f64(1.0 + spread * (2.0 * unit - 1.0))
}

/// A uniform random number in `0.0..1.0`. Not for secrets.
pub fn random_unit() -> f64 {
    let bits = random_bits() >> 11;
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit an f64 exactly")]
    let unit = bits as f64 / (1_u64 << 53) as f64;
    unit
}

/// A random UUID (version 4).
pub fn random_id() -> String {
    let (a, b) = (random_bits(), random_bits());
    format!(
        "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
        a >> 32,
        (a >> 16) & 0xffff,
        a & 0xfff,
        ((b >> 48) & 0x3fff) | 0x8000,
        b & 0xffff_ffff_ffff
    )
}

/// Each `RandomState` is keyed afresh from the system's randomness and a counter.
fn random_bits() -> u64 {
    use std::hash::{BuildHasher, Hasher};
    std::collections::hash_map::RandomState::new()
        .build_hasher()
        .finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jitter_stays_within_its_percentage() {
        let minute = Duration::from_mins(1);
        let cases = [
            (0, 0.3, 60.0),
            (5, 0.0, 57.0),
            (5, 0.5, 60.0),
            (5, 1.0, 63.0),
            (99, 0.0, 0.6),
        ];
        for (percent, unit, seconds) in cases {
            let wait = jittered(minute, percent, unit).as_secs_f64();
            assert!(
                (wait - seconds).abs() < 1e-6,
                "{percent}% at {unit}: {wait}"
            );
        }
        assert_eq!(jittered(Duration::ZERO, 5, 0.9), Duration::ZERO);
    }

    #[test]
    fn ids_are_version_four_uuids_and_differ() {
        let (a, b) = (random_id(), random_id());
        assert_ne!(a, b);
        assert_eq!(a.len(), 36);
        assert_eq!(a.as_bytes()[14], b'4');
        assert!(matches!(a.as_bytes()[19], b'8' | b'9' | b'a' | b'b'));
    }
}
