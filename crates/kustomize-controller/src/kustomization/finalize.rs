//! The end of a Kustomization.
//!
//! Its objects go or stay as the deletion policy says; then the finalizer goes. Waiting for objects to
//! terminate is a timer, not a worker. Source: kustomize-controller `finalize`.

use std::{collections::BTreeSet, time::Duration};

use api::{event::Severity, kustomize::kustomization::DeletionPolicy, meta::FINALIZER};
use apply::{inventory, prune::PruneAction};
use kube::ResourceExt;
use runtime::events::Audience;
use tokio::time::Instant;

use super::{
    act,
    reconcile::{Attempt, Failure, Next, Success},
};

/// The wait between two looks at objects that are to terminate.
const PAUSE: Duration = Duration::from_secs(2);

/// Deletes what is to be deleted and lets go.
pub(super) async fn finalize(attempt: &mut Attempt<'_>) -> Result<Success, Failure> {
    attempt.revision = attempt
        .status
        .last_applied_revision
        .clone()
        .unwrap_or_default();
    let spec = &attempt.object.spec;
    let policy = spec.deletion_policy.unwrap_or(DeletionPolicy::MirrorPrune);
    let delete = match policy {
        DeletionPolicy::MirrorPrune => spec.prune,
        DeletionPolicy::Delete | DeletionPolicy::WaitForTermination => true,
        DeletionPolicy::Orphan => false,
    };
    let entries = act::inventory_entries(&attempt.status);
    if delete && !spec.suspend && !entries.is_empty() {
        if attempt.notes.terminating.is_none() {
            let deleted = delete_all(attempt, entries).await?;
            if policy == DeletionPolicy::WaitForTermination {
                let deadline = Instant::now() + attempt.object.spec.effective_timeout();
                attempt.notes.terminating = Some((deleted, deadline));
            }
        }
        if let Some(waiting) = await_termination(attempt).await {
            return Ok(waiting);
        }
    }
    let mut finalizers = attempt.object.finalizers().to_vec();
    let held = finalizers.len();
    finalizers.retain(|finalizer| finalizer != FINALIZER);
    if finalizers.len() != held {
        match attempt.set_finalizers(&finalizers).await {
            Err(error) if !error.is_not_found() => return Err(Failure::api(&error)),
            _ => {}
        }
    }
    Ok(Success::Finalized)
}

async fn delete_all(
    attempt: &mut Attempt<'_>,
    entries: Vec<inventory::Entry>,
) -> Result<Vec<inventory::Entry>, Failure> {
    let applier = attempt.cx.applier(false);
    let owner = act::owner(attempt);
    let stale = inventory::stale(&entries, &[]);
    let plan = applier.plan_prune(&owner, stale, &BTreeSet::new()).await;
    let pruned = applier.prune(&plan).await;
    act::tell_pruned(attempt, &pruned);
    if let Some(message) = pruned.error() {
        let event = Some((
            Severity::Error,
            "pruning for deleted resource failed".to_owned(),
        ));
        return Err(Failure {
            event,
            next: Next::Backoff,
            ..Failure::new("PruneFailed", message)
        });
    }
    let deleted = |(entry, action): (inventory::Entry, PruneAction)| {
        (action == PruneAction::Deleted).then_some(entry)
    };
    Ok(pruned.done.into_iter().filter_map(deleted).collect())
}

/// Returns `Some` while objects are still there and there is time left.
async fn await_termination(attempt: &mut Attempt<'_>) -> Option<Success> {
    let (entries, deadline) = attempt.notes.terminating.take()?;
    let applier = attempt.cx.applier(false);
    let remaining = match applier.remaining(&entries).await {
        Ok(remaining) => remaining,
        Err(error) => {
            tracing::error!(error = %error, "cannot see whether objects have terminated");
            entries
        }
    };
    if remaining.is_empty() {
        return None;
    }
    if Instant::now() >= deadline {
        let text = "failed to wait for resources termination".to_owned();
        attempt.tell(Severity::Error, text, Audience::All, false);
        return None;
    }
    attempt.notes.terminating = Some((remaining, deadline));
    Some(Success::Waiting(PAUSE))
}
