//! The reconciler of Providers: keeps the finalizer on them, so that their end is noticed and the metrics of their
//! tokens go with them.
//!
//! Source: notification-controller `internal/controller/provider_controller.go` (1.9.3).

use std::sync::Arc;

use api::{meta::FINALIZER, notification::Provider};
use kube::ResourceExt;
use queue::{Class, Queue};
use runtime::{
    ObjectKey,
    cache::{Cache, Change},
    client::ResourceRef,
    controller::{Ending, Reconciler, Run},
    status,
};

use super::{NAME, TokenMetrics};
use crate::context::{CONTROLLER, Context, GROUP};

/// The finalizers that a Provider should have; `None` when they are as they should be.
fn wanted(provider: &Provider) -> Option<Vec<String>> {
    let mut finalizers = provider.finalizers().to_vec();
    let has = finalizers.iter().any(|name| name == FINALIZER);
    let deleted = provider.metadata.deletion_timestamp.is_some();
    match (has, deleted) {
        (false, false) => finalizers.push(FINALIZER.to_owned()),
        (true, true) => finalizers.retain(|name| name != FINALIZER),
        _ => return None,
    }
    Some(finalizers)
}

/// Queues a Provider whose finalizer is not as it should be.
pub(crate) fn on_change(change: &Change<Provider>, queue: &Queue<ObjectKey>) {
    let provider = change.latest();
    let key = ObjectKey::of(&**provider);
    match change {
        Change::Deleted(_) => queue.forget(&key),
        _ if wanted(provider).is_some() => queue.add(key, Class::Urgent),
        _ => {}
    }
}

/// See the module.
pub(crate) struct ProviderReconciler {
    context: Arc<Context>,
    providers: Cache<Provider>,
    tokens: TokenMetrics,
    resource: ResourceRef,
}

impl ProviderReconciler {
    /// A reconciler of the cache's Providers.
    pub(crate) fn new(
        context: Arc<Context>,
        providers: Cache<Provider>,
        tokens: TokenMetrics,
    ) -> Self {
        let resource = ResourceRef::namespaced(&format!("{GROUP}/v1beta3"), NAME.kind, "providers");
        Self {
            context,
            providers,
            tokens,
            resource,
        }
    }
}

impl Reconciler for ProviderReconciler {
    async fn reconcile(&self, key: &ObjectKey, _: Run) -> Ending {
        let Some(provider) = self.providers.get(key) else {
            return Ending::Done;
        };
        let Some(finalizers) = wanted(&provider) else {
            return Ending::Done;
        };
        if provider.metadata.deletion_timestamp.is_some() {
            self.tokens.forget(key);
        }
        let written = status::set_finalizers(
            &self.context.client,
            self.resource.object(&key.namespace, &key.name),
            CONTROLLER,
            &provider.resource_version().unwrap_or_default(),
            &finalizers,
        )
        .await;
        match written {
            Ok(_) => Ending::Done,
            Err(error) if error.is_not_found() => Ending::Done,
            Err(error) => {
                tracing::error!(%error, "Reconciler error");
                Ending::Failed
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_our_finalizer_comes_and_goes() {
        let cases = [
            (json!([]), false, Some(vec![FINALIZER])),
            (json!(["other"]), false, Some(vec!["other", FINALIZER])),
            (json!([FINALIZER]), false, None),
            (json!([FINALIZER, "other"]), true, Some(vec!["other"])),
            (json!(["other"]), true, None),
        ];
        for (finalizers, deleted, expected) in cases {
            let deletion = deleted.then_some("2026-01-01T00:00:00Z");
            let provider: Provider = serde_json::from_value(json!({
                "apiVersion": "notification.toolkit.fluxcd.io/v1beta3", "kind": "Provider",
                "metadata": {"name": "p", "finalizers": finalizers, "deletionTimestamp": deletion},
                "spec": {"type": "slack"},
            }))
            .unwrap();
            let expected = expected.map(|list| list.into_iter().map(str::to_owned).collect());
            assert_eq!(wanted(&provider), expected, "{finalizers} {deleted}");
        }
    }
}
