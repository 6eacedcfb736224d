//! The life of the process.

use std::sync::{Arc, OnceLock};

use anyhow::Context as _;
use api::{kustomize::Kustomization, source::GitRepository};
use kustomize::ParseCache;
use queue::{Backoff, Queue};
use runtime::{
    cache::{Cache, Selection},
    client::{Client, Mapper, ResourceRef},
    controller, events, http,
    leadership::{Leadership, connect},
    log,
    metrics::Metrics,
    probe, shutdown,
};
use snapshot::{BlobStore, digest::Algorithm};
use tokio_util::sync::CancellationToken;

use crate::{
    artifacts::{self, Artifacts},
    configs::Configs,
    context::{CONTROLLER, Context},
    flags::Flags,
    index::Index,
    kustomization::{KustomizationReconciler, NAME},
    memory::Memory,
    metrics::Series,
    remote::Network,
    watch,
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
    metrics.init_controller(NAME.controller, config.concurrent);

    let client = connect(
        &flags.client,
        CONTROLLER,
        env!("CARGO_PKG_VERSION"),
        &metrics,
    )
    .await?;

    probe::serve_metrics(&flags.endpoints.metrics_addr, metrics.clone(), stop.clone()).await?;
    probe::serve_health(&flags.endpoints.health_addr, stop.clone()).await?;

    let hostname = events::hostname();
    let kube = client.kube();
    let sha256 = |bytes: &[u8]| Algorithm::Sha256.digest(bytes).hex().to_owned();
    let mut leadership = Leadership::new(
        &flags.leader,
        &flags.watch,
        CONTROLLER,
        kube.clone(),
        &metrics,
        sha256,
    );
    if !leadership.win(&stop).await {
        return Ok(());
    }

    let recorder = events::Recorder::start(
        events::Config {
            controller: CONTROLLER,
            instance: hostname.to_string(),
            receiver: flags.endpoints.events_addr.clone(),
        },
        client.clone(),
        &metrics,
    )?;
    let backoff = Backoff::new(flags.retry.min_retry_delay, flags.retry.max_retry_delay);
    let queue = Queue::new(backoff, metrics.queue(NAME.controller));
    let context = start(
        &flags,
        &config,
        &stop,
        client,
        kube,
        recorder.clone(),
        &metrics,
        queue.clone(),
    )
    .await
    .context("cannot start")?;

    let workers = controller::run(
        NAME,
        Arc::new(queue),
        Arc::new(KustomizationReconciler(context)),
        config.concurrent,
        &metrics,
        stop.clone(),
        shutdown::GRACE,
    );
    leadership.run(workers, &stop).await?;
    recorder.finish().await;
    Ok(())
}

/// Fills the caches and puts the parts together.
#[expect(
    clippy::too_many_arguments,
    reason = "one call, to keep `run` readable"
)]
async fn start(
    flags: &Flags,
    config: &crate::flags::Config,
    stop: &CancellationToken,
    client: Client,
    kube: kube::Client,
    recorder: events::Recorder,
    metrics: &Metrics,
    queue: Queue<runtime::ObjectKey>,
) -> anyhow::Result<Arc<Context>> {
    let store = BlobStore::open(&config.snapshot_dir, config.snapshot_max_bytes)
        .with_context(|| format!("cannot open {}", config.snapshot_dir.display()))?;
    let parsed = Arc::new(ParseCache::new(config.parse_cache_bytes));
    let series = Series::register(metrics.registry(), Arc::clone(&store), Arc::clone(&parsed))?;
    let index = Arc::new(Index::default());
    let memory = Arc::new(Memory::default());
    let slot: Arc<OnceLock<std::sync::Weak<Context>>> = Arc::default();
    let on_end = {
        let slot = Arc::clone(&slot);
        move |source: &runtime::ObjectKey| {
            if let Some(context) = slot.get().and_then(std::sync::Weak::upgrade) {
                watch::on_artifact(&context, source);
            }
        }
    };
    let remote = Network::new(
        http::client(CONTROLLER, artifacts::CONNECT)?,
        !config.no_remote_bases,
    );
    let artifacts = Artifacts::new(
        http::client(CONTROLLER, artifacts::CONNECT)?,
        store,
        config.http_retry,
        config.source_host.clone(),
        on_end,
    );

    let namespace = flags.watch.namespace().map_err(anyhow::Error::msg)?;
    // Before the Kustomizations, so that what is merely listed wakes nobody.
    let configs = config.watch_configs.then(|| {
        let (index, queue) = (Arc::clone(&index), queue.clone());
        let labels = &flags.watch.watch_configs_label_selector;
        let on_change = move |config: &_| watch::on_config(config, &index, &queue);
        Configs::watch(&kube, namespace, labels, stop, on_change)
    });
    if let Some(configs) = &configs {
        configs.synced().await;
    }
    let kustomizations = {
        let (index, memory, queue) = (Arc::clone(&index), Arc::clone(&memory), queue.clone());
        let selection = flags.watch.selection();
        let on_change = move |change| watch::on_kustomization(&change, &index, &memory, &queue);
        Cache::<Kustomization>::watch(kube.clone(), namespace, &selection, stop.clone(), on_change)
    };
    kustomizations.synced().await;
    let git_repositories = {
        let (index, artifacts, queue) = (Arc::clone(&index), Arc::clone(&artifacts), queue.clone());
        let selection = Selection::default();
        let on_change = move |change| watch::on_source(&change, &artifacts, &index, &queue);
        Cache::<GitRepository>::watch(kube, namespace, &selection, stop.clone(), on_change)
    };
    git_repositories.synced().await;

    let context = Arc::new(Context {
        config: config.clone(),
        mapper: Mapper::new(client.clone()),
        client,
        kustomizations,
        git_repositories,
        configs,
        artifacts,
        index,
        memory,
        queue,
        recorder,
        metrics: metrics.clone(),
        series,
        parsed,
        remote,
        resource: ResourceRef::namespaced(
            "kustomize.toolkit.fluxcd.io/v1",
            "Kustomization",
            "kustomizations",
        ),
    });
    // A download that ended before this point woke nobody; its users are queued all the same, since
    // each is queued when it is listed.
    drop(slot.set(Arc::downgrade(&context)));
    Ok(context)
}
