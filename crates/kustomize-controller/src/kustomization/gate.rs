//! Whether a Kustomization may run at all; pure.

use api::{
    kustomize::{Kustomization, KustomizationSpec, kustomization::SourceKind},
    meta::reason,
};
use kube::ResourceExt;

/// What is in the way until the spec, or another object, changes.
#[derive(Debug, PartialEq)]
pub(super) struct Stall {
    pub(super) reason: &'static str,
    pub(super) message: String,
    /// Whether the generation counts as observed.
    pub(super) observed: bool,
}

/// Returns a field that is set and not honoured: it must not be skipped in silence.
fn unsupported(spec: &KustomizationSpec) -> Option<&'static str> {
    let fields = [
        ("spec.decryption", spec.decryption.is_some()),
        ("spec.kubeConfig", spec.kube_config.is_some()),
        ("spec.ignore", !spec.ignore.is_empty()),
    ];
    fields
        .into_iter()
        .find(|(_, set)| *set)
        .map(|(field, _)| field)
}

/// Checks the spec by itself.
pub(super) fn spec(object: &Kustomization, no_cross_namespace_refs: bool) -> Result<(), Stall> {
    if let Some(field) = unsupported(&object.spec) {
        let message = format!(
            "{field} is not supported by this kustomize-controller yet: remove the field, or \
             reconcile the object with Flux's kustomize-controller"
        );
        return Err(Stall {
            reason: "UnsupportedField",
            message,
            observed: true,
        });
    }
    let source = &object.spec.source_ref;
    let (kind, namespace) = (source.kind.as_str(), object.source_namespace());
    let name = &source.name;
    if no_cross_namespace_refs && Some(&namespace) != object.namespace().as_ref() {
        let message = format!(
            "can't access '{kind}/{namespace}/{name}', cross-namespace references have been blocked"
        );
        return Err(Stall {
            reason: reason::ACCESS_DENIED,
            message,
            observed: false,
        });
    }
    match source.kind {
        SourceKind::GitRepository => Ok(()),
        SourceKind::ExternalArtifact => {
            let message = format!(
                "can't access '{kind}/{namespace}/{name}', ExternalArtifact feature gate is disabled"
            );
            Err(Stall {
                reason: reason::ACCESS_DENIED,
                message,
                observed: false,
            })
        }
        SourceKind::OCIRepository | SourceKind::Bucket => {
            let message = format!(
                "spec.sourceRef.kind {kind} is not supported by this kustomize-controller yet: use \
                 a GitRepository, or reconcile the object with Flux's kustomize-controller"
            );
            Err(Stall {
                reason: "UnsupportedField",
                message,
                observed: true,
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn object(name: &str, spec: &Value, status: &Value) -> Kustomization {
        let mut object = json!({
            "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
            "metadata": {"name": name, "namespace": "apps", "generation": 2},
            "spec": {
                "interval": "1m", "prune": true,
                "sourceRef": {"kind": "GitRepository", "name": "repo"},
            },
            "status": status,
        });
        for (key, value) in spec.as_object().unwrap() {
            object["spec"][key] = value.clone();
        }
        serde_json::from_value(object).unwrap()
    }

    #[test]
    fn a_field_that_is_not_honoured_is_named() {
        let cases = [
            (json!({}), None),
            (json!({"postBuild": {}}), None),
            (
                json!({"decryption": {"provider": "sops"}}),
                Some("spec.decryption"),
            ),
            (
                json!({"kubeConfig": {"secretRef": {"name": "x"}}}),
                Some("spec.kubeConfig"),
            ),
            (
                json!({"ignore": [{"paths": ["/spec"]}]}),
                Some("spec.ignore"),
            ),
            (
                json!({"sourceRef": {"kind": "Bucket", "name": "x"}}),
                Some("spec.sourceRef.kind Bucket"),
            ),
        ];
        for (fields, expected) in cases {
            let stall = spec(&object("a", &fields, &json!({})), false).err();
            match (stall, expected) {
                (None, None) => {}
                (Some(stall), Some(field)) => assert!(stall.message.starts_with(field), "{fields}"),
                (got, _) => panic!("{fields}: {got:?}"),
            }
        }
    }

    #[test]
    fn access_to_sources_is_denied_as_flux_says_it() {
        let elsewhere =
            json!({"sourceRef": {"kind": "GitRepository", "name": "r", "namespace": "infra"}});
        let external = json!({"sourceRef": {"kind": "ExternalArtifact", "name": "r"}});
        let cases = [
            (&elsewhere, false, None),
            (
                &elsewhere,
                true,
                Some(
                    "can't access 'GitRepository/infra/r', cross-namespace references have been \
                     blocked",
                ),
            ),
            (
                &external,
                true,
                Some(
                    "can't access 'ExternalArtifact/apps/r', ExternalArtifact feature gate is \
                     disabled",
                ),
            ),
        ];
        for (fields, blocked, expected) in cases {
            let stall = spec(&object("a", fields, &json!({})), blocked).err();
            assert_eq!(
                stall.map(|stall| stall.message).as_deref(),
                expected,
                "{fields}"
            );
        }
    }
}
