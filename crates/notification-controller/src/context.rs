//! What every request and every run is given.

use runtime::{
    client::{Client, Mapper, ResourceRef},
    events::Recorder,
    metrics::Metrics,
};

use crate::flags::Config;

/// Field manager of all writes, and the name in events.
pub(crate) const CONTROLLER: &str = "notification-controller";
/// The group of all kinds that are looked after here.
pub(crate) const GROUP: &str = "notification.toolkit.fluxcd.io";

/// The parts of the controller that all its tasks share.
pub(crate) struct Context {
    pub(crate) config: Config,
    pub(crate) client: Client,
    pub(crate) mapper: Mapper,
    pub(crate) recorder: Recorder,
    pub(crate) metrics: Metrics,
    /// Where Secrets are served.
    pub(crate) secrets: ResourceRef,
}
