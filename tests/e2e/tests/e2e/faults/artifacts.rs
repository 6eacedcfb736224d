//! Artifact servers that are slow, refuse or stop in the middle.

use anyhow::Result;
use serde_json::json;

use crate::bed::{Bed, Door, config_map, describe, failed, message, ready_at};

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_cannot_be_had_delays_nobody_else_and_is_had_when_it_can() -> Result<()> {
    // Fewer workers than Kustomizations that wait.
    let bed = Bed::with_flags("doors", &["--concurrent=1"]).await?;
    let files = [("a.yaml", config_map("a", "1"))];
    let doors = [
        ("silent", Door::Silent),
        ("stuck", Door::Stuck),
        ("refusing", Door::Refusing(503)),
        ("missing", Door::Refusing(404)),
        ("forbidden", Door::Refusing(403)),
    ];
    let on = |name: &str| {
        json!({
            "namePrefix": format!("{name}-"),
            "sourceRef": {"kind": "GitRepository", "name": name},
        })
    };
    for (name, door) in doors {
        bed.source(name).await?;
        bed.door(name, door);
        bed.publish_to(name, "r1", &files, |_, _| {}).await?;
        bed.kustomization(name, on(name)).await?;
    }
    bed.publish("r1", &files).await?;
    bed.kustomization("good", json!({})).await?;
    bed.until("good", ready_at("r1")).await?;
    bed.publish("r2", &files).await?;
    bed.until("good", ready_at("r2")).await?;
    for (name, _) in doors {
        assert_ne!(
            bed.get(name).await?["status"]["lastAppliedRevision"],
            "r1",
            "{name}"
        );
    }
    let missing = bed.until("missing", failed).await?;
    assert_eq!(
        message(&missing, "Ready"),
        "Source is not ready, artifact not found, retrying in 1s"
    );

    for (name, _) in doors {
        bed.door(name, Door::Open);
    }
    for name in ["silent", "refusing", "missing", "forbidden"] {
        bed.until(name, ready_at("r1")).await?;
    }
    // A body that has stopped is overtaken by the next artifact at once.
    let newer = [("a.yaml", config_map("a", "2"))];
    bed.publish_to("stuck", "r2", &newer, |_, _| {}).await?;
    bed.until("stuck", ready_at("r2")).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn overtaken_revisions_are_not_applied() -> Result<()> {
    let bed = Bed::start("overtaken").await?;
    let files = |value: u32| [("a.yaml", config_map("a", &value.to_string()))];
    bed.publish("r1", &files(1)).await?;
    bed.kustomization("app", json!({})).await?;
    bed.until("app", ready_at("r1")).await?;
    // What the first run does last.
    bed.events("app", 2).await?;
    let mark = bed.mark()?;
    bed.door("source", Door::Silent);
    for value in 2..=10 {
        bed.publish(&format!("r{value}"), &files(value)).await?;
    }
    bed.until_asked("source", "r10").await?;
    bed.door("source", Door::Open);
    bed.until("app", ready_at("r10")).await?;
    assert_eq!(
        bed.config_map("a").await?.unwrap_or_default()["data"]["key"],
        "10"
    );
    let requests: Vec<_> = bed.settled(mark).await?.iter().map(describe).collect();
    assert_eq!(
        requests,
        [
            "patch kustomizations/status app",
            "dry-run configmaps a",
            "patch configmaps a",
            "patch kustomizations/status app"
        ]
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn each_of_many_quick_revisions_may_be_skipped_but_the_last_is_not() -> Result<()> {
    let bed = Bed::start("quick").await?;
    let files = |value: u32| [("a.yaml", config_map("a", &value.to_string()))];
    bed.publish("r1", &files(1)).await?;
    bed.kustomization("app", json!({})).await?;
    bed.until("app", ready_at("r1")).await?;
    // What the first run does last.
    bed.events("app", 2).await?;
    let mark = bed.mark()?;
    for value in 2..=10 {
        bed.publish(&format!("r{value}"), &files(value)).await?;
    }
    bed.until("app", ready_at("r10")).await?;
    assert_eq!(
        bed.config_map("a").await?.unwrap_or_default()["data"]["key"],
        "10"
    );
    let requests = bed.requests_since(mark).await?;
    let count = |text: &str| requests.iter().filter(|request| *request == text).count();
    assert!(
        (1..=9).contains(&count("patch configmaps a")),
        "{requests:?}"
    );
    assert_eq!(
        count("patch kustomizations/status app"),
        2 * count("patch configmaps a"),
        "one status announces each change, one tells of its end: {requests:?}"
    );
    Ok(())
}
