//! `workqueue_*` series, fed by the work queue.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use prometheus::{
    Gauge, GaugeVec, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge,
    Opts, Registry,
};
use queue::Class;

use super::{Metrics, register_gauges};

/// Twelve buckets from 10 ns to 1000 s, a factor of ten apart.
fn buckets() -> Vec<f64> {
    (-8..=3).map(|exponent| 10.0_f64.powi(exponent)).collect()
}

/// Reads the ages of running work at scrape: seconds of unfinished work, and of the longest.
type Ages = Arc<dyn Fn() -> (f64, f64) + Send + Sync>;

#[derive(Clone)]
pub(super) struct Vectors {
    depth: GaugeVec,
    adds: IntCounterVec,
    retries: IntCounterVec,
    queued: HistogramVec,
    worked: HistogramVec,
    unfinished: GaugeVec,
    longest: GaugeVec,
    ages: Arc<Mutex<Vec<(Gauge, Gauge, Ages)>>>,
}

impl Vectors {
    pub(super) fn new(registry: &Registry) -> prometheus::Result<Self> {
        const LABELS: [&str; 2] = ["name", "controller"];
        let counter = |name: &str, help: &str| -> prometheus::Result<_> {
            let vec = IntCounterVec::new(Opts::new(name, help), &LABELS)?;
            registry.register(Box::new(vec.clone()))?;
            Ok(vec)
        };
        let histogram = |name: &str, help: &str| -> prometheus::Result<_> {
            let opts = HistogramOpts::new(name, help).buckets(buckets());
            let vec = HistogramVec::new(opts, &LABELS)?;
            registry.register(Box::new(vec.clone()))?;
            Ok(vec)
        };
        Ok(Self {
            depth: register_gauges(
                registry,
                "workqueue_depth",
                "Current depth of workqueue by workqueue and priority",
                &["name", "controller", "priority"],
            )?,
            adds: counter(
                "workqueue_adds_total",
                "Total number of adds handled by workqueue",
            )?,
            retries: counter(
                "workqueue_retries_total",
                "Total number of retries handled by workqueue",
            )?,
            queued: histogram(
                "workqueue_queue_duration_seconds",
                "How long in seconds an item stays in workqueue before being requested",
            )?,
            worked: histogram(
                "workqueue_work_duration_seconds",
                "How long in seconds processing an item from workqueue takes.",
            )?,
            unfinished: register_gauges(
                registry,
                "workqueue_unfinished_work_seconds",
                "How many seconds of work has been done that is in progress and hasn't been \
                 observed by work_duration. Large values indicate stuck threads.",
                &LABELS,
            )?,
            longest: register_gauges(
                registry,
                "workqueue_longest_running_processor_seconds",
                "How many seconds has the longest running processor for workqueue been running.",
                &LABELS,
            )?,
            ages: Arc::default(),
        })
    }

    pub(super) fn refresh(&self) {
        for (unfinished, longest, ages) in self
            .ages
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
        {
            let (sum, max) = ages();
            unfinished.set(sum);
            longest.set(max);
        }
    }
}

/// The series of one queue.
pub struct QueueMetrics {
    depth: [(Class, Gauge); Class::ALL.len()],
    adds: IntCounter,
    retries: IntCounter,
    queued: Histogram,
    worked: Histogram,
    active: IntGauge,
}

impl Metrics {
    /// The series of the queue of the controller `name`.
    pub fn queue(&self, name: &str) -> QueueMetrics {
        let labels = [name, name];
        let vectors = &self.queue;
        QueueMetrics {
            depth: Class::ALL.map(|class| {
                let priority = class.priority().to_string();
                (
                    class,
                    vectors.depth.with_label_values(&[name, name, &priority]),
                )
            }),
            adds: vectors.adds.with_label_values(&labels),
            retries: vectors.retries.with_label_values(&labels),
            queued: vectors.queued.with_label_values(&labels),
            worked: vectors.worked.with_label_values(&labels),
            active: self.active_workers.with_label_values(&[name]),
        }
    }

    /// Reads the ages of the work of the controller `name` at each scrape.
    pub fn queue_ages(&self, name: &str, ages: impl Fn() -> (f64, f64) + Send + Sync + 'static) {
        let labels = [name, name];
        let entry: (Gauge, Gauge, Ages) = (
            self.queue.unfinished.with_label_values(&labels),
            self.queue.longest.with_label_values(&labels),
            Arc::new(ages),
        );
        self.queue
            .ages
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(entry);
    }
}

impl queue::Metrics for QueueMetrics {
    fn depth(&self, class: Class, keys: usize) {
        if let Some((_, gauge)) = self.depth.iter().find(|(of, _)| *of == class) {
            gauge.set(f64::from(u32::try_from(keys).unwrap_or(u32::MAX)));
        }
    }

    fn added(&self) {
        self.adds.inc();
    }

    fn retried(&self) {
        self.retries.inc();
    }

    fn queued(&self, waited: Duration) {
        self.queued.observe(waited.as_secs_f64());
    }

    fn worked(&self, took: Duration) {
        self.worked.observe(took.as_secs_f64());
    }

    fn active(&self, workers: usize) {
        self.active.set(i64::try_from(workers).unwrap_or(i64::MAX));
    }
}
