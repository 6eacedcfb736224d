//! Several controllers of which one leads, or each of which has its share.

use anyhow::{Context, Result, ensure};
use kube::api::{ApiResource, GroupVersionKind};
use serde_json::json;
use snapshot::digest::Algorithm;
use testkit::{Controller, Observer, process::Process};

use crate::bed::{Bed, PATIENCE, config_map, ready_at};

const LEASE: &str = "kustomize-controller-leader-election";
const LEADER: &str = "--enable-leader-election";
const RETRY: &str = "--leader-election-retry-period=100ms";

/// The Leases of a namespace.
struct Leases(Observer);

impl Leases {
    async fn watch(bed: &Bed) -> Result<Self> {
        let kind = GroupVersionKind::gvk("coordination.k8s.io", "v1", "Lease");
        let resource = ApiResource::from_gvk(&kind);
        let observer = Observer::start(bed.client.clone(), &resource, &bed.namespace).await?;
        Ok(Self(observer))
    }

    /// Waits until someone other than `before` holds `lease`.
    async fn holder(&self, lease: &str, before: &str) -> Result<String> {
        self.0
            .until(PATIENCE, |leases| {
                let spec = &leases.get(lease)?.object.data["spec"];
                let holder = spec["holderIdentity"].as_str()?;
                (!holder.is_empty() && holder != before).then(|| holder.to_owned())
            })
            .await
            .with_context(|| format!("nobody takes {lease} from {before}"))
    }
}

fn runs(controller: &Controller) -> Result<f64> {
    Ok(controller
        .metrics()?
        .sum("controller_runtime_reconcile_total", &[]))
}

fn is_leader(controller: &Controller) -> Result<bool> {
    Ok(controller
        .metrics()?
        .sum("leader_election_master_status", &[LEASE])
        > 0.5)
}

fn signal(process: &Process, name: &str) -> Result<()> {
    let status = std::process::Command::new("kill")
        .args([format!("-{name}"), process.id().to_string()])
        .status()?;
    ensure!(status.success(), "kill -{name}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn one_leads_and_releases_the_lease_when_told_to_stop() -> Result<()> {
    // A Lease of an hour: whoever takes over within this test has been let.
    let flags = [
        LEADER,
        "--leader-election-lease-duration=1h",
        "--leader-election-renew-deadline=30m",
        RETRY,
    ];
    let mut bed = Bed::with_flags("releases", &flags).await?;
    let leases = Leases::watch(&bed).await?;
    let first = leases.holder(LEASE, "").await?;
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname")?;
    let id = first
        .strip_prefix(&format!("{}_", host.trim()))
        .context(first.clone())?;
    assert_eq!(
        id.split('-').map(str::len).collect::<Vec<_>>(),
        [8, 4, 4, 4, 12]
    );

    let standby = bed.another("standby", &[]).await?;
    bed.publish("r1", &[("a.yaml", config_map("a", "1"))])
        .await?;
    bed.kustomization("app", json!({})).await?;
    bed.until("app", ready_at("r1")).await?;
    assert!(is_leader(&bed.controller)? && !is_leader(&standby)?);
    assert!(runs(&standby)? < 1.0, "the standby acts");

    let status = bed.controller.process().terminate(PATIENCE)?;
    assert!(status.success(), "{status}");
    leases.holder(LEASE, &first).await?;
    bed.publish("r2", &[("a.yaml", config_map("a", "2"))])
        .await?;
    bed.until("app", ready_at("r2")).await?;
    assert!(is_leader(&standby)?);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_outlives_its_holder_no_longer_than_it_says() -> Result<()> {
    let flags = [
        LEADER,
        // Long enough for a busy machine to renew it in time.
        "--leader-election-lease-duration=10s",
        "--leader-election-renew-deadline=8s",
        RETRY,
    ];
    let mut bed = Bed::with_flags("expires", &flags).await?;
    let leases = Leases::watch(&bed).await?;
    let first = leases.holder(LEASE, "").await?;
    bed.publish("r1", &[("a.yaml", config_map("a", "1"))])
        .await?;
    bed.kustomization("app", json!({})).await?;
    bed.until("app", ready_at("r1")).await?;
    let mut standby = bed.another("standby", &[]).await?;
    bed.kill()?;
    let second = leases.holder(LEASE, &first).await?;
    bed.publish("r2", &[("a.yaml", config_map("a", "2"))])
        .await?;
    bed.until("app", ready_at("r2")).await?;

    // One that was frozen for longer than that has lost, and ends before it writes anything.
    bed.start_again().await?;
    signal(standby.process(), "STOP")?;
    leases.holder(LEASE, &second).await?;
    let before = runs(&bed.controller)?;
    signal(standby.process(), "CONT")?;
    let deadline = tokio::time::Instant::now() + PATIENCE;
    let status = loop {
        if let Some(status) = standby.process().exited()? {
            break status;
        }
        ensure!(
            tokio::time::Instant::now() < deadline,
            "it goes on without the Lease"
        );
        tokio::task::yield_now().await;
    };
    assert!(!status.success());
    bed.publish("r3", &[("a.yaml", config_map("a", "3"))])
        .await?;
    bed.until("app", ready_at("r3")).await?;
    assert!(runs(&bed.controller)? > before);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shard_has_a_lease_of_its_own_and_sees_only_its_labels() -> Result<()> {
    let selector = "sharding.fluxcd.io/key=a";
    let flag = format!("--watch-label-selector={selector}");
    let bed = Bed::with_flags("shards", &[LEADER, RETRY, &flag]).await?;
    let digest = Algorithm::Sha256.digest(selector.as_bytes());
    let lease = format!("{LEASE}-{}", digest.hex().get(..8).unwrap_or_default());
    Leases::watch(&bed).await?.holder(&lease, "").await?;

    bed.publish("r1", &[("a.yaml", config_map("a", "1"))])
        .await?;
    bed.kustomization("outside", json!({"namePrefix": "outside-"}))
        .await?;
    bed.kustomization("inside", json!({"namePrefix": "inside-"}))
        .await?;
    let label = |value: &str| json!({"metadata": {"labels": {"sharding.fluxcd.io/key": value}}});
    bed.change("outside", label("b")).await?;
    bed.change("inside", label("a")).await?;
    bed.until("inside", ready_at("r1")).await?;
    let outside = bed.get("outside").await?;
    assert!(outside["metadata"]["finalizers"].is_null(), "{outside}");
    assert!(bed.config_map("outside-a").await?.is_none());

    // One that leaves the shard is let go of, with everything that it has applied.
    bed.change("inside", label("b")).await?;
    bed.change("outside", label("a")).await?;
    bed.until("outside", ready_at("r1")).await?;
    bed.publish("r2", &[("a.yaml", config_map("a", "2"))])
        .await?;
    bed.until("outside", ready_at("r2")).await?;
    let left = bed.config_map("inside-a").await?.unwrap_or_default();
    assert_eq!(left["data"]["key"], "1");
    Ok(())
}
