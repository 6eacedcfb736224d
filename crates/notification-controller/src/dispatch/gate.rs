//! What may keep an event that an alert wants from its Provider. Pure.
//!
//! Source: notification-controller `internal/server/event_handlers.go` (`dispatchNotification`,
//! `getNotificationParams`) (1.9.3).

use api::{
    event::{Event, Severity},
    notification::{Alert, ProviderSpec, ProviderType},
};
use kube::ResourceExt;

use crate::metadata;

/// The flags that gates depend on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Gates {
    pub(crate) no_cross_namespace_refs: bool,
    pub(crate) object_level_identity: bool,
}

/// What to do with an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Send it.
    Open,
    /// Nothing, and say nothing.
    Skip,
    /// Nothing: it names no commit to set the status of.
    NoCommit,
    /// Nothing: it names no request to comment on.
    NoChangeRequest,
}

/// Why an event cannot be sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refusal {
    /// It comes from elsewhere.
    #[error(
        "discarding event, access denied to cross-namespace sources: alert '{alert}' can't process event from '{object}', cross-namespace references have been blocked"
    )]
    CrossNamespace { alert: String, object: String },
    /// There is no such Provider.
    #[error("failed to read provider: Provider.notification.toolkit.fluxcd.io {0:?} not found")]
    NoProvider(String),
    /// A feature is off.
    #[error(
        "to use spec.serviceAccountName for provider authentication please enable the ObjectLevelWorkloadIdentity feature gate in the controller"
    )]
    Identity,
}

/// Decides on an event, given the Provider that the alert names, if there is one.
pub(super) fn gate(
    gates: Gates,
    event: &Event,
    alert: &Alert,
    provider: Option<&ProviderSpec>,
) -> Result<Verdict, Refusal> {
    let namespace = alert.namespace().unwrap_or_default();
    if gates.no_cross_namespace_refs && event.involved_object.namespace != namespace {
        return Err(Refusal::CrossNamespace {
            alert: format!("{namespace}/{}", alert.name_any()),
            object: event.involved_object.to_string(),
        });
    }
    let Some(provider) = provider else {
        return Err(Refusal::NoProvider(alert.spec.provider_ref.name.clone()));
    };
    if provider.suspend {
        return Ok(Verdict::Skip);
    }
    let kind = &provider.provider_type;
    let generic = matches!(kind, ProviderType::Generic | ProviderType::GenericHmac);
    let update = metadata::is_commit_status_update(event);
    if update && !kind.is_commit_status() && !generic {
        return Ok(Verdict::Skip);
    }
    if kind.is_commit_status()
        && !update
        && event.severity != Severity::Error
        && !metadata::names_commit(event)
    {
        return Ok(Verdict::NoCommit);
    }
    if kind.is_change_request() && !metadata::names_change_request(event) {
        return Ok(Verdict::NoChangeRequest);
    }
    let account = provider.service_account_name.as_deref();
    if account.is_some_and(|name| !name.is_empty()) && !gates.object_level_identity {
        return Err(Refusal::Identity);
    }
    Ok(Verdict::Open)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const CROSS: &str = "discarding event, access denied to cross-namespace sources: alert 'ns/alert' can't process event from 'Kustomization/other/apps', cross-namespace references have been blocked";
    const MISSING: &str =
        "failed to read provider: Provider.notification.toolkit.fluxcd.io \"p\" not found";
    const IDENTITY: &str = "to use spec.serviceAccountName for provider authentication please enable the ObjectLevelWorkloadIdentity feature gate in the controller";

    /// Flags (no cross-namespace, identity), event fields, Provider spec (`null`: none), verdict.
    type Case = (bool, bool, Value, Value, Result<Verdict, &'static str>);

    fn cases() -> Vec<Case> {
        use Verdict::{NoChangeRequest, NoCommit, Open, Skip};
        let other = json!({"involvedObject": {"namespace": "other"}});
        let update = json!({"metadata": {"kustomize.toolkit.fluxcd.io/commit_status": "update"}});
        let not_update = json!({"metadata": {"kustomize.toolkit.fluxcd.io/commit_status": "x"}});
        let commit = json!({"metadata": {"event.toolkit.fluxcd.io/commit": "abc"}});
        let controller_commit = json!({"metadata": {"kustomize.toolkit.fluxcd.io/commit": "abc"}});
        let empty_commit = json!({"metadata": {"event.toolkit.fluxcd.io/commit": ""}});
        let request = json!({"metadata": {"event.toolkit.fluxcd.io/change_request": "1"}});
        let error = json!({"severity": "error"});
        let kind = |kind: &str| json!({"type": kind});
        let with = |kind: &str, field: &str, value: Value| json!({"type": kind, (field): value});
        let none = json!({});
        vec![
            (false, false, none.clone(), kind("slack"), Ok(Open)),
            (false, false, other.clone(), kind("slack"), Ok(Open)),
            (true, false, other.clone(), kind("slack"), Err(CROSS)),
            (true, false, none.clone(), kind("slack"), Ok(Open)),
            (false, false, none.clone(), Value::Null, Err(MISSING)),
            (true, false, other, Value::Null, Err(CROSS)),
            (
                false,
                false,
                none.clone(),
                with("slack", "suspend", json!(true)),
                Ok(Skip),
            ),
            (false, false, update.clone(), kind("slack"), Ok(Skip)),
            (false, false, not_update, kind("slack"), Ok(Open)),
            (false, false, update.clone(), kind("generic"), Ok(Open)),
            (false, false, update.clone(), kind("generic-hmac"), Ok(Open)),
            (false, false, update.clone(), kind("github"), Ok(Open)),
            (
                false,
                false,
                update,
                kind("githubpullrequestcomment"),
                Ok(Skip),
            ),
            (false, false, none.clone(), kind("github"), Ok(NoCommit)),
            (false, false, commit.clone(), kind("gitlab"), Ok(Open)),
            (false, false, controller_commit, kind("gitea"), Ok(NoCommit)),
            (false, false, empty_commit, kind("bitbucket"), Ok(NoCommit)),
            (
                false,
                false,
                error.clone(),
                kind("bitbucketserver"),
                Ok(Open),
            ),
            (
                false,
                false,
                none.clone(),
                kind("azuredevops"),
                Ok(NoCommit),
            ),
            (false, false, none.clone(), kind("githubdispatch"), Ok(Open)),
            (
                false,
                false,
                request.clone(),
                kind("githubpullrequestcomment"),
                Ok(Open),
            ),
            (
                false,
                false,
                request,
                kind("gitlabmergerequestcomment"),
                Ok(Open),
            ),
            (
                false,
                false,
                commit,
                kind("giteapullrequestcomment"),
                Ok(NoChangeRequest),
            ),
            (
                false,
                false,
                error,
                kind("giteapullrequestcomment"),
                Ok(NoChangeRequest),
            ),
            (
                false,
                false,
                none.clone(),
                with("googlepubsub", "serviceAccountName", json!("sa")),
                Err(IDENTITY),
            ),
            (
                false,
                false,
                none.clone(),
                with("slack", "serviceAccountName", json!("sa")),
                Err(IDENTITY),
            ),
            (
                false,
                false,
                none.clone(),
                with("slack", "serviceAccountName", json!("")),
                Ok(Open),
            ),
            (
                false,
                true,
                none,
                with("googlepubsub", "serviceAccountName", json!("sa")),
                Ok(Open),
            ),
        ]
    }

    #[test]
    fn gates_open_and_close_in_order() {
        let alert: Alert = serde_json::from_value(json!({
            "apiVersion": "notification.toolkit.fluxcd.io/v1beta3", "kind": "Alert",
            "metadata": {"name": "alert", "namespace": "ns"},
            "spec": {"providerRef": {"name": "p"}, "eventSources": []},
        }))
        .unwrap();
        for (no_cross_namespace_refs, object_level_identity, fields, provider, expected) in cases()
        {
            let gates = Gates {
                no_cross_namespace_refs,
                object_level_identity,
            };
            let mut event = json!({
                "involvedObject": {
                    "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
                    "name": "apps", "namespace": "ns",
                },
                "severity": "info",
            });
            for (key, value) in fields.as_object().unwrap() {
                if key == "involvedObject" {
                    event[key]["namespace"] = value["namespace"].clone();
                } else {
                    event[key] = value.clone();
                }
            }
            let event: Event = serde_json::from_value(event).unwrap();
            let spec: Option<ProviderSpec> = serde_json::from_value(provider.clone()).unwrap();
            let verdict = gate(gates, &event, &alert, spec.as_ref());
            let verdict = verdict.map_err(|refusal| refusal.to_string());
            assert_eq!(
                verdict,
                expected.map_err(str::to_owned),
                "{fields} {provider}"
            );
        }
    }
}
