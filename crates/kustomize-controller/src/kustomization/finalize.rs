//! The end of a Kustomization.
//!
//! Its objects go or stay as the deletion policy says; then the finalizer goes. Waiting for objects to
//! terminate is a timer, not a worker. Without the account that they are deleted as, they are left; as
//! long as it is not certain that the account is gone, or an object cannot be deleted, the end is put
//! off and Ready says why. Source: kustomize-controller `finalize`, which says nothing in Ready, and
//! leaves the objects after any error about the account.

use std::{collections::BTreeSet, time::Duration};

use api::{
    event::Severity, kustomize::kustomization::DeletionPolicy,
    meta::reason::kustomization as result,
};
use apply::{inventory, prune::PruneAction};
use runtime::{conditions::kind::READY, events::Audience};
use tokio::time::Instant;

use super::{
    account::Account,
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
        if attempt.notes.terminating.is_some() {
            // The objects' deletion is asked for already.
        } else if let Some(account) = missing_account(attempt).await? {
            leave(attempt, &account, &entries).await;
        } else {
            let deleted = delete_all(attempt, entries).await?;
            if policy == DeletionPolicy::WaitForTermination {
                let deadline = Instant::now() + attempt.object.spec.effective_timeout();
                attempt.notes.terminating = Some((deleted, deadline));
            }
        }
        if let Some(waiting) = await_termination(attempt).await? {
            return Ok(waiting);
        }
    }
    match attempt.release_finalizer().await {
        Err(error) if !error.is_not_found() => Err(Failure::api(&error)),
        _ => Ok(Success::Finalized),
    }
}

/// The account that the objects are to be deleted as, if it is gone.
async fn missing_account(attempt: &mut Attempt<'_>) -> Result<Option<Account>, Failure> {
    let Some(account) = attempt.account() else {
        return Ok(None);
    };
    match account.exists(&attempt.cx.client).await {
        Ok(true) => Ok(None),
        Ok(false) => Ok(Some(account)),
        Err(error) => {
            let message = format!("unable to look up service account '{account}': {error}");
            Err(put_off(attempt, message, None).await)
        }
    }
}

/// Tells that the objects stay, because nobody is left to delete them.
async fn leave(attempt: &mut Attempt<'_>, account: &Account, entries: &[inventory::Entry]) {
    let objects: Vec<_> = entries.iter().map(|entry| entry.id.to_string()).collect();
    let text = format!("unable to prune objects: \n{}", objects.join("\n"));
    tracing::error!(account = %account, "service account not found, {text}");
    attempt.tell(Severity::Error, text.clone(), Audience::All, false);
    tell_ready(
        attempt,
        format!("service account '{account}' not found, {text}"),
    )
    .await;
}

/// Says in Ready what is in the way.
async fn tell_ready(attempt: &mut Attempt<'_>, message: String) {
    attempt
        .conditions
        .set_false(READY, result::PRUNE_FAILED, message);
    if let Err(error) = attempt.write().await {
        tracing::error!(error = %error, "status not written");
    }
}

/// The end comes later.
async fn put_off(
    attempt: &mut Attempt<'_>,
    message: String,
    event: Option<(Severity, String)>,
) -> Failure {
    tell_ready(attempt, message.clone()).await;
    Failure {
        event,
        next: Next::Backoff,
        ..Failure::new(result::PRUNE_FAILED, message)
    }
}

async fn delete_all(
    attempt: &mut Attempt<'_>,
    entries: Vec<inventory::Entry>,
) -> Result<Vec<inventory::Entry>, Failure> {
    let applier = attempt.applier(false)?;
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
        return Err(put_off(attempt, message, event).await);
    }
    let deleted = |(entry, action): (inventory::Entry, PruneAction)| {
        (action == PruneAction::Deleted).then_some(entry)
    };
    Ok(pruned.done.into_iter().filter_map(deleted).collect())
}

/// Returns `Some` while objects are still there and there is time left.
async fn await_termination(attempt: &mut Attempt<'_>) -> Result<Option<Success>, Failure> {
    let Some((entries, deadline)) = attempt.notes.terminating.take() else {
        return Ok(None);
    };
    let applier = attempt.applier(false)?;
    let remaining = match applier.remaining(&entries).await {
        Ok(remaining) => remaining,
        Err(error) => {
            tracing::error!(error = %error, "cannot see whether objects have terminated");
            entries
        }
    };
    if remaining.is_empty() {
        return Ok(None);
    }
    if Instant::now() >= deadline {
        let text = "failed to wait for resources termination".to_owned();
        attempt.tell(Severity::Error, text, Audience::All, false);
        return Ok(None);
    }
    attempt.notes.terminating = Some((remaining, deadline));
    Ok(Some(Success::Waiting(PAUSE)))
}
