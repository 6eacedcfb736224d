//! Metrics of an HTTP server's requests, under the names that Flux's dashboards use.
//!
//! Invariant: a stranger cannot make series without end. Methods that HTTP does not define share the
//! label `other`, and so do long paths and those after the first [`PATHS`], where paths are told apart at all.
//!
//! Source: slok/go-http-metrics (Prometheus recorder and net/http middleware).

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    Router,
    extract::{Request, State},
    http::Method,
    middleware::{Next, from_fn_with_state},
    response::Response,
};
use http_body::Body as _;
use prometheus::{
    DEFAULT_BUCKETS, HistogramOpts, HistogramVec, IntGauge, IntGaugeVec, Opts, exponential_buckets,
};
use tokio::time::Instant;

use crate::metrics::Metrics;

/// Paths that have series of their own.
const PATHS: usize = 1000;
/// Bytes of such a path. Each is kept, and printed, some thirty times.
const PATH_BYTES: usize = 256;
const OTHER: &str = "other";

/// The series of one server.
pub struct HttpMetrics {
    duration: HistogramVec,
    size: HistogramVec,
    inflight: IntGaugeVec,
    handler: &'static str,
    /// Paths seen; `None` when they are not told apart.
    paths: Option<Mutex<BTreeSet<String>>>,
}

impl HttpMetrics {
    /// Registers `<prefix>_http_request_duration_seconds`, `<prefix>_http_response_size_bytes` and
    /// `<prefix>_http_requests_inflight`. The label `handler` is the request's path with `full_paths`,
    /// else always the given one.
    ///
    /// # Errors
    /// When the names are taken.
    pub fn new(
        metrics: &Metrics,
        prefix: &str,
        handler: &'static str,
        full_paths: bool,
    ) -> prometheus::Result<Arc<Self>> {
        let registry = metrics.registry();
        let histogram = |name: &str, help: &str, buckets: Vec<f64>| -> prometheus::Result<_> {
            let options = HistogramOpts::new(format!("{prefix}_http_{name}"), help);
            let labels = ["service", "handler", "method", "code"];
            let vec = HistogramVec::new(options.buckets(buckets), &labels)?;
            registry.register(Box::new(vec.clone()))?;
            Ok(vec)
        };
        let inflight = IntGaugeVec::new(
            Opts::new(
                format!("{prefix}_http_requests_inflight"),
                "The number of inflight requests being handled at the same time.",
            ),
            &["service", "handler"],
        )?;
        registry.register(Box::new(inflight.clone()))?;
        Ok(Arc::new(Self {
            duration: histogram(
                "request_duration_seconds",
                "The latency of the HTTP requests.",
                DEFAULT_BUCKETS.to_vec(),
            )?,
            size: histogram(
                "response_size_bytes",
                "The size of the HTTP responses.",
                exponential_buckets(100.0, 10.0, 8)?,
            )?,
            inflight,
            handler,
            paths: full_paths.then(Mutex::default),
        }))
    }

    /// The router with each of its requests counted.
    pub fn measure(self: &Arc<Self>, router: Router) -> Router {
        router.layer(from_fn_with_state(Arc::clone(self), observe))
    }

    /// The label `handler` of a request.
    fn handler<'a>(&self, path: &'a str) -> &'a str {
        let Some(paths) = &self.paths else {
            return self.handler;
        };
        let mut paths = paths.lock().unwrap_or_else(PoisonError::into_inner);
        if paths.contains(path) {
            path
        } else if paths.len() < PATHS && path.len() <= PATH_BYTES {
            paths.insert(path.to_owned());
            path
        } else {
            OTHER
        }
    }

    /// How many label sets have series.
    #[cfg(test)]
    pub(super) fn series(&self) -> usize {
        use prometheus::core::Collector;
        let families = self.duration.collect();
        families
            .iter()
            .map(|family| family.get_metric().len())
            .sum()
    }
}

async fn observe(
    State(metrics): State<Arc<HttpMetrics>>,
    request: Request,
    next: Next,
) -> Response {
    let started = Instant::now();
    let path = request.uri().path().to_owned();
    let handler = metrics.handler(&path);
    let method = method(request.method());
    let under_way = UnderWay::begin(metrics.inflight.with_label_values(&["", handler]));
    let response = next.run(request).await;
    drop(under_way);
    let code = response.status();
    let labels = ["", handler, method, code.as_str()];
    metrics
        .duration
        .with_label_values(&labels)
        .observe(started.elapsed().as_secs_f64());
    let size = response.body().size_hint().lower();
    metrics
        .size
        .with_label_values(&labels)
        .observe(f64::from(u32::try_from(size).unwrap_or(u32::MAX)));
    response
}

/// Counts down even when the peer goes away and the request is dropped.
struct UnderWay(IntGauge);

impl UnderWay {
    fn begin(gauge: IntGauge) -> Self {
        gauge.inc();
        Self(gauge)
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.dec();
    }
}

fn method(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        Method::CONNECT => "CONNECT",
        Method::TRACE => "TRACE",
        _ => OTHER,
    }
}
