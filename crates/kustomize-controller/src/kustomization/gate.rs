//! Whether a Kustomization may run at all; pure.

use api::{
    kustomize::{Kustomization, KustomizationSpec, kustomization::SourceKind},
    meta::{ConditionStatus, reason},
};
use kube::ResourceExt;
use runtime::{ObjectKey, conditions::kind::READY};

use crate::index::dependencies;

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
        ("spec.postBuild", spec.post_build.is_some()),
        ("spec.decryption", spec.decryption.is_some()),
        ("spec.kubeConfig", spec.kube_config.is_some()),
        (
            "spec.serviceAccountName",
            spec.service_account_name.is_some(),
        ),
        ("spec.healthCheckExprs", !spec.health_check_exprs.is_empty()),
        ("spec.ignore", !spec.ignore.is_empty()),
        (
            "spec.dependsOn.readyExpr",
            spec.depends_on
                .iter()
                .any(|dependency| dependency.ready_expr.is_some()),
        ),
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

/// A dependency that is not met.
#[derive(Debug, PartialEq)]
pub(super) struct Unmet {
    pub(super) message: String,
    /// Whether the dependency is only behind and on its way: it is worth a moment before anybody is
    /// told.
    pub(super) behind: bool,
}

/// Checks the dependencies of `object` in order, at `revision` of its source.
///
/// Source: kustomize-controller `checkDependencies`.
pub(super) fn dependencies_met(
    object: &Kustomization,
    revision: &str,
    lookup: impl Fn(&ObjectKey) -> Option<std::sync::Arc<Kustomization>>,
) -> Result<(), Unmet> {
    for key in dependencies(object) {
        let Some(dependency) = lookup(&key) else {
            let message = format!(
                "dependency '{key}' not found: kustomizations.kustomize.toolkit.fluxcd.io \
                 \"{}\" not found",
                key.name
            );
            return Err(Unmet {
                message,
                behind: false,
            });
        };
        let status = dependency.status.as_ref();
        let observed = status.and_then(|status| status.observed_generation);
        let ready = status
            .and_then(|status| status.conditions.iter().find(|c| c.r#type == READY))
            .map(|condition| condition.status);
        let current = observed.is_some() && observed == dependency.metadata.generation;
        if !current || ready != Some(ConditionStatus::True) {
            let message = format!("dependency '{key}' is not ready");
            let behind = ready == Some(ConditionStatus::Unknown);
            return Err(Unmet { message, behind });
        }
        let applied = status.and_then(|status| status.last_applied_revision.as_deref());
        if same_source(object, &dependency) && applied != Some(revision) {
            let message = format!("dependency '{key}' revision is not up to date");
            return Err(Unmet {
                message,
                behind: true,
            });
        }
    }
    Ok(())
}

fn same_source(a: &Kustomization, b: &Kustomization) -> bool {
    let source = |object: &Kustomization| {
        let source = &object.spec.source_ref;
        (source.kind, object.source_namespace(), source.name.clone())
    };
    source(a) == source(b)
}

/// Returns the dependencies that lead from `start` back to itself, `start` first and last.
pub(super) fn cycle(
    start: &ObjectKey,
    lookup: impl Fn(&ObjectKey) -> Option<std::sync::Arc<Kustomization>>,
) -> Option<Vec<ObjectKey>> {
    let mut visited = std::collections::BTreeSet::new();
    // Each path is walked with an explicit stack: a chain may be as long as there are objects.
    let mut path: Vec<(ObjectKey, Vec<ObjectKey>)> = Vec::new();
    let next = |key: &ObjectKey| -> Vec<ObjectKey> {
        lookup(key)
            .map(|object| dependencies(&object).collect())
            .unwrap_or_default()
    };
    path.push((start.clone(), next(start)));
    while let Some((_, pending)) = path.last_mut() {
        match pending.pop() {
            Some(key) if key == *start => {
                let keys = path.into_iter().map(|(key, _)| key);
                return Some(keys.chain([key]).collect());
            }
            Some(key) => {
                if visited.insert(key.clone()) {
                    let pending = next(&key);
                    path.push((key, pending));
                }
            }
            None => {
                path.pop();
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, sync::Arc};

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
            (json!({"postBuild": {}}), Some("spec.postBuild")),
            (
                json!({"decryption": {"provider": "sops"}}),
                Some("spec.decryption"),
            ),
            (
                json!({"kubeConfig": {"secretRef": {"name": "x"}}}),
                Some("spec.kubeConfig"),
            ),
            (
                json!({"serviceAccountName": "x"}),
                Some("spec.serviceAccountName"),
            ),
            (
                json!({"healthCheckExprs": [{"apiVersion": "v1", "current": "true"}]}),
                Some("spec.healthCheckExprs"),
            ),
            (
                json!({"ignore": [{"paths": ["/spec"]}]}),
                Some("spec.ignore"),
            ),
            (
                json!({"dependsOn": [{"name": "x", "readyExpr": "true"}]}),
                Some("spec.dependsOn.readyExpr"),
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

    fn ready(status: &str, generation: i64, revision: &str) -> Value {
        json!({
            "observedGeneration": generation,
            "lastAppliedRevision": revision,
            "conditions": [{
                "type": "Ready", "status": status, "reason": "x", "message": "",
                "lastTransitionTime": "2026-01-01T00:00:00Z",
            }],
        })
    }

    #[test]
    fn a_dependency_counts_when_ready_and_at_the_revision() {
        let dependent = object("a", &json!({"dependsOn": [{"name": "b"}]}), &json!({}));
        let elsewhere = json!({"sourceRef": {"kind": "GitRepository", "name": "other"}});
        let cases = [
            (json!({}), ready("True", 2, "r2"), None),
            (elsewhere, ready("True", 2, "r1"), None),
            (
                json!({}),
                ready("True", 2, "r1"),
                Some(("revision is not up to date", true)),
            ),
            (
                json!({}),
                ready("True", 1, "r2"),
                Some(("is not ready", false)),
            ),
            (
                json!({}),
                ready("False", 2, "r2"),
                Some(("is not ready", false)),
            ),
            (
                json!({}),
                ready("Unknown", 2, "r2"),
                Some(("is not ready", true)),
            ),
            (json!({}), json!({}), Some(("is not ready", false))),
        ];
        for (fields, status, expected) in cases {
            let dependency = Arc::new(object("b", &fields, &status));
            let met = dependencies_met(&dependent, "r2", |_| Some(Arc::clone(&dependency)));
            let expected = expected.map(|(text, behind)| Unmet {
                message: format!("dependency 'apps/b' {text}"),
                behind,
            });
            assert_eq!(met.err(), expected, "{status}");
        }
        let missing = dependencies_met(&dependent, "r2", |_| None)
            .unwrap_err()
            .message;
        assert!(
            missing.starts_with("dependency 'apps/b' not found: "),
            "{missing}"
        );
    }

    #[test]
    fn a_cycle_is_found_and_its_bystanders_are_not_in_it() {
        let objects: BTreeMap<_, _> = [
            ("a", vec!["b"]),
            ("b", vec!["x", "c"]),
            ("c", vec!["a"]),
            ("d", vec!["a"]),
            ("x", vec![]),
        ]
        .into_iter()
        .map(|(name, dependencies)| {
            let dependencies: Vec<_> = dependencies
                .iter()
                .map(|name| json!({"name": name}))
                .collect();
            let object = object(name, &json!({"dependsOn": dependencies}), &json!({}));
            (ObjectKey::new("apps", name), Arc::new(object))
        })
        .collect();
        let find = |name: &str| {
            let cycle = cycle(&ObjectKey::new("apps", name), |key| {
                objects.get(key).cloned()
            });
            cycle.map(|keys| {
                keys.iter()
                    .map(|key| key.name.to_string())
                    .collect::<Vec<_>>()
            })
        };
        assert_eq!(find("a").unwrap(), ["a", "b", "c", "a"]);
        assert_eq!(find("c").unwrap(), ["c", "a", "b", "c"]);
        assert_eq!(find("d"), None);
        assert_eq!(find("x"), None);
    }
}
