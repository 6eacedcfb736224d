//! The life of the process.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use anyhow::Context as _;
use api::source::GitRepository;
use kube::ResourceExt;
use queue::{Backoff, Queue};
use runtime::{
    ObjectKey,
    cache::Cache,
    client::{Client, ResourceRef},
    controller, events,
    leadership::{Leadership, connect},
    log,
    metrics::Metrics,
    probe, shutdown,
};
use snapshot::{BlobStore, digest::Algorithm};
use tokio_util::sync::CancellationToken;

use crate::{
    context::{CONTROLLER, Context},
    flags::{Config, Flags},
    git_repository::{self, GitRepositoryReconciler, NAME, Watch},
    metrics::Series,
    serve,
    storage::Storage,
};

/// Bytes of included artifacts that are kept unpacked.
const BLOB_BYTES: u64 = 256 << 20;

/// How long running work may take to finish after a signal. A fetch may take longer, and loses nothing when it is cut off; a
/// process that is killed, after the ten seconds that its pods have, would leave its Lease to its successor for half a minute.
const GRACE: Duration = Duration::from_secs(5);

/// Runs the controller until a signal ends it.
///
/// # Errors
/// When a flag is wrong, an endpoint is taken, the storage is unusable, or the Lease is lost.
pub async fn run(flags: Flags) -> anyhow::Result<()> {
    log::install(flags.log.log_encoding, flags.log.log_level);
    let config = flags.config().map_err(anyhow::Error::msg)?;
    let storage = Storage::open(config.storage.clone()).map_err(anyhow::Error::msg)?;
    let stop = shutdown::on_signal().context("cannot handle signals")?;
    let metrics = Metrics::new()?;
    let client = connect(
        &flags.client,
        CONTROLLER,
        env!("CARGO_PKG_VERSION"),
        &metrics,
    )
    .await?;
    probe::serve_metrics(&flags.endpoints.metrics_addr, metrics.clone(), stop.clone()).await?;
    probe::serve_health(&flags.endpoints.health_addr, stop.clone()).await?;

    // The cache fills while another replica leads, so that a change of leader costs no list.
    let kube = client.kube();
    let backoff = Backoff::new(flags.retry.min_retry_delay, flags.retry.max_retry_delay);
    let queue = Queue::new(backoff, metrics.queue(NAME.controller));
    let git_repositories = watch(&flags, &kube, queue.clone(), &stop)?;
    git_repositories.synced().await;

    let sha256 = |bytes: &[u8]| Algorithm::Sha256.digest(bytes).hex().to_owned();
    let mut leadership = Leadership::new(
        &flags.leader,
        &flags.watch,
        CONTROLLER,
        kube,
        &metrics,
        sha256,
    );
    if !leadership.win(&stop).await {
        return Ok(());
    }

    // Only the leader serves: what others have on their disks is not what statuses name.
    let listener = probe::bind(&config.storage_addr, "artifacts").await?;
    probe::serve(
        listener,
        serve::router(storage.root().to_owned()),
        stop.clone(),
    );
    let context = context(&flags, config, storage, client, git_repositories, metrics)?;
    let recorder = context.recorder.clone();
    let (workers, metrics) = (context.config.concurrent, context.metrics.clone());
    let running = controller::run(
        NAME,
        Arc::new(queue),
        Arc::new(GitRepositoryReconciler(context)),
        workers,
        &metrics,
        stop.clone(),
        GRACE,
    );
    leadership.run(running, &stop).await?;
    recorder.finish().await;
    Ok(())
}

fn watch(
    flags: &Flags,
    kube: &kube::Client,
    queue: Queue<ObjectKey>,
    stop: &CancellationToken,
) -> anyhow::Result<Cache<GitRepository>> {
    let namespace = flags.watch.namespace().map_err(anyhow::Error::msg)?;
    let watch = Watch::default();
    let selection = flags.watch.selection();
    let on_change = move |change| watch.on_change(&change, &queue);
    Ok(Cache::watch(
        kube.clone(),
        namespace,
        &selection,
        stop.clone(),
        on_change,
    ))
}

fn context(
    flags: &Flags,
    config: Config,
    storage: Storage,
    client: Client,
    git_repositories: Cache<GitRepository>,
    metrics: Metrics,
) -> anyhow::Result<Arc<Context>> {
    let live: BTreeSet<String> = git_repositories
        .list()
        .iter()
        .filter_map(|object| object.uid())
        .collect();
    git_repository::prune_caches(&config.git_cache, &live);
    let blob_dir = config.git_cache.join("blobs");
    let blobs = BlobStore::open(&blob_dir, BLOB_BYTES)
        .with_context(|| format!("cannot open {}", blob_dir.display()))?;
    let recorder = events::Recorder::start(
        events::Config {
            controller: CONTROLLER,
            instance: events::hostname().to_string(),
            receiver: flags.endpoints.events_addr.clone(),
        },
        client.clone(),
        &metrics,
    )?;
    Ok(Arc::new(Context {
        config,
        client,
        storage: Arc::new(storage),
        blobs,
        git_repositories,
        memory: git_repository::Memory::default(),
        recorder,
        series: Series::register(metrics.registry())?,
        metrics,
        secrets: ResourceRef::namespaced("v1", "Secret", "secrets"),
        resource: ResourceRef::namespaced(
            "source.toolkit.fluxcd.io/v1",
            "GitRepository",
            "gitrepositories",
        ),
    }))
}
