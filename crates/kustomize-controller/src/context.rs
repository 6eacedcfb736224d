//! What every run is given.

use std::sync::Arc;

use api::{kustomize::Kustomization, source::GitRepository};
use apply::{Applier, Options, health::CustomStatus};
use kustomize::ParseCache;
use queue::Queue;
use runtime::{
    ObjectKey,
    cache::Cache,
    client::{Client, Mapper, ResourceRef},
    events::Recorder,
    metrics::Metrics,
};

use crate::{
    artifacts::Artifacts, configs::Configs, flags::Config, index::Index, memory::Memory,
    metrics::Series, remote::Network,
};

/// The field manager of applied objects, and the name in events.
pub(crate) const CONTROLLER: &str = "kustomize-controller";
/// The field manager of status and finalizers.
pub(crate) const STATUS_MANAGER: &str = "gotk-kustomize-controller";

/// The parts of the controller.
pub(crate) struct Context {
    pub(crate) config: Config,
    pub(crate) client: Client,
    pub(crate) mapper: Mapper,
    pub(crate) kustomizations: Cache<Kustomization>,
    pub(crate) git_repositories: Cache<GitRepository>,
    /// The watched ConfigMaps and Secrets; none with the gate `DisableConfigWatchers`.
    pub(crate) configs: Option<Configs>,
    pub(crate) artifacts: Arc<Artifacts>,
    pub(crate) index: Arc<Index>,
    pub(crate) memory: Arc<Memory>,
    pub(crate) queue: Queue<ObjectKey>,
    pub(crate) recorder: Recorder,
    pub(crate) metrics: Metrics,
    pub(crate) series: Series,
    pub(crate) parsed: Arc<ParseCache>,
    /// What builds fetch with.
    pub(crate) remote: Network,
    /// Where Kustomizations are served.
    pub(crate) resource: ResourceRef,
}

impl Context {
    /// An applier for objects of a Kustomization, that acts as `client` does. What kinds there are is
    /// asked with the controller's own rights: all share the answers.
    pub(crate) fn applier(
        &self,
        client: Client,
        force: bool,
        custom_status: Option<Arc<dyn CustomStatus>>,
    ) -> Applier {
        let config = &self.config;
        let options = Options {
            takeovers: apply::managed_fields::takeovers(CONTROLLER, &config.override_managers),
            concurrent: config.concurrent_ssa,
            stage_kinds: config.stage_kinds.clone(),
            force,
            migrate_api_version: config.migrate_api_version,
            custom_status,
            witness: Some(self.client.clone()),
            ..Options::new(CONTROLLER)
        };
        Applier::new(client, self.mapper.clone(), options)
    }
}
