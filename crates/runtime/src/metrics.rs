//! The metrics that controller-runtime and Flux export, under their names.
//!
//! Dashboards and alerts are written against these names, labels and buckets, so they are the
//! contract. Source: controller-runtime `pkg/internal/controller/metrics`, `pkg/metrics`, client-go
//! `tools/metrics`, fluxcd/pkg `runtime/metrics`.

use prometheus::{
    Encoder, GaugeVec, HistogramOpts, HistogramVec, IntCounterVec, IntGaugeVec, Opts, Registry,
    TextEncoder,
};

mod go;
mod queue;

pub use self::queue::QueueMetrics;

const RECONCILE_BUCKETS: [f64; 39] = [
    0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.7, 0.8, 0.9,
    1.0, 1.25, 1.5, 1.75, 2.0, 2.5, 3.0, 3.5, 4.0, 4.5, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 15.0, 20.0,
    25.0, 30.0, 40.0, 60.0,
];

/// Source: component-base `metrics/prometheus/restclient`.
const WAIT_BUCKETS: [f64; 12] = [
    0.005, 0.025, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0,
];

/// Ten buckets that grow by one factor from 10 ms to 30 min.
fn gotk_buckets() -> Vec<f64> {
    let factor = (1800.0_f64 / 0.01).powf(1.0 / 9.0);
    (0..10).map(|i| 0.01 * factor.powi(i)).collect()
}

/// The registry of one process and the series that its controllers share.
#[derive(Clone)]
pub struct Metrics {
    registry: Registry,
    /// `gotk_reconcile_duration_seconds{kind,name,namespace}`.
    pub reconcile_duration: HistogramVec,
    /// `controller_runtime_reconcile_total{controller,result}`.
    pub reconcile_total: IntCounterVec,
    /// `controller_runtime_reconcile_errors_total{controller}`.
    pub reconcile_errors: IntCounterVec,
    /// `controller_runtime_terminal_reconcile_errors_total{controller}`.
    pub terminal_errors: IntCounterVec,
    /// `controller_runtime_reconcile_panics_total{controller}`.
    pub reconcile_panics: IntCounterVec,
    /// `controller_runtime_reconcile_timeouts_total{controller}`.
    pub reconcile_timeouts: IntCounterVec,
    /// `controller_runtime_reconcile_time_seconds{controller}`.
    pub reconcile_time: HistogramVec,
    /// `controller_runtime_max_concurrent_reconciles{controller}`.
    pub max_concurrent: IntGaugeVec,
    /// `controller_runtime_active_workers{controller}`.
    pub active_workers: IntGaugeVec,
    /// `rest_client_requests_total{code,method,host}`.
    pub rest_requests: IntCounterVec,
    /// `rest_client_rate_limiter_duration_seconds{verb,host}`.
    pub rest_waits: HistogramVec,
    /// `leader_election_master_status{name}`; the name is the Lease's, as in controller-runtime.
    pub leader: IntGaugeVec,
    queue: queue::Vectors,
}

impl Metrics {
    /// Creates the registry with every series that exists from the start.
    ///
    /// # Errors
    /// When two series claim one name: a programming error that shows at start-up.
    pub fn new() -> prometheus::Result<Self> {
        let registry = Registry::new();
        let counter = |name: &str, help: &str, labels: &[&str]| -> prometheus::Result<_> {
            let vec = IntCounterVec::new(Opts::new(name, help), labels)?;
            registry.register(Box::new(vec.clone()))?;
            Ok(vec)
        };
        let gauge = |name: &str, help: &str, labels: &[&str]| -> prometheus::Result<_> {
            let vec = IntGaugeVec::new(Opts::new(name, help), labels)?;
            registry.register(Box::new(vec.clone()))?;
            Ok(vec)
        };
        let histogram =
            |name: &str, help: &str, labels: &[&str], buckets: Vec<f64>| -> prometheus::Result<_> {
                let vec =
                    HistogramVec::new(HistogramOpts::new(name, help).buckets(buckets), labels)?;
                registry.register(Box::new(vec.clone()))?;
                Ok(vec)
            };
        let metrics = Self {
            reconcile_duration: histogram(
                "gotk_reconcile_duration_seconds",
                "The duration in seconds of a GitOps Toolkit resource reconciliation.",
                &["kind", "name", "namespace"],
                gotk_buckets(),
            )?,
            reconcile_total: counter(
                "controller_runtime_reconcile_total",
                "Total number of reconciliations per controller",
                &["controller", "result"],
            )?,
            reconcile_errors: counter(
                "controller_runtime_reconcile_errors_total",
                "Total number of reconciliation errors per controller",
                &["controller"],
            )?,
            terminal_errors: counter(
                "controller_runtime_terminal_reconcile_errors_total",
                "Total number of terminal reconciliation errors per controller",
                &["controller"],
            )?,
            reconcile_panics: counter(
                "controller_runtime_reconcile_panics_total",
                "Total number of reconciliation panics per controller",
                &["controller"],
            )?,
            reconcile_timeouts: counter(
                "controller_runtime_reconcile_timeouts_total",
                "Total number of reconciliation timeouts per controller",
                &["controller"],
            )?,
            reconcile_time: histogram(
                "controller_runtime_reconcile_time_seconds",
                "Length of time per reconciliation per controller",
                &["controller"],
                RECONCILE_BUCKETS.to_vec(),
            )?,
            max_concurrent: gauge(
                "controller_runtime_max_concurrent_reconciles",
                "Maximum number of concurrent reconciles per controller",
                &["controller"],
            )?,
            active_workers: gauge(
                "controller_runtime_active_workers",
                "Number of currently used workers per controller",
                &["controller"],
            )?,
            rest_requests: counter(
                "rest_client_requests_total",
                "Number of HTTP requests, partitioned by status code, method, and host.",
                &["code", "method", "host"],
            )?,
            rest_waits: histogram(
                "rest_client_rate_limiter_duration_seconds",
                "Client side rate limiter latency in seconds. Broken down by verb, and host.",
                &["verb", "host"],
                WAIT_BUCKETS.to_vec(),
            )?,
            leader: gauge(
                "leader_election_master_status",
                "Gauge of if the reporting system is master of the relevant lease, 0 indicates \
                 backup, 1 indicates master.",
                &["name"],
            )?,
            queue: queue::Vectors::new(&registry)?,
            registry: registry.clone(),
        };
        go::register(&registry)?;
        registry.register(Box::new(
            prometheus::process_collector::ProcessCollector::for_self(),
        ))?;
        Ok(metrics)
    }

    /// The registry, for series that one controller adds.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Makes the series of the controller `name` exist, at zero where they have not moved.
    pub fn init_controller(&self, name: &str, workers: usize) {
        for result in ["success", "error", "requeue", "requeue_after"] {
            self.reconcile_total.with_label_values(&[name, result]);
        }
        for counter in [
            &self.reconcile_errors,
            &self.terminal_errors,
            &self.reconcile_panics,
            &self.reconcile_timeouts,
        ] {
            counter.with_label_values(&[name]);
        }
        self.reconcile_time.with_label_values(&[name]);
        self.active_workers.with_label_values(&[name]).set(0);
        self.max_concurrent
            .with_label_values(&[name])
            .set(i64::try_from(workers).unwrap_or(i64::MAX));
    }

    /// The text that a scrape answers with.
    ///
    /// # Errors
    /// When a series holds a value that the text format cannot carry.
    pub fn render(&self) -> prometheus::Result<String> {
        self.queue.refresh();
        let mut text = Vec::with_capacity(64 * 1024);
        TextEncoder::new().encode(&self.registry.gather(), &mut text)?;
        String::from_utf8(text).map_err(|e| prometheus::Error::Msg(e.to_string()))
    }
}

fn register_gauges(
    registry: &Registry,
    name: &str,
    help: &str,
    labels: &[&str],
) -> prometheus::Result<GaugeVec> {
    let vec = GaugeVec::new(Opts::new(name, help), labels)?;
    registry.register(Box::new(vec.clone()))?;
    Ok(vec)
}

/// Counts requests to the API server.
impl crate::client::RequestObserver for Metrics {
    fn observe(&self, code: &str, method: &str, host: &str) {
        self.rest_requests
            .with_label_values(&[code, method, host])
            .inc();
    }

    fn waited(&self, method: &str, host: &str, wait: std::time::Duration) {
        self.rest_waits
            .with_label_values(&[method, host])
            .observe(wait.as_secs_f64());
    }
}
