//! What the controller remembers of each Kustomization between runs.
//!
//! All of it is lost with the process and rebuilt: it saves work, it decides nothing that the cluster
//! does not also tell.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use api::kustomize::KustomizationStatus;
use apply::health::HealthCheck;
use kustomize::ReadSet;
use runtime::{ObjectKey, held::Held};
use tokio::time::Instant;

use crate::{configs::Input, expressions::Expressions};

/// The last build that was applied, for comparison with the next revision.
#[derive(Clone)]
pub(crate) struct Built {
    /// The generation that it was built from.
    pub(crate) generation: i64,
    /// The revision that it was built from, or was found to be the same at.
    pub(crate) revision: String,
    /// Digest of the objects as YAML: the history's key.
    pub(crate) digest: String,
    /// What it read.
    pub(crate) read_set: Arc<ReadSet>,
    /// What its variables were taken from.
    pub(crate) inputs: Arc<[Input]>,
    /// Whether all of it is applied, pruned and healthy.
    pub(crate) settled: bool,
}

/// A health check under way.
pub(crate) struct HealthWait {
    pub(crate) check: HealthCheck,
    pub(crate) started: Instant,
    pub(crate) deadline: Instant,
    /// The wait before the next look; grows.
    pub(crate) pause: Duration,
    /// Whether the apply before changed something.
    pub(crate) changed: bool,
    /// When the run began that the wait belongs to.
    pub(crate) run_started: Instant,
}

/// What only the Kustomization's own runs look at.
#[derive(Default)]
pub(crate) struct Notes {
    /// Status writes that the cache may not show yet.
    pub(crate) held: Option<Held<KustomizationStatus>>,
    /// The objects as last applied.
    pub(crate) known: apply::State,
    /// When everything is to be verified again.
    pub(crate) full_due: Option<Instant>,
    /// Failed runs in a row.
    pub(crate) failures: u32,
    pub(crate) health: Option<HealthWait>,
    /// Those of the spec as last seen.
    pub(crate) expressions: Option<Arc<Expressions>>,
    /// Since when a dependency is only behind.
    pub(crate) behind_since: Option<Instant>,
    /// Objects whose end is awaited, and until when.
    pub(crate) terminating: Option<(Vec<apply::inventory::Entry>, Instant)>,
}

#[derive(Default)]
struct Slot {
    built: Option<Arc<Built>>,
    notes: Option<Notes>,
}

/// One slot per Kustomization.
#[derive(Default)]
pub(crate) struct Memory(Mutex<BTreeMap<ObjectKey, Slot>>);

impl Memory {
    /// Takes the notes of `key` for the time of a run. One key is never run twice at once, so they
    /// are there; after a panic they are lost, as after a restart.
    pub(crate) fn take(&self, key: &ObjectKey) -> Notes {
        self.lock()
            .entry(key.clone())
            .or_default()
            .notes
            .take()
            .unwrap_or_default()
    }

    /// Puts the notes back.
    pub(crate) fn put(&self, key: &ObjectKey, notes: Notes) {
        self.lock().entry(key.clone()).or_default().notes = Some(notes);
    }

    /// The last build of `key`.
    pub(crate) fn built(&self, key: &ObjectKey) -> Option<Arc<Built>> {
        self.lock().get(key).and_then(|slot| slot.built.clone())
    }

    /// Remembers, or with `None` forgets, the last build of `key`.
    pub(crate) fn set_built(&self, key: &ObjectKey, built: Option<Arc<Built>>) {
        self.lock().entry(key.clone()).or_default().built = built;
    }

    /// Forgets everything about `key`.
    pub(crate) fn forget(&self, key: &ObjectKey) {
        self.lock().remove(key);
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<ObjectKey, Slot>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
