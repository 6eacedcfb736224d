//! Events: what people and other controllers hear of a run.
//!
//! An event goes to the API server as a core `v1` Event, and, where `--events-addr` is set, to the
//! notification controller as JSON. Flux sends both from inside the reconcile, so a dead receiver
//! slows every worker down; here a reconcile puts the event into a bounded queue and goes on. A full
//! queue drops the newest event and counts it. Correlation (bursts, repetition) follows client-go.
//!
//! Source: fluxcd/pkg `runtime/events`, client-go `tools/record`.

mod correlate;
mod sink;

use std::{collections::BTreeMap, sync::Arc};

use api::event::{ObjectReference, Severity};
use prometheus::IntCounterVec;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use self::sink::Sink;
use crate::{client::Client, metrics::Metrics};

/// Events that may wait to be sent. At a few hundred bytes each, about a megabyte.
const QUEUE: usize = 4096;

/// Who hears of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// The API server and the notification controller.
    All,
    /// The API server only: what Flux calls a trace.
    Cluster,
    /// The notification controller only: routine that should not cost the API server a write.
    Receiver,
}

/// Something worth telling about an object.
#[derive(Clone, Debug)]
pub struct Event {
    /// What it is about.
    pub object: ObjectReference,
    /// Good or bad news; printed to the API server as type `Normal` or `Warning`.
    pub severity: Severity,
    /// One word for machines.
    pub reason: String,
    /// A sentence for people.
    pub message: String,
    /// Annotations: revision, commit status, the object's own `event.toolkit.fluxcd.io/*`.
    pub metadata: BTreeMap<String, String>,
    /// Who hears of it.
    pub audience: Audience,
}

/// Where a controller's events go.
#[derive(Clone, Debug)]
pub struct Config {
    /// `kustomize-controller`: component, reporting controller.
    pub controller: &'static str,
    /// The host's name: reporting instance.
    pub instance: String,
    /// The notification controller's URL; none when empty.
    pub receiver: String,
}

/// Takes events. Cheap to clone; never waits.
#[derive(Clone)]
pub struct Recorder {
    queue: mpsc::Sender<Event>,
    dropped: IntCounterVec,
    last: CancellationToken,
    sent: CancellationToken,
}

impl Recorder {
    /// A recorder whose events are sent by a task of its own until [`Self::finish`].
    ///
    /// # Errors
    /// When the drop counter's name is taken, or the HTTP client cannot be built.
    pub fn start(config: Config, client: Client, metrics: &Metrics) -> Result<Self, StartError> {
        let dropped = IntCounterVec::new(
            prometheus::Opts::new(
                "gotk_events_dropped_total",
                "Events that were not delivered, by the reason.",
            ),
            &["reason"],
        )?;
        metrics.registry().register(Box::new(dropped.clone()))?;
        let (queue, events) = mpsc::channel(QUEUE);
        let sink = Sink::new(config, client, dropped.clone())?;
        let (last, sent) = (CancellationToken::new(), CancellationToken::new());
        let (stop, done) = (last.clone(), sent.clone().drop_guard());
        tokio::spawn(async move {
            sink.run(events, stop).await;
            drop(done);
        });
        Ok(Self {
            queue,
            dropped,
            last,
            sent,
        })
    }

    /// Takes no more events and waits a few seconds at the most until those queued are sent.
    pub async fn finish(&self) {
        self.last.cancel();
        self.sent.cancelled().await;
    }

    /// Queues `event`.
    pub fn record(&self, event: Event) {
        if self.queue.try_send(event).is_err() {
            self.dropped.with_label_values(&["queue_full"]).inc();
        }
    }
}

/// Why a recorder could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A metric's name is taken.
    #[error("cannot register the events metric")]
    Metrics(#[from] prometheus::Error),
    /// The HTTP client could not be built.
    #[error("cannot build the events client")]
    Client(#[from] reqwest::Error),
}

/// The annotations of an object that its events repeat. Source: fluxcd/pkg `apis/event`.
pub fn inherited(annotations: Option<&BTreeMap<String, String>>) -> BTreeMap<String, String> {
    annotations
        .into_iter()
        .flatten()
        .filter(|(key, _)| key.starts_with("event.toolkit.fluxcd.io/"))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}

/// The name of this host, for `reportingInstance` and Lease identities.
pub fn hostname() -> Arc<str> {
    ["/proc/sys/kernel/hostname", "/etc/hostname"]
        .iter()
        .find_map(|path| std::fs::read_to_string(path).ok())
        .map_or_else(|| "localhost".into(), |name| name.trim().into())
}
