//! What others do to objects is undone at the interval, and an interval costs no more than a look.

use anyhow::Result;
use kube::api::{DeleteParams, Patch, PatchParams, PostParams};
use serde_json::json;

use crate::bed::{Bed, config_map, describe, history, ready_at};

#[tokio::test(flavor = "multi_thread")]
async fn what_others_change_is_changed_back_at_the_interval() -> Result<()> {
    let bed = Bed::start("corrects").await?;
    let names = ["edited", "patched", "owned", "deleted"];
    let files: Vec<_> = names.map(|name| (name, config_map(name, "1"))).into();
    let files: Vec<_> = files
        .iter()
        .map(|(name, text)| (format!("{name}.yaml"), text.clone()))
        .collect();
    let files: Vec<_> = files
        .iter()
        .map(|(path, text)| (path.as_str(), text.clone()))
        .collect();
    bed.publish("r1", &files).await?;
    bed.kustomization("app", json!({"interval": "1s"})).await?;
    bed.until("app", ready_at("r1")).await?;

    let api = bed.api("v1", "ConfigMap", &bed.namespace);
    let mut object = api.get("edited").await?;
    object.data["data"] = json!({"key": "other", "more": "x"});
    object.metadata.managed_fields = None;
    let edit = PostParams {
        field_manager: Some("kubectl-edit".into()),
        ..PostParams::default()
    };
    // A run may write in between.
    object.metadata.resource_version = None;
    api.replace("edited", &edit, &object).await?;
    bed.drift("patched", "other").await?;
    let theirs = json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "data": {"key": "other", "theirs": "x"},
    });
    let other = PatchParams::apply("other").force();
    api.patch("owned", &other, &Patch::Apply(&theirs)).await?;
    api.delete("deleted", &DeleteParams::default()).await?;

    let before = history(&bed.get("app").await?)[0]["totalReconciliations"].as_i64();
    bed.until("app", |object| {
        history(object)[0]["totalReconciliations"].as_i64() > before.map(|count| count + 1)
    })
    .await?;
    for name in names {
        let data = bed.config_map(name).await?.unwrap_or_default()["data"].clone();
        let expected = match name {
            // A field of another manager that is not ours stays with it.
            "owned" => json!({"key": "1", "theirs": "x"}),
            _ => json!({"key": "1"}),
        };
        assert_eq!(data, expected, "{name}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interval_costs_one_dry_run_per_object_and_one_status_patch() -> Result<()> {
    let bed = Bed::start("intervals").await?;
    bed.publish(
        "r1",
        &[
            ("a.yaml", config_map("a", "1")),
            ("b.yaml", config_map("b", "1")),
        ],
    )
    .await?;
    bed.kustomization("app", json!({"interval": "3s"})).await?;
    bed.until("app", ready_at("r1")).await?;
    bed.events("app", 2).await?;
    let mark = bed.mark()?;
    bed.until("app", |object| {
        history(object)
            .first()
            .is_some_and(|entry| entry["totalReconciliations"].as_i64() >= Some(3))
    })
    .await?;
    let requests: Vec<_> = bed.settled(mark).await?.iter().map(describe).collect();
    // Whole runs: from one status patch to the next.
    let mut runs: Vec<_> = requests
        .split(|request| request == "patch kustomizations/status app")
        .map(|run| {
            let mut run = run.to_vec();
            run.sort();
            run
        })
        .collect();
    // The rest after the last patch is no whole run.
    runs.pop();
    assert!(runs.len() >= 2, "{requests:?}");
    for run in &runs {
        assert_eq!(
            run,
            &["dry-run configmaps a", "dry-run configmaps b"],
            "{requests:?}"
        );
    }
    Ok(())
}
