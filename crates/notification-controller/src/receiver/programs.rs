//! The expressions of a receiver, compiled.
//!
//! Compiled once per generation, by the reconciler to tell what is wrong with them and by the webhook to use them.
//! Source: notification-controller `internal/server/{receiver_resource_filter,receiver_claims}.go`.

use api::notification::{
    ReceiverSpec, ReceiverType,
    receiver::{OidcProvider, OidcVariable},
};
use expression::{CompileError, Environment, EvaluateError, Expression, Type};
use serde_json::{Map, Value};

/// The claims of a verified token.
pub(crate) type Claims = Map<String, Value>;

/// Which objects are notified.
pub(crate) struct Filters {
    /// For all resources.
    all: Option<Expression>,
    /// For each resource of the spec, in its order.
    each: Vec<Option<Expression>>,
}

/// An expression of the spec that does not compile. The text is what users read in the condition.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InvalidFilter {
    #[error("invalid resourceFilter expression: {0}")]
    All(#[source] CompileError),
    #[error(
        "invalid filter expression for resources[{index}] (kind={kind:?}, name={name:?}): {error}"
    )]
    Resource {
        index: usize,
        kind: String,
        name: String,
        #[source]
        error: CompileError,
    },
}

/// What filters see, and what they decide on.
#[derive(Clone, Copy)]
pub(crate) struct Scene<'a> {
    /// The request's body.
    pub(crate) request: &'a Value,
    /// The claims of the token, for receivers that demand one.
    pub(crate) claims: Option<&'a Value>,
}

impl Filters {
    /// Compiles the filters of a spec.
    pub(crate) fn compile(spec: &ReceiverSpec) -> Result<Self, InvalidFilter> {
        let environment = if spec.receiver_type == ReceiverType::GenericOidc {
            Environment::new(&["res", "req", "claims"])
        } else {
            Environment::new(&["res", "req"])
        };
        let compile = |source: &Option<String>| match source.as_deref() {
            None | Some("") => Ok(None),
            Some(source) => Expression::compile(&environment, source, Type::Bool).map(Some),
        };
        let all = compile(&spec.resource_filter).map_err(InvalidFilter::All)?;
        let each = spec.resources.iter().enumerate().map(|(index, resource)| {
            compile(&resource.filter).map_err(|error| InvalidFilter::Resource {
                index,
                kind: resource.reference.kind.clone(),
                name: resource.reference.name.clone(),
                error,
            })
        });
        Ok(Self {
            each: each.collect::<Result<_, _>>()?,
            all,
        })
    }

    /// Whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.all.is_none() && self.each.iter().all(Option::is_none)
    }

    /// Whether the objects of the resource at `index` have to be looked at.
    pub(crate) fn concern(&self, index: usize) -> bool {
        self.all.is_some() || self.each.get(index).is_some_and(Option::is_some)
    }

    /// Whether an object of the resource at `index` is notified; `object` is its metadata.
    pub(crate) fn accept(
        &self,
        index: usize,
        object: &Value,
        scene: Scene<'_>,
    ) -> Result<bool, EvaluateError> {
        let mut variables = vec![("res", object), ("req", scene.request)];
        variables.extend(scene.claims.map(|claims| ("claims", claims)));
        let own = self.each.get(index).and_then(Option::as_ref);
        for filter in self.all.iter().chain(own) {
            if !filter.evaluate_bool(&variables)? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// The conditions on the claims of one issuer's tokens.
pub(crate) struct Rules {
    variables: Vec<(String, Expression)>,
    validations: Vec<(String, Expression)>,
}

/// An expression of a provider that does not compile.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InvalidRule {
    #[error("invalid expression for variable {name:?}: {error}")]
    Variable {
        name: String,
        #[source]
        error: CompileError,
    },
    #[error("invalid expression for validation {message:?}: {error}")]
    Validation {
        message: String,
        #[source]
        error: CompileError,
    },
}

/// Why claims are not accepted.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Rejected {
    #[error("failed to evaluate variable {name:?}: {error}")]
    Variable {
        name: String,
        #[source]
        error: EvaluateError,
    },
    #[error("failed to evaluate validation: {0}")]
    Validation(#[source] EvaluateError),
    #[error("token validation failed: {}", .0.join("; "))]
    Failed(Vec<String>),
}

impl Rules {
    /// Compiles the rules of a provider.
    pub(crate) fn compile(provider: &OidcProvider) -> Result<Self, InvalidRule> {
        let environment = Environment::new(&["claims", "vars"]);
        let variables = provider
            .variables
            .iter()
            .map(|OidcVariable { name, expression }| {
                match Expression::compile(&environment, expression, Type::Dynamic) {
                    Ok(compiled) => Ok((name.clone(), compiled)),
                    Err(error) => Err(InvalidRule::Variable {
                        name: name.clone(),
                        error,
                    }),
                }
            });
        let variables = variables.collect::<Result<_, _>>()?;
        let validations = provider.validations.iter().map(|validation| {
            let message = validation.message.clone();
            match Expression::compile(&environment, &validation.expression, Type::Bool) {
                Ok(compiled) => Ok((message, compiled)),
                Err(error) => Err(InvalidRule::Validation { message, error }),
            }
        });
        Ok(Self {
            variables,
            validations: validations.collect::<Result<_, _>>()?,
        })
    }

    /// Checks the claims of a verified token.
    pub(crate) fn check(&self, claims: &Value) -> Result<(), Rejected> {
        let mut variables = Value::Object(Map::new());
        for (name, expression) in &self.variables {
            let value = expression
                .evaluate(&[("claims", claims), ("vars", &variables)])
                .map_err(|error| Rejected::Variable {
                    name: name.clone(),
                    error,
                })?;
            if let Some(variables) = variables.as_object_mut() {
                variables.insert(name.clone(), value);
            }
        }
        let mut failed = Vec::new();
        for (message, expression) in &self.validations {
            let holds = expression
                .evaluate_bool(&[("claims", claims), ("vars", &variables)])
                .map_err(Rejected::Validation)?;
            if !holds {
                failed.push(message.clone());
            }
        }
        if failed.is_empty() {
            Ok(())
        } else {
            Err(Rejected::Failed(failed))
        }
    }
}
