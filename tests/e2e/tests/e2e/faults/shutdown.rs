//! A signal ends the process soon, whatever it waits for.

use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::json;
use testkit::{ControlPlane, control_plane::Options};

use crate::bed::{Bed, Door, config_map, ready_at, reason};

/// Less than the grace that pods have, and than any timeout of the controller's.
const SOON: Duration = Duration::from_secs(28);

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_ends_health_checks_and_downloads() -> Result<()> {
    let mut bed = Bed::start("stops").await?;
    let claim = json!({
        "apiVersion": "v1", "kind": "PersistentVolumeClaim",
        "metadata": {"name": "claim", "namespace": bed.namespace},
        "spec": {
            "accessModes": ["ReadWriteOnce"], "storageClassName": "none",
            "resources": {"requests": {"storage": "1Gi"}},
        },
    });
    let files = [("claim.yaml", claim.to_string())];
    bed.publish("r1", &files).await?;
    for (name, door) in [("silent", Door::Silent), ("stuck", Door::Stuck)] {
        bed.source(name).await?;
        bed.door(name, door);
        // Long enough for half of it to be worth reading.
        let words = (0..20_000_u32).map(|n| format!("{:x}", n.wrapping_mul(2_654_435_761)));
        let noise = words.collect::<Vec<_>>().join("\n");
        bed.publish_to(name, "r1", &[("noise.txt", noise)], |_, _| {})
            .await?;
        let on = json!({"sourceRef": {"kind": "GitRepository", "name": name}});
        bed.kustomization(name, on).await?;
        bed.until_asked(name, "r1").await?;
    }
    bed.kustomization("app", json!({"wait": true, "timeout": "5m"}))
        .await?;
    bed.until("app", |object| reason(object, "Healthy") == "Progressing")
        .await?;
    let status = bed.controller.process().terminate(SOON)?;
    assert_eq!(status.code(), Some(0), "{status}");
    bed.start_again().await?;
    bed.publish("r2", &[("a.yaml", config_map("a", "1"))])
        .await?;
    bed.until("app", ready_at("r2")).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_run_tells_last_is_told_before_the_end() -> Result<()> {
    let mut bed = Bed::start("last-words").await?;
    bed.publish("r1", &[("a.yaml", config_map("a", "1"))])
        .await?;
    bed.kustomization("app", json!({})).await?;
    bed.until("app", ready_at("r1")).await?;
    let status = bed.controller.process().terminate(SOON)?;
    assert_eq!(status.code(), Some(0), "{status}");
    let events = bed.events("app", 2).await?;
    assert!(
        events
            .iter()
            .any(|event| event["reason"] == "ReconciliationSucceeded"),
        "{events:?}"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_ends_a_controller_whose_api_server_is_away() -> Result<()> {
    let mut cluster = ControlPlane::start(Options {
        crds: true,
        ..Options::default()
    })
    .await?;
    let mut bed = Bed::on(&cluster, "away", &["--enable-leader-election"]).await?;
    let mut candidate = bed.another("candidate", &[]).await?;
    let server = cluster
        .api_server()
        .context("the cluster was given")?
        .id()
        .to_string();
    // Not dead but silent: connections are taken and nothing is answered.
    let signal = |name: &str| {
        std::process::Command::new("kill")
            .args([name, &server])
            .status()
    };
    signal("-STOP")?;
    let ended = [
        bed.controller.process().terminate(SOON),
        candidate.process().terminate(SOON),
    ];
    signal("-CONT")?;
    cluster.kill_api_server()?;
    for status in ended {
        let status = status?;
        assert_eq!(status.code(), Some(0), "{status}");
    }
    Ok(())
}
