//! What wakes whom.
//!
//! A repository runs when its spec changes, when a run is asked for, and when an artifact that it includes changes.
//! Our own status writes wake nobody else. Repositories that include each other are left to their intervals, as all are
//! in Flux.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError},
};

use api::{meta::annotation::RECONCILE_REQUEST, source::GitRepository};
use kube::ResourceExt;
use queue::{Class, Queue};
use runtime::{ObjectKey, cache::Change};

/// Turns changes into work.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    /// Who includes a repository.
    includers: Mutex<BTreeMap<ObjectKey, BTreeSet<ObjectKey>>>,
}

impl Watch {
    /// Queues whoever a change concerns.
    pub(crate) fn on_change(&self, change: &Change<GitRepository>, queue: &Queue<ObjectKey>) {
        for (key, class) in self.concerned(change) {
            queue.add(key, class);
        }
        if let Change::Deleted(object) = change {
            queue.forget(&ObjectKey::of(&**object));
        }
    }

    /// The objects to run, and how urgently.
    fn concerned(&self, change: &Change<GitRepository>) -> Vec<(ObjectKey, Class)> {
        let key = ObjectKey::of(&**change.latest());
        let mut concerned = Vec::new();
        let mut includers = self
            .includers
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        match change {
            Change::Added(object) => {
                link(&mut includers, &key, object);
                concerned.push((key.clone(), first(object)));
            }
            Change::Updated { old, new } => {
                if old.spec.include != new.spec.include {
                    unlink(&mut includers, &key, old);
                    link(&mut includers, &key, new);
                }
                if relevant(old, new) {
                    concerned.push((key.clone(), Class::Urgent));
                }
            }
            Change::Deleted(object) => unlink(&mut includers, &key, object),
        }
        if new_artifact(change) {
            // Around a circle of includes each artifact would be news for the next, without end.
            let waiting = includers.get(&key).into_iter().flatten();
            concerned.extend(
                waiting
                    .filter(|includer| !reaches(&includers, includer, &key))
                    .map(|includer| (includer.clone(), Class::Urgent)),
            );
        }
        concerned
    }
}

/// How urgent an object is that was not known before: one that is up to date, as all are at a restart, can wait.
fn first(object: &GitRepository) -> Class {
    let status = object.status.as_ref();
    let observed = status.and_then(|status| status.observed_generation);
    let handled = status.and_then(|status| status.last_handled_reconcile_at.as_ref());
    if observed == object.metadata.generation && handled == requested(object) {
        Class::Interval
    } else {
        Class::Urgent
    }
}

/// Whether a change asks for a run.
fn relevant(old: &GitRepository, new: &GitRepository) -> bool {
    old.uid() != new.uid()
        || old.metadata.generation != new.metadata.generation
        || old.metadata.deletion_timestamp.is_some() != new.metadata.deletion_timestamp.is_some()
        || (requested(new).is_some() && requested(old) != requested(new))
}

/// Whether includers have something new to take.
fn new_artifact(change: &Change<GitRepository>) -> bool {
    let digest = |object: &Arc<GitRepository>| {
        let artifact = object.status.as_ref()?.artifact.as_ref()?;
        Some((artifact.revision.clone(), artifact.digest.clone()))
    };
    match change {
        Change::Added(object) => digest(object).is_some(),
        Change::Updated { old, new } => digest(new).is_some() && digest(old) != digest(new),
        Change::Deleted(_) => false,
    }
}

fn requested(object: &GitRepository) -> Option<&String> {
    object.annotations().get(RECONCILE_REQUEST)
}

type Includers = BTreeMap<ObjectKey, BTreeSet<ObjectKey>>;

fn included(object: &GitRepository) -> impl Iterator<Item = ObjectKey> {
    let namespace = object.namespace().unwrap_or_default();
    object
        .spec
        .include
        .iter()
        .map(move |include| ObjectKey::new(&namespace, &include.repository.name))
}

/// Whether `to` includes `from`, at whatever remove.
fn reaches(includers: &Includers, from: &ObjectKey, to: &ObjectKey) -> bool {
    let mut seen = BTreeSet::from([from]);
    let mut next = vec![from];
    while let Some(key) = next.pop() {
        if key == to {
            return true;
        }
        let above = includers.get(key).into_iter().flatten();
        next.extend(above.filter(|key| seen.insert(key)));
    }
    false
}

fn link(includers: &mut Includers, key: &ObjectKey, object: &GitRepository) {
    for source in included(object) {
        includers.entry(source).or_default().insert(key.clone());
    }
}

fn unlink(includers: &mut Includers, key: &ObjectKey, object: &GitRepository) {
    for source in included(object) {
        if let Some(set) = includers.get_mut(&source) {
            set.remove(key);
            if set.is_empty() {
                includers.remove(&source);
            }
        }
    }
}

#[cfg(test)]
mod tests;
