//! The expressions of a Kustomization, compiled once per generation.
//!
//! `healthCheckExprs` are parsed only, because an object of any kind may have any fields at its top;
//! `readyExpr` sees two Kustomizations and is checked against them. Numbers are integers in both, as
//! in Kubernetes' objects. Source: fluxcd/pkg `runtime/cel` (0.110), kustomize-controller
//! `evalReadyExpr`.

mod health;
mod ready;

use std::sync::Arc;

use api::kustomize::Kustomization;

pub(crate) use health::{HealthExpressions, InvalidHealthCheck};
pub(crate) use ready::{Ready, ReadyExpression};

/// What a generation's expressions compile to.
pub(crate) struct Expressions {
    uid: Option<String>,
    generation: Option<i64>,
    health: Result<Option<Arc<HealthExpressions>>, InvalidHealthCheck>,
    ready: Vec<Option<ReadyExpression>>,
}

impl Expressions {
    /// Compiles those of `object`.
    pub(crate) fn compile(object: &Kustomization) -> Self {
        let dependencies = object.spec.depends_on.iter();
        Self {
            uid: object.metadata.uid.clone(),
            generation: object.metadata.generation,
            health: HealthExpressions::compile(&object.spec.health_check_exprs)
                .map(|health| health.map(Arc::new)),
            ready: dependencies.map(ReadyExpression::compile).collect(),
        }
    }

    /// Whether they are those of `object` as it is now.
    pub(crate) fn are_of(&self, object: &Kustomization) -> bool {
        self.uid == object.metadata.uid && self.generation == object.metadata.generation
    }

    /// The user's own health checks, if there are any.
    ///
    /// # Errors
    /// When one cannot be compiled.
    pub(crate) fn health(&self) -> Result<Option<Arc<HealthExpressions>>, &InvalidHealthCheck> {
        self.health.as_ref().map(Clone::clone)
    }

    /// For each of `dependsOn`, in its order, what decides whether it is ready, if the user says so.
    pub(crate) fn ready(&self) -> &[Option<ReadyExpression>] {
        &self.ready
    }
}
