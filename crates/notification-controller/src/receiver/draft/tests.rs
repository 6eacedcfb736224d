//! The life of a receiver, verdict by verdict.

use std::time::Duration;

use api::meta::Condition;
use serde_json::{Value, json};

use super::*;

fn receiver(change: &Value) -> Receiver {
    let mut object = json!({
        "apiVersion": "notification.toolkit.fluxcd.io/v1", "kind": "Receiver",
        "metadata": { "name": "hooks", "namespace": "apps", "generation": 2 },
        "spec": { "type": "generic", "resources": [], "secretRef": { "name": "s" } },
    });
    json_merge(&mut object, change);
    serde_json::from_value(object).expect("receiver")
}

fn json_merge(into: &mut Value, change: &Value) {
    for (key, value) in change.as_object().into_iter().flatten() {
        if value.is_object() {
            json_merge(&mut into[key], value);
        } else {
            into[key] = value.clone();
        }
    }
}

fn no_token() -> Verdict {
    Verdict::NoToken(NoToken::Unreadable {
        secret: "apps/s".into(),
        error: ApiError::status(404, "NotFound", "secrets \"s\" not found"),
    })
}

fn lines(conditions: &[Condition]) -> Vec<String> {
    let line = |c: &Condition| format!("{} {:?} {}: {}", c.r#type, c.status, c.reason, c.message);
    conditions.iter().map(line).collect()
}

/// A verdict, and what it comes to: conditions, path, observed generation, ending, and the event.
type Step<'a> = (
    Verdict,
    &'a [&'a str],
    Option<&'a str>,
    i64,
    Ending,
    Option<(&'a str, &'a str)>,
);

#[test]
fn a_receiver_goes_from_verdict_to_verdict() {
    let terminal = "Reconciliation failed terminally due to configuration error: secretRef is required when type is not \
                    generic-oidc";
    let missing = "unable to read token from secret 'apps/s' error: secrets \"s\" not found";
    let ready = "Ready True Succeeded: Receiver initialized for path: /hook/1";
    let mut held = ReceiverStatus {
        observed_generation: Some(-1),
        ..ReceiverStatus::default()
    };
    let after = Ending::After(Duration::from_mins(10));
    let steps: [Step<'_>; 6] = [
        (
            no_token(),
            &[
                "Reconciling True ProgressingWithRetry: Reconciliation in progress",
                &format!("Ready False TokenNotFound: {missing}"),
            ],
            None,
            -1,
            Ending::Failed,
            Some(("Failed", missing)),
        ),
        (
            Verdict::Initialized("/hook/1".into()),
            &[ready],
            Some("/hook/1"),
            2,
            after,
            Some(("Succeeded", "Reconciliation finished, next run in 10m0s")),
        ),
        (
            Verdict::Suspended,
            &[ready],
            Some("/hook/1"),
            2,
            Ending::Done,
            None,
        ),
        (
            Verdict::Invalid(Invalid::NoSecretRef),
            &[
                &format!("Stalled True ValidationFailed: {terminal}"),
                &format!("Ready False ValidationFailed: {terminal}"),
            ],
            Some("/hook/1"),
            2,
            Ending::Done,
            Some(("ValidationFailed", terminal)),
        ),
        (
            Verdict::NoToken(NoToken::Missing("apps/s".into())),
            &[
                "Reconciling True ProgressingWithRetry: Reconciliation in progress",
                "Ready False TokenNotFound: invalid 'apps/s' secret data: required fields 'token'",
            ],
            None,
            2,
            Ending::Failed,
            Some((
                "Failed",
                "invalid 'apps/s' secret data: required fields 'token'",
            )),
        ),
        (
            Verdict::Initialized("/hook/1".into()),
            &[ready],
            Some("/hook/1"),
            2,
            after,
            Some(("Succeeded", "Reconciliation finished, next run in 10m0s")),
        ),
    ];
    let object = receiver(&json!({}));
    for (at, (verdict, conditions, path, observed, ending, note)) in steps.into_iter().enumerate() {
        let report = finish(&held, &object, verdict, Timestamp::UNIX_EPOCH);
        assert_eq!(lines(&report.status.conditions), conditions, "step {at}");
        assert_eq!(report.status.webhook_path.as_deref(), path, "step {at}");
        assert_eq!(
            report.status.observed_generation,
            Some(observed),
            "step {at}"
        );
        assert_eq!(report.ending, ending, "step {at}");
        let told = report
            .note
            .as_ref()
            .map(|note| (note.reason, note.message.as_str()));
        assert_eq!(told, note, "step {at}");
        held = report.status;
    }
}

#[test]
fn requests_are_noted_and_intervals_kept() {
    let annotated = json!({ "metadata": { "annotations": { (RECONCILE_REQUEST): "now" } } });
    let held = ReceiverStatus::default();
    for verdict in [
        Verdict::Suspended,
        no_token(),
        Verdict::Initialized("/hook/1".into()),
    ] {
        let report = finish(&held, &receiver(&annotated), verdict, Timestamp::UNIX_EPOCH);
        assert_eq!(
            report.status.last_handled_reconcile_at.as_deref(),
            Some("now")
        );
    }
    for (interval, ending) in [
        ("90s", Ending::After(Duration::from_secs(90))),
        ("0s", Ending::Done),
    ] {
        let object = receiver(&json!({ "spec": { "interval": interval } }));
        let verdict = Verdict::Initialized("/hook/1".into());
        let report = finish(&held, &object, verdict, Timestamp::UNIX_EPOCH);
        assert_eq!(report.ending, ending, "{interval}");
    }
}

/// What repeats costs no write.
#[test]
fn the_same_verdict_again_changes_nothing() {
    let object = receiver(&json!({}));
    let verdicts: [fn() -> Verdict; 3] = [
        no_token,
        || Verdict::Initialized("/hook/1".into()),
        || Verdict::Invalid(Invalid::NoSecretRef),
    ];
    for verdict in verdicts {
        let first = finish(
            &ReceiverStatus::default(),
            &object,
            verdict(),
            Timestamp::UNIX_EPOCH,
        );
        let later = Timestamp::from_second(1_000_000).expect("time");
        let second = finish(&first.status, &object, verdict(), later);
        assert_eq!(second.status, first.status);
    }
}
