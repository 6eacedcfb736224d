//! The reconciler of alerts: removes the finalizer that versions before v1beta3 left.
//!
//! Source: notification-controller `internal/controller/alert_controller.go` (1.9.3).

use std::sync::Arc;

use api::{event::Severity, meta::FINALIZER, notification::Alert};
use kube::ResourceExt;
use queue::{Class, Queue};
use runtime::{
    ObjectKey,
    cache::{Cache, Change},
    client::ResourceRef,
    controller::{Ending, Reconciler, Run},
    status,
};

use super::{NAME, reference};
use crate::{
    context::{CONTROLLER, Context, GROUP},
    tell,
};

/// Whether an alert has something to remove. A suspended one is left alone until it is deleted.
fn concerned(alert: &Alert) -> bool {
    alert.finalizers().iter().any(|name| name == FINALIZER)
        && (!alert.spec.suspend || alert.metadata.deletion_timestamp.is_some())
}

/// Queues an alert with something to remove.
pub(crate) fn on_change(change: &Change<Alert>, queue: &Queue<ObjectKey>) {
    let alert = change.latest();
    let key = ObjectKey::of(&**alert);
    match change {
        Change::Deleted(_) => queue.forget(&key),
        _ if concerned(alert) => queue.add(key, Class::Urgent),
        _ => {}
    }
}

/// See the module.
pub(crate) struct AlertReconciler {
    context: Arc<Context>,
    alerts: Cache<Alert>,
    resource: ResourceRef,
}

impl AlertReconciler {
    /// A reconciler of the cache's alerts.
    pub(crate) fn new(context: Arc<Context>, alerts: Cache<Alert>) -> Self {
        let resource = ResourceRef::namespaced(&format!("{GROUP}/v1beta3"), NAME.kind, "alerts");
        Self {
            context,
            alerts,
            resource,
        }
    }
}

impl Reconciler for AlertReconciler {
    async fn reconcile(&self, key: &ObjectKey, _: Run) -> Ending {
        let Some(alert) = self.alerts.get(key).filter(|alert| concerned(alert)) else {
            return Ending::Done;
        };
        let mut finalizers = alert.finalizers().to_vec();
        finalizers.retain(|name| name != FINALIZER);
        let removed = status::set_finalizers(
            &self.context.client,
            self.resource.object(&key.namespace, &key.name),
            CONTROLLER,
            &alert.resource_version().unwrap_or_default(),
            &finalizers,
        )
        .await;
        match removed {
            Ok(_) => {
                let message = "removed finalizer from Alert to migrate to static Alert";
                tracing::info!("{message}");
                let event = tell::event(reference(&alert), Severity::Info, "Migration", message);
                self.context.recorder.record(event);
                Ending::Done
            }
            Err(error) if error.is_not_found() => Ending::Done,
            Err(error) => {
                tracing::error!(%error, "Reconciler error");
                Ending::Failed
            }
        }
    }
}
