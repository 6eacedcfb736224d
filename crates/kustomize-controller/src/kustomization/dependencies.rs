//! Whether the dependencies of a Kustomization are met; pure.
//!
//! A dependency is ready when its status says so at its generation, and, where both use one source, at
//! the source's revision. A `readyExpr` takes the place of these checks, or with the gate
//! `AdditiveCELDependencyCheck` precedes them. Source: kustomize-controller `checkDependencies`.

use std::sync::Arc;

use api::{kustomize::Kustomization, meta::ConditionStatus};
use runtime::{ObjectKey, conditions::kind::READY};

use crate::{
    expressions::{Ready, ReadyExpression},
    index::{self, dependencies},
};

/// A dependency that is not met.
#[derive(Debug, PartialEq)]
pub(super) enum Unmet {
    /// Not now.
    Yet {
        message: String,
        /// Whether the dependency is only behind and on its way: it is worth a moment before anybody is
        /// told.
        behind: bool,
    },
    /// Never: its `readyExpr` is wrong.
    Invalid(String),
}

/// How dependencies are judged.
#[derive(Clone, Copy)]
pub(super) struct Rules<'a> {
    /// For each of `dependsOn`, in its order, the user's own rule.
    pub(super) ready: &'a [Option<ReadyExpression>],
    /// Whether the user's own rule leaves the others in force.
    pub(super) additive: bool,
}

/// Checks the dependencies of `object` in order, at `revision` of its source.
pub(super) fn met(
    object: &Kustomization,
    revision: &str,
    rules: Rules<'_>,
    lookup: impl Fn(&ObjectKey) -> Option<Arc<Kustomization>>,
) -> Result<(), Unmet> {
    let own_rules = rules.ready.iter().map(Option::as_ref);
    for (key, own_rule) in dependencies(object).zip(own_rules.chain(std::iter::repeat(None))) {
        let Some(dependency) = lookup(&key) else {
            let message = format!(
                "dependency '{key}' not found: kustomizations.kustomize.toolkit.fluxcd.io \
                 \"{}\" not found",
                key.name
            );
            let behind = false;
            return Err(Unmet::Yet { message, behind });
        };
        if let Some(rule) = own_rule {
            obey(rule, object, &key, &dependency)?;
            if !rules.additive {
                continue;
            }
        }
        let status = dependency.status.as_ref();
        let observed = status.and_then(|status| status.observed_generation);
        let current = observed.is_some() && observed == dependency.metadata.generation;
        if !current || readiness(&dependency) != Some(ConditionStatus::True) {
            let message = format!("dependency '{key}' is not ready");
            let behind = is_open(&dependency);
            return Err(Unmet::Yet { message, behind });
        }
        let applied = status.and_then(|status| status.last_applied_revision.as_deref());
        if same_source(object, &dependency) && applied != Some(revision) {
            let message = format!("dependency '{key}' revision is not up to date");
            let behind = true;
            return Err(Unmet::Yet { message, behind });
        }
    }
    Ok(())
}

/// Asks the user's own rule about a dependency.
fn obey(
    rule: &ReadyExpression,
    object: &Kustomization,
    key: &ObjectKey,
    dependency: &Kustomization,
) -> Result<(), Unmet> {
    let behind = is_open(dependency);
    let json = |object: &Kustomization| {
        serde_json::to_value(object).map_err(|error| Unmet::Yet {
            message: format!("failed to convert Kustomization to unstructured: {error}"),
            behind,
        })
    };
    let message = match rule.evaluate(&json(object)?, &json(dependency)?) {
        Ready::Yes => return Ok(()),
        Ready::No => format!("dependency '{key}' is not ready according to readyExpr eval"),
        Ready::Unknown(error) => error,
        Ready::Invalid(error) => {
            return Err(Unmet::Invalid(format!(
                "terminal error: failed to evaluate dependency {}: {error}",
                key.name
            )));
        }
    };
    Err(Unmet::Yet { message, behind })
}

fn readiness(object: &Kustomization) -> Option<ConditionStatus> {
    let status = object.status.as_ref()?;
    let ready = status.conditions.iter().find(|c| c.r#type == READY)?;
    Some(ready.status)
}

/// Whether a run is about to decide on the readiness of `object`.
fn is_open(object: &Kustomization) -> bool {
    readiness(object) == Some(ConditionStatus::Unknown)
}

fn same_source(a: &Kustomization, b: &Kustomization) -> bool {
    let source = |object: &Kustomization| {
        let source = &object.spec.source_ref;
        (source.kind, object.source_namespace(), source.name.clone())
    };
    source(a) == source(b)
}

/// Returns the dependencies that lead from `start` back to itself, `start` first and last.
///
/// A dependency that only its `readyExpr` judges closes no cycle: it may well be met. With `additive`
/// there is none of that kind.
pub(super) fn cycle(
    start: &ObjectKey,
    additive: bool,
    lookup: impl Fn(&ObjectKey) -> Option<Arc<Kustomization>>,
) -> Option<Vec<ObjectKey>> {
    let mut visited = std::collections::BTreeSet::new();
    // Each path is walked with an explicit stack: a chain may be as long as there are objects.
    let mut path: Vec<(ObjectKey, Vec<ObjectKey>)> = Vec::new();
    let next = |key: &ObjectKey| -> Vec<ObjectKey> {
        let Some(object) = lookup(key) else {
            return Vec::new();
        };
        let edges = dependencies(&object).zip(&object.spec.depends_on);
        edges
            .filter(|(_, dependency)| additive || !index::has_expression(dependency))
            .map(|(key, _)| key)
            .collect()
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
    use std::collections::BTreeMap;

    use serde_json::{Value, json};

    use super::*;
    use crate::expressions::Expressions;

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

    /// Checks the dependencies of `object` at r2, all of which are `dependency`.
    fn check(
        object: &Kustomization,
        additive: bool,
        dependency: Option<&Kustomization>,
    ) -> Result<(), Unmet> {
        let expressions = Expressions::compile(object);
        let ready = expressions.ready();
        let dependency = dependency.cloned().map(Arc::new);
        met(object, "r2", Rules { ready, additive }, |_| {
            dependency.clone()
        })
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
            let dependency = object("b", &fields, &status);
            let met = check(&dependent, false, Some(&dependency));
            let expected = expected.map(|(text, behind)| Unmet::Yet {
                message: format!("dependency 'apps/b' {text}"),
                behind,
            });
            assert_eq!(met.err(), expected, "{status}");
        }
        let Err(Unmet::Yet { message, .. }) = check(&dependent, false, None) else {
            panic!("a missing dependency is met");
        };
        assert!(
            message.starts_with("dependency 'apps/b' not found: "),
            "{message}"
        );
    }

    #[test]
    fn a_ready_expression_takes_the_place_of_the_checks_or_precedes_them() {
        let says_no = "dependency 'apps/b' is not ready according to readyExpr eval";
        let not_ready = "dependency 'apps/b' is not ready";
        let wrong = "terminal error: failed to evaluate dependency b: ";
        let unknown = "failed to evaluate the CEL expression ";
        // The expression, the dependency's Ready, and what is said without and with the gate.
        let cases = [
            ("true", "False", "", not_ready),
            ("true", "True", "", ""),
            ("false", "True", says_no, says_no),
            ("dep.spec.prune == self.spec.prune", "True", "", ""),
            ("dep.spec.suspend == true", "True", unknown, unknown),
            ("dep.spec.prune", "True", wrong, wrong),
            ("other", "True", wrong, wrong),
        ];
        for (source, status, alone, additive) in cases {
            let on = json!({"dependsOn": [{"name": "b", "readyExpr": source}]});
            let dependent = object("a", &on, &json!({}));
            let dependency = object("b", &json!({}), &ready(status, 2, "r2"));
            for (gate, expected) in [(false, alone), (true, additive)] {
                let said = match check(&dependent, gate, Some(&dependency)) {
                    Ok(()) => String::new(),
                    Err(Unmet::Yet { message, .. }) => {
                        assert_ne!(expected, wrong, "{source}: {message}");
                        message
                    }
                    Err(Unmet::Invalid(message)) => {
                        assert_eq!(expected, wrong, "{source}: {message}");
                        message
                    }
                };
                assert!(said.starts_with(expected), "{source} {gate}: {said}");
                assert_eq!(
                    said.is_empty(),
                    expected.is_empty(),
                    "{source} {gate}: {said}"
                );
            }
        }
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
            let cycle = cycle(&ObjectKey::new("apps", name), false, |key| {
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

    #[test]
    fn a_dependency_that_an_expression_judges_closes_no_cycle() {
        let on = |name: &str, expression: &str| json!({"dependsOn": [{"name": name, "readyExpr": expression}]});
        let find = |expression: &str, additive| {
            let a = Arc::new(object("a", &on("b", ""), &json!({})));
            let b = Arc::new(object("b", &on("a", expression), &json!({})));
            let by_name = |key: &ObjectKey| match &*key.name {
                "a" => Some(Arc::clone(&a)),
                _ => Some(Arc::clone(&b)),
            };
            cycle(&ObjectKey::new("apps", "a"), additive, by_name).is_some()
        };
        assert!(find("", false));
        assert!(!find("true", false));
        assert!(find("true", true));
    }
}
