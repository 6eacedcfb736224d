//! Whom a Kustomization acts as.
//!
//! `spec.serviceAccountName`, else `--default-service-account`, in the Kustomization's own namespace; the
//! controller itself where neither is set. Objects, their health and their deletion are the account's
//! business. Sources, dependencies, the Kustomization's own status, and the kinds that the server has,
//! are the controller's. Source: kustomize-controller `reconcile`, `finalize`; fluxcd/pkg
//! `runtime/client/impersonator.go`.

use std::{fmt, sync::Arc};

use api::{event::Severity, kustomize::Kustomization, meta::reason::kustomization as result};
use apply::{Applier, health::CustomStatus};
use kube::ResourceExt;
use runtime::client::{ApiError, Client, Identity, ResourceRef};
use serde_json::Value;

use super::reconcile::{Attempt, Failure};

/// A service account. Printed as `namespace/name`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Account {
    namespace: String,
    name: String,
}

impl Account {
    /// The account of `object`, where `default` is that of objects which name none.
    fn of(object: &Kustomization, default: Option<&str>) -> Option<Self> {
        let own = object.spec.service_account_name.as_deref();
        let name = own.filter(|name| !name.is_empty()).or(default)?;
        Some(Self {
            namespace: object.namespace().unwrap_or_default(),
            name: name.to_owned(),
        })
    }

    /// Whether the account is there. `client` is the controller's.
    ///
    /// # Errors
    /// When the server cannot tell.
    pub(super) async fn exists(&self, client: &Client) -> Result<bool, ApiError> {
        let accounts = ResourceRef::namespaced("v1", "ServiceAccount", "serviceaccounts");
        let target = accounts.object(&self.namespace, &self.name);
        match client.get_metadata::<Value>(target).await {
            Ok(_) => Ok(true),
            // A name that cannot be asked for is nobody's.
            Err(ApiError::Request(_)) => Ok(false),
            Err(error) if error.is_not_found() => Ok(false),
            Err(error) => Err(error),
        }
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

impl Attempt<'_> {
    /// The account that the Kustomization acts as, if it is not the controller itself.
    pub(super) fn account(&self) -> Option<Account> {
        Account::of(
            &self.object,
            self.cx.config.default_service_account.as_deref(),
        )
    }

    /// An applier that acts as the Kustomization's account.
    pub(super) fn applier(&self, force: bool) -> Result<Applier, Failure> {
        let client = match self.account() {
            None => self.cx.client.clone(),
            Some(Account { namespace, name }) => {
                let identity = Identity::service_account(&namespace, &name).map_err(|error| {
                    let cause = format!("invalid service account name {name:?}: {error}");
                    let event = format!("failed to build kube client: {cause}");
                    Failure {
                        event: Some((Severity::Error, event)),
                        ..Failure::new(result::RECONCILIATION_FAILED, cause)
                    }
                })?;
                self.cx.client.impersonate(identity)
            }
        };
        Ok(self.cx.applier(client, force, self.custom_status()))
    }

    /// The user's own health checks.
    pub(super) fn custom_status(&self) -> Option<Arc<dyn CustomStatus>> {
        let health = self.notes.expressions.as_ref()?.health().ok()??;
        Some(health)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_objects_own_account_comes_before_the_default() {
        let cases = [
            (None, None, None),
            (None, Some("default"), Some("apps/default")),
            (Some("tenant"), None, Some("apps/tenant")),
            (Some("tenant"), Some("default"), Some("apps/tenant")),
            (Some(""), Some("default"), Some("apps/default")),
            (Some(""), None, None),
        ];
        for (own, default, expected) in cases {
            let object = serde_json::from_value(json!({
                "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
                "metadata": {"name": "a", "namespace": "apps"},
                "spec": {
                    "interval": "1m", "prune": true, "serviceAccountName": own,
                    "sourceRef": {"kind": "GitRepository", "name": "r"},
                },
            }))
            .unwrap();
            let account = Account::of(&object, default).map(|account| account.to_string());
            assert_eq!(account.as_deref(), expected, "{own:?} {default:?}");
        }
    }
}
