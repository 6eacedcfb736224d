//! `dependsOn[].readyExpr`: when a dependency is ready, in the user's words.
//!
//! The expression sees the Kustomization as `self` and the dependency as `dep`. Source:
//! kustomize-controller `evalReadyExpr`.

use api::kustomize::kustomization::Dependency;
use expression::{CompileError, Environment, Expression, Numbers, Type};
use serde_json::Value;

/// What decides whether one dependency is ready.
pub(crate) struct ReadyExpression(Result<Expression, CompileError>);

/// What an expression says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Ready {
    /// The dependency is ready.
    Yes,
    /// It is not.
    No,
    /// Nothing, for these objects, and why.
    Unknown(String),
    /// Nothing, whatever the objects, and why.
    Invalid(String),
}

impl ReadyExpression {
    /// Compiles the expression of `dependency`, if it has one.
    pub(crate) fn compile(dependency: &Dependency) -> Option<Self> {
        let source = dependency
            .ready_expr
            .as_deref()
            .filter(|source| !source.is_empty())?;
        let environment = Environment::new(&["self", "dep"]).with_numbers(Numbers::Integer);
        Some(Self(Expression::compile(&environment, source, Type::Bool)))
    }

    /// What it says of `dependency`, from the view of `own`.
    pub(crate) fn evaluate(&self, own: &Value, dependency: &Value) -> Ready {
        let expression = match &self.0 {
            Ok(expression) => expression,
            Err(error) => return Ready::Invalid(error.to_string()),
        };
        match expression.evaluate_bool(&[("self", own), ("dep", dependency)]) {
            Ok(true) => Ready::Yes,
            Ok(false) => Ready::No,
            Err(error) => Ready::Unknown(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn evaluate(source: &str) -> Option<Ready> {
        let dependency = Dependency {
            name: "b".into(),
            ready_expr: Some(source.into()),
            ..Dependency::default()
        };
        let own = json!({"metadata": {"labels": {"version": "2"}}, "status": {}});
        let dep = json!({"metadata": {"generation": 3, "labels": {"version": "2"}}, "spec": {}});
        ReadyExpression::compile(&dependency).map(|ready| ready.evaluate(&own, &dep))
    }

    #[test]
    fn an_expression_sees_both_objects_and_whole_numbers() {
        let same = "dep.metadata.labels.version == self.metadata.labels.version";
        let cases = [
            ("", None),
            (same, Some(Ready::Yes)),
            ("dep.metadata.generation % 2 == 0", Some(Ready::No)),
            ("type(dep.metadata.generation) == int", Some(Ready::Yes)),
            (
                "dep.spec.suspend == true",
                Some(Ready::Unknown(
                    "failed to evaluate the CEL expression 'dep.spec.suspend == true': \
                     no such key: suspend"
                        .into(),
                )),
            ),
        ];
        for (source, expected) in cases {
            assert_eq!(evaluate(source), expected, "{source}");
        }
    }

    #[test]
    fn what_can_never_be_told_is_invalid() {
        for source in ["dep.", "other.status.ready", "dep.metadata.name", "'yes'"] {
            let ready = evaluate(source);
            assert!(
                matches!(ready, Some(Ready::Invalid(_))),
                "{source}: {ready:?}"
            );
        }
    }
}
