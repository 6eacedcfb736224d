//! kustomize-controller against a real API server, fed with artifacts made by hand so that each state
//! of a source can be produced.

mod accounts;
mod expressions;
mod post_build;

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use crate::bed::{
    Bed, PATIENCE, condition, config_map, failed, history, inventory, message, ready_at, reason,
};

/// What is done to an artifact's entry in the status and to its bytes.
type Damage = fn(&mut Value, &mut Vec<u8>);

#[tokio::test(flavor = "multi_thread")]
async fn what_a_source_holds_is_applied_and_recorded() -> Result<()> {
    let bed = Bed::start("applies").await?;
    bed.publish(
        "r1",
        &[
            ("app/a.yaml", config_map("a", "1")),
            ("app/b.yaml", config_map("b", "1")),
        ],
    )
    .await?;
    bed.kustomization("app", json!({"path": "./app"})).await?;
    let app = bed.until("app", ready_at("r1")).await?;

    assert_eq!(inventory(&app), [bed.id("a"), bed.id("b")]);
    assert_eq!(
        app["metadata"]["finalizers"],
        json!(["finalizers.fluxcd.io"])
    );
    assert_eq!(
        app["status"]["observedGeneration"],
        app["metadata"]["generation"]
    );
    assert_eq!(app["status"]["lastAttemptedRevision"], "r1");
    assert_eq!(reason(&app, "Ready"), "ReconciliationSucceeded");
    assert_eq!(message(&app, "Ready"), "Applied revision: r1");
    assert!(condition(&app, "Reconciling").is_null());
    let history = history(&app);
    assert_eq!(history.len(), 1);
    assert_eq!(
        history[0]["lastReconciledStatus"],
        "ReconciliationSucceeded"
    );
    assert_eq!(history[0]["totalReconciliations"], 1);
    assert_eq!(history[0]["metadata"]["revision"], "r1");

    let a = bed.config_map("a").await?.unwrap_or_default();
    let labels = &a["metadata"]["labels"];
    assert_eq!(labels["kustomize.toolkit.fluxcd.io/name"], "app");
    assert_eq!(
        labels["kustomize.toolkit.fluxcd.io/namespace"],
        bed.namespace
    );
    let managers: Vec<_> = a["metadata"]["managedFields"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|entry| entry["manager"].clone())
        .collect();
    assert_eq!(managers, ["kustomize-controller"]);

    let events = bed.events("app", 2).await?;
    let applied = format!(
        "ConfigMap/{0}/a created\nConfigMap/{0}/b created",
        bed.namespace
    );
    assert!(
        events
            .iter()
            .any(|event| event["message"] == applied.as_str()),
        "{events:?}"
    );
    assert!(
        events.iter().any(|event| {
            event["reason"] == "ReconciliationSucceeded"
                && event["type"] == "Normal"
                && event["metadata"]["annotations"]["kustomize.toolkit.fluxcd.io/revision"] == "r1"
                && event["metadata"]["annotations"]["kustomize.toolkit.fluxcd.io/commit_status"]
                    == "update"
        }),
        "{events:?}"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_costs_what_it_changes() -> Result<()> {
    let bed = Bed::start("costs").await?;
    let files = |value: &str| {
        vec![
            ("a/map.yaml", config_map("a", value)),
            ("b/map.yaml", config_map("b", "1")),
            ("README.md", value.to_owned()),
        ]
    };
    bed.publish("r1", &files("1")).await?;
    for name in ["a", "b"] {
        bed.kustomization(name, json!({"path": format!("./{name}")}))
            .await?;
        bed.until(name, ready_at("r1")).await?;
    }
    bed.events("b", 2).await?;
    let mark = bed.mark()?;
    let before = bed.config_map("b").await?.unwrap_or_default();
    bed.publish("r2", &files("2")).await?;
    bed.until("a", ready_at("r2")).await?;
    let b = bed.until("b", ready_at("r2")).await?;

    assert_eq!(
        bed.config_map("a").await?.unwrap_or_default()["data"]["key"],
        "2"
    );
    assert_eq!(
        bed.config_map("b").await?.unwrap_or_default(),
        before,
        "b is untouched"
    );
    assert_eq!(history(&b).len(), 1);
    assert_eq!(history(&b)[0]["totalReconciliations"], 2);
    let requests = bed.requests_since(mark).await?;
    let about_b: Vec<_> = requests
        .iter()
        .filter(|request| request.ends_with(" b"))
        .collect();
    assert_eq!(about_b, ["patch kustomizations/status b"], "{requests:?}");
    let about_a: Vec<_> = requests
        .iter()
        .filter(|request| request.ends_with(" a"))
        .collect();
    assert_eq!(
        about_a,
        [
            "dry-run configmaps a",
            "patch configmaps a",
            "patch kustomizations/status a",
            "patch kustomizations/status a"
        ],
        "one status announces the change, one tells of its end: {requests:?}"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_touches_nobody_builds_and_applies_nothing() -> Result<()> {
    let bed = Bed::start("touches-nobody").await?;
    let files = |text: &str| {
        vec![
            ("a/map.yaml", config_map("a", "1")),
            ("docs/README.md", text.to_owned()),
        ]
    };
    bed.publish("r1", &files("one")).await?;
    bed.kustomization("a", json!({"path": "a"})).await?;
    bed.until("a", ready_at("r1")).await?;
    bed.events("a", 2).await?;
    let mark = bed.mark()?;
    bed.publish("r2", &files("two")).await?;
    bed.until("a", ready_at("r2")).await?;
    let requests = bed.requests_since(mark).await?;
    assert_eq!(requests, ["patch kustomizations/status a"]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_leaves_the_source_is_pruned_unless_told_otherwise() -> Result<()> {
    let bed = Bed::start("prunes").await?;
    let kept = json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {
            "name": "kept", "namespace": bed.namespace,
            "annotations": {"kustomize.toolkit.fluxcd.io/prune": "disabled"},
        },
    })
    .to_string();
    bed.publish(
        "r1",
        &[
            ("a.yaml", config_map("a", "1")),
            ("b.yaml", config_map("b", "1")),
            ("k.yaml", kept),
        ],
    )
    .await?;
    bed.kustomization("app", json!({})).await?;
    bed.kustomization("keeper", json!({"prune": false, "namePrefix": "second-"}))
        .await?;
    bed.until("app", ready_at("r1")).await?;
    bed.until("keeper", ready_at("r1")).await?;
    bed.publish("r2", &[("a.yaml", config_map("a", "1"))])
        .await?;
    let app = bed.until("app", ready_at("r2")).await?;
    let keeper = bed.until("keeper", ready_at("r2")).await?;
    assert_eq!(inventory(&app), [bed.id("a")]);
    assert_eq!(inventory(&keeper), [bed.id("second-a")]);
    assert!(bed.config_map("a").await?.is_some());
    assert!(bed.config_map("b").await?.is_none(), "pruned");
    assert!(bed.config_map("kept").await?.is_some(), "prune: disabled");
    assert!(
        bed.config_map("second-b").await?.is_some(),
        "spec.prune is false"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn one_broken_kustomization_harms_no_other_and_names_what_is_wrong() -> Result<()> {
    let bed = Bed::start("broken").await?;
    let duplicate = format!("{}---\n{}", config_map("x", "1"), config_map("x", "2"));
    let refused = json!({
        "apiVersion": "v1", "kind": "Service",
        "metadata": {"name": "refused", "namespace": bed.namespace},
        "spec": {"ports": [{"port": 0}]},
    });
    bed.publish(
        "r1",
        &[
            ("good/a.yaml", config_map("good", "1")),
            ("duplicate/twice.yaml", duplicate),
            ("syntax/bad.yaml", "kind: ConfigMap\n  metadata: [\n".into()),
            ("refused/a.yaml", config_map("never", "1")),
            ("refused/b.yaml", refused.to_string()),
            (
                "unknown/a.yaml",
                "apiVersion: example.com/v1\nkind: Nope\nmetadata: {name: n}\n".into(),
            ),
        ],
    )
    .await?;
    for name in ["duplicate", "syntax", "refused", "unknown", "good"] {
        bed.kustomization(name, json!({"path": format!("./{name}")}))
            .await?;
    }
    bed.kustomization("missing", json!({"path": "./nowhere"}))
        .await?;
    bed.until("good", ready_at("r1")).await?;

    let service = format!("Service/{}/refused", bed.namespace);
    let cases: [(&str, &str, &[&str]); 5] = [
        (
            "duplicate",
            "BuildFailed",
            &["already registered id", "ConfigMap.v1.[noGrp]/x"],
        ),
        ("syntax", "BuildFailed", &["bad.yaml", "yaml: line 2"]),
        (
            "refused",
            "ReconciliationFailed",
            &[&service, "dry-run failed (Invalid)", "spec.ports"],
        ),
        (
            "unknown",
            "ReconciliationFailed",
            &["Nope", "no matches for kind"],
        ),
        (
            "missing",
            "ArtifactFailed",
            &["kustomization path not found", "./nowhere"],
        ),
    ];
    for (name, expected, parts) in cases {
        let broken = bed.until(name, failed).await?;
        let text = message(&broken, "Ready");
        assert_eq!(reason(&broken, "Ready"), expected, "{name}: {text}");
        for part in parts {
            assert!(text.contains(part), "{name}: {part} is not in {text}");
        }
        assert_ne!(broken["status"]["lastAppliedRevision"], "r1", "{name}");
    }
    assert!(
        bed.config_map("never").await?.is_none(),
        "nothing of a refused stage is applied"
    );
    assert!(bed.config_map("x").await?.is_none());
    let refused = bed.get("refused").await?;
    assert_eq!(
        history(&refused)[0]["lastReconciledStatus"],
        "ReconciliationFailed"
    );
    assert_eq!(reason(&refused, "Reconciling"), "ProgressingWithRetry");

    bed.publish(
        "r2",
        &[
            ("duplicate/once.yaml", config_map("x", "1")),
            ("good/a.yaml", config_map("good", "1")),
        ],
    )
    .await?;
    bed.until("duplicate", ready_at("r2")).await?;
    bed.until("good", ready_at("r2")).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_artifact_is_refused_and_the_next_one_taken() -> Result<()> {
    let bed = Bed::start("bad-artifacts").await?;
    let files = [("a.yaml", config_map("a", "1"))];
    bed.kustomization("app", json!({})).await?;
    let missing = bed
        .until("app", |object| reason(object, "Ready") == "ArtifactFailed")
        .await?;
    assert!(
        message(&missing, "Ready").contains("not found"),
        "{missing}"
    );

    let cases: [(&str, Damage, &str); 3] = [
        (
            "gone",
            |artifact, _| {
                artifact["url"] =
                    json!(format!("{}x", artifact["url"].as_str().unwrap_or_default()));
            },
            "Source is not ready, artifact not found",
        ),
        (
            "digest",
            |artifact, _| artifact["digest"] = json!(format!("sha256:{}", "0".repeat(64))),
            "computed digest doesn't match provided",
        ),
        (
            "truncated",
            |_, bytes| bytes.truncate(bytes.len() / 2),
            "failed to",
        ),
    ];
    for (revision, damage, expected) in cases {
        bed.publish_damaged(revision, &files, damage).await?;
        let failed = bed
            .until("app", |object| message(object, "Ready").contains(expected))
            .await?;
        assert_eq!(reason(&failed, "Ready"), "ArtifactFailed", "{revision}");
        assert!(bed.config_map("a").await?.is_none(), "{revision}");
    }
    bed.publish("good", &files).await?;
    bed.until("app", ready_at("good")).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn dependencies_are_met_in_order_and_a_cycle_stalls_its_members_only() -> Result<()> {
    let bed = Bed::start("depends").await?;
    bed.publish("r1", &[("a.yaml", config_map("a", "1"))])
        .await?;
    let on =
        |name: &str, prefix: &str| json!({"namePrefix": prefix, "dependsOn": [{"name": name}]});
    bed.kustomization("third", on("second", "third-")).await?;
    let waiting = bed.until("third", failed).await?;
    assert_eq!(reason(&waiting, "Ready"), "DependencyNotReady");
    assert!(
        message(&waiting, "Ready")
            .starts_with(&format!("dependency '{}/second' not found", bed.namespace)),
        "{waiting}"
    );
    bed.kustomization("second", on("first", "second-")).await?;
    bed.kustomization("first", json!({"namePrefix": "first-"}))
        .await?;
    for name in ["first", "second", "third"] {
        bed.until(name, ready_at("r1")).await?;
    }
    bed.publish("r2", &[("a.yaml", config_map("a", "2"))])
        .await?;
    bed.until("third", ready_at("r2")).await?;

    bed.kustomization("x", on("y", "x-")).await?;
    bed.kustomization("y", on("x", "y-")).await?;
    let stalled = bed
        .until("x", |object| {
            condition(object, "Stalled")["status"] == "True"
        })
        .await?;
    let namespace = &bed.namespace;
    assert_eq!(
        message(&stalled, "Ready"),
        format!("dependency cycle: {namespace}/x -> {namespace}/y -> {namespace}/x")
    );
    bed.publish("r3", &[("a.yaml", config_map("a", "3"))])
        .await?;
    bed.until("third", ready_at("r3")).await?;

    bed.change("y", json!({"spec": {"dependsOn": null}}))
        .await?;
    for name in ["y", "x"] {
        let freed = bed.until(name, ready_at("r3")).await?;
        assert!(condition(&freed, "Stalled").is_null(), "{name}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn suspended_objects_rest_and_resume() -> Result<()> {
    let bed = Bed::start("suspends").await?;
    bed.publish("r1", &[("a.yaml", config_map("a", "1"))])
        .await?;
    bed.kustomization("app", json!({})).await?;
    bed.kustomization("witness", json!({"namePrefix": "witness-"}))
        .await?;
    bed.until("app", ready_at("r1")).await?;
    bed.until("witness", ready_at("r1")).await?;
    let suspended = bed
        .change("app", json!({"spec": {"suspend": true}}))
        .await?;
    bed.until("app", |object| {
        object["status"]["observedGeneration"] == suspended["metadata"]["generation"]
    })
    .await?;
    bed.publish("r2", &[("a.yaml", config_map("a", "2"))])
        .await?;
    bed.until("witness", ready_at("r2")).await?;
    assert_eq!(bed.get("app").await?["status"]["lastAppliedRevision"], "r1");
    bed.change("app", json!({"spec": {"suspend": false}}))
        .await?;
    bed.until("app", ready_at("r2")).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn deletion_follows_the_policy() -> Result<()> {
    let bed = Bed::start("deletes").await?;
    bed.publish("r1", &[("a.yaml", config_map("a", "1"))])
        .await?;
    let cases = [
        ("mirror", json!({}), false),
        ("keeps", json!({"prune": false}), true),
        ("orphan", json!({"deletionPolicy": "Orphan"}), true),
        (
            "delete",
            json!({"prune": false, "deletionPolicy": "Delete"}),
            false,
        ),
        (
            "wait",
            json!({"deletionPolicy": "WaitForTermination"}),
            false,
        ),
        ("asleep", json!({}), true),
    ];
    for (name, spec, _) in &cases {
        let mut spec = spec.clone();
        spec["namePrefix"] = json!(format!("{name}-"));
        bed.kustomization(name, spec).await?;
    }
    for (name, ..) in &cases {
        bed.until(name, ready_at("r1")).await?;
    }
    bed.change("asleep", json!({"spec": {"suspend": true}}))
        .await?;
    for (name, _, stays) in &cases {
        bed.delete(name).await?;
        let object = bed.config_map(&format!("{name}-a")).await?;
        assert_eq!(object.is_some(), *stays, "{name}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_corrects_drift_and_an_unchanged_object_is_not_written() -> Result<()> {
    let bed = Bed::start("drifts").await?;
    bed.publish(
        "r1",
        &[
            ("a.yaml", config_map("a", "1")),
            ("b.yaml", config_map("b", "1")),
        ],
    )
    .await?;
    bed.kustomization("app", json!({})).await?;
    bed.until("app", ready_at("r1")).await?;
    bed.drift("a", "changed").await?;
    let b = bed.config_map("b").await?;
    bed.request("app", "first").await?;
    let app = bed
        .until("app", |object| {
            object["status"]["lastHandledReconcileAt"] == "first"
        })
        .await?;
    assert_eq!(reason(&app, "Ready"), "ReconciliationSucceeded");
    assert_eq!(
        bed.config_map("a").await?.unwrap_or_default()["data"]["key"],
        "1"
    );
    assert_eq!(bed.config_map("b").await?, b);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_costs_no_write_and_the_next_commit_still_costs_what_it_changes() -> Result<()> {
    let mut bed = Bed::start("restarts").await?;
    let files = |value: &str| {
        vec![
            ("a/m.yaml", config_map("a", value)),
            ("b/m.yaml", config_map("b", "1")),
        ]
    };
    bed.publish("r1", &files("1")).await?;
    for name in ["a", "b"] {
        bed.kustomization(name, json!({"path": name})).await?;
        bed.until(name, ready_at("r1")).await?;
    }
    bed.events("b", 2).await?;
    let before = (bed.get("a").await?, bed.get("b").await?);
    bed.kill()?;
    let mark = bed.mark()?;
    bed.start_again().await?;
    bed.publish("r2", &files("2")).await?;
    bed.until("a", ready_at("r2")).await?;
    bed.until("b", ready_at("r2")).await?;
    let requests = bed.requests_since(mark).await?;
    let writes: Vec<_> = requests
        .iter()
        .filter(|request| request.starts_with("patch") && request.ends_with(" b"))
        .collect();
    assert_eq!(writes, ["patch kustomizations/status b"], "{requests:?}");
    assert_eq!(
        bed.get("b").await?["status"]["inventory"],
        before.1["status"]["inventory"]
    );
    assert_eq!(
        bed.config_map("a").await?.unwrap_or_default()["data"]["key"],
        "2"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn fields_of_the_spec_shape_the_build() -> Result<()> {
    let bed = Bed::start("fields").await?;
    let other = bed.other_namespace().await?;
    let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: pod}\nspec:\n  containers:\n  - {name: c, image: nginx:1}\n";
    bed.publish("r1", &[("pod.yaml", pod.into())]).await?;
    bed.kustomization(
        "app",
        json!({
            "targetNamespace": other,
            "namePrefix": "pre-", "nameSuffix": "-post",
            "images": [{"name": "nginx", "newName": "example.com/nginx", "newTag": "2"}],
            "commonMetadata": {"labels": {"team": "a"}, "annotations": {"note": "b"}},
            "patches": [{
                "target": {"kind": "Pod"},
                "patch": "- op: add\n  path: /metadata/labels\n  value: {patched: \"yes\"}\n",
            }],
        }),
    )
    .await?;
    bed.until("app", ready_at("r1")).await?;
    let pod = bed.object("Pod", &other, "pre-pod-post").await?;
    assert_eq!(pod["spec"]["containers"][0]["image"], "example.com/nginx:2");
    assert_eq!(pod["metadata"]["labels"]["team"], "a");
    assert_eq!(pod["metadata"]["labels"]["patched"], "yes");
    assert_eq!(pod["metadata"]["annotations"]["note"], "b");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn health_is_waited_for_and_a_fix_is_not_held_up() -> Result<()> {
    let bed = Bed::start("waits").await?;
    let claim = |phase: &str| {
        json!({
            "apiVersion": "v1", "kind": "PersistentVolumeClaim",
            "metadata": {"name": "claim", "namespace": bed.namespace, "labels": {"v": phase}},
            "spec": {
                "accessModes": ["ReadWriteOnce"], "storageClassName": "none",
                "resources": {"requests": {"storage": "1Gi"}},
            },
        })
        .to_string()
    };
    bed.publish("r1", &[("claim.yaml", claim("one"))]).await?;
    bed.kustomization("app", json!({"wait": true, "timeout": "5m"}))
        .await?;
    let waiting = bed
        .until("app", |object| reason(object, "Healthy") == "Progressing")
        .await?;
    assert_eq!(condition(&waiting, "Ready")["status"], "Unknown");
    assert_eq!(
        message(&waiting, "Reconciling"),
        "Running health checks for revision r1 with a timeout of 5m0s"
    );
    bed.publish("r2", &[("a.yaml", config_map("a", "1"))])
        .await?;
    let app = bed.until("app", ready_at("r2")).await?;
    assert_eq!(reason(&app, "Healthy"), "Succeeded");
    assert!(message(&app, "Healthy").starts_with("Health check passed in "));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn force_recreates_only_what_cannot_change() -> Result<()> {
    let bed = Bed::start("forces").await?;
    let secret = |value: &str| {
        json!({
            "apiVersion": "v1", "kind": "Secret", "immutable": true,
            "metadata": {"name": "s", "namespace": bed.namespace},
            "stringData": {"key": value},
        })
        .to_string()
    };
    bed.publish("r1", &[("s.yaml", secret("1"))]).await?;
    bed.kustomization("app", json!({})).await?;
    bed.until("app", ready_at("r1")).await?;
    let first = bed.object("Secret", &bed.namespace, "s").await?;
    bed.publish("r2", &[("s.yaml", secret("2"))]).await?;
    let failed = bed
        .until("app", |object| {
            reason(object, "Ready") == "ReconciliationFailed"
        })
        .await?;
    assert!(message(&failed, "Ready").contains("immutable"), "{failed}");
    let unharmed = bed.object("Secret", &bed.namespace, "s").await?;
    assert_eq!(unharmed["metadata"]["uid"], first["metadata"]["uid"]);
    bed.change("app", json!({"spec": {"force": true}})).await?;
    bed.until("app", ready_at("r2")).await?;
    let second = bed.object("Secret", &bed.namespace, "s").await?;
    assert_ne!(second["metadata"]["uid"], first["metadata"]["uid"]);
    assert_eq!(second["data"]["key"], "Mg==");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_field_that_is_not_honoured_stalls_with_its_name() -> Result<()> {
    let bed = Bed::start("unsupported").await?;
    bed.publish("r1", &[("a.yaml", config_map("a", "1"))])
        .await?;
    bed.kustomization("app", json!({"decryption": {"provider": "sops"}}))
        .await?;
    let app = bed
        .until("app", |object| {
            condition(object, "Stalled")["status"] == "True"
        })
        .await?;
    assert_eq!(condition(&app, "Ready")["status"], "False");
    assert!(
        message(&app, "Ready").starts_with("spec.decryption is not supported"),
        "{app}"
    );
    assert_eq!(
        app["status"]["observedGeneration"],
        app["metadata"]["generation"]
    );
    assert!(bed.config_map("a").await?.is_none());
    bed.change("app", json!({"spec": {"decryption": null}}))
        .await?;
    let app = bed.until("app", ready_at("r1")).await?;
    assert!(condition(&app, "Stalled").is_null());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_carry_fluxs_names() -> Result<()> {
    let bed = Bed::start("metrics").await?;
    bed.publish("r1", &[("a.yaml", config_map("a", "1"))])
        .await?;
    bed.kustomization("app", json!({})).await?;
    bed.until("app", ready_at("r1")).await?;
    let lines = [
        "workqueue_depth{controller=\"kustomization\",name=\"kustomization\",priority=\"0\"} 0",
        "controller_runtime_reconcile_total{controller=\"kustomization\",result=\"requeue_after\"}",
        "controller_runtime_reconcile_errors_total{controller=\"kustomization\"} 0",
        "controller_runtime_max_concurrent_reconciles{controller=\"kustomization\"} 4",
        "gotk_reconcile_duration_seconds_count{kind=\"Kustomization\",name=\"app\"",
        "rest_client_requests_total{code=\"200\"",
        "process_cpu_seconds_total",
    ];
    // A run is counted once it has ended, and that is after its status is written. The end of a download may have queued
    // another, which rests.
    let mut text = bed.metrics().await?;
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while !lines.iter().all(|line| text.contains(line)) && tokio::time::Instant::now() < deadline {
        tokio::task::yield_now().await;
        text = bed.metrics().await?;
    }
    for line in lines {
        ensure!(text.contains(line), "{line} is not in\n{text}");
    }
    Ok(())
}
