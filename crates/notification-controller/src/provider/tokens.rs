//! What the cache of access tokens does, in numbers. Source: fluxcd/pkg `cache/metrics.go` (0.14).

use notifier::{ObjectName, TokenCacheObserver};
use prometheus::{IntCounter, IntCounterVec, IntGauge, Opts};
use runtime::{ObjectKey, metrics::Metrics};

use super::NAME;

const EVENT_TYPES: [&str; 2] = ["cache_hit", "cache_miss"];
const OPERATION: &str = "post";

/// `gotk_token_cache_*`.
#[derive(Clone, Debug)]
pub(crate) struct TokenMetrics {
    events: IntCounterVec,
    requests: IntCounterVec,
    items: IntGauge,
    evictions: IntCounter,
}

impl TokenMetrics {
    /// Registers the series.
    ///
    /// # Errors
    /// When a name is taken.
    pub(crate) fn new(metrics: &Metrics) -> prometheus::Result<Self> {
        let tokens = Self {
            events: IntCounterVec::new(
                Opts::new(
                    "gotk_token_cache_events_total",
                    "Total number of cache retrieval events for a Gitops Toolkit resource reconciliation.",
                ),
                &["event_type", "kind", "name", "namespace", "operation"],
            )?,
            requests: IntCounterVec::new(
                Opts::new(
                    "gotk_token_cache_requests_total",
                    "Total number of cache requests partitioned by success or failure.",
                ),
                &["status"],
            )?,
            items: IntGauge::new(
                "gotk_token_cached_items",
                "Total number of items in the cache.",
            )?,
            evictions: IntCounter::new(
                "gotk_token_cache_evictions_total",
                "Total number of cache evictions.",
            )?,
        };
        let registry = metrics.registry();
        registry.register(Box::new(tokens.events.clone()))?;
        registry.register(Box::new(tokens.requests.clone()))?;
        registry.register(Box::new(tokens.items.clone()))?;
        registry.register(Box::new(tokens.evictions.clone()))?;
        Ok(tokens)
    }

    /// Drops the series of a Provider.
    pub(crate) fn forget(&self, provider: &ObjectKey) {
        for event in EVENT_TYPES {
            let labels = [
                event,
                NAME.kind,
                &*provider.name,
                &*provider.namespace,
                OPERATION,
            ];
            // Absent when it never asked for a token.
            drop(self.events.remove_label_values(&labels));
        }
    }
}

impl TokenCacheObserver for TokenMetrics {
    fn event(&self, hit: bool, provider: &ObjectName) {
        let [hits, misses] = EVENT_TYPES;
        let event = if hit { hits } else { misses };
        let labels = [
            event,
            NAME.kind,
            &*provider.name,
            &*provider.namespace,
            OPERATION,
        ];
        self.events.with_label_values(&labels).inc();
    }

    fn request(&self, success: bool) {
        let status = if success { "success" } else { "failure" };
        self.requests.with_label_values(&[status]).inc();
    }

    fn items(&self, count: usize) {
        self.items.set(i64::try_from(count).unwrap_or(i64::MAX));
    }

    fn evicted(&self) {
        self.evictions.inc();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_provider_takes_its_series_along() {
        let metrics = Metrics::new().unwrap();
        let tokens = TokenMetrics::new(&metrics).unwrap();
        for name in ["a", "b"] {
            let provider = ObjectName {
                name: name.to_owned(),
                namespace: "ns".to_owned(),
                uid: String::new(),
            };
            tokens.event(true, &provider);
        }
        let series = |name: &str| {
            format!(
                r#"gotk_token_cache_events_total{{event_type="cache_hit",kind="Provider",name="{name}",namespace="ns",operation="post"}} 1"#
            )
        };
        assert!(metrics.render().unwrap().contains(&series("a")));
        tokens.forget(&ObjectKey::new("ns", "a"));
        let text = metrics.render().unwrap();
        assert!(
            !text.contains(&series("a")) && text.contains(&series("b")),
            "{text}"
        );
    }
}
