//! A status in the making, and the events that go with it. Pure.
//!
//! `lastHandledReconcileAt` follows the annotation on every run, suspended or not. The generation counts as observed
//! when the receiver is ready or cannot become so.

use api::{
    event::Severity,
    meta::{
        annotation::RECONCILE_REQUEST,
        condition::{READY, RECONCILING, STALLED},
        reason::{FAILED, PROGRESSING_WITH_RETRY, SUCCEEDED},
    },
    notification::{Receiver, ReceiverStatus},
};
use jiff::Timestamp;
use kube::ResourceExt;
use runtime::{client::ApiError, conditions::Conditions, controller::Ending};

use super::validate::Invalid;

/// The reason while the token cannot be had.
const TOKEN_NOT_FOUND: &str = "TokenNotFound";

/// How a run went.
#[derive(Debug)]
pub(super) enum Verdict {
    /// The receiver answers under this path.
    Initialized(String),
    /// The spec cannot be done.
    Invalid(Invalid),
    /// There is no token.
    NoToken(NoToken),
    /// The receiver is left alone.
    Suspended,
}

/// Why there is no token. The text is what users read in the condition.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoToken {
    #[error("unable to read token from secret '{secret}' error: {error}")]
    Unreadable {
        secret: String,
        #[source]
        error: ApiError,
    },
    #[error("invalid '{0}' secret data: required fields 'token'")]
    Missing(String),
}

/// What to tell of the run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Note {
    pub(super) severity: Severity,
    pub(super) reason: &'static str,
    pub(super) message: String,
}

/// What a run comes to.
#[derive(Debug)]
pub(super) struct Report {
    pub(super) status: ReceiverStatus,
    pub(super) note: Option<Note>,
    pub(super) ending: Ending,
}

/// Makes the status that follows `held`, the event and the next due time of a run's verdict.
pub(super) fn finish(
    held: &ReceiverStatus,
    object: &Receiver,
    verdict: Verdict,
    now: Timestamp,
) -> Report {
    let mut status = held.clone();
    let generation = object.metadata.generation.unwrap_or_default();
    let list = std::mem::take(&mut status.conditions);
    let mut conditions = Conditions::new(list, generation, now);
    handled(&mut status, object);
    let (note, ending) = match verdict {
        Verdict::Initialized(path) => {
            let message = format!("Receiver initialized for path: {path}");
            conditions.remove(STALLED);
            conditions.set_true(READY, SUCCEEDED, message);
            status.webhook_path = Some(path);
            let interval = object.spec.interval();
            let note = Note {
                severity: Severity::Info,
                reason: SUCCEEDED,
                message: format!("Reconciliation finished, next run in {interval}"),
            };
            let ending = match interval.to_std() {
                interval if interval.is_zero() => Ending::Done,
                interval => Ending::After(interval),
            };
            (Some(note), ending)
        }
        Verdict::Invalid(invalid) => {
            let message =
                format!("Reconciliation failed terminally due to configuration error: {invalid}");
            conditions.set_false(READY, invalid.reason(), message.clone());
            conditions.set_stalled(invalid.reason(), message.clone());
            status.observed_generation = Some(generation);
            let note = Note {
                severity: Severity::Error,
                reason: invalid.reason(),
                message,
            };
            (Some(note), Ending::Done)
        }
        Verdict::NoToken(error) => {
            conditions.set_reconciling(PROGRESSING_WITH_RETRY, "Reconciliation in progress");
            conditions.set_false(READY, TOKEN_NOT_FOUND, error.to_string());
            status.webhook_path = None;
            let note = Note {
                severity: Severity::Error,
                reason: FAILED,
                message: error.to_string(),
            };
            (Some(note), Ending::Failed)
        }
        Verdict::Suspended => (None, Ending::Done),
    };
    if conditions.is_true(READY) {
        conditions.remove(RECONCILING);
        status.observed_generation = Some(generation);
    }
    status.conditions = conditions.into_list();
    Report {
        status,
        note,
        ending,
    }
}

/// Notes the request for a run that this run answers.
pub(super) fn handled(status: &mut ReceiverStatus, object: &Receiver) {
    if let Some(request) = object.annotations().get(RECONCILE_REQUEST) {
        status.last_handled_reconcile_at = Some(request.clone());
    }
}

#[cfg(test)]
mod tests;
