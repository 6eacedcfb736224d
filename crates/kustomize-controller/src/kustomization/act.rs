//! Building, applying, pruning, checking health.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use api::{
    event::Severity,
    kustomize::{
        KustomizationStatus,
        status::{Inventory, InventoryEntry},
    },
    meta::{ConditionStatus, Duration as GoDuration, reason, reason::kustomization as result},
};
use apply::{
    Action, Applied, Mode, ObjectId, Owner,
    health::{HealthCheck, HealthTarget, Readiness},
    inventory::{self, Entry},
    prune::{PruneAction, Pruned},
    stage,
};
use jiff::Timestamp;
use runtime::{
    conditions::kind::READY,
    controller::{jittered, random_unit},
    events::Audience,
};
use snapshot::Snapshot;
use tokio::time::Instant;

use super::{
    build::{self, Prepared},
    reconcile::{Attempt, Failure, Success},
    report::rounded,
};
use crate::memory::{Built, HealthWait};

/// A run that takes longer than this tells what it is at.
const SLOW: Duration = Duration::from_secs(1);
/// The wait between two looks at the health of objects grows from here …
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// … to here. Source: Flux's fixed poll interval.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// The inventory of a status. An entry that cannot be read names no object and is left out.
pub(super) fn inventory_entries(status: &KustomizationStatus) -> Vec<Entry> {
    let entries = status
        .inventory
        .iter()
        .flat_map(|inventory| &inventory.entries);
    entries
        .filter_map(|entry| match ObjectId::from_inventory_id(&entry.id) {
            Ok(id) => Some(Entry {
                id,
                version: entry.v.clone(),
            }),
            Err(error) => {
                tracing::error!(error = %error, "unreadable inventory entry");
                None
            }
        })
        .collect()
}

fn inventory_of(entries: &[Entry]) -> Inventory {
    let entry = |entry: &Entry| InventoryEntry {
        id: entry.id.inventory_id(),
        v: entry.version.clone(),
    };
    Inventory {
        entries: entries.iter().map(entry).collect(),
    }
}

/// Builds after a restart. If the digest is that of the last success, what is applied is right until
/// the interval says to look again.
pub(super) async fn recover(
    attempt: &mut Attempt<'_>,
    snapshot: Snapshot,
) -> Result<Success, Failure> {
    let prepared = build(attempt, snapshot).await?;
    let Some(due) = applied_before(attempt, &prepared.digest) else {
        return apply(attempt, prepared, Mode::Full).await;
    };
    attempt.notes.full_due = Some(attempt.started + due);
    let moved = attempt.status.last_applied_revision.as_ref() != Some(&attempt.revision);
    attempt.cx.memory.set_built(
        attempt.key,
        Some(Arc::new(Built {
            generation: attempt.generation(),
            revision: attempt.revision.clone(),
            digest: prepared.digest,
            read_set: prepared.read_set,
            inputs: prepared.inputs,
            settled: true,
        })),
    );
    Ok(if moved {
        attempt.move_on()
    } else {
        attempt.take_back();
        Success::Rested(due)
    })
}

/// The time until everything is to be verified, if the last run applied exactly `digest`.
fn applied_before(attempt: &Attempt<'_>, digest: &str) -> Option<Duration> {
    let status = attempt.held.status();
    let last = status.history.first()?;
    let same = last.digest == digest
        && last.last_reconciled_status == result::RECONCILIATION_SUCCEEDED
        && status.observed_generation == Some(attempt.generation())
        && status.inventory.is_some()
        && status
            .conditions
            .iter()
            .any(|c| c.r#type == READY && c.status == ConditionStatus::True);
    if !same {
        return None;
    }
    let interval = attempt.object.spec.interval.into();
    let interval = jittered(interval, attempt.cx.config.jitter, random_unit());
    let since = Timestamp::now().duration_since(last.last_reconciled);
    let due = interval.checked_sub(Duration::try_from(since).unwrap_or_default())?;
    (!due.is_zero()).then_some(due)
}

/// Builds and applies.
pub(super) async fn build_and_apply(
    attempt: &mut Attempt<'_>,
    snapshot: Snapshot,
    mode: Mode,
) -> Result<Success, Failure> {
    let prepared = build(attempt, snapshot).await?;
    apply(attempt, prepared, mode).await
}

async fn build(attempt: &mut Attempt<'_>, snapshot: Snapshot) -> Result<Prepared, Failure> {
    let timeout = GoDuration::from(attempt.object.spec.effective_timeout());
    let revision = attempt.revision.clone();
    attempt.notes.health = None;
    attempt.progress(format!(
        "Building manifests for revision {revision} with a timeout of {timeout}"
    ));
    let prepared = build::build(attempt.cx, &attempt.object, snapshot).await;
    if prepared.is_err() {
        // Of a build that failed nothing is known, so that every new revision is tried.
        attempt.cx.memory.set_built(attempt.key, None);
    }
    let prepared = prepared.map_err(|error| match error {
        build::BuildError::Path(message) => Failure::new(result::ARTIFACT_FAILED, message),
        build::BuildError::Failed(message) => {
            attempt.status.last_attempted_revision = Some(revision.clone());
            Failure::new(result::BUILD_FAILED, message)
        }
    })?;
    attempt.status.last_attempted_revision = Some(revision.clone());
    attempt.progress(format!(
        "Detecting drift for revision {revision} with a timeout of {timeout}"
    ));
    Ok(prepared)
}

async fn apply(
    attempt: &mut Attempt<'_>,
    prepared: Prepared,
    mode: Mode,
) -> Result<Success, Failure> {
    let applier = attempt.applier(attempt.object.spec.force)?;
    let objects = applier.resolve(prepared.objects).await;
    let targets: Vec<_> = objects.iter().map(HealthTarget::of).collect();
    let old = inventory_entries(&attempt.status);
    let mut planned: Vec<_> = objects
        .iter()
        .map(|object| Entry {
            id: object.id().clone(),
            version: object.version().to_owned(),
        })
        .collect();
    planned.sort_by(|a, b| stage::order(&a.id, &b.id));
    let known: BTreeSet<_> = old.iter().map(|entry| &entry.id).collect();
    let new = planned.iter().any(|entry| !known.contains(&entry.id));
    if new {
        // What is about to exist is written down first, so that nothing can be leaked.
        attempt.status.inventory = Some(inventory_of(&inventory::union(&old, &planned)));
    }
    let last = attempt.held.status().history.first();
    if new || last.is_none_or(|entry| entry.digest != prepared.digest) {
        // Other content is announced before it is applied: a process that dies in between must not
        // leave a status that says Ready at the old content, which `recover` would believe.
        attempt.publish().await?;
    }

    attempt.cx.memory.set_built(
        attempt.key,
        Some(Arc::new(Built {
            generation: attempt.generation(),
            revision: attempt.revision.clone(),
            digest: prepared.digest.clone(),
            read_set: Arc::clone(&prepared.read_set),
            inputs: Arc::clone(&prepared.inputs),
            settled: false,
        })),
    );
    let state = std::mem::take(&mut attempt.notes.known);
    let applying = applier.apply(objects, &state, mode);
    let applied = Box::pin(publish_when_slow(attempt, applying)).await?;
    attempt.notes.known = state;
    let applied = match applied {
        Ok(applied) => applied,
        Err(failure) => {
            let log = change_log(&failure.done);
            learn(attempt, failure.done.into_iter().chain(failure.partial));
            let mut message = runtime::log::chain(&failure.error);
            if !log.is_empty() {
                message.push('\n');
                message.push_str(&log);
            }
            return Err(failed(
                attempt,
                &prepared.digest,
                result::RECONCILIATION_FAILED,
                message,
            ));
        }
    };
    for one in applied.iter().filter(|one| !one.dropped.is_empty()) {
        let fields = one.dropped.join(", ");
        tracing::error!(object = %one.id, fields, "the API server does not know these fields");
    }
    let log = change_log(&applied);
    if !log.is_empty() {
        tracing::info!(output = log, "server-side apply completed");
        attempt.tell(Severity::Info, log.clone(), Audience::All, false);
    }
    let entries: Vec<_> = applied.iter().map(Applied::entry).collect();
    let skipped: BTreeSet<_> = applied
        .iter()
        .filter(|one| one.action == Action::Skipped)
        .map(|one| one.id.clone())
        .collect();
    let kept: BTreeSet<_> = applied
        .iter()
        .filter_map(|one| one.known.as_ref().map(|known| known.uid.clone()))
        .collect();
    attempt.notes.known.clear();
    learn(attempt, applied.into_iter());
    attempt.status.inventory = Some(inventory_of(&entries));
    prune(attempt, &old, &entries, &kept, &prepared.digest).await?;

    let targets = health_targets(attempt, targets, &skipped).await;
    begin_health(attempt, targets, !log.is_empty(), &prepared.digest).await
}

/// Remembers the objects as they are now.
fn learn(attempt: &mut Attempt<'_>, applied: impl Iterator<Item = Applied>) {
    for one in applied {
        if let Some(known) = one.known {
            attempt.notes.known.insert(one.id, known);
        }
    }
}

/// Waits for `work`, and tells what the run is at if it takes long.
async fn publish_when_slow<T>(
    attempt: &mut Attempt<'_>,
    work: impl Future<Output = T>,
) -> Result<T, Failure> {
    let mut work = std::pin::pin!(work);
    if let Ok(done) = tokio::time::timeout(SLOW, &mut work).await {
        return Ok(done);
    }
    attempt.publish().await?;
    Ok(work.await)
}

fn change_log(applied: &[Applied]) -> String {
    let changed = |one: &&Applied| matches!(one.action, Action::Created | Action::Configured);
    let line = |one: &Applied| format!("{} {}", one.id, one.action);
    applied
        .iter()
        .filter(changed)
        .map(line)
        .collect::<Vec<_>>()
        .join("\n")
}

/// A failure of what was built: the history tells of it.
fn failed(
    attempt: &mut Attempt<'_>,
    digest: &str,
    reason: &'static str,
    message: String,
) -> Failure {
    attempt.remember(digest, reason);
    Failure::new(reason, message)
}

async fn prune(
    attempt: &mut Attempt<'_>,
    old: &[Entry],
    new: &[Entry],
    kept: &BTreeSet<String>,
    digest: &str,
) -> Result<(), Failure> {
    let stale = inventory::stale(old, new);
    if stale.is_empty() || !attempt.object.spec.prune {
        return Ok(());
    }
    let applier = attempt.applier(false)?;
    let owner = owner(attempt);
    let plan = applier.plan_prune(&owner, stale, kept).await;
    let pruned = applier.prune(&plan).await;
    tell_pruned(attempt, &pruned);
    if let Some(message) = pruned.error() {
        let entries: Vec<_> = new.iter().chain(&pruned.survivors).cloned().collect();
        attempt.status.inventory = Some(inventory_of(&entries));
        return Err(failed(attempt, digest, result::PRUNE_FAILED, message));
    }
    Ok(())
}

/// Tells what was deleted and what was left.
pub(super) fn tell_pruned(attempt: &Attempt<'_>, pruned: &Pruned) {
    let line = |(entry, action): &(Entry, PruneAction)| format!("{} {action}", entry.id);
    let lines: Vec<_> = pruned.done.iter().map(line).collect();
    if !lines.is_empty() {
        attempt.tell(Severity::Info, lines.join("\n"), Audience::All, false);
    }
}

/// Who the objects belong to.
pub(super) fn owner(attempt: &Attempt<'_>) -> Owner {
    Owner {
        namespace: attempt.key.namespace.to_string(),
        name: attempt.key.name.to_string(),
    }
}

/// The objects whose health counts: all that were applied, or those that the spec names.
async fn health_targets(
    attempt: &Attempt<'_>,
    applied: Vec<HealthTarget>,
    skipped: &BTreeSet<ObjectId>,
) -> Vec<HealthTarget> {
    let spec = &attempt.object.spec;
    let itself = |id: &ObjectId| {
        id.kind == super::NAME.kind
            && id.group == super::NAME.group
            && *id.namespace == *attempt.key.namespace
            && *id.name == *attempt.key.name
    };
    if spec.wait {
        let counts = |target: &HealthTarget| !skipped.contains(&target.id) && !itself(&target.id);
        return applied.into_iter().filter(counts).collect();
    }
    let mut targets = Vec::with_capacity(spec.health_checks.len());
    for check in &spec.health_checks {
        let api_version = check
            .api_version
            .as_deref()
            .filter(|version| !version.is_empty());
        let api_version = api_version.unwrap_or("apps/v1");
        let group = api_version.rsplit_once('/').map_or("", |(group, _)| group);
        let preferred = attempt.cx.mapper.preferred(group, &check.kind).await;
        let id = ObjectId {
            group: group.to_owned(),
            kind: check.kind.clone(),
            namespace: check.namespace.clone().unwrap_or_default(),
            name: check.name.clone(),
        };
        let version = preferred
            .map(|resource| resource.version.clone())
            .unwrap_or_default();
        targets.push(HealthTarget {
            id,
            version,
            expires: false,
        });
    }
    targets
}

async fn begin_health(
    attempt: &mut Attempt<'_>,
    targets: Vec<HealthTarget>,
    changed: bool,
    digest: &str,
) -> Result<Success, Failure> {
    if targets.is_empty() {
        if !attempt.object.spec.wait && attempt.object.spec.health_checks.is_empty() {
            attempt.conditions.remove(result::HEALTHY_CONDITION);
        }
        return Ok(settle(attempt, digest));
    }
    let now = Instant::now();
    attempt.notes.health = Some(HealthWait {
        check: HealthCheck::new(targets, attempt.custom_status()),
        started: now,
        deadline: now + attempt.object.spec.effective_timeout(),
        pause: FIRST_PAUSE,
        changed,
        run_started: attempt.started,
    });
    look(attempt, digest).await
}

/// Goes on with a health check, at a revision that may be newer and changes nothing here.
pub(super) async fn resume(attempt: &mut Attempt<'_>) -> Result<Success, Failure> {
    let Some(built) = attempt.cx.memory.built(attempt.key) else {
        attempt.notes.health = None;
        return Ok(Success::Rested(Duration::ZERO));
    };
    attempt.status.last_attempted_revision = Some(attempt.revision.clone());
    look(attempt, &built.digest).await
}

/// Looks at the health once.
async fn look(attempt: &mut Attempt<'_>, digest: &str) -> Result<Success, Failure> {
    let Some(mut wait) = attempt.notes.health.take() else {
        return Ok(settle(attempt, digest));
    };
    let applier = attempt.applier(false)?;
    let summary = wait.check.check_once(&applier).await;
    let took = GoDuration::from(rounded(wait.started.elapsed()));
    let fail_fast = attempt.cx.config.fail_fast;
    let failure = match summary.readiness(fail_fast) {
        Readiness::Ready => {
            let healthy = attempt.held.status().conditions.iter().any(|condition| {
                condition.r#type == result::HEALTHY_CONDITION
                    && condition.status == ConditionStatus::True
            });
            let newer =
                attempt.held.status().last_applied_revision.as_ref() != Some(&attempt.revision);
            let message = format!("Health check passed in {took}");
            attempt.conditions.set_true(
                result::HEALTHY_CONDITION,
                reason::SUCCEEDED,
                message.clone(),
            );
            if !healthy || (newer && wait.changed) {
                attempt.tell(Severity::Info, message, Audience::All, false);
            }
            let started = wait.run_started;
            let settled = settle(attempt, digest);
            attempt.started = started;
            return Ok(settled);
        }
        Readiness::Stalled => summary.stalled_message(),
        Readiness::Waiting if Instant::now() >= wait.deadline => summary.timeout_message(),
        Readiness::Waiting => {
            let timeout = GoDuration::from(attempt.object.spec.effective_timeout());
            let revision = &attempt.revision;
            let message = format!(
                "Running health checks for revision {revision} with a timeout of {timeout}"
            );
            attempt.progress(message.clone());
            attempt
                .conditions
                .set_unknown(result::HEALTHY_CONDITION, reason::PROGRESSING, message);
            attempt.conditions.set_unknown(
                READY,
                reason::PROGRESSING,
                "Reconciliation in progress",
            );
            let pause = wait.pause;
            wait.pause = (pause * 3 / 2).min(LONGEST_PAUSE);
            attempt.notes.health = Some(wait);
            return Ok(Success::Waiting(pause));
        }
    };
    attempt.conditions.set_false(
        result::HEALTHY_CONDITION,
        result::HEALTH_CHECK_FAILED,
        failure.clone(),
    );
    let message = format!("health check failed after {took}: {failure}");
    Err(failed(
        attempt,
        digest,
        result::HEALTH_CHECK_FAILED,
        message,
    ))
}

/// Everything of the build is applied and healthy.
fn settle(attempt: &mut Attempt<'_>, digest: &str) -> Success {
    attempt.succeed(digest);
    if let Some(built) = attempt.cx.memory.built(attempt.key) {
        let settled = Built {
            revision: attempt.revision.clone(),
            settled: true,
            ..(*built).clone()
        };
        attempt
            .cx
            .memory
            .set_built(attempt.key, Some(Arc::new(settled)));
    }
    Success::Applied
}
