//! What every request and every run is given.

use std::time::Duration;

use runtime::{
    client::{Client, Mapper},
    events::{self, Recorder},
    metrics::Metrics,
    secrets::Secrets,
};

use crate::flags::Config;

/// Field manager of all writes, and the name in events.
pub(crate) const CONTROLLER: &str = "notification-controller";
/// The group of all kinds that are looked after here.
pub(crate) const GROUP: &str = "notification.toolkit.fluxcd.io";

/// How long a Secret that was read is good for.
const SECRET_TIME: Duration = Duration::from_secs(5);

/// The parts of the controller that all its tasks share.
pub(crate) struct Context {
    pub(crate) config: Config,
    pub(crate) client: Client,
    pub(crate) mapper: Mapper,
    pub(crate) recorder: Recorder,
    pub(crate) metrics: Metrics,
    /// Reads Secrets, at most a few seconds late.
    pub(crate) secrets: Secrets,
}

impl Context {
    /// Puts the parts together.
    ///
    /// # Errors
    /// When the recorder cannot start.
    pub(crate) fn new(
        config: Config,
        client: Client,
        metrics: Metrics,
    ) -> Result<Self, events::StartError> {
        let recorder = Recorder::start(
            events::Config {
                controller: CONTROLLER,
                instance: events::hostname().to_string(),
                // Not our own event server: an alert about alerts could feed itself.
                receiver: String::new(),
            },
            client.clone(),
            &metrics,
        )?;
        Ok(Self {
            config,
            mapper: Mapper::new(client.clone()),
            secrets: Secrets::new(client.clone(), SECRET_TIME),
            client,
            recorder,
            metrics,
        })
    }
}
