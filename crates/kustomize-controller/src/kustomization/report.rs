//! What a run leaves behind: status, history, events, metrics, and the time of the next.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use api::{
    event::Severity,
    kustomize::status::HistoryEntry,
    meta::{Duration as GoDuration, reason},
};
use jiff::Timestamp;
use kube::ResourceExt;
use runtime::{
    conditions::kind::{READY, RECONCILING, STALLED},
    controller::Ending,
    events::{Audience, Event, inherited},
};

use super::reconcile::{Attempt, Failure, Next, Success};
use crate::{memory::Built, metrics::Work, watch};

/// Results that the history keeps.
const HISTORY: usize = 5;

impl Attempt<'_> {
    /// Moves the status to a revision that changes nothing that was read.
    pub(super) fn move_on(&mut self) -> Success {
        if let Some(built) = self.cx.memory.built(self.key) {
            let moved = Built {
                revision: self.revision.clone(),
                ..(*built).clone()
            };
            self.succeed(&moved.digest);
            self.cx.memory.set_built(self.key, Some(Arc::new(moved)));
        }
        Success::Moved
    }

    /// Notes in the status that everything of the revision is applied.
    pub(super) fn succeed(&mut self, digest: &str) {
        self.status.last_attempted_revision = Some(self.revision.clone());
        self.status.last_applied_revision = Some(self.revision.clone());
        self.status
            .last_applied_origin_revision
            .clone_from(&self.origin_revision);
        let message = format!("Applied revision: {}", self.revision);
        let reason = reason::kustomization::RECONCILIATION_SUCCEEDED;
        self.conditions.set_true(READY, reason, message);
        self.conditions.remove(STALLED);
        self.remember(digest, reason);
    }

    /// Writes a result into the history.
    pub(super) fn remember(&mut self, digest: &str, result: &str) {
        let mut metadata = BTreeMap::from([("revision".to_owned(), self.revision.clone())]);
        if let Some(origin) = &self.origin_revision {
            metadata.insert("originRevision".to_owned(), origin.clone());
        }
        let took = self.took();
        upsert(
            &mut self.status.history,
            digest,
            result,
            metadata,
            took,
            Timestamp::now(),
        );
    }

    pub(super) fn took(&self) -> Duration {
        let begun = self
            .notes
            .health
            .as_ref()
            .map_or(self.started, |wait| wait.run_started);
        begun.elapsed()
    }

    /// Reports the outcome and returns how the run ended.
    pub(super) async fn finish(mut self, outcome: Result<Success, Failure>) -> Ending {
        let ending = match outcome {
            Ok(success) => self.report_success(success).await,
            Err(failure) => self.report_failure(failure).await,
        };
        let labels = [super::NAME.kind, &*self.key.name, &*self.key.namespace];
        let durations = &self.cx.metrics.reconcile_duration;
        let gone = ending == Ending::Done && self.object.metadata.deletion_timestamp.is_some();
        if gone {
            // Without the series there is nothing to remove.
            drop(durations.remove_label_values(&labels));
            self.cx.memory.forget(self.key);
        } else {
            durations
                .with_label_values(&labels)
                .observe(self.started.elapsed().as_secs_f64());
            self.notes.held = self.held.end();
            self.cx.memory.put(self.key, self.notes);
        }
        ending
    }

    async fn report_success(&mut self, success: Success) -> Ending {
        if !matches!(success, Success::Parked(_) | Success::Finalized) {
            self.note_request();
        }
        if matches!(
            success,
            Success::Applied | Success::Moved | Success::Suspended
        ) && self.conditions.is_true(READY)
        {
            self.conditions.remove(RECONCILING);
            self.status.observed_generation = Some(self.generation());
        }
        let ending = match success {
            Success::Applied => {
                self.notes.failures = 0;
                self.notes.health = None;
                Ending::After(self.next_full())
            }
            Success::Moved => Ending::After(self.until_full()),
            Success::Rested(wait) | Success::Waiting(wait) => Ending::After(wait),
            Success::Parked(wait) => Ending::Wait(wait),
            Success::Suspended | Success::Finalized => Ending::Done,
        };
        if matches!(success, Success::Parked(_) | Success::Finalized) {
            return ending;
        }
        let took = GoDuration::from(rounded(self.took()));
        if let Err(error) = self.write().await {
            return Self::unwritten(&error);
        }
        if matches!(success, Success::Applied | Success::Moved) {
            self.count(&success);
            let next = self.object.spec.interval;
            let text = format!("Reconciliation finished in {took}, next run in {next}");
            let audience = match success {
                // Routine: hundreds of them follow each commit of a monorepo.
                Success::Moved => Audience::Receiver,
                _ => Audience::All,
            };
            tracing::info!(revision = self.revision, "{text}");
            self.tell(Severity::Info, text, audience, true);
        }
        ending
    }

    /// Counts the arrival at a revision, unless the Kustomization was there before.
    fn count(&self, success: &Success) {
        if self
            .object
            .status
            .as_ref()
            .is_some_and(|status| status.last_applied_revision.as_ref() == Some(&self.revision))
        {
            return;
        }
        let work = match success {
            Success::Moved => Work::Move,
            _ => Work::Apply,
        };
        let age = self
            .source
            .as_ref()
            .and_then(|source| self.cx.artifacts.age(source));
        if let Some(age) = age {
            self.cx.series.arrived(work, age);
        }
    }

    async fn report_failure(&mut self, failure: Failure) -> Ending {
        tracing::error!(
            reason = failure.reason,
            error = failure.message,
            "Reconciliation failed"
        );
        if failure.next == Next::Backoff {
            if let Some((severity, text)) = failure.event {
                self.tell(severity, text, Audience::All, false);
            }
            return Ending::Failed;
        }
        self.note_request();
        self.conditions
            .set_false(READY, failure.reason, failure.message.clone());
        match failure.next {
            Next::Stalled { observed, .. } => {
                self.conditions.set_stalled(failure.reason, failure.message);
                if observed {
                    self.status.observed_generation = Some(self.generation());
                }
            }
            _ => self.conditions.set_retrying(),
        }
        if let Err(error) = self.write().await {
            return Self::unwritten(&error);
        }
        if let Some((severity, text)) = failure.event {
            self.tell(severity, text, Audience::All, false);
        }
        match failure.next {
            Next::Retry => {
                self.notes.failures = self.notes.failures.saturating_add(1);
                let first = self.object.spec.effective_retry_interval();
                let longest = self.cx.config.max_retry_delay;
                Ending::After(backed_off(first, self.notes.failures, longest))
            }
            Next::After(wait) => Ending::After(wait),
            Next::Wait(wait) => Ending::Wait(wait),
            Next::Stalled { waits: true, .. } => Ending::Wait(self.object.spec.interval.to_std()),
            Next::Stalled { waits: false, .. } => Ending::FailedForGood,
            Next::Backoff => Ending::Failed,
        }
    }

    fn note_request(&mut self) {
        if let Some(request) = watch::request(&*self.object) {
            self.status.last_handled_reconcile_at = Some(request.to_owned());
        }
    }

    fn unwritten(error: &runtime::client::ApiError) -> Ending {
        if error.is_not_found() {
            return Ending::Done;
        }
        tracing::error!(error = %error, "status not written");
        Ending::Failed
    }

    fn until_full(&mut self) -> Duration {
        match self.notes.full_due {
            Some(due) => due.saturating_duration_since(tokio::time::Instant::now()),
            None => self.next_full(),
        }
    }

    /// Sends an event about the object, under the reason that Ready has now.
    pub(super) fn tell(
        &self,
        severity: Severity,
        message: String,
        audience: Audience,
        finished: bool,
    ) {
        let mut metadata = inherited(Some(self.object.annotations()));
        let mut put = |key: &str, value: &str| {
            if !value.is_empty() {
                metadata.insert(format!("{}/{key}", super::NAME.group), value.to_owned());
            }
        };
        put("revision", &self.revision);
        put(
            "originRevision",
            self.origin_revision.as_deref().unwrap_or_default(),
        );
        if finished {
            put("commit_status", "update");
        }
        let ready = self
            .conditions
            .get(READY)
            .map(|condition| condition.reason.as_str());
        let fallback = if severity == Severity::Error {
            "error"
        } else {
            "info"
        };
        self.cx.recorder.record(Event {
            object: self.reference(),
            severity,
            reason: ready.unwrap_or(fallback).to_owned(),
            message,
            metadata,
            audience,
        });
    }
}

/// The wait after the `failures`-th failure in a row: `first`, doubled each time, to `longest` at the
/// most, unless `first` is longer.
fn backed_off(first: Duration, failures: u32, longest: Duration) -> Duration {
    let factor = 2_u32.saturating_pow(failures.saturating_sub(1));
    first.saturating_mul(factor).min(longest.max(first))
}

/// Durations for people have whole milliseconds.
pub(super) fn rounded(duration: Duration) -> Duration {
    Duration::from_millis(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
}

/// Counts a result: it moves to the front if the history has it, else it is new there. Source:
/// fluxcd/pkg `apis/meta` `History.Upsert`.
fn upsert(
    history: &mut Vec<HistoryEntry>,
    digest: &str,
    result: &str,
    metadata: BTreeMap<String, String>,
    took: Duration,
    now: Timestamp,
) {
    let now = Timestamp::from_second(now.as_second()).unwrap_or(now);
    let same =
        |entry: &HistoryEntry| entry.digest == digest && entry.last_reconciled_status == result;
    let mut entry = match history.iter().position(same) {
        Some(at) => history.remove(at),
        None => HistoryEntry {
            digest: digest.to_owned(),
            first_reconciled: now,
            last_reconciled: now,
            last_reconciled_duration: GoDuration::default(),
            last_reconciled_status: result.to_owned(),
            metadata: BTreeMap::new(),
            total_reconciliations: 0,
        },
    };
    entry.last_reconciled = now;
    entry.last_reconciled_duration = took.into();
    entry.metadata = metadata;
    entry.total_reconciliations += 1;
    history.insert(0, entry);
    history.truncate(HISTORY);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retries_start_at_the_retry_interval_and_grow_to_the_limit() {
        let seconds = Duration::from_secs;
        let cases = [
            (60, 1, 900, 60),
            (60, 2, 900, 120),
            (60, 4, 900, 480),
            (60, 5, 900, 900),
            (60, 99, 900, 900),
            (3600, 3, 900, 3600),
        ];
        for (first, failures, longest, expected) in cases {
            let wait = backed_off(seconds(first), failures, seconds(longest));
            assert_eq!(wait, seconds(expected), "{first} {failures}");
        }
    }

    #[test]
    fn the_history_counts_results_and_forgets_the_oldest() {
        let mut history = Vec::new();
        let at = |second| Timestamp::from_second(second).unwrap();
        for (second, digest, result) in [
            (1, "a", "ReconciliationSucceeded"),
            (2, "b", "ReconciliationFailed"),
            (3, "a", "ReconciliationSucceeded"),
            (4, "a", "HealthCheckFailed"),
            (5, "c", "ReconciliationSucceeded"),
            (6, "d", "ReconciliationSucceeded"),
            (7, "e", "ReconciliationSucceeded"),
        ] {
            upsert(
                &mut history,
                digest,
                result,
                BTreeMap::new(),
                Duration::ZERO,
                at(second),
            );
        }
        let summary: Vec<_> = history
            .iter()
            .map(|entry| {
                let first = entry.first_reconciled.as_second();
                (entry.digest.as_str(), first, entry.total_reconciliations)
            })
            .collect();
        assert_eq!(
            summary,
            [
                ("e", 7, 1),
                ("d", 6, 1),
                ("c", 5, 1),
                ("a", 4, 1),
                ("a", 1, 2)
            ]
        );
    }
}
