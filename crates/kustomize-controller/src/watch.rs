//! What wakes whom.
//!
//! A Kustomization runs when its spec changed, when it is asked to, or when it is new; its own status
//! writes wake nobody but those that depend on it. A new artifact is downloaded first; then each user
//! of the source is queued by what the revision means to it.

use std::sync::Arc;

use api::{kustomize::Kustomization, meta::annotation::RECONCILE_REQUEST, source::GitRepository};
use kube::ResourceExt;
use queue::{Class, Queue};
use runtime::{ObjectKey, cache::Change, conditions::kind::READY};

use crate::{
    artifacts::{Artifacts, Fetch},
    configs::Config,
    context::Context,
    index::Index,
    memory::Memory,
};

/// The value of the annotation that asks for a run.
pub(crate) fn request(object: &impl ResourceExt) -> Option<&str> {
    object
        .annotations()
        .get(RECONCILE_REQUEST)
        .map(String::as_str)
}

/// Takes in a change of a Kustomization.
pub(crate) fn on_kustomization(
    change: &Change<Kustomization>,
    index: &Index,
    memory: &Memory,
    queue: &Queue<ObjectKey>,
) {
    let key = ObjectKey::of(&**change.latest());
    match change {
        Change::Added(object) => {
            index.update(&key, object);
            queue.add(key.clone(), class_when_listed(object));
        }
        Change::Updated { old, new } => {
            if asks_for_a_run(old, new) {
                index.update(&key, new);
                queue.add(key.clone(), Class::Urgent);
            }
            if !may_free_dependents(old, new) {
                for reader in index.readers(&key) {
                    queue.wake(&reader, Class::Urgent);
                }
                return;
            }
        }
        Change::Deleted(_) => {
            index.remove(&key);
            queue.forget(&key);
            memory.forget(&key);
        }
    }
    for dependent in index.dependents(&key) {
        queue.wake(&dependent, Class::Urgent);
    }
}

/// One that was reconciled before is not urgent when it is listed: nothing happened to it.
fn class_when_listed(object: &Kustomization) -> Class {
    let observed = object
        .status
        .as_ref()
        .and_then(|status| status.observed_generation);
    if observed.is_some() && observed == object.metadata.generation {
        Class::Interval
    } else {
        Class::Urgent
    }
}

fn asks_for_a_run(old: &Kustomization, new: &Kustomization) -> bool {
    old.metadata.generation != new.metadata.generation
        || request(old) != request(new)
        || old.metadata.deletion_timestamp != new.metadata.deletion_timestamp
}

fn may_free_dependents(old: &Kustomization, new: &Kustomization) -> bool {
    let state = |object: &Kustomization| {
        let status = object.status.as_ref()?;
        let ready = status
            .conditions
            .iter()
            .find(|c| c.r#type == READY)
            .map(|c| c.status);
        Some((
            ready,
            status.observed_generation,
            status.last_applied_revision.clone(),
        ))
    };
    old.metadata.generation != new.metadata.generation || state(old) != state(new)
}

/// Takes in a change of a ConfigMap or Secret.
pub(crate) fn on_config(config: &Config, index: &Index, queue: &Queue<ObjectKey>) {
    for user in index.config_users(config) {
        queue.add(user, Class::Urgent);
    }
}

/// Takes in a change of a source: a new artifact is fetched at once.
pub(crate) fn on_source(
    change: &Change<GitRepository>,
    artifacts: &Arc<Artifacts>,
    index: &Index,
    queue: &Queue<ObjectKey>,
) {
    let digest = |object: &GitRepository| {
        object
            .status
            .as_ref()?
            .artifact
            .as_ref()
            .map(|a| (a.revision.clone(), a.digest.clone()))
    };
    let (source, changed) = match change {
        Change::Added(new) => (new, true),
        Change::Updated { old, new } => (new, digest(old) != digest(new)),
        Change::Deleted(old) => {
            artifacts.forget(&ObjectKey::of(&**old));
            return;
        }
    };
    let key = ObjectKey::of(&**source);
    let artifact = source
        .status
        .as_ref()
        .and_then(|status| status.artifact.as_ref());
    let Some(artifact) = artifact.filter(|_| changed) else {
        return;
    };
    let users = index.users(&key);
    if users.is_empty() {
        return;
    }
    match artifacts.get(&key, artifact) {
        // The end of the download queues the users.
        Fetch::Pending => {}
        Fetch::Ready(_) | Fetch::Failed(_) => {
            for user in users {
                queue.add(user, Class::Urgent);
            }
        }
    }
}

/// Queues the users of `source` after a download has ended: those that read what has changed, and
/// those of which nothing is known, before those that only move their status on.
pub(crate) fn on_artifact(context: &Context, source: &ObjectKey) {
    let object = context.git_repositories.get(source);
    let artifact = object
        .as_ref()
        .and_then(|o| o.status.as_ref()?.artifact.as_ref());
    let snapshot = artifact.map(|artifact| context.artifacts.get(source, artifact));
    let Some((artifact, Fetch::Ready(snapshot))) = artifact.zip(snapshot) else {
        for user in context.index.users(source) {
            context.queue.add(user, Class::Urgent);
        }
        return;
    };
    for user in context.index.users(source) {
        let built = context.memory.built(&user).filter(|built| built.settled);
        match built {
            Some(built) if built.revision == artifact.revision => {
                if !built.read_set.unchanged_in(&snapshot) {
                    context.queue.add(user, Class::Urgent);
                }
            }
            Some(built) if built.read_set.unchanged_in(&snapshot) => {
                context.queue.add(user, Class::Move);
            }
            _ => context.queue.add(user, Class::Urgent),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn kustomization(metadata: &Value, status: &Value) -> Kustomization {
        let mut object = json!({
            "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
            "metadata": {"name": "a", "namespace": "n", "generation": 1},
            "spec": {
                "interval": "1m", "prune": true,
                "sourceRef": {"kind": "GitRepository", "name": "s"},
            },
            "status": status,
        });
        for (key, value) in metadata.as_object().unwrap() {
            object["metadata"][key] = value.clone();
        }
        serde_json::from_value(object).unwrap()
    }

    #[test]
    fn only_what_a_person_changes_asks_for_a_run() {
        let old = kustomization(&json!({}), &json!({}));
        let cases = [
            (json!({}), json!({"lastAppliedRevision": "x"}), false),
            (
                json!({"resourceVersion": "2", "labels": {"a": "b"}}),
                json!({}),
                false,
            ),
            (json!({"generation": 2}), json!({}), true),
            (
                json!({"annotations": {"reconcile.fluxcd.io/requestedAt": "t"}}),
                json!({}),
                true,
            ),
            (
                json!({"deletionTimestamp": "2026-01-01T00:00:00Z"}),
                json!({}),
                true,
            ),
        ];
        for (metadata, status, expected) in cases {
            let new = kustomization(&metadata, &status);
            assert_eq!(asks_for_a_run(&old, &new), expected, "{metadata} {status}");
        }
    }

    #[test]
    fn dependents_hear_of_revision_and_readiness_but_not_of_history() {
        let status = |revision: &str, count: i64| {
            json!({
                "lastAppliedRevision": revision,
                "history": [{
                    "digest": "d", "firstReconciled": "2026-01-01T00:00:00Z",
                    "lastReconciled": "2026-01-01T00:00:00Z", "lastReconciledDuration": "1s",
                    "lastReconciledStatus": "x", "totalReconciliations": count,
                }],
            })
        };
        let old = kustomization(&json!({}), &status("1", 1));
        assert!(!may_free_dependents(
            &old,
            &kustomization(&json!({}), &status("1", 2))
        ));
        assert!(may_free_dependents(
            &old,
            &kustomization(&json!({}), &status("2", 2))
        ));
    }
}
