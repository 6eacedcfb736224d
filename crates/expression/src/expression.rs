//! Compiling and running.

use std::fmt;

use serde_json::{Map, Value as Json};

use crate::budget::Budget;
use crate::check;
use crate::environment::{Environment, Numbers};
use crate::error::{CompileError, CompileErrorKind, EvaluateError, EvaluateErrorKind};
use crate::evaluate::Evaluation;
use crate::parse;
use crate::plan::{self, Plan};
use crate::static_type::StaticType;
use crate::value::{Value, to_json};

/// The static type that an expression must have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// A condition. A field of a variable is none, `field == true` is.
    Bool,
    /// A text. A field of a variable is none, `string(field)` is.
    String,
    /// Any.
    Dynamic,
}

/// An expression that is ready to run, on any thread and any number of times.
#[derive(Debug)]
pub struct Expression {
    source: Box<str>,
    plan: Plan,
    numbers: Numbers,
}

/// Where an evaluation finds its variables.
pub trait Variables {
    /// The value of the variable `name`, if there is one.
    fn get(&self, name: &str) -> Option<&Json>;
}

impl Expression {
    /// Compiles an expression against declared variables.
    ///
    /// # Errors
    /// With a syntax error, a name or function that is not declared, types that do not fit, another type than
    /// `result`, or a part without variables that fails, such as `int('a')` or an invalid pattern.
    ///
    /// Source: fluxcd/pkg `runtime/cel/expression.go`, `NewExpression` with `WithCompile` (0.110).
    pub fn compile(
        environment: &Environment,
        source: &str,
        result: Type,
    ) -> Result<Self, CompileError> {
        let in_source = |issues| CompileErrorKind::Source {
            expression: source.into(),
            issues,
        };
        let tree = parse::parse(source).map_err(in_source)?;
        let found = check::check(environment, source, &tree).map_err(in_source)?;
        let expected = match result {
            Type::Bool => Some((StaticType::Bool, "bool")),
            Type::String => Some((StaticType::String, "string")),
            Type::Dynamic => None,
        };
        if let Some((_, expected)) = expected.filter(|(expected, _)| *expected != found) {
            return Err(CompileErrorKind::Type {
                expected,
                got: found.long_name(),
            }
            .into());
        }
        let plan = plan::build(Some(environment), &tree).map_err(CompileErrorKind::Program)?;
        Ok(Self {
            source: source.into(),
            plan,
            numbers: environment.numbers(),
        })
    }

    /// Parses an expression whose variables are known only when it runs, such as the top-level fields of any
    /// Kubernetes object. Nothing is declared and no types are checked; numbers are [`Numbers::Integer`].
    ///
    /// # Errors
    /// With a syntax error, or a part without variables that fails.
    ///
    /// Source: fluxcd/pkg `runtime/cel/status_evaluator.go` (0.110).
    pub fn parse(source: &str) -> Result<Self, CompileError> {
        let tree = parse::parse(source).map_err(|issues| CompileErrorKind::Source {
            expression: source.into(),
            issues,
        })?;
        Ok(Self {
            source: source.into(),
            plan: plan::build(None, &tree).map_err(CompileErrorKind::Program)?,
            numbers: Numbers::Integer,
        })
    }

    /// Calculates the value. Bytes come in base64, moments as RFC 3339, spans in seconds (`3.5s`), types by name; an
    /// optional is its value or null.
    ///
    /// # Errors
    /// If a field is missing, a function does not take its arguments or fails, the result is a number that JSON
    /// does not have or is nested too deep, or the evaluation becomes too expensive.
    pub fn evaluate<V: Variables>(&self, variables: &V) -> Result<Json, EvaluateError> {
        let mut budget = Budget::new();
        let value = self.run(variables, &mut budget)?;
        to_json(&mut budget, &value).map_err(|failure| self.failed(&failure.to_string()))
    }

    /// Calculates a condition.
    ///
    /// # Errors
    /// As [`Self::evaluate`], and if the value is none.
    pub fn evaluate_bool<V: Variables>(&self, variables: &V) -> Result<bool, EvaluateError> {
        match self.run(variables, &mut Budget::new())? {
            Value::Bool(truth) => Ok(truth),
            _ => Err(self.wrong_type("boolean")),
        }
    }

    /// Calculates a text.
    ///
    /// # Errors
    /// As [`Self::evaluate`], and if the value is none.
    pub fn evaluate_string<V: Variables>(&self, variables: &V) -> Result<String, EvaluateError> {
        match self.run(variables, &mut Budget::new())? {
            Value::String(text) => Ok(text.to_string()),
            _ => Err(self.wrong_type("string")),
        }
    }

    fn run<'a>(
        &'a self,
        variables: &'a dyn Variables,
        budget: &mut Budget,
    ) -> Result<Value<'a>, EvaluateError> {
        Evaluation::run(&self.plan, variables, self.numbers, budget)
            .map_err(|failure| self.failed(&failure.to_string()))
    }

    fn failed(&self, reason: &str) -> EvaluateError {
        EvaluateErrorKind::Failed {
            expression: self.source.clone(),
            reason: reason.into(),
        }
        .into()
    }

    fn wrong_type(&self, wanted: &'static str) -> EvaluateError {
        EvaluateErrorKind::Type {
            expression: self.source.clone(),
            wanted,
        }
        .into()
    }
}

impl fmt::Display for Expression {
    /// The source.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.source)
    }
}

impl<const N: usize> Variables for [(&str, &Json); N] {
    fn get(&self, name: &str) -> Option<&Json> {
        find(self, name)
    }
}

impl Variables for &[(&str, &Json)] {
    fn get(&self, name: &str) -> Option<&Json> {
        find(self, name)
    }
}

impl Variables for Vec<(&str, &Json)> {
    fn get(&self, name: &str) -> Option<&Json> {
        find(self, name)
    }
}

/// The fields of an object.
impl Variables for Map<String, Json> {
    fn get(&self, name: &str) -> Option<&Json> {
        Self::get(self, name)
    }
}

fn find<'v>(variables: &[(&str, &'v Json)], name: &str) -> Option<&'v Json> {
    let mut variables = variables.iter();
    variables
        .find(|(other, _)| *other == name)
        .map(|(_, value)| *value)
}
