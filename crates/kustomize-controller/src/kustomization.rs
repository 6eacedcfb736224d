//! The reconciler of `Kustomization`.
//!
//! [`reconcile`] is the table of contents. [`gate`], [`dependencies`] and [`plan`] decide without a
//! client; [`act`] and [`finalize`] use one, as the [`account`] of the object, and
//! [`post_build`] one as the controller; [`report`] turns what happened into status, events and the next run.

mod account;
mod act;
mod build;
mod dependencies;
mod finalize;
mod gate;
mod plan;
mod post_build;
mod reconcile;
mod report;

use std::sync::Arc;

use runtime::{
    ObjectKey,
    controller::{Ending, Name, Reconciler, Run},
};

use crate::context::Context;

/// What the controller is called in logs and metrics.
pub(crate) const NAME: Name = Name {
    controller: "kustomization",
    group: "kustomize.toolkit.fluxcd.io",
    kind: "Kustomization",
};

/// Reconciles Kustomizations.
pub(crate) struct KustomizationReconciler(pub(crate) Arc<Context>);

impl Reconciler for KustomizationReconciler {
    async fn reconcile(&self, key: &ObjectKey, _: Run) -> Ending {
        reconcile::reconcile(&self.0, key).await
    }
}
