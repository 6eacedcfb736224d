//! Alerts: which events go where.
//!
//! `rules` keeps the alerts ready for matching, `matching` decides, `labels` looks at the object where an alert
//! asks for it, `finalizer` removes what older versions left.

pub(crate) mod finalizer;
mod labels;
mod matching;
mod rules;

use api::event::ObjectReference;
use kube::ResourceExt;
use runtime::controller::Name;

pub(crate) use self::{
    labels::Labels,
    matching::{Matched, Warning, match_event},
    rules::{Rule, Rules},
};
use crate::context::GROUP;

/// What the controller is called.
pub(crate) const NAME: Name = Name {
    controller: "alert",
    group: GROUP,
    kind: "Alert",
};

/// The alert as events name it.
pub(crate) fn reference(alert: &api::notification::Alert) -> ObjectReference {
    ObjectReference {
        kind: NAME.kind.to_owned(),
        namespace: alert.namespace().unwrap_or_default(),
        name: alert.name_any(),
        uid: alert.uid().unwrap_or_default(),
        api_version: format!("{GROUP}/v1beta3"),
        resource_version: alert.resource_version().unwrap_or_default(),
        field_path: String::new(),
    }
}
