//! `spec.healthCheckExprs`: when objects of some kinds are healthy, in the user's words.
//!
//! An entry with a kind is stronger than one for its whole group; of an `apiVersion` only the group
//! counts. Source: fluxcd/pkg `runtime/cel/status_reader.go`, `status_evaluator.go` (0.110); RFC 0009.

use std::collections::BTreeMap;

use api::kustomize::kustomization::HealthCheckExpression;
use apply::health::{CustomStatus, Status, Verdict};
use expression::{CompileError, EvaluateError, Expression};
use serde_json::{Map, Value};

/// By group, then by kind; an empty kind stands for the whole group.
#[derive(Debug)]
pub(crate) struct HealthExpressions(BTreeMap<String, BTreeMap<String, Rule>>);

#[derive(Debug)]
struct Rule {
    in_progress: Option<Expression>,
    failed: Option<Expression>,
    current: Expression,
}

/// A health check that cannot be used. Complete when joined with its sources by `: `.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InvalidHealthCheck {
    /// Two for one kind.
    #[error("duplicate custom health check for GroupKind {group_kind} at healthchecks[{at}]")]
    Duplicate {
        /// The kind and its group.
        group_kind: String,
        /// The place of the second.
        at: usize,
    },
    /// Nothing says when an object is healthy.
    #[error(
        "failed to create custom status evaluator for healthchecks[{at}]: \
         expression Current not specified"
    )]
    NoCurrent {
        /// Its place.
        at: usize,
    },
    /// An expression is wrong.
    #[error(
        "failed to create custom status evaluator for healthchecks[{at}]: \
         failed to parse the expression {part}"
    )]
    Expression {
        /// The place of the check.
        at: usize,
        /// Which of its expressions.
        part: Status,
        /// What is wrong.
        #[source]
        error: CompileError,
    },
}

impl HealthExpressions {
    /// Compiles `checks`; `None` when there are none.
    ///
    /// # Errors
    /// With the first that is wrong.
    pub(crate) fn compile(
        checks: &[HealthCheckExpression],
    ) -> Result<Option<Self>, InvalidHealthCheck> {
        let mut groups: BTreeMap<String, BTreeMap<String, Rule>> = BTreeMap::new();
        for (at, check) in checks.iter().enumerate() {
            let group = group(&check.api_version);
            let kind = check.kind.as_deref().unwrap_or_default();
            let kinds = groups.entry(group.to_owned()).or_default();
            if kinds.contains_key(kind) {
                let group_kind = match group {
                    "" => kind.to_owned(),
                    group => format!("{kind}.{group}"),
                };
                return Err(InvalidHealthCheck::Duplicate { group_kind, at });
            }
            kinds.insert(kind.to_owned(), Rule::compile(at, check)?);
        }
        Ok((!groups.is_empty()).then_some(Self(groups)))
    }
}

impl CustomStatus for HealthExpressions {
    fn status(&self, object: &Value) -> Option<Verdict> {
        let fields = object.as_object()?;
        let text = |key: &str| fields.get(key).and_then(Value::as_str).unwrap_or_default();
        let kinds = self.0.get(group(text("apiVersion")))?;
        let rule = kinds.get(text("kind")).or_else(|| kinds.get(""))?;
        let verdict = rule.status(object, fields);
        Some(verdict.unwrap_or_else(|error| Verdict::unknown(error.to_string())))
    }
}

impl Rule {
    fn compile(at: usize, check: &HealthCheckExpression) -> Result<Self, InvalidHealthCheck> {
        let compile = |part, source: &str| {
            Expression::parse(source).map_err(|error| InvalidHealthCheck::Expression {
                at,
                part,
                error,
            })
        };
        let optional = |part, source: &Option<String>| match source.as_deref() {
            None | Some("") => Ok(None),
            Some(source) => compile(part, source).map(Some),
        };
        if check.current.is_empty() {
            return Err(InvalidHealthCheck::NoCurrent { at });
        }
        Ok(Self {
            current: compile(Status::Current, &check.current)?,
            failed: optional(Status::Failed, &check.failed)?,
            in_progress: optional(Status::InProgress, &check.in_progress)?,
        })
    }

    fn status(
        &self,
        object: &Value,
        fields: &Map<String, Value>,
    ) -> Result<Verdict, EvaluateError> {
        let number = |pointer: &str| object.pointer(pointer).and_then(Value::as_i64);
        let generations = number("/status/observedGeneration").zip(number("/metadata/generation"));
        if generations.is_some_and(|(observed, generation)| observed != generation) {
            return Ok(Verdict::new(Status::InProgress, ""));
        }
        let rules = [
            (self.in_progress.as_ref(), Status::InProgress),
            (self.failed.as_ref(), Status::Failed),
            (Some(&self.current), Status::Current),
        ];
        for (expression, status) in rules {
            if let Some(expression) = expression
                && expression.evaluate_bool(fields)?
            {
                return Ok(Verdict::new(status, ""));
            }
        }
        Ok(Verdict::new(Status::InProgress, ""))
    }
}

/// The group of an `apiVersion`; the core group when it is not one.
fn group(api_version: &str) -> &str {
    match api_version.split_once('/') {
        Some((group, version)) if !version.contains('/') => group,
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn compile(checks: &Value) -> Result<Option<HealthExpressions>, String> {
        let checks: Vec<HealthCheckExpression> = serde_json::from_value(checks.clone()).unwrap();
        HealthExpressions::compile(&checks).map_err(|error| runtime::log::chain(&error))
    }

    #[test]
    fn the_first_expression_that_holds_decides() {
        let checks = json!([{
            "apiVersion": "example.com/v1", "kind": "Database",
            "inProgress": "has(status.phase) && status.phase == 'Starting'",
            "failed": "has(status.phase) && status.phase in ['Lost', 'Starting']",
            "current": "status.phase == 'Running'",
        }]);
        let rules = compile(&checks).unwrap().unwrap();
        let cases = [
            (json!({"phase": "Running"}), Status::Current, None),
            (json!({"phase": "Lost"}), Status::Failed, None),
            (json!({"phase": "Starting"}), Status::InProgress, None),
            (json!({"phase": "Odd"}), Status::InProgress, None),
            (
                json!({"phase": "Running", "observedGeneration": 3}),
                Status::Current,
                None,
            ),
            (
                json!({"phase": "Running", "observedGeneration": 2}),
                Status::InProgress,
                None,
            ),
            (
                json!({"phase": "Running", "observedGeneration": "2"}),
                Status::Current,
                None,
            ),
            (
                json!({}),
                Status::Unknown,
                Some(
                    "failed to evaluate the CEL expression 'status.phase == 'Running'': \
                     no such key: phase",
                ),
            ),
        ];
        for (status, expected, error) in cases {
            let object = json!({
                "apiVersion": "example.com/v2", "kind": "Database",
                "metadata": {"generation": 3}, "status": status,
            });
            let verdict = rules.status(&object).unwrap();
            assert_eq!(
                (verdict.status, verdict.error.as_deref()),
                (expected, error),
                "{status}"
            );
        }
    }

    #[test]
    fn an_entry_with_a_kind_is_stronger_than_one_for_its_group() {
        let checks = json!([
            {"apiVersion": "example.com/v1", "current": "false"},
            {"apiVersion": "example.com/v1beta1", "kind": "A", "current": "true"},
            {"apiVersion": "v1", "kind": "ConfigMap", "current": "data.size() > 0"},
        ]);
        let rules = compile(&checks).unwrap().unwrap();
        let cases = [
            ("example.com/v1", "A", Some(Status::Current)),
            ("example.com/v1", "B", Some(Status::InProgress)),
            ("v1", "ConfigMap", Some(Status::Current)),
            ("v1", "Secret", None),
            ("other.example.com/v1", "A", None),
        ];
        for (api_version, kind, expected) in cases {
            let object = json!({"apiVersion": api_version, "kind": kind, "data": {"a": "b"}});
            let status = rules.status(&object).map(|verdict| verdict.status);
            assert_eq!(status, expected, "{api_version} {kind}");
        }
    }

    #[test]
    fn a_wrong_check_is_named_by_its_place() {
        let evaluator = "failed to create custom status evaluator for healthchecks";
        let parse = "failed to parse the expression";
        let cases = [
            (json!([]), String::new()),
            (
                json!([{"apiVersion": "v1", "kind": "Pod", "current": ""}]),
                format!("{evaluator}[0]: expression Current not specified"),
            ),
            (
                json!([
                    {"apiVersion": "v1", "kind": "Pod", "current": "true"},
                    {"apiVersion": "v1", "kind": "Service", "current": "true", "failed": "a."},
                ]),
                format!(
                    "{evaluator}[1]: {parse} Failed: failed to parse the CEL expression 'a.': "
                ),
            ),
            (
                json!([{"apiVersion": "v1", "current": "true", "inProgress": "("}]),
                format!("{evaluator}[0]: {parse} InProgress: "),
            ),
            (
                json!([
                    {"apiVersion": "apps/v1", "kind": "Deployment", "current": "true"},
                    {"apiVersion": "apps/v1beta1", "kind": "Deployment", "current": "true"},
                ]),
                "duplicate custom health check for GroupKind Deployment.apps at healthchecks[1]"
                    .to_owned(),
            ),
        ];
        for (checks, expected) in cases {
            let error = compile(&checks).err().unwrap_or_default();
            assert!(error.starts_with(&expected), "{checks}: {error}");
            assert_eq!(error.is_empty(), expected.is_empty(), "{checks}");
        }
    }

    #[test]
    fn what_is_no_condition_tells_nothing() {
        let checks = json!([{"apiVersion": "v1", "kind": "Pod", "current": "metadata.name"}]);
        let rules = compile(&checks).unwrap().unwrap();
        let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}});
        assert_eq!(
            rules
                .status(&pod)
                .and_then(|verdict| verdict.error)
                .as_deref(),
            Some("failed to evaluate CEL expression as boolean: 'metadata.name'")
        );
    }
}
