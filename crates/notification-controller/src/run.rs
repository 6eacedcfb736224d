//! The life of the process.

use std::{future::Future, sync::Arc, time::Duration};

use anyhow::Context as _;
use api::notification::{Alert, Provider};
use notifier::{CloudEnvironment, Shared, SharedOptions, TokenCache, TokenCacheObserver};
use queue::{Backoff, Queue};
use runtime::{
    ObjectKey,
    cache::{Cache, Selection},
    controller, leadership,
    leadership::Leadership,
    log,
    metrics::Metrics,
    probe,
    server::{self, Limits, metrics::HttpMetrics},
    shutdown,
};
use tokio_util::sync::CancellationToken;

use crate::{
    alert::{self, Rules, finalizer::AlertReconciler},
    context::{CONTROLLER, Context},
    digest::sha256_hex,
    dispatch::Dispatcher,
    event_server,
    flags::Flags,
    provider::{self, Providers, TokenMetrics, finalizer::ProviderReconciler},
    receiver::ReceiverService,
};

/// How long requests under way and notifications in the queues may take after a signal.
const GRACE: Duration = Duration::from_secs(5);

/// What peers of both servers may do. Source: notification-controller `internal/server`; the number of
/// connections and the time to write are ours.
const LIMITS: Limits = Limits {
    header_bytes: 256 * 1024,
    header_time: Duration::from_secs(10),
    write_time: Duration::from_secs(30),
    connections: 4096,
    grace: GRACE,
};

/// Runs the controller until a signal ends it. `cloud` says where the process runs.
///
/// # Errors
/// When a flag is wrong, an endpoint is taken, or the Lease is lost.
pub async fn run(flags: Flags, cloud: CloudEnvironment) -> anyhow::Result<()> {
    log::install(flags.log.log_encoding, flags.log.log_level);
    let config = flags.config().map_err(anyhow::Error::msg)?;
    let stop = shutdown::on_signal().context("cannot handle signals")?;
    let metrics = Metrics::new()?;
    let version = env!("CARGO_PKG_VERSION");
    let client = leadership::connect(&flags.client, CONTROLLER, version, &metrics).await?;
    probe::serve_metrics(&flags.metrics_addr, metrics.clone(), stop.clone()).await?;
    probe::serve_health(&flags.health_addr, stop.clone()).await?;

    let kube = client.kube();
    let context = Arc::new(Context::new(config, client, metrics)?);
    let backoff = Backoff::new(flags.min_retry_delay, flags.max_retry_delay);
    let alerting = Alerting::start(&context, &kube, backoff, cloud, &stop)?;
    let receivers = ReceiverService::start(&context, &kube, backoff, &stop)?;
    // Both servers answer on every replica, leading or not.
    let paths = context.config.export_http_path_metrics;
    let events = {
        let measured = HttpMetrics::new(&context.metrics, "gotk_event", "/", paths)?;
        let listener = probe::bind(&flags.events_addr, "events").await?;
        let dispatcher = Arc::clone(&alerting.dispatcher);
        let router = event_server::router(dispatcher, context.config.rate_limit_interval);
        server::serve(listener, measured.measure(router), LIMITS, stop.clone())
    };
    let webhooks = {
        let measured = HttpMetrics::new(&context.metrics, "gotk_receiver", "/hook/", paths)?;
        let listener = probe::bind(&flags.receiver_addr, "webhooks").await?;
        server::serve(
            listener,
            measured.measure(receivers.router()),
            LIMITS,
            stop.clone(),
        )
    };

    let mut leadership = Leadership::new(
        &flags.leader,
        &context.config.watch,
        CONTROLLER,
        kube,
        &context.metrics,
        sha256_hex,
    );
    let dispatcher = Arc::clone(&alerting.dispatcher);
    let lead = async {
        if leadership.win(&stop).await {
            let (alerting, receivers) = (
                alerting.reconcile(&context, &stop),
                receivers.run(stop.clone()),
            );
            let work = async {
                tokio::join!(alerting, receivers);
            };
            leadership.run(work, &stop).await?;
        }
        anyhow::Ok(())
    };
    // Side by side, as the time after a signal is short.
    let serve = async {
        events.await.context("the event server ended")?;
        webhooks.await.context("the webhook server ended")?;
        dispatcher.finish(GRACE).await;
        anyhow::Ok(())
    };
    let (led, served) = tokio::join!(part(lead, &stop), part(serve, &stop));
    context.recorder.finish().await;
    led.and(served)
}

/// A part of the process without which the others end, too, but in order: who loses the lease still sends what it has
/// taken.
async fn part(
    work: impl Future<Output = anyhow::Result<()>>,
    stop: &CancellationToken,
) -> anyhow::Result<()> {
    let result = work.await;
    if result.is_err() {
        stop.cancel();
    }
    result
}

/// Alerts and Providers: watched on every replica, reconciled by the leader.
struct Alerting {
    alerts: Cache<Alert>,
    providers: Cache<Provider>,
    alert_queue: Queue<ObjectKey>,
    provider_queue: Queue<ObjectKey>,
    tokens: TokenMetrics,
    dispatcher: Arc<Dispatcher>,
}

impl Alerting {
    fn start(
        context: &Arc<Context>,
        kube: &kube::Client,
        backoff: Backoff,
        cloud: CloudEnvironment,
        stop: &CancellationToken,
    ) -> anyhow::Result<Self> {
        let namespace = context.config.watch.namespace();
        let namespace = namespace.map_err(anyhow::Error::msg)?;
        let all = Selection::default();
        let metrics = &context.metrics;
        let alert_queue = Queue::new(backoff, metrics.queue(alert::NAME.controller));
        let rules = Arc::new(Rules::default());
        let on_alert = {
            let (rules, queue) = (Arc::clone(&rules), alert_queue.clone());
            move |change| {
                rules.on_change(&change);
                alert::finalizer::on_change(&change, &queue);
            }
        };
        let provider_queue = Queue::new(backoff, metrics.queue(provider::NAME.controller));
        let entries = Arc::new(Providers::default());
        let on_provider = {
            let (entries, queue) = (Arc::clone(&entries), provider_queue.clone());
            move |change| {
                entries.on_change(&change);
                provider::finalizer::on_change(&change, &queue);
            }
        };
        let alerts = Cache::watch(kube.clone(), namespace, &all, stop.clone(), on_alert);
        let providers = Cache::watch(kube.clone(), namespace, &all, stop.clone(), on_provider);
        let synced = Some((alerts.clone(), providers.clone()));
        let tokens = TokenMetrics::new(metrics)?;
        let config = &context.config;
        let (size, duration) = (config.token_cache_size, config.token_cache_duration);
        let observer: Arc<dyn TokenCacheObserver> = Arc::new(tokens.clone());
        let shared = Shared::new(SharedOptions {
            token_cache: Some(Arc::new(TokenCache::new(size, duration, Some(observer)))),
            environment: cloud,
            ..SharedOptions::default()
        });
        let dispatcher = Dispatcher::new(context, rules, entries, synced, shared)?;
        Ok(Self {
            alerts,
            providers,
            alert_queue,
            provider_queue,
            tokens,
            dispatcher: Arc::new(dispatcher),
        })
    }

    /// The reconcilers' work, until `stop`.
    fn reconcile(
        self,
        context: &Arc<Context>,
        stop: &CancellationToken,
    ) -> impl Future<Output = ()> + use<> {
        let workers = context.config.concurrent;
        let (context, stop) = (Arc::clone(context), stop.clone());
        async move {
            let alerts = controller::run(
                alert::NAME,
                Arc::new(self.alert_queue),
                Arc::new(AlertReconciler::new(Arc::clone(&context), self.alerts)),
                workers,
                &context.metrics,
                stop.clone(),
                shutdown::GRACE,
            );
            let providers = controller::run(
                provider::NAME,
                Arc::new(self.provider_queue),
                Arc::new(ProviderReconciler::new(
                    Arc::clone(&context),
                    self.providers,
                    self.tokens,
                )),
                workers,
                &context.metrics,
                stop.clone(),
                shutdown::GRACE,
            );
            tokio::join!(alerts, providers);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_part_that_fails_ends_the_others_in_order() {
        let stop = CancellationToken::new();
        let lead = async { anyhow::bail!("leader election lost") };
        let mut sent = false;
        let serve = async {
            stop.cancelled().await;
            sent = true;
            Ok(())
        };
        let (led, served) = tokio::join!(part(lead, &stop), part(serve, &stop));
        assert!(led.is_err() && served.is_ok() && sent);
    }
}
