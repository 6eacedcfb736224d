//! The two series of the Go runtime that Flux's dashboards ask for.
//!
//! The control-plane dashboard counts controllers with `go_info` and draws their memory from
//! `go_memstats_alloc_bytes`. Without them a swapped controller is missing from both panels, so it
//! exports its allocator's figure under the second name. Source: fluxcd/flux2-monitoring-example
//! `control-plane.json`, `client_golang` `prometheus/go_collector.go`.

use prometheus::{
    IntGauge, Opts, Registry,
    core::{Collector, Desc},
    proto::MetricFamily,
};
use tikv_jemalloc_ctl::{epoch, stats};

/// Reads the allocator when it is scraped.
struct GoCollector {
    info: IntGauge,
    allocated: IntGauge,
}

/// Adds the series to `registry`.
///
/// # Errors
/// When a series of one of the names is registered already.
pub(super) fn register(registry: &Registry) -> prometheus::Result<()> {
    let info = Opts::new("go_info", "Information about the Go environment.")
        .const_label("version", concat!("rust-", env!("CARGO_PKG_RUST_VERSION")));
    let info = IntGauge::with_opts(info)?;
    info.set(1);
    let allocated = IntGauge::new(
        "go_memstats_alloc_bytes",
        "Number of bytes allocated in heap and currently in use.",
    )?;
    registry.register(Box::new(GoCollector { info, allocated }))
}

impl Collector for GoCollector {
    fn desc(&self) -> Vec<&Desc> {
        let mut descriptions = self.info.desc();
        descriptions.extend(self.allocated.desc());
        descriptions
    }

    fn collect(&self) -> Vec<MetricFamily> {
        // The figures stand still until the epoch moves. A process without this allocator has none.
        if epoch::advance().is_ok()
            && let Ok(bytes) = stats::allocated::read()
        {
            self.allocated.set(i64::try_from(bytes).unwrap_or(i64::MAX));
        }
        let mut families = self.info.collect();
        families.extend(self.allocated.collect());
        families
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn both_series_are_exported() {
        let text = crate::metrics::Metrics::new().unwrap().render().unwrap();
        assert!(text.contains("go_info{version=\"rust-1.95"), "{text}");
        assert!(text.contains("\ngo_memstats_alloc_bytes "), "{text}");
    }
}
