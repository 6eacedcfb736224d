//! Removing what left the inventory.
//!
//! Two steps, so that a guard can look at the whole before anything goes: [`Applier::plan_prune`]
//! reads the live objects and decides, [`Applier::prune`] deletes exactly what the plan names, by
//! uid. Both go in reverse apply order; every object is tried.
//!
//! An object is deleted only if it carries both owner labels and says nothing against it. One that
//! is gone counts as deleted; so does one whose kind is certainly not served any more, where Flux
//! fails for ever. One that the user may not even read is left if a witness with more rights does not
//! find it, or finds it without the labels: an apply that was refused leaves such ids in the inventory,
//! and they must not be in the way for ever. One that is in the new set under another name (its API group changed)
//! is neither deleted nor reported. Source: fluxcd/pkg `ssa/manager_delete.go`.

use std::{collections::BTreeSet, fmt, sync::Arc};

use runtime::client::{ApiError, DeleteOptions, Propagation, Reason, ResourceRef, Target};
use serde_json::Value;

use crate::{
    apply::{Applier, text},
    control,
    inventory::Entry,
    normalise::Owner,
    object::ObjectId,
};

/// What is to happen to each stale object, in the order in which it happens.
#[derive(Clone, Debug, Default)]
pub struct PrunePlan {
    /// The steps.
    pub steps: Vec<Step>,
}

/// One stale object and its fate.
#[derive(Clone, Debug)]
pub struct Step {
    /// The object.
    pub entry: Entry,
    /// Its fate.
    pub fate: Fate,
}

/// What is to happen to a stale object.
#[derive(Clone, Debug)]
pub enum Fate {
    /// It goes.
    Delete {
        /// Where it is served.
        resource: Arc<ResourceRef>,
        /// Which object: not one that takes its name meanwhile.
        uid: String,
    },
    /// It stays: somebody else's by its labels, or it says so itself.
    Skip,
    /// It is gone.
    Gone,
    /// It lives on under another id.
    Moved,
    /// Nobody knows: the server could not be asked.
    Unknown(ApiError),
}

impl PrunePlan {
    /// The objects that the plan deletes.
    pub fn deletions(&self) -> impl Iterator<Item = &Entry> {
        let doomed = |step: &&Step| matches!(step.fate, Fate::Delete { .. });
        self.steps.iter().filter(doomed).map(|step| &step.entry)
    }
}

/// What became of a stale object. Printed as Flux prints it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PruneAction {
    /// Its deletion was accepted, or it was gone.
    Deleted,
    /// It was left.
    Skipped,
}

impl fmt::Display for PruneAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Deleted => "deleted",
            Self::Skipped => "skipped",
        })
    }
}

/// A stale object could not be removed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum PruneError {
    /// The server could not say what the object is like.
    #[error("{id} query failed: {error}")]
    Query {
        /// The object.
        id: ObjectId,
        /// The server's answer.
        error: ApiError,
    },
    /// The server refused to delete it.
    #[error("{id} delete failed: {error}")]
    Delete {
        /// The object.
        id: ObjectId,
        /// The server's answer.
        error: ApiError,
    },
}

/// What a prune came to.
#[derive(Clone, Debug, Default)]
pub struct Pruned {
    /// What was deleted or skipped, in order.
    pub done: Vec<(Entry, PruneAction)>,
    /// What was neither, and must stay in the inventory to be tried again; in apply order.
    pub survivors: Vec<Entry>,
    /// Why, in order.
    pub errors: Vec<PruneError>,
}

impl Pruned {
    /// All errors as Flux joins them; `None` when there is none.
    pub fn error(&self) -> Option<String> {
        use fmt::Write;
        let mut text = String::from("delete failed, errors: ");
        for error in &self.errors {
            write!(text, "{error};").ok()?;
        }
        (!self.errors.is_empty()).then_some(text)
    }
}

impl Applier {
    /// Decides what becomes of `stale` (see [`crate::inventory::stale`]): one metadata GET per
    /// object, side by side.
    ///
    /// `kept` are the uids of the objects just applied; none of them is deleted whatever its id.
    pub async fn plan_prune(
        &self,
        owner: &Owner,
        stale: Vec<Entry>,
        kept: &BTreeSet<String>,
    ) -> PrunePlan {
        let fates = self
            .side_by_side(&stale, |entry| self.fate(owner, entry, kept))
            .await;
        let steps = stale
            .into_iter()
            .zip(fates)
            .map(|(entry, fate)| Step { entry, fate });
        PrunePlan {
            steps: steps.collect(),
        }
    }

    async fn fate(&self, owner: &Owner, entry: &Entry, kept: &BTreeSet<String>) -> Fate {
        let resource = match self.resource_of(entry).await {
            Ok(resource) => resource,
            Err(_) if self.mapper.is_absent(&entry.id.group, &entry.id.kind) => return Fate::Gone,
            Err(error) => return Fate::Unknown(error),
        };
        if resource.namespaced && entry.id.namespace.is_empty() {
            // Planned without a namespace and refused: no such object can exist.
            return Fate::Gone;
        }
        let target = resource.object(&entry.id.namespace, &entry.id.name);
        let live: Value = match self.client.get_metadata(target).await {
            Ok(live) => live,
            Err(error) if error.is_unserved() => {
                self.mapper.forget(&resource);
                return Fate::Unknown(error);
            }
            Err(error) if error.is_not_found() => return Fate::Gone,
            Err(error) if error.is(Reason::Forbidden) && !self.may_own(owner, target).await => {
                return Fate::Skip;
            }
            Err(error) => return Fate::Unknown(error),
        };
        let uid = text(&live, "/metadata/uid");
        if kept.contains(uid) {
            Fate::Moved
        } else if !owner.owns(&live) || control::is_kept(&live) {
            Fate::Skip
        } else {
            Fate::Delete {
                resource,
                uid: uid.to_owned(),
            }
        }
    }

    /// Whether an object that the user may not read can be the owner's.
    async fn may_own(&self, owner: &Owner, target: Target<'_>) -> bool {
        let Some(witness) = &self.options.witness else {
            return true;
        };
        match witness.get_metadata::<Value>(target).await {
            Ok(live) => owner.owns(&live),
            Err(error) => !error.is_not_found(),
        }
    }

    /// Deletes what `plan` names, one after another, in the background. It waits for nothing but the
    /// server's word.
    pub async fn prune(&self, plan: &PrunePlan) -> Pruned {
        let mut pruned = Pruned::default();
        for Step { entry, fate } in &plan.steps {
            let id = || entry.id.clone();
            let outcome = match fate {
                Fate::Delete { resource, uid } => match self.remove(entry, resource, uid).await {
                    Ok(()) => Ok(PruneAction::Deleted),
                    Err(error) => Err(PruneError::Delete { id: id(), error }),
                },
                Fate::Skip => Ok(PruneAction::Skipped),
                Fate::Gone => Ok(PruneAction::Deleted),
                Fate::Moved => continue,
                Fate::Unknown(error) => Err(PruneError::Query {
                    id: id(),
                    error: error.clone(),
                }),
            };
            match outcome {
                Ok(action) => pruned.done.push((entry.clone(), action)),
                Err(error) => {
                    pruned.errors.push(error);
                    pruned.survivors.push(entry.clone());
                }
            }
        }
        pruned.survivors.reverse();
        pruned
    }

    async fn remove(
        &self,
        entry: &Entry,
        resource: &ResourceRef,
        uid: &str,
    ) -> Result<(), ApiError> {
        let target = resource.object(&entry.id.namespace, &entry.id.name);
        let options = DeleteOptions {
            propagation: Some(Propagation::Background),
            uid: Some(uid),
            ..DeleteOptions::default()
        };
        match self.client.delete(target, options).await {
            Err(error) if error.is_not_found() => Ok(()),
            // Another object has its name by now: the one that was meant is gone.
            Err(error) if error.is_conflict() => {
                match self.client.get_metadata::<Value>(target).await {
                    Ok(live) if text(&live, "/metadata/uid") == uid => Err(error),
                    _ => Ok(()),
                }
            }
            answer => answer,
        }
    }

    /// Which of `entries` are still there, in their order: for `WaitForTermination`, asked by a timer
    /// rather than waited for.
    ///
    /// # Errors
    /// When the server cannot be asked about one of them.
    pub async fn remaining(&self, entries: &[Entry]) -> Result<Vec<Entry>, ApiError> {
        let found = self.side_by_side(entries, |entry| self.exists(entry)).await;
        let mut remaining = Vec::new();
        for (entry, found) in entries.iter().zip(found) {
            if found? {
                remaining.push(entry.clone());
            }
        }
        Ok(remaining)
    }

    async fn exists(&self, entry: &Entry) -> Result<bool, ApiError> {
        let resource = match self.resource_of(entry).await {
            Ok(resource) => resource,
            Err(error) if error.is_no_match() => return Ok(false),
            Err(error) => return Err(error),
        };
        let target = resource.object(&entry.id.namespace, &entry.id.name);
        match self.client.get_metadata::<Value>(target).await {
            Ok(_) => Ok(true),
            Err(error) if error.is_not_found() => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The resource of an inventory entry: in its own version, or, where that is not served any
    /// more, in the one that the server prefers.
    async fn resource_of(&self, entry: &Entry) -> Result<Arc<ResourceRef>, ApiError> {
        let gvk = runtime::client::GroupVersionKind {
            group: entry.id.group.clone(),
            version: entry.version.clone(),
            kind: entry.id.kind.clone(),
        };
        match self.mapper.resource(&gvk).await {
            Err(error) if error.is_no_match() => self
                .mapper
                .preferred(&gvk.group, &gvk.kind)
                .await
                .map_err(|_| error),
            answer => answer,
        }
    }
}
