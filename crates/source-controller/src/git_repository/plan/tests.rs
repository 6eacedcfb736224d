//! Content configurations and references, as tables.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::*;

fn artifact(revision: &str, digest: &str) -> Artifact {
    Artifact {
        digest: digest.to_owned(),
        last_update_time: Timestamp::UNIX_EPOCH,
        metadata: std::collections::BTreeMap::new(),
        path: String::new(),
        revision: revision.to_owned(),
        size: None,
        url: String::new(),
    }
}

fn merged(mut base: Value, change: Value) -> Value {
    if let (Some(base), Value::Object(change)) = (base.as_object_mut(), change) {
        base.extend(change);
    }
    base
}

/// A spec, and the status of an artifact that was made from it.
fn settled() -> (Value, GitRepositoryStatus, Vec<Included>) {
    let include = json!([{"repository": {"name": "lib"}, "fromPath": "a", "toPath": "b"}]);
    let spec = json!({
        "url": "https://host/x", "interval": "1m", "ignore": "*.md", "recurseSubmodules": true,
        "sparseCheckout": ["deploy"], "include": include,
    });
    let typed: GitRepositorySpec = serde_json::from_value(spec.clone()).expect("spec");
    let status = GitRepositoryStatus {
        artifact: Some(artifact("main@sha1:1", "sha256:1")),
        included_artifacts: Some(vec![artifact("main@sha1:9", "sha256:9")]),
        observed_ignore: typed.ignore.clone(),
        observed_include: Some(typed.include.clone()),
        observed_recurse_submodules: true,
        observed_sparse_checkout: Some(typed.sparse_checkout.clone()),
        ..GitRepositoryStatus::default()
    };
    let included = Included {
        include: typed.include[0].clone(),
        artifact: artifact("main@sha1:9", "sha256:9"),
    };
    (spec, status, vec![included])
}

fn last(
    change: Value,
    status: &GitRepositoryStatus,
    includes: &[Included],
    stored: bool,
) -> Option<String> {
    let spec = serde_json::from_value(merged(settled().0, change)).expect("spec");
    let mut conditions = Conditions::new(Vec::new(), 1, Timestamp::UNIX_EPOCH);
    if stored {
        conditions.set_true(condition::ARTIFACT_IN_STORAGE, "Succeeded", "");
    }
    plan(&spec, status, &conditions, includes, 100).options.last
}

#[test]
fn the_last_revision_ends_a_fetch_only_while_the_spec_asks_for_the_same_content() {
    let (_, status, includes) = settled();
    let kept = Some("main@sha1:1".to_owned());
    for (change, expected) in [
        (json!({}), &kept),
        (json!({"interval": "5m", "url": "https://other/y"}), &kept),
        (json!({"ignore": "*.txt"}), &None),
        (json!({"ignore": null}), &None),
        (json!({"recurseSubmodules": false}), &None),
        (json!({"sparseCheckout": ["deploy", "x"]}), &None),
        (json!({"sparseCheckout": []}), &None),
        (json!({"include": []}), &None),
        (
            json!({"include": [{"repository": {"name": "lib"}, "fromPath": "a", "toPath": "c"}]}),
            &None,
        ),
        (
            json!({"include": [{"repository": {"name": "bil"}, "fromPath": "a", "toPath": "b"}]}),
            &None,
        ),
    ] {
        assert_eq!(
            &last(change.clone(), &status, &includes, true),
            expected,
            "{change}"
        );
    }
    assert_eq!(last(json!({}), &status, &includes, false), None);
    let mut changed = includes.clone();
    "sha256:8".clone_into(&mut changed[0].artifact.digest);
    assert_eq!(last(json!({}), &status, &changed, true), None);
    assert_eq!(last(json!({}), &status, &[], true), None);
}

#[test]
fn an_empty_ignore_is_not_an_absent_one() {
    let status = GitRepositoryStatus {
        observed_ignore: None,
        ..settled().1
    };
    let includes = settled().2;
    assert_eq!(last(json!({"ignore": ""}), &status, &includes, true), None);
    assert!(last(json!({"ignore": null}), &status, &includes, true).is_some());
}

#[test]
fn drift_tells_a_new_revision_from_other_includes() {
    let (_, status, includes) = settled();
    let mut moved = includes.clone();
    "main@sha1:10".clone_into(&mut moved[0].artifact.revision);
    let mut rebuilt = includes.clone();
    "sha256:8".clone_into(&mut rebuilt[0].artifact.digest);
    let legacy = GitRepositoryStatus {
        artifact: Some(artifact("main/1", "sha256:1")),
        ..status.clone()
    };
    let without = GitRepositoryStatus {
        artifact: None,
        ..status.clone()
    };
    let new = |revision: &str| Some(Drift::Revision(revision.to_owned()));
    for (what, status, includes, revision, expected) in [
        ("same", &status, &includes, "main@sha1:1", None),
        ("legacy form", &legacy, &includes, "main@sha1:1", None),
        (
            "new commit",
            &status,
            &includes,
            "main@sha1:2",
            new("main@sha1:2"),
        ),
        (
            "new commit and include",
            &status,
            &moved,
            "main@sha1:2",
            new("main@sha1:2"),
        ),
        (
            "no artifact",
            &without,
            &includes,
            "main@sha1:1",
            new("main@sha1:1"),
        ),
        (
            "include moved",
            &status,
            &moved,
            "main@sha1:1",
            Some(Drift::Includes),
        ),
        ("include rebuilt", &status, &rebuilt, "main@sha1:1", None),
        (
            "include gone",
            &status,
            &vec![],
            "main@sha1:1",
            Some(Drift::Includes),
        ),
    ] {
        assert_eq!(drift(status, includes, revision), expected, "{what}");
    }
}

#[test]
fn references_that_flux_looks_up_by_a_listing() {
    for (reference, expected) in [
        (json!(null), true),
        (json!({"branch": "main"}), true),
        (json!({"tag": "v1", "semver": "*"}), true),
        (json!({"name": "refs/heads/main"}), true),
        (json!({"semver": "*"}), false),
        (json!({"semver": "", "branch": "main"}), true),
        (json!({"commit": "1", "name": "refs/heads/main"}), false),
    ] {
        let spec = json!({"url": "https://host/x", "interval": "1m", "ref": reference});
        let spec = serde_json::from_value(spec).expect("spec");
        assert_eq!(listed(&spec), expected, "{reference}");
    }
}

#[test]
fn a_file_is_bound_by_the_limit_of_the_repository() {
    let (spec, status, includes) = settled();
    let spec = serde_json::from_value(spec).expect("spec");
    let conditions = Conditions::new(Vec::new(), 1, Timestamp::UNIX_EPOCH);
    let limits = plan(&spec, &status, &conditions, &includes, 100)
        .options
        .limits;
    assert_eq!(limits.file_bytes, 100);
    assert_eq!(limits.files, git::Limits::default().files);
}
