//! Deliveries that wait their turn: a lane per Provider.
//!
//! A lane is a bounded queue and a few runners, so a Provider that does not answer holds up nobody but itself. At most
//! [`Limits::tasks`] deliveries are under way in the process; runners get their turn in the order in which they asked,
//! and a lane whose last delivery failed has one runner only, so dead Providers cannot take all the turns. Two events
//! of one object never travel at once, so its messages arrive in order.
//!
//! When a lane, or the memory that all lanes share, is full, the newest event is dropped and counted in
//! `gotk_notification_dropped_total{reason}` (`queue_full`, `memory_full`, `shutdown`), and so is one that nobody wants
//! any more when its turn comes (`withdrawn`). Deliveries that ended are in
//! `gotk_notification_deliveries_total{result}` (`success`, `failure`), those that wait in `gotk_notification_queued`.
//! Every event handed to a lane is counted in one of the first two.

mod state;

use std::{
    collections::HashMap,
    future::Future,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use api::event::{Event, ObjectReference};
use prometheus::{IntCounterVec, IntGauge, Opts};
use runtime::{ObjectKey, metrics::Metrics};
use tokio::sync::Semaphore;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use self::state::Lane;
use crate::{alert::Rule, provider::Entry};

/// How much may wait and travel.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Deliveries under way in all lanes.
    pub(super) tasks: usize,
    /// Deliveries under way in one lane.
    pub(super) runners: usize,
    /// Deliveries that wait in one lane.
    pub(super) waiting: usize,
    /// Bytes of events that wait or travel in all lanes, each counted once per lane.
    pub(super) bytes: usize,
}

/// A flood of ten thousand events for one Provider fits.
pub(super) const LIMITS: Limits = Limits {
    tasks: 256,
    runners: 4,
    waiting: 10_000,
    bytes: 64 << 20,
};

/// One event for one Provider.
pub(super) struct Job {
    pub(super) event: Arc<Event>,
    pub(super) rule: Arc<Rule>,
    pub(super) provider: Arc<Entry>,
}

/// What a lane needs to know of a delivery.
pub(super) trait Parcel: Send + 'static {
    /// The lane it belongs to.
    fn lane(&self) -> &ObjectKey;
    /// What it must not overtake.
    fn object(&self) -> &ObjectReference;
    /// Bytes that it holds.
    fn bytes(&self) -> usize;
}

impl Parcel for Job {
    fn lane(&self) -> &ObjectKey {
        &self.provider.key
    }

    fn object(&self) -> &ObjectReference {
        &self.event.involved_object
    }

    fn bytes(&self) -> usize {
        let event = &self.event;
        let metadata = event.metadata.iter();
        let metadata: usize = metadata.map(|(key, value)| key.len() + value.len()).sum();
        512 + event.message.len() + metadata
    }
}

/// How a delivery ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// It is there.
    Arrived,
    /// It is not.
    Failed,
    /// Nobody wanted it any more.
    Withdrawn,
}

/// Carries a delivery out.
pub(super) trait Carrier: Send + Sync + 'static {
    /// What is delivered.
    type Parcel: Parcel;

    /// Delivers. Must end by itself.
    fn deliver(&self, parcel: Self::Parcel) -> impl Future<Output = Ending> + Send;
}

/// All lanes. Dropping it lets those that run go on.
pub(super) struct Lanes<C: Carrier>(Arc<Shared<C>>);

struct Shared<C: Carrier> {
    carrier: C,
    limits: Limits,
    lanes: Mutex<Table<C::Parcel>>,
    turns: Semaphore,
    runners: TaskTracker,
    closed: CancellationToken,
    deliveries: IntCounterVec,
    dropped: IntCounterVec,
    queued: IntGauge,
}

struct Table<P> {
    lanes: HashMap<ObjectKey, Lane<P>>,
    bytes: usize,
}

impl<C: Carrier> Lanes<C> {
    /// Lanes without anything in them.
    pub(super) fn new(carrier: C, limits: Limits, metrics: &Metrics) -> prometheus::Result<Self> {
        let counter = |name: &str, help: &str, label: &str, values: &[&str]| {
            let counter = IntCounterVec::new(Opts::new(name, help), &[label])?;
            metrics.registry().register(Box::new(counter.clone()))?;
            for value in values {
                counter.with_label_values(&[value]);
            }
            prometheus::Result::Ok(counter)
        };
        let queued = IntGauge::new(
            "gotk_notification_queued",
            "Notifications that wait for their provider.",
        )?;
        metrics.registry().register(Box::new(queued.clone()))?;
        Ok(Self(Arc::new(Shared {
            carrier,
            limits,
            lanes: Mutex::new(Table {
                lanes: HashMap::new(),
                bytes: 0,
            }),
            turns: Semaphore::new(limits.tasks),
            runners: TaskTracker::new(),
            closed: CancellationToken::new(),
            deliveries: counter(
                "gotk_notification_deliveries_total",
                "Notifications that were sent, by the result.",
                "result",
                &["success", "failure"],
            )?,
            dropped: counter(
                "gotk_notification_dropped_total",
                "Notifications that were not sent, by the reason.",
                "reason",
                &["queue_full", "memory_full", "shutdown", "withdrawn"],
            )?,
            queued,
        })))
    }

    /// Takes a delivery, or drops and counts it.
    pub(super) fn push(&self, parcel: C::Parcel) {
        let shared = &self.0;
        let key = parcel.lane().clone();
        let bytes = parcel.bytes();
        let drop_for = |reason: &str| {
            shared.dropped.with_label_values(&[reason]).inc();
            tracing::debug!(reason, provider = %key, "notification dropped");
        };
        if shared.closed.is_cancelled() {
            return drop_for("shutdown");
        }
        let mut table = shared.lock();
        if table.bytes + bytes > shared.limits.bytes {
            return drop_for("memory_full");
        }
        let lane = table.lanes.entry(key.clone()).or_default();
        if lane.waiting() >= shared.limits.waiting {
            return drop_for("queue_full");
        }
        lane.push(parcel);
        let start = lane.start(shared.limits.runners, 0);
        table.bytes += bytes;
        shared.queued.inc();
        drop(table);
        if start {
            spawn(shared, key.clone());
        }
    }

    /// Takes no more, waits until all lanes are empty or `grace` is over, and counts what is left.
    pub(super) async fn finish(&self, grace: Duration) {
        let shared = &self.0;
        shared.runners.close();
        let emptied = tokio::time::timeout(grace, shared.runners.wait()).await;
        shared.closed.cancel();
        if emptied.is_ok() {
            return;
        }
        // Runners notice at their next await; each counts the delivery that it gives up.
        shared.runners.wait().await;
        let mut table = shared.lock();
        let left: usize = table.lanes.values().map(Lane::waiting).sum();
        table.lanes.clear();
        table.bytes = 0;
        shared.queued.set(0);
        let dropped = shared.dropped.with_label_values(&["shutdown"]);
        dropped.inc_by(left as u64);
        tracing::error!(left, "notifications were still queued at the end");
    }
}

impl<C: Carrier> Shared<C> {
    fn lock(&self) -> std::sync::MutexGuard<'_, Table<C::Parcel>> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next delivery of a lane; `None` ends the runner that asks.
    fn next(&self, key: &ObjectKey) -> Option<C::Parcel> {
        let mut table = self.lock();
        let lane = table.lanes.get_mut(key)?;
        let next = lane.next(self.limits.runners);
        if next.is_some() {
            self.queued.dec();
        } else if lane.is_over() {
            table.lanes.remove(key);
        }
        next
    }

    /// Takes note of an end; says whether the lane wants a runner beside the one that asks.
    fn ended(&self, key: &ObjectKey, stub: &Stub, ending: Ending) -> bool {
        match ending {
            Ending::Arrived => self.deliveries.with_label_values(&["success"]).inc(),
            Ending::Failed => self.deliveries.with_label_values(&["failure"]).inc(),
            Ending::Withdrawn => self.dropped.with_label_values(&["withdrawn"]).inc(),
        }
        let mut table = self.lock();
        table.bytes -= stub.bytes;
        table.lanes.get_mut(key).is_some_and(|lane| {
            lane.ended(&stub.object, ending);
            lane.start(self.limits.runners, 1)
        })
    }
}

fn spawn<C: Carrier>(shared: &Arc<Shared<C>>, key: ObjectKey) {
    let runner = run(Arc::clone(shared), key);
    shared.runners.spawn(runner);
}

/// What is left of a delivery that travels.
struct Stub {
    object: ObjectReference,
    bytes: usize,
}

/// A runner: delivers until its lane has nothing more for it.
async fn run<C: Carrier>(shared: Arc<Shared<C>>, key: ObjectKey) {
    loop {
        let turn = tokio::select! {
            biased;
            () = shared.closed.cancelled() => return,
            turn = shared.turns.acquire() => turn,
        };
        let Some(parcel) = shared.next(&key) else {
            return;
        };
        let stub = Stub {
            object: parcel.object().clone(),
            bytes: parcel.bytes(),
        };
        // A panic in a provider's code costs its delivery, not the lane.
        let delivery = std::panic::AssertUnwindSafe(shared.carrier.deliver(parcel));
        let ending = tokio::select! {
            biased;
            ending = futures::FutureExt::catch_unwind(delivery) => ending.unwrap_or_else(|_| {
                tracing::error!(provider = %key, "a delivery panicked");
                Ending::Failed
            }),
            () = shared.closed.cancelled() => {
                shared.dropped.with_label_values(&["shutdown"]).inc();
                return;
            }
        };
        drop(turn);
        if shared.ended(&key, &stub, ending) {
            spawn(&shared, key.clone());
        }
    }
}

#[cfg(test)]
mod tests;
