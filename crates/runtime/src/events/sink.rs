//! Sends events on, one after the other.

use std::time::Duration;

use jiff::{Timestamp, Unit};
use prometheus::IntCounterVec;
use serde_json::{Value, json};
use tokio::{
    sync::mpsc,
    task::JoinHandle,
    time::{Instant, sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{
    Audience, Config, Event,
    correlate::{Correlator, Verdict},
};
use crate::client::{Client, ResourceRef, WriteOptions};

/// The time one delivery to the receiver may take.
const ATTEMPT: Duration = Duration::from_secs(5);
/// Waits between attempts. Source: fluxcd/pkg `runtime/events` (retryablehttp, four retries).
const WAITS: [Duration; 4] = [
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
    Duration::from_secs(8),
];
/// Events that may wait for the receiver while it is slow.
const BACKLOG: usize = 1024;
/// How long queued events may still be sent after the end.
const DRAIN: Duration = Duration::from_secs(5);

pub(super) struct Sink {
    config: Config,
    client: Client,
    events: ResourceRef,
    correlator: Correlator,
    receiver: Option<mpsc::Sender<Value>>,
    delivery: Option<JoinHandle<()>>,
    dropped: IntCounterVec,
}

impl Sink {
    pub(super) fn new(
        config: Config,
        client: Client,
        dropped: IntCounterVec,
    ) -> reqwest::Result<Self> {
        let (receiver, delivery) = if config.receiver.is_empty() {
            (None, None)
        } else {
            let http = crate::http::client(config.controller, ATTEMPT)?;
            let (queue, backlog) = mpsc::channel(BACKLOG);
            let delivery = deliver(http, config.receiver.clone(), backlog, dropped.clone());
            (Some(queue), Some(tokio::spawn(delivery)))
        };
        let events = ResourceRef::namespaced("v1", "Event", "events");
        Ok(Self {
            config,
            client,
            events,
            correlator: Correlator::default(),
            receiver,
            delivery,
            dropped,
        })
    }

    pub(super) async fn run(mut self, mut events: mpsc::Receiver<Event>, stop: CancellationToken) {
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                event = events.recv() => match event {
                    Some(event) => self.send(event).await,
                    None => return,
                },
            }
        }
        events.close();
        let rest = async {
            while let Some(event) = events.recv().await {
                self.send(event).await;
            }
            self.receiver = None;
            if let Some(delivery) = self.delivery.take() {
                // It ends when its backlog is empty; a panic there has lost what was left.
                drop(delivery.await);
            }
        };
        if timeout(DRAIN, rest).await.is_err() {
            tracing::error!("events were still queued at the end");
        }
    }

    async fn send(&mut self, event: Event) {
        let now = Timestamp::now()
            .round(Unit::Second)
            .unwrap_or_else(|_| Timestamp::now());
        if event.audience != Audience::Cluster
            && let Some(receiver) = &self.receiver
        {
            let body = self.notification(&event, now);
            if receiver.try_send(body).is_err() {
                self.dropped.with_label_values(&["receiver_slow"]).inc();
            }
        }
        if event.audience != Audience::Receiver {
            self.store(&event, now).await;
        }
    }

    fn notification(&self, event: &Event, now: Timestamp) -> Value {
        json!({
            "involvedObject": event.object,
            "severity": event.severity,
            "timestamp": now.to_string(),
            "message": event.message,
            "reason": event.reason,
            "metadata": event.metadata,
            "reportingController": self.config.controller,
            "reportingInstance": self.config.instance,
        })
    }

    async fn store(&mut self, event: &Event, now: Timestamp) {
        match self.correlator.judge(event, Instant::now()) {
            Verdict::Drop => self.dropped.with_label_values(&["rate_limited"]).inc(),
            Verdict::Create { id, message } => self.create(id, event, &message, now).await,
            Verdict::Repeat {
                id,
                name,
                count,
                message,
            } => {
                let target = self.events.object(namespace(event), &name);
                let patch = json!({
                    "count": count, "message": message, "lastTimestamp": now.to_string(),
                });
                let patched: Result<Value, _> = self
                    .client
                    .merge_patch(target, patch.to_string().into(), WriteOptions::default())
                    .await;
                match patched {
                    Ok(_) => {}
                    Err(error) if error.is_not_found() => {
                        self.correlator.forget(id);
                        self.create(id, event, &message, now).await;
                    }
                    Err(error) => self.lost(&error),
                }
            }
        }
    }

    async fn create(&mut self, id: u64, event: &Event, message: &str, now: Timestamp) {
        let name = format!(
            "{}.{:x}",
            event.object.name,
            Timestamp::now().as_nanosecond()
        );
        let body = json!({
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {
                "name": name, "namespace": namespace(event), "annotations": event.metadata,
            },
            "involvedObject": event.object,
            "reason": event.reason,
            "message": message,
            "type": match event.severity {
                api::event::Severity::Error => "Warning",
                _ => "Normal",
            },
            "source": { "component": self.config.controller },
            "reportingComponent": self.config.controller,
            "reportingInstance": "",
            "firstTimestamp": now.to_string(),
            "lastTimestamp": now.to_string(),
            "count": 1,
        });
        let created: Result<Value, _> = self
            .client
            .create(
                &self.events,
                namespace(event),
                body.to_string().into(),
                WriteOptions::default(),
            )
            .await;
        match created {
            Ok(_) => self.correlator.stored(id, name),
            Err(error) => self.lost(&error),
        }
    }

    fn lost(&self, error: &crate::client::ApiError) {
        self.dropped.with_label_values(&["api_error"]).inc();
        tracing::debug!(error = %error, "event not stored");
    }
}

fn namespace(event: &Event) -> &str {
    match event.object.namespace.as_str() {
        "" => "default",
        namespace => namespace,
    }
}

/// Posts bodies to the receiver. Retries what may pass; 429 says that the receiver has the event.
async fn deliver(
    http: reqwest::Client,
    receiver: String,
    mut backlog: mpsc::Receiver<Value>,
    dropped: IntCounterVec,
) {
    while let Some(body) = backlog.recv().await {
        let mut waits = WAITS.iter();
        while !post(&http, &receiver, &body).await {
            let Some(wait) = waits.next() else {
                dropped.with_label_values(&["receiver_failed"]).inc();
                break;
            };
            sleep(*wait).await;
        }
    }
}

/// Returns whether the event is settled.
async fn post(http: &reqwest::Client, receiver: &str, body: &Value) -> bool {
    let posted = http
        .post(receiver)
        .header("content-type", "application/json")
        .body(body.to_string())
        .timeout(ATTEMPT)
        .send()
        .await;
    match posted {
        Ok(response) => !response.status().is_server_error(),
        Err(error) => {
            tracing::debug!(error = crate::log::chain(&error), "event not delivered");
            false
        }
    }
}
