//! What to ask the server for, and what a new artifact would be news of. Pure.

use api::{
    meta::reason::source::condition,
    source::{Artifact, GitRepositorySpec, GitRepositoryStatus, git_repository::Include},
};
use runtime::conditions::Conditions;

/// A fetch.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    pub(super) reference: git::Reference,
    pub(super) options: git::FetchOptions,
}

/// An include and the artifact to take it from.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Included {
    pub(super) include: Include,
    pub(super) artifact: Artifact,
}

/// In what the new artifact differs from the last, where that is not the object's own spec.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Drift {
    /// The upstream has another revision, or there was no artifact.
    Revision(String),
    /// Other artifacts are included.
    Includes,
}

/// Plans the fetch. The last revision ends it early, but only while the artifact made from it is what the spec asks
/// for today.
pub(super) fn plan(
    spec: &GitRepositorySpec,
    status: &GitRepositoryStatus,
    conditions: &Conditions,
    includes: &[Included],
    max_bytes: u64,
) -> Plan {
    let current = status
        .artifact
        .as_ref()
        .filter(|_| conditions.is_true(condition::ARTIFACT_IN_STORAGE))
        .filter(|_| !content_changed(spec, status, includes));
    let limits = git::Limits::default();
    Plan {
        reference: reference(spec),
        options: git::FetchOptions {
            last: current.map(|artifact| artifact.revision.clone()),
            sparse: spec.sparse_checkout.clone(),
            submodules: spec.recurse_submodules,
            limits: git::Limits {
                file_bytes: limits.file_bytes.min(max_bytes),
                ..limits
            },
        },
    }
}

/// Tells in what an artifact of `revision` differs from the present one.
pub(super) fn drift(
    status: &GitRepositoryStatus,
    includes: &[Included],
    revision: &str,
) -> Option<Drift> {
    let known = status
        .artifact
        .as_ref()
        .is_some_and(|artifact| git::modern_revision(&artifact.revision) == revision);
    if !known {
        Some(Drift::Revision(revision.to_owned()))
    } else if same_revisions(status, includes) {
        None
    } else {
        Some(Drift::Includes)
    }
}

/// Whether an unchanged commit is looked for by its reference, in Flux's terms: by one listing.
pub(super) fn listed(spec: &GitRepositorySpec) -> bool {
    let reference = reference(spec);
    let given = |field: &Option<String>| field.as_deref().is_some_and(|text| !text.is_empty());
    !given(&reference.commit)
        && (given(&reference.name) || given(&reference.tag) || !given(&reference.semver))
}

/// Whether the spec, or what it includes, asks for another artifact of the same commit.
fn content_changed(
    spec: &GitRepositorySpec,
    status: &GitRepositoryStatus,
    includes: &[Included],
) -> bool {
    let observed_include = status.observed_include.as_deref().unwrap_or_default();
    let same_include = |a: &Include, b: &Include| {
        a.repository == b.repository && a.from_path() == b.from_path() && a.to_path() == b.to_path()
    };
    let artifacts = status.included_artifacts.as_deref().unwrap_or_default();
    let same_artifact = |artifact: &Artifact, included: &Included| {
        let new = &included.artifact;
        artifact.revision == new.revision && artifact.digest == new.digest
    };
    spec.ignore != status.observed_ignore
        || spec.recurse_submodules != status.observed_recurse_submodules
        || spec.sparse_checkout
            != status
                .observed_sparse_checkout
                .as_deref()
                .unwrap_or_default()
        || !equal(&spec.include, observed_include, same_include)
        || !equal(artifacts, includes, same_artifact)
}

fn same_revisions(status: &GitRepositoryStatus, includes: &[Included]) -> bool {
    let artifacts = status.included_artifacts.as_deref().unwrap_or_default();
    equal(artifacts, includes, |artifact, included| {
        artifact.revision == included.artifact.revision
    })
}

fn equal<A, B>(a: &[A], b: &[B], same: impl Fn(&A, &B) -> bool) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
}

fn reference(spec: &GitRepositorySpec) -> git::Reference {
    let given = spec.reference.clone().unwrap_or_default();
    git::Reference {
        branch: given.branch,
        tag: given.tag,
        semver: given.semver,
        name: given.name,
        commit: given.commit,
    }
}

#[cfg(test)]
mod tests;
