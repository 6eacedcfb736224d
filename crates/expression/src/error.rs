//! Why an expression cannot be compiled, and why it has no value.

use crate::issue::Issues;

/// An expression cannot be used. Prints as Flux prints it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(transparent)]
pub struct CompileError(#[from] CompileErrorKind);

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CompileErrorKind {
    /// The syntax or the types are wrong.
    #[error("failed to parse the CEL expression '{expression}': {issues}")]
    Source {
        expression: Box<str>,
        issues: Issues,
    },
    /// The expression is right, but not of the type that was asked for.
    #[error("CEL expression output type mismatch: expected {expected}, got {got}")]
    Type { expected: &'static str, got: String },
    /// A part that does not depend on variables already fails.
    #[error("failed to create CEL program: {0}")]
    Program(String),
}

/// An expression has no value for these variables. Prints as Flux prints it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(transparent)]
pub struct EvaluateError(#[from] EvaluateErrorKind);

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum EvaluateErrorKind {
    #[error("failed to evaluate the CEL expression '{expression}': {reason}")]
    Failed {
        expression: Box<str>,
        reason: Box<str>,
    },
    #[error("failed to evaluate CEL expression as {wanted}: '{expression}'")]
    Type {
        expression: Box<str>,
        wanted: &'static str,
    },
}

impl CompileError {
    /// Whether the expression itself is right, and only its type is not what was asked for.
    pub fn is_type_mismatch(&self) -> bool {
        matches!(self.0, CompileErrorKind::Type { .. })
    }
}
