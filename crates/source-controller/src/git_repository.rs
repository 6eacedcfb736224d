//! `GitRepository`: a commit of a Git repository becomes an artifact.
//!
//! A run is a row of phases: `observe` reads what the object refers to, `gate` decides whether there is anything to do,
//! `plan` what to ask the server for, `act` fetches and stores, `report` makes status, events and the next due time of
//! it. `gate`, `plan`, `report`, `credentials` and `archive`'s layout are pure.
//!
//! Source: source-controller `internal/controller/gitrepository_controller.go` (1.9).

mod act;
mod archive;
mod credentials;
mod draft;
mod failure;
mod finalize;
mod gate;
mod memory;
mod observe;
mod plan;
mod reconcile;
mod report;
mod session;
mod watch;

use api::meta::{condition, reason::source::condition as kind};
use runtime::controller::Name;

pub(crate) use self::act::prune_caches;
pub(crate) use self::memory::Memory;
pub(crate) use self::reconcile::GitRepositoryReconciler;
pub(crate) use self::watch::Watch;
use crate::summary::Summary;

/// What the controller is called.
pub(crate) const NAME: Name = Name {
    controller: "gitrepository",
    group: "source.toolkit.fluxcd.io",
    kind: "GitRepository",
};

/// What Ready sums up.
pub(crate) const SUMMARY: Summary = Summary {
    order: &[
        kind::STORAGE_OPERATION_FAILED,
        kind::FETCH_FAILED,
        kind::INCLUDE_UNAVAILABLE,
        kind::ARTIFACT_OUTDATED,
        kind::ARTIFACT_IN_STORAGE,
        kind::SOURCE_VERIFIED,
        condition::STALLED,
        condition::RECONCILING,
    ],
    negative: &[
        kind::STORAGE_OPERATION_FAILED,
        kind::FETCH_FAILED,
        kind::INCLUDE_UNAVAILABLE,
        kind::ARTIFACT_OUTDATED,
        condition::STALLED,
        condition::RECONCILING,
    ],
    bipolar: &[kind::SOURCE_VERIFIED],
};

/// Conditions that say that the last run failed.
const FAILURES: [&str; 3] = [
    kind::FETCH_FAILED,
    kind::INCLUDE_UNAVAILABLE,
    kind::STORAGE_OPERATION_FAILED,
];
