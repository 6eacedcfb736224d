//! What a run comes to: the final status, the events and when the next run is due. Pure.
//!
//! Source: source-controller internal/reconcile/{reconcile,summarize/processor}.go,
//! `gitrepository_controller.go`: `notify`.

use std::{collections::BTreeMap, time::Duration};

use api::{
    event::Severity,
    meta::{
        annotation::{SOURCE_DIGEST, SOURCE_REVISION},
        condition::{READY, STALLED},
        reason::{SUCCEEDED, source as reason},
    },
    source::{Artifact, GitRepository, GitRepositoryStatus},
};
use runtime::{
    controller::{Ending, jittered},
    events::Audience,
};

use super::{
    FAILURES, SUMMARY,
    draft::Draft,
    failure::{Failure, Next},
    plan::{self, Included},
};

/// How a run ended that did not fail.
#[derive(Debug)]
pub(super) enum Outcome {
    /// The object is left alone.
    Suspended,
    /// The artifact is what upstream and spec ask for.
    Unchanged,
    /// There is a new artifact.
    Stored {
        artifact: Box<Artifact>,
        /// The commit's subject.
        subject: String,
        includes: Vec<Included>,
    },
}

/// What to tell of the run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Note {
    pub(super) severity: Severity,
    pub(super) audience: Audience,
    pub(super) reason: &'static str,
    pub(super) message: String,
    pub(super) metadata: BTreeMap<String, String>,
}

/// The rest of the run.
#[derive(Debug)]
pub(super) struct Report {
    pub(super) notes: Vec<Note>,
    pub(super) ending: Ending,
    /// What to log as an error.
    pub(super) error: Option<String>,
}

/// When runs are due.
#[derive(Debug, Clone, Copy)]
pub(super) struct Schedule {
    /// The wait for an include.
    pub(super) requeue_dependency: Duration,
    /// Spread of intervals, in percent.
    pub(super) jitter: u8,
    /// A uniform random number in `0.0..1.0`.
    pub(super) unit: f64,
}

impl Note {
    /// Something for the API server only.
    pub(super) fn trace(reason: &'static str, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Info,
            audience: Audience::Cluster,
            reason,
            message: message.into(),
            metadata: BTreeMap::new(),
        }
    }

    /// Bad news for everybody.
    pub(super) fn warning(reason: &'static str, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            audience: Audience::All,
            ..Self::trace(reason, message)
        }
    }
}

/// Completes `draft`, which started from `held`, with the run's result.
pub(super) fn finish(
    draft: &mut Draft,
    held: &GitRepositoryStatus,
    object: &GitRepository,
    result: Result<Outcome, Failure>,
    schedule: Schedule,
) -> Report {
    draft.handled(object);
    let mut report = match result {
        Ok(Outcome::Suspended) => {
            draft.conditions.remove(STALLED);
            draft.conditions.set_retrying();
            if !draft.conditions.as_list().is_empty() {
                draft.observed();
            }
            SUMMARY.apply(&mut draft.conditions);
            return Report {
                notes: Vec::new(),
                ending: Ending::Done,
                error: None,
            };
        }
        Ok(outcome) => succeeded(draft, held, object, outcome, schedule),
        Err(failure) => failed(draft, &failure, schedule),
    };
    SUMMARY.apply(&mut draft.conditions);
    if matches!(report.ending, Ending::After(_) | Ending::Done)
        && report.error.is_none()
        && !draft.conditions.is_true(READY)
    {
        // Something that no step clears stands in the way; the next run may find it gone.
        let ready = draft.conditions.get(READY);
        report.error = ready.map(|ready| ready.message.clone());
        report.ending = Ending::Failed;
    }
    report
}

fn succeeded(
    draft: &mut Draft,
    held: &GitRepositoryStatus,
    object: &GitRepository,
    outcome: Outcome,
    schedule: Schedule,
) -> Report {
    let mut notes = Vec::new();
    let mut subject = None;
    if let Outcome::Stored {
        artifact,
        subject: first_line,
        includes,
    } = outcome
    {
        draft.stored(&object.spec, *artifact, &includes);
        subject = Some(first_line);
    } else {
        draft.unchanged();
        notes.extend(draft.status.artifact.as_ref().map(|artifact| {
            let revision = &artifact.revision;
            if plan::listed(&object.spec) {
                Note::trace(
                    reason::GIT_OPERATION_SUCCEEDED,
                    format!("no changes since last reconciliation: observed revision '{revision}'"),
                )
            } else {
                Note::trace(
                    reason::ARTIFACT_UP_TO_DATE,
                    format!("artifact up-to-date with remote revision: '{revision}'"),
                )
            }
        }));
    }
    notes.extend(news(draft, held, subject.as_deref()));
    draft.settle();
    draft.observed();
    let interval = Duration::from(object.spec.interval);
    let ending = if interval.is_zero() {
        Ending::Done
    } else {
        Ending::After(jittered(interval, schedule.jitter, schedule.unit))
    };
    Report {
        notes,
        ending,
        error: None,
    }
}

/// The event of a new artifact, or of a recovery.
fn news(draft: &Draft, held: &GitRepositoryStatus, subject: Option<&str>) -> Option<Note> {
    let artifact = draft.status.artifact.as_ref()?;
    let digest = held.artifact.as_ref().map(|artifact| &artifact.digest);
    let was_failed = held.conditions.iter().any(|condition| {
        FAILURES.contains(&condition.r#type.as_str())
            && condition.status == api::meta::ConditionStatus::True
    });
    let reason = if digest != Some(&artifact.digest) {
        reason::NEW_ARTIFACT
    } else if was_failed {
        SUCCEEDED
    } else {
        return None;
    };
    let commit = subject.unwrap_or(&artifact.revision);
    Some(Note {
        severity: Severity::Info,
        audience: Audience::All,
        reason,
        message: format!("stored artifact for commit '{commit}'"),
        metadata: BTreeMap::from([
            (SOURCE_REVISION.to_owned(), artifact.revision.clone()),
            (SOURCE_DIGEST.to_owned(), artifact.digest.clone()),
        ]),
    })
}

fn failed(draft: &mut Draft, failure: &Failure, schedule: Schedule) -> Report {
    draft.failed(failure);
    let message = failure.message();
    let warning = Note::warning(failure.reason(), message.clone());
    let (note, ending, error) = match failure.next() {
        Next::Stall => {
            draft
                .conditions
                .set_stalled(failure.reason(), message.clone());
            draft.observed();
            (warning, Ending::Done, Some(message))
        }
        Next::Wait => {
            draft.conditions.set_retrying();
            let note = Note::trace(failure.reason(), message);
            (note, Ending::Wait(schedule.requeue_dependency), None)
        }
        Next::Retry => {
            draft.conditions.set_retrying();
            (warning, Ending::Failed, Some(message))
        }
    };
    // A fault of the process is not the object's: Flux tells it by the log alone.
    let notes = match failure.condition() {
        Some(_) => vec![note],
        None => Vec::new(),
    };
    Report {
        notes,
        ending,
        error,
    }
}

#[cfg(test)]
mod tests;
