//! Runs as a table: what the server holds before, what the run finds, what is reported.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::*;
use crate::{
    git_repository::{failure::Failure, plan::Drift},
    storage::StoreError,
};

const DIGEST: &str = "sha256:1";

fn artifact(revision: &str, digest: &str) -> Artifact {
    let value = json!({
        "digest": digest, "lastUpdateTime": "2026-01-01T00:00:00Z", "path": "p",
        "revision": revision, "url": "http://host/p",
    });
    serde_json::from_value(value).expect("artifact")
}

fn condition(kind: &str, status: &str, reason: &str, message: &str) -> Value {
    json!({
        "type": kind, "status": status, "reason": reason, "message": message,
        "observedGeneration": 1, "lastTransitionTime": "2026-01-01T00:00:00Z",
    })
}

/// An object at generation 1 that is Ready at `main@sha1:1`, with changes to its status.
fn ready(conditions: Vec<Value>) -> Value {
    let stored = "stored artifact for revision 'main@sha1:1'";
    let mut list = vec![
        condition("Ready", "True", "Succeeded", stored),
        condition("ArtifactInStorage", "True", "Succeeded", stored),
    ];
    list.extend(conditions);
    json!({
        "observedGeneration": 1, "conditions": list,
        "artifact": artifact("main@sha1:1", DIGEST),
    })
}

fn fresh() -> Value {
    json!({"observedGeneration": -1})
}

/// What a run does to its draft, and its result.
type Steps = fn(&mut Draft) -> Result<Outcome, Failure>;

/// One run.
struct Case {
    generation: i64,
    annotation: Option<&'static str>,
    status: Value,
    steps: Steps,
}

impl Case {
    fn new(status: Value, steps: Steps) -> Self {
        Self {
            generation: 1,
            annotation: None,
            status,
            steps,
        }
    }

    fn at_generation(self, generation: i64) -> Self {
        Self { generation, ..self }
    }

    fn poked(self, token: &'static str) -> Self {
        Self {
            annotation: Some(token),
            ..self
        }
    }

    /// Runs it and returns the status before, the status after and the report.
    fn run(&self) -> (GitRepositoryStatus, GitRepositoryStatus, Report) {
        let mut object: GitRepository = serde_json::from_value(json!({
            "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository",
            "metadata": {"name": "app", "namespace": "ns", "generation": self.generation},
            "spec": {"url": "https://host/x", "interval": "1m"},
        }))
        .expect("object");
        if let Some(token) = self.annotation {
            let key = api::meta::annotation::RECONCILE_REQUEST.to_owned();
            object.metadata.annotations = Some(BTreeMap::from([(key, token.to_owned())]));
        }
        let held: GitRepositoryStatus =
            serde_json::from_value(self.status.clone()).expect("status");
        let now: Timestamp = "2026-02-02T00:00:00Z".parse().expect("time");
        let mut draft = Draft::new(&held, self.generation, now);
        let result = (self.steps)(&mut draft);
        let schedule = Schedule {
            requeue_dependency: Duration::from_secs(30),
            jitter: 5,
            unit: 0.5,
        };
        let report = finish(&mut draft, &held, &object, result, schedule);
        let after = draft.to_status(&held);
        (held, after, report)
    }

    /// Conditions as `Type=Status Reason: message`, then the ending, then the events as `audience Reason: message`.
    fn words(&self) -> Vec<String> {
        let (_, after, report) = self.run();
        let mut words: Vec<_> = after
            .conditions
            .iter()
            .map(|c| format!("{}={:?} {}: {}", c.r#type, c.status, c.reason, c.message))
            .collect();
        let observed = after.observed_generation.unwrap_or_default();
        words.push(format!("{:?} observed {observed}", report.ending));
        words.extend(
            report
                .notes
                .iter()
                .map(|note| format!("{:?} {}: {}", note.audience, note.reason, note.message)),
        );
        words
    }
}

fn begin(draft: &mut Draft) {
    let spec = json!({"url": "https://host/x", "interval": "1m"});
    draft.begin(&serde_json::from_value(spec).expect("spec"));
}

#[expect(clippy::unnecessary_wraps, reason = "it is one of the steps")]
fn unchanged(draft: &mut Draft) -> Result<Outcome, Failure> {
    begin(draft);
    draft.includes_present();
    draft.fetched();
    Ok(Outcome::Unchanged)
}

#[expect(clippy::unnecessary_wraps, reason = "it is one of the steps")]
fn built(draft: &mut Draft, digest: &str) -> Result<Outcome, Failure> {
    begin(draft);
    if draft.status.artifact.is_none() {
        draft.without_artifact();
    }
    draft.includes_present();
    draft.fetched();
    draft.building(&Drift::Revision("main@sha1:2".to_owned()));
    Ok(Outcome::Stored {
        artifact: Box::new(artifact("main@sha1:2", digest)),
        subject: "subject".to_owned(),
        includes: Vec::new(),
    })
}

fn failing(draft: &mut Draft) -> Result<Outcome, Failure> {
    begin(draft);
    if draft.status.artifact.is_none() {
        draft.without_artifact();
    }
    Err(Failure::Fetch("boom".to_owned()))
}

const BOOM: &str = "failed to checkout and determine revision: boom";

#[test]
fn an_unchanged_run_writes_nothing() {
    let case = Case::new(ready(vec![]), unchanged);
    let (held, after, _) = case.run();
    assert_eq!(held, after);
    let stored = "stored artifact for revision 'main@sha1:1'";
    assert_eq!(
        case.words(),
        [
            format!("Ready=True Succeeded: {stored}"),
            format!("ArtifactInStorage=True Succeeded: {stored}"),
            "After(60s) observed 1".to_owned(),
            "Cluster GitOperationSucceeded: no changes since last reconciliation: observed revision 'main@sha1:1'"
                .to_owned(),
        ]
    );
}

#[test]
fn a_new_object_becomes_ready() {
    let case = Case::new(fresh(), |draft| built(draft, DIGEST));
    let stored = "stored artifact for revision 'main@sha1:2'";
    assert_eq!(
        case.words(),
        [
            format!("Ready=True Succeeded: {stored}"),
            format!("ArtifactInStorage=True Succeeded: {stored}"),
            "After(60s) observed 1".to_owned(),
            "All NewArtifact: stored artifact for commit 'subject'".to_owned(),
        ]
    );
    let (_, _, report) = case.run();
    let metadata = &report.notes[0].metadata;
    assert_eq!(metadata[SOURCE_REVISION], "main@sha1:2");
    assert_eq!(metadata[SOURCE_DIGEST], DIGEST);
}

#[test]
fn progress_is_shown_as_flux_shows_it() {
    let shown = |status: Value| {
        let held: GitRepositoryStatus = serde_json::from_value(status).expect("status");
        let mut draft = Draft::new(&held, 1, Timestamp::UNIX_EPOCH);
        drop(built(&mut draft, DIGEST));
        let list = draft.to_status(&held).conditions;
        list.iter()
            .map(|c| format!("{}={:?} {}: {}", c.r#type, c.status, c.reason, c.message))
            .collect::<Vec<_>>()
    };
    let building = "building artifact: new upstream revision 'main@sha1:2'";
    assert_eq!(
        shown(fresh()),
        [
            format!("Reconciling=True Progressing: {building}"),
            format!("Ready=Unknown Progressing: {building}"),
        ]
    );
    assert_eq!(
        shown(ready(vec![])),
        [
            format!("Reconciling=True Progressing: {building}"),
            format!("Ready=Unknown Progressing: {building}"),
            "ArtifactInStorage=True Succeeded: stored artifact for revision 'main@sha1:1'"
                .to_owned(),
            "ArtifactOutdated=True NewRevision: new upstream revision 'main@sha1:2'".to_owned(),
        ]
    );
}

#[test]
fn a_failure_keeps_the_artifact_and_the_observed_generation() {
    let stored = "stored artifact for revision 'main@sha1:1'";
    for (case, progress, observed) in [
        (
            Case::new(ready(vec![]), failing),
            "reconciliation in progress",
            1,
        ),
        (
            Case::new(ready(vec![]), failing).at_generation(2),
            "processing object: new generation 1 -> 2",
            1,
        ),
    ] {
        let mut words = case.words();
        words.sort();
        let mut expected = [
            format!("Reconciling=True ProgressingWithRetry: {progress}"),
            format!("Ready=False GitOperationFailed: {BOOM}"),
            format!("ArtifactInStorage=True Succeeded: {stored}"),
            format!("FetchFailed=True GitOperationFailed: {BOOM}"),
            format!("Failed observed {observed}"),
            format!("All GitOperationFailed: {BOOM}"),
        ];
        expected.sort();
        assert_eq!(words, expected);
        assert!(case.run().1.artifact.is_some());
    }
    let words = Case::new(fresh(), failing).words();
    assert_eq!(
        words[0],
        "Reconciling=True ProgressingWithRetry: building artifact"
    );
}

#[test]
fn a_failure_that_repeats_writes_nothing() {
    let once = Case::new(ready(vec![]), failing).run().1;
    let again = serde_json::to_value(&once).expect("status");
    let (held, after, report) = Case::new(again, failing).run();
    assert_eq!(held, after);
    assert_eq!(report.notes.len(), 1, "it is told each time");
}

#[test]
fn a_recovery_with_the_same_artifact_is_told() {
    let failed = condition("FetchFailed", "True", "GitOperationFailed", BOOM);
    let case = Case::new(ready(vec![failed]), unchanged);
    let words = case.words();
    assert_eq!(
        words.last().expect("event"),
        "All Succeeded: stored artifact for commit 'main@sha1:1'"
    );
    assert!(!words.iter().any(|word| word.starts_with("FetchFailed")));
}

#[test]
fn conditions_of_the_past_are_gone_after_a_success() {
    let past = [
        ("FetchFailed", "True"),
        ("IncludeUnavailable", "True"),
        ("StorageOperationFailed", "True"),
        ("Stalled", "True"),
        ("Reconciling", "True"),
        ("ArtifactOutdated", "True"),
        ("SourceVerified", "True"),
        ("SourceVerified", "False"),
    ];
    for (kind, status) in past {
        let leftover = condition(kind, status, "Foo", "foo");
        let words = Case::new(ready(vec![leftover]), unchanged).words();
        assert!(
            words[0].starts_with("Ready=True"),
            "{kind}={status}: {words:?}"
        );
        assert!(
            words[1].starts_with("ArtifactInStorage=True"),
            "{kind}={status}: {words:?}"
        );
        assert!(words[2].starts_with("After"), "{kind}={status}: {words:?}");
    }
}

#[test]
fn each_failure_has_its_condition_reason_and_sequel() {
    let cases: [(Steps, &str, &str); 9] = [
        (
            |d| err(d, Failure::Empty),
            "FetchFailed=True EmptyGitRepository",
            "Failed observed 1",
        ),
        (
            |d| err(d, Failure::Sparse("x".into())),
            "FetchFailed=True GitOperationFailed: failed to sparse checkout directories : x",
            "Failed observed 1",
        ),
        (
            |d| err(d, Failure::Authentication("x".into())),
            "FetchFailed=True AuthenticationFailed: failed to configure authentication options: x",
            "Failed observed 1",
        ),
        (
            |d| {
                err(
                    d,
                    Failure::TooLarge {
                        cause: "x".into(),
                        limit: 7,
                    },
                )
            },
            "FetchFailed=True GitOperationFailed: failed to checkout and determine revision: x \
             (limit of --git-max-size: 7 bytes)",
            "Failed observed 1",
        ),
        (
            |d| err(d, Failure::IncludeMissing("lib".into())),
            "IncludeUnavailable=True NotFound: could not get resource for include 'lib':",
            "Wait(30s) observed 1",
        ),
        (
            |d| err(d, Failure::IncludeEmpty("lib".into())),
            "IncludeUnavailable=True NoArtifact: no artifact available for include 'lib'",
            "Wait(30s) observed 1",
        ),
        (
            |d| {
                let (name, cause) = ("lib".to_owned(), "no".to_owned());
                let (from, to) = ("a".to_owned(), "b".to_owned());
                err(
                    d,
                    Failure::Include {
                        name,
                        from,
                        to,
                        cause,
                    },
                )
            },
            "StorageOperationFailed=True CopyFailure: failed to copy 'lib' include from a to b: no",
            "Failed observed 1",
        ),
        (
            |d| err(d, Failure::Url("failed to parse url 'x': y".into())),
            "Stalled=True URLInvalid: failed to parse url 'x': y",
            "Done observed 2",
        ),
        (
            |d| err(d, Failure::Verify),
            "SourceVerified=False VerificationError",
            "Done observed 2",
        ),
    ];
    for (steps, prefix, ending) in cases {
        let case = Case::new(ready(vec![]), steps).at_generation(2);
        let words = case.words();
        assert!(
            words.iter().any(|word| word.starts_with(prefix)),
            "{prefix}: {words:?}"
        );
        assert!(
            words.iter().any(|word| word == ending),
            "{prefix}: {words:?}"
        );
        assert!(
            words.iter().any(|word| word.starts_with("Ready=False")),
            "{prefix}: {words:?}"
        );
        let stalled = words.iter().any(|word| word.starts_with("Stalled=True"));
        let reconciling = words
            .iter()
            .any(|word| word.starts_with("Reconciling=True ProgressingWithRetry"));
        assert_eq!(stalled, !reconciling, "{prefix}: {words:?}");
    }
    let failure = Failure::Store(StoreError::File(std::io::Error::other("disk")));
    assert_eq!(failure.reason(), "ArchiveOperationFailed");
    assert_eq!(
        failure.message(),
        "unable to archive artifact to storage: disk"
    );
}

fn err(draft: &mut Draft, failure: Failure) -> Result<Outcome, Failure> {
    begin(draft);
    Err(failure)
}

#[test]
fn the_word_for_waiting_goes_to_the_cluster_only() {
    let waiting = Case::new(ready(vec![]), |draft| {
        err(draft, Failure::IncludeEmpty("lib".into()))
    });
    let notes = waiting.run().2.notes;
    assert_eq!((notes.len(), notes[0].audience), (1, Audience::Cluster));
}

#[test]
fn a_suspended_object_is_left_alone_but_for_the_request() {
    let suspended: Steps = |_| Ok(Outcome::Suspended);
    let stalled = condition("Stalled", "True", "URLInvalid", "x");
    for (case, expected) in [
        (
            Case::new(ready(vec![]), suspended),
            vec!["Ready", "ArtifactInStorage"],
        ),
        (
            Case::new(ready(vec![stalled]), suspended)
                .at_generation(2)
                .poked("now"),
            vec!["Ready", "ArtifactInStorage"],
        ),
        (Case::new(fresh(), suspended), vec![]),
    ] {
        let (held, after, report) = case.run();
        let kinds: Vec<_> = after.conditions.iter().map(|c| &*c.r#type).collect();
        assert_eq!(kinds, expected);
        assert!(report.notes.is_empty() && report.ending == Ending::Done);
        assert_eq!(after.last_handled_reconcile_at.as_deref(), case.annotation);
        let observed = if expected.is_empty() {
            held.observed_generation
        } else {
            Some(case.generation)
        };
        assert_eq!(after.observed_generation, observed);
    }
}

#[test]
fn a_request_is_recorded_whatever_comes_of_it() {
    for token in ["", " ", "2026-01-01"] {
        for steps in [unchanged, failing] {
            let after = Case::new(ready(vec![]), steps).poked(token).run().1;
            assert_eq!(after.last_handled_reconcile_at.as_deref(), Some(token));
        }
    }
    let after = Case::new(ready(vec![]), unchanged).run().1;
    assert_eq!(after.last_handled_reconcile_at, None);
}

#[test]
fn a_success_that_is_not_ready_is_tried_again() {
    // No artifact and no failure: what a step that forgot something would leave behind.
    let case = Case::new(fresh(), unchanged);
    let (_, _, report) = case.run();
    assert_eq!(report.ending, Ending::Failed);
}
