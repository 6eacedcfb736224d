//! What an expression can see.

/// The variables that expressions are compiled against.
///
/// Each is a JSON object whose fields have no static type, which is how Flux declares them
/// (`google.protobuf.Struct`). Beside the standard functions there are those for optionals, strings, sets
/// and base64; Kubernetes' own libraries are not there.
///
/// ```
/// use expression::{Environment, Expression, Type};
///
/// let environment = Environment::new(&["req", "res"]);
/// let filter = Expression::compile(&environment, "req.tag == res.metadata.name", Type::Bool)?;
/// let (req, res) = (serde_json::json!({"tag": "v1"}), serde_json::json!({"metadata": {"name": "v1"}}));
/// assert_eq!(filter.evaluate_bool(&[("req", &req), ("res", &res)]), Ok(true));
/// # Ok::<(), expression::CompileError>(())
/// ```
///
/// Source: fluxcd/pkg `runtime/cel/expression.go` (0.110).
#[derive(Clone, Debug)]
pub struct Environment {
    variables: Vec<String>,
    numbers: Numbers,
}

/// What a JSON number becomes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Numbers {
    /// Always a `double`, as where Flux decodes a text with `encoding/json`: webhook bodies, events, claims.
    #[default]
    Double,
    /// An `int` where it is whole and fits, as in Kubernetes' unstructured objects.
    Integer,
}

impl Environment {
    /// Declares `variables`; their numbers are doubles.
    pub fn new(variables: &[&str]) -> Self {
        Self {
            variables: variables.iter().map(|&name| name.to_owned()).collect(),
            numbers: Numbers::default(),
        }
    }

    /// The same variables with other numbers.
    #[must_use]
    pub fn with_numbers(mut self, numbers: Numbers) -> Self {
        self.numbers = numbers;
        self
    }

    pub(crate) fn declares(&self, name: &str) -> bool {
        self.variables.iter().any(|variable| variable == name)
    }

    pub(crate) const fn numbers(&self) -> Numbers {
        self.numbers
    }
}
