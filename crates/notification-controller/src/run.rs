//! The life of the process.

use std::{sync::Arc, time::Duration};

use anyhow::Context as _;
use runtime::{
    client::{Client, Mapper, ResourceRef},
    events, leadership,
    leadership::Leadership,
    log,
    metrics::Metrics,
    probe,
    server::{self, Limits, metrics::HttpMetrics},
    shutdown,
};

use crate::{
    context::{CONTROLLER, Context},
    digest::sha256_hex,
    flags::{Config, Flags},
    webhook,
};

/// What peers of both servers may do. Source: notification-controller `internal/server`; the number of
/// connections is ours.
const LIMITS: Limits = Limits {
    header_bytes: 256 * 1024,
    header_time: Duration::from_secs(10),
    connections: 4096,
    grace: Duration::from_secs(5),
};

/// Runs the controller until a signal ends it.
///
/// # Errors
/// When a flag is wrong, an endpoint is taken, or the Lease is lost.
pub async fn run(flags: Flags) -> anyhow::Result<()> {
    log::install(flags.log.log_encoding, flags.log.log_level);
    let config = flags.config().map_err(anyhow::Error::msg)?;
    let stop = shutdown::on_signal().context("cannot handle signals")?;
    let metrics = Metrics::new()?;
    let version = env!("CARGO_PKG_VERSION");
    let client = leadership::connect(&flags.client, CONTROLLER, version, &metrics).await?;
    probe::serve_metrics(&flags.metrics_addr, metrics.clone(), stop.clone()).await?;
    probe::serve_health(&flags.health_addr, stop.clone()).await?;

    let kube = client.kube();
    let context = context(config, client, metrics)?;
    let paths = context.config.export_http_path_metrics;
    let measured = HttpMetrics::new(&context.metrics, "gotk_receiver", "/hook/", paths)?;
    let listener = probe::bind(&flags.receiver_addr, "webhooks").await?;
    let router = measured.measure(webhook::router(&context));
    let webhooks = server::serve(listener, router, LIMITS, stop.clone());

    let mut leadership = Leadership::new(
        &flags.leader,
        &context.config.watch,
        CONTROLLER,
        kube,
        &context.metrics,
        sha256_hex,
    );
    if leadership.win(&stop).await {
        let work = stop.cancelled();
        leadership.run(work, &stop).await?;
    }
    webhooks.await.context("the webhook server ended")?;
    context.recorder.finish().await;
    Ok(())
}

/// Puts the parts together.
fn context(config: Config, client: Client, metrics: Metrics) -> anyhow::Result<Arc<Context>> {
    let recorder = events::Recorder::start(
        events::Config {
            controller: CONTROLLER,
            instance: events::hostname().to_string(),
            // Not its own event server: an alert about alerts could feed itself.
            receiver: String::new(),
        },
        client.clone(),
        &metrics,
    )?;
    Ok(Arc::new(Context {
        config,
        mapper: Mapper::new(client.clone()),
        client,
        recorder,
        metrics,
        secrets: ResourceRef::namespaced("v1", "Secret", "secrets"),
    }))
}
