//! Events about our own objects: to the API server only, never to the event server, or an alert about alerts
//! could feed itself.

use std::collections::BTreeMap;

use api::event::{ObjectReference, Severity};
use runtime::events::{Audience, Event};

/// An event about an object.
pub(crate) fn event(
    object: ObjectReference,
    severity: Severity,
    reason: &str,
    message: impl Into<String>,
) -> Event {
    Event {
        object,
        severity,
        reason: reason.to_owned(),
        message: message.into(),
        metadata: BTreeMap::new(),
        audience: Audience::Cluster,
    }
}
