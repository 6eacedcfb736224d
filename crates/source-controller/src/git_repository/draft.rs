//! A status in the making. Pure.
//!
//! Texts and their order are Flux's; what Flux writes on the way and overwrites a moment later stays in memory here.

use api::{
    meta::{
        condition::{READY, RECONCILING, STALLED},
        reason::{PROGRESSING, SUCCEEDED, source as reason},
    },
    source::{Artifact, GitRepository, GitRepositorySpec, GitRepositoryStatus},
};
use jiff::Timestamp;
use runtime::conditions::Conditions;

use super::{
    failure::Failure,
    plan::{Drift, Included},
};
use reason::condition as kind;

/// The status of one object during a run.
#[derive(Debug, Clone)]
pub(super) struct Draft {
    pub(super) status: GitRepositoryStatus,
    pub(super) conditions: Conditions,
    generation: i64,
}

impl Draft {
    /// Starts from what the server holds.
    pub(super) fn new(held: &GitRepositoryStatus, generation: i64, now: Timestamp) -> Self {
        let mut status = held.clone();
        let list = std::mem::take(&mut status.conditions);
        Self {
            status,
            conditions: Conditions::new(list, generation, now),
            generation,
        }
    }

    /// Marks the beginning of work.
    pub(super) fn begin(&mut self, spec: &GitRepositorySpec) {
        if spec.verify.is_none() {
            self.conditions.remove(kind::SOURCE_VERIFIED);
            self.status.source_verification_mode = None;
        } else if self.conditions.is_false(kind::SOURCE_VERIFIED) {
            self.conditions.remove(kind::SOURCE_VERIFIED);
        }
        let observed = self.status.observed_generation.unwrap_or(-1);
        let message = if observed == self.generation {
            "reconciliation in progress".to_owned()
        } else {
            format!(
                "processing object: new generation {observed} -> {}",
                self.generation
            )
        };
        self.conditions
            .set_reconciling(PROGRESSING, message.clone());
        if self.conditions.get(READY).is_none() || self.conditions.is_unknown(READY) {
            self.conditions.set_unknown(READY, PROGRESSING, message);
        }
        self.conditions.remove(kind::STORAGE_OPERATION_FAILED);
    }

    /// Notes that there is no artifact, or none any more.
    pub(super) fn without_artifact(&mut self) {
        let message = if self.status.artifact.take().is_some() {
            "building artifact: disappeared from storage"
        } else {
            "building artifact"
        };
        self.conditions.remove(kind::ARTIFACT_IN_STORAGE);
        self.progress(message);
    }

    /// Notes where the artifact is served now.
    pub(super) fn at_url(&mut self, url: String) {
        if let Some(artifact) = &mut self.status.artifact {
            artifact.url = url;
        }
    }

    /// Notes that all includes are there.
    pub(super) fn includes_present(&mut self) {
        self.conditions.remove(kind::INCLUDE_UNAVAILABLE);
    }

    /// Notes that the upstream has answered.
    pub(super) fn fetched(&mut self) {
        self.conditions.remove(kind::FETCH_FAILED);
    }

    /// Notes what is about to be built.
    pub(super) fn building(&mut self, drift: &Drift) {
        let (reason, message, outdated) = match drift {
            Drift::Revision(revision) => (
                reason::NEW_REVISION,
                format!("new upstream revision '{revision}'"),
                self.status.artifact.is_some(),
            ),
            Drift::Includes => (
                reason::INCLUDE_CHANGE,
                "included artifacts differ from last observed includes".to_owned(),
                self.status.included_artifacts.is_some(),
            ),
        };
        self.progress(&format!("building artifact: {message}"));
        if outdated {
            self.conditions
                .set_true(kind::ARTIFACT_OUTDATED, reason, message);
        }
    }

    /// Notes that upstream and spec ask for nothing new.
    pub(super) fn unchanged(&mut self) {
        self.in_storage();
    }

    /// Notes the new artifact and what it was made from.
    pub(super) fn stored(
        &mut self,
        spec: &GitRepositorySpec,
        artifact: Artifact,
        includes: &[Included],
    ) {
        let included = includes.iter().map(|included| included.artifact.clone());
        let status = &mut self.status;
        status.artifact = Some(artifact);
        status.included_artifacts = non_empty(included.collect());
        status.observed_ignore.clone_from(&spec.ignore);
        status.observed_recurse_submodules = spec.recurse_submodules;
        status.observed_include = non_empty(spec.include.clone());
        status.observed_sparse_checkout = non_empty(spec.sparse_checkout.clone());
        self.in_storage();
    }

    /// Notes a failure in its condition.
    pub(super) fn failed(&mut self, failure: &Failure) {
        match failure.condition() {
            Some(kind::SOURCE_VERIFIED) => self.conditions.set_false(
                kind::SOURCE_VERIFIED,
                failure.reason(),
                failure.message(),
            ),
            Some(condition) => {
                self.conditions
                    .set_true(condition, failure.reason(), failure.message());
            }
            None => {}
        }
    }

    /// Records the request for a reconcile that this run answers.
    pub(super) fn handled(&mut self, object: &GitRepository) {
        let annotations = object.metadata.annotations.as_ref();
        if let Some(token) = annotations
            .and_then(|annotations| annotations.get(api::meta::annotation::RECONCILE_REQUEST))
        {
            self.status.last_handled_reconcile_at = Some(token.clone());
        }
    }

    /// Records that this generation is dealt with.
    pub(super) fn observed(&mut self) {
        self.status.observed_generation = Some(self.generation);
    }

    /// Ends the work: it is neither under way nor stalled.
    pub(super) fn settle(&mut self) {
        self.conditions.remove(RECONCILING);
        self.conditions.remove(STALLED);
    }

    /// The status to write over `held`. What is as it was there keeps its time.
    pub(super) fn to_status(&self, held: &GitRepositoryStatus) -> GitRepositoryStatus {
        let mut status = self.status.clone();
        status.conditions = self.conditions.as_list().to_vec();
        for condition in &mut status.conditions {
            let before = held.conditions.iter().find(|before| {
                before.r#type == condition.r#type
                    && before.status == condition.status
                    && before.reason == condition.reason
                    && before.message == condition.message
            });
            if let Some(before) = before {
                condition.last_transition_time = before.last_transition_time;
            }
        }
        status
    }

    fn progress(&mut self, message: &str) {
        self.conditions.set_reconciling(PROGRESSING, message);
        self.conditions.set_unknown(READY, PROGRESSING, message);
    }

    fn in_storage(&mut self) {
        self.conditions.remove(kind::ARTIFACT_OUTDATED);
        for failure in super::FAILURES {
            self.conditions.remove(failure);
        }
        if let Some(artifact) = &self.status.artifact {
            let message = format!("stored artifact for revision '{}'", artifact.revision);
            self.conditions
                .set_true(kind::ARTIFACT_IN_STORAGE, SUCCEEDED, message);
        }
    }
}

fn non_empty<T>(list: Vec<T>) -> Option<Vec<T>> {
    (!list.is_empty()).then_some(list)
}
