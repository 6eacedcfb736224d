//! The series that only this controller has.
//!
//! They say what Flux has no words for: what a revision cost, and what is kept so that it costs little.

use std::{sync::Arc, time::Duration};

use kustomize::ParseCache;
use prometheus::{
    HistogramOpts, HistogramVec, IntGauge, Registry,
    core::{Collector, Desc},
    proto::MetricFamily,
};
use snapshot::BlobStore;

/// From 5 ms to 10 min: from one service of a monorepo to all of a big one behind a slow API server.
const DELAYS: [f64; 16] = [
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0,
];

/// How a Kustomization came to a revision.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Work {
    /// It was built and applied.
    Apply,
    /// Nothing that it reads had changed, so that its status moved alone.
    Move,
}

/// What runs observe.
#[derive(Clone)]
pub(crate) struct Series {
    delay: HistogramVec,
}

/// What is read when the metrics are.
struct Kept {
    store: Arc<BlobStore>,
    parsed: Arc<ParseCache>,
    blobs: IntGauge,
    bytes: IntGauge,
    idle: IntGauge,
    parsed_bytes: IntGauge,
}

impl Series {
    /// Adds the series to `registry`.
    ///
    /// # Errors
    /// When a name is taken.
    pub(crate) fn register(
        registry: &Registry,
        store: Arc<BlobStore>,
        parsed: Arc<ParseCache>,
    ) -> prometheus::Result<Self> {
        let delay = HistogramVec::new(
            HistogramOpts::new(
                "perigee_revision_delay_seconds",
                "Time from the announcement of a source's revision until a Kustomization is at it, by what that took.",
            )
            .buckets(DELAYS.to_vec()),
            &["work"],
        )?;
        registry.register(Box::new(delay.clone()))?;
        for work in [Work::Apply, Work::Move] {
            delay.with_label_values(&[work.name()]);
        }
        let gauge = |name: &str, help: &str| IntGauge::new(name, help);
        registry.register(Box::new(Kept {
            store,
            parsed,
            blobs: gauge("perigee_snapshot_blobs", "Files in the snapshot store.")?,
            bytes: gauge(
                "perigee_snapshot_bytes",
                "Bytes of the files in the snapshot store.",
            )?,
            idle: gauge(
                "perigee_snapshot_idle_bytes",
                "Bytes of the files in the snapshot store that no revision in use has.",
            )?,
            parsed_bytes: gauge(
                "perigee_parse_cache_bytes",
                "Bytes of the parsed files that are kept.",
            )?,
        }))?;
        Ok(Self { delay })
    }

    /// A Kustomization is at a revision that was announced this long ago.
    pub(crate) fn arrived(&self, work: Work, delay: Duration) {
        self.delay
            .with_label_values(&[work.name()])
            .observe(delay.as_secs_f64());
    }
}

impl Work {
    fn name(self) -> &'static str {
        match self {
            Self::Apply => "apply",
            Self::Move => "move",
        }
    }
}

impl Kept {
    fn gauges(&self) -> [&IntGauge; 4] {
        [&self.blobs, &self.bytes, &self.idle, &self.parsed_bytes]
    }
}

impl Collector for Kept {
    fn desc(&self) -> Vec<&Desc> {
        self.gauges()
            .into_iter()
            .flat_map(Collector::desc)
            .collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let usage = self.store.usage();
        let set =
            |gauge: &IntGauge, value: u64| gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
        set(&self.blobs, usage.blobs as u64);
        set(&self.bytes, usage.bytes);
        set(&self.idle, usage.idle_bytes);
        set(&self.parsed_bytes, self.parsed.used_bytes() as u64);
        self.gauges()
            .into_iter()
            .flat_map(Collector::collect)
            .collect()
    }
}
