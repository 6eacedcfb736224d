//! All that serves receivers: the watch and the webhook on every replica, the reconciler while leading.

use std::sync::Arc;

use axum::Router;
use queue::{Backoff, Queue};
use runtime::{ObjectKey, controller, shutdown};
use tokio_util::sync::CancellationToken;

use super::{NAME, ReceiverReconciler, watch::Watch};
use crate::{
    context::{CONTROLLER, Context},
    webhook::{Hooks, KEY_DEADLINE, Webhooks},
};

/// See the module.
pub(crate) struct ReceiverService {
    reconciler: Arc<ReceiverReconciler>,
    queue: Queue<ObjectKey>,
    watch: Arc<Watch>,
    webhooks: Arc<Webhooks>,
    kube: kube::Client,
}

impl ReceiverService {
    /// Begins to watch receivers, until `stop`.
    ///
    /// # Errors
    /// When the namespace to watch is not known, or the platform's TLS roots cannot be loaded.
    pub(crate) fn start(
        context: &Arc<Context>,
        kube: &kube::Client,
        backoff: Backoff,
        stop: &CancellationToken,
    ) -> anyhow::Result<Self> {
        let namespace = context
            .config
            .watch
            .namespace()
            .map_err(anyhow::Error::msg)?;
        let queue = Queue::new(backoff, context.metrics.queue(NAME.controller));
        let hooks = Arc::new(Hooks::default());
        let watch = Watch::new(queue.clone(), Arc::clone(&hooks));
        let receivers = watch.receivers(kube.clone(), namespace, stop.clone());
        let (listed, complete) = (receivers.clone(), Arc::clone(&hooks));
        tokio::spawn(async move {
            if listed.synced().await {
                complete.set_complete();
            }
        });
        let http = runtime::http::client(CONTROLLER, KEY_DEADLINE)?;
        let webhooks = Webhooks::new(Arc::clone(context), hooks, http);
        let reconciler = Arc::new(ReceiverReconciler::new(Arc::clone(context), receivers));
        Ok(Self {
            reconciler,
            queue,
            watch,
            webhooks,
            kube: kube.clone(),
        })
    }

    /// The routes of the webhook server.
    pub(crate) fn router(&self) -> Router {
        self.webhooks.router()
    }

    /// Reconciles receivers until `stop`.
    pub(crate) async fn run(self, stop: CancellationToken) {
        let context = &self.reconciler.context;
        let config = &context.config;
        if config.watch_configs
            && let Ok(namespace) = config.watch.namespace()
        {
            let labels = &config.watch.watch_configs_label_selector;
            let kube = self.kube.clone();
            drop(self.watch.secrets(kube, namespace, labels, stop.clone()));
        }
        controller::run(
            NAME,
            Arc::new(self.queue),
            Arc::clone(&self.reconciler),
            config.concurrent,
            &context.metrics,
            stop,
            shutdown::GRACE,
        )
        .await;
    }
}
