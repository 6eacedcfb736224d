//! What others do to objects is undone at the interval, and an interval costs no more than a look.

use anyhow::Result;
use kube::api::{DeleteParams, Patch, PatchParams, PostParams};
use serde_json::{Value, json};

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

/// How many runs have ended.
fn total(object: &Value) -> u64 {
    let history = history(object);
    let newest = history.first();
    newest.map_or(0, |entry| {
        entry["totalReconciliations"].as_u64().unwrap_or_default()
    })
}

/// How many runs took a second or more: such a run tells what it is at, which is one patch more.
fn slow_runs(bed: &Bed) -> Result<usize> {
    let log = std::fs::read_to_string(bed.controller.log())?;
    let took = log.lines().filter_map(|line| {
        line.split_once("Reconciliation finished in ")?
            .1
            .split_once(',')
    });
    Ok(took.filter(|(took, _)| !took.ends_with("ms")).count())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interval_costs_one_dry_run_per_object_and_one_status_patch() -> Result<()> {
    const WHOLE: usize = 2;
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
    let app = bed.until("app", ready_at("r1")).await?;
    let mut ended = total(&app);
    let runs = loop {
        let (mark, slow) = (bed.mark()?, slow_runs(&bed)?);
        let enough = ended + WHOLE as u64 + 1;
        let app = bed.until("app", |object| total(object) >= enough).await?;
        ended = total(&app);
        let requests: Vec<_> = bed.settled(mark).await?.iter().map(describe).collect();
        if slow_runs(&bed)? == slow {
            // From one status patch to the next; the first may have begun before the mark.
            let runs = requests.split(|request| request == "patch kustomizations/status app");
            break runs
                .skip(1)
                .take(WHOLE)
                .map(|run| {
                    let mut run = run.to_vec();
                    run.sort();
                    run
                })
                .collect::<Vec<_>>();
        }
    };
    let run = ["dry-run configmaps a", "dry-run configmaps b"];
    assert_eq!(runs, [run; WHOLE]);
    Ok(())
}
