//! What every run is given.

use std::sync::Arc;

use api::source::GitRepository;
use runtime::{
    cache::Cache,
    client::{Client, ResourceRef},
    events::Recorder,
    metrics::Metrics,
};
use snapshot::BlobStore;

use crate::{flags::Config, git_repository::Memory, metrics::Series, storage::Storage};

/// The field manager, and the name in events.
pub(crate) const CONTROLLER: &str = "source-controller";

/// The parts of the controller.
pub(crate) struct Context {
    pub(crate) config: Config,
    pub(crate) client: Client,
    pub(crate) storage: Arc<Storage>,
    /// The files of included artifacts, while they are copied.
    pub(crate) blobs: Arc<BlobStore>,
    pub(crate) git_repositories: Cache<GitRepository>,
    pub(crate) memory: Memory,
    pub(crate) recorder: Recorder,
    pub(crate) metrics: Metrics,
    pub(crate) series: Series,
    /// Where Secrets are served.
    pub(crate) secrets: ResourceRef,
    /// Where Git repositories are served.
    pub(crate) resource: ResourceRef,
}
