//! The controller or the API server dies at any moment.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, ensure};
use kube::api::ListParams;
use serde_json::{Value, json};
use testkit::{ControlPlane, audit::Mark, control_plane::Options};

use crate::bed::{Bed, PATIENCE, config_map, inventory, ready_at};

/// ConfigMaps by name, with the value of their key.
type Objects = BTreeMap<String, u64>;

/// A small generator with a fixed seed (xorshift64).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }

    /// Some of 24 objects; the first four are always among them.
    fn objects(&mut self) -> Objects {
        (0..24)
            .filter_map(|number| {
                let is_in = self.below(2) == 0 || number < 4;
                let value = self.below(3);
                is_in.then(|| (format!("m{number:02}"), value))
            })
            .collect()
    }
}

async fn publish(bed: &Bed, revision: &str, objects: &Objects) -> Result<()> {
    let files: Vec<_> = objects
        .iter()
        .map(|(name, value)| (format!("{name}.yaml"), config_map(name, &value.to_string())))
        .collect();
    let files: Vec<_> = files
        .iter()
        .map(|(path, text)| (path.as_str(), text.clone()))
        .collect();
    bed.publish(revision, &files).await
}

/// Waits until the API server has answered `count` requests of the controller, or until the
/// controller has nothing more to ask for `revision`.
async fn answered(bed: &Bed, mark: Mark, count: u64, revision: &str) -> Result<()> {
    let done = ready_at(revision);
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while (bed.answers_since(mark)?.len() as u64) < count && !done(&bed.get("app").await?) {
        ensure!(
            tokio::time::Instant::now() < deadline,
            "{count} requests are not made"
        );
        tokio::task::yield_now().await;
    }
    Ok(())
}

/// The labelled objects in the cluster.
async fn labelled(bed: &Bed) -> Result<BTreeMap<String, String>> {
    let params = ListParams::default().labels("kustomize.toolkit.fluxcd.io/name=app");
    let list = bed
        .api("v1", "ConfigMap", &bed.namespace)
        .list(&params)
        .await?;
    let value = |object: &Value| {
        object["data"]["key"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    Ok(list
        .into_iter()
        .map(|object| {
            let name = object.metadata.name.clone().unwrap_or_default();
            (name, value(&object.data))
        })
        .collect())
}

/// The cluster holds exactly what the source holds, and the inventory names exactly that.
async fn assert_converged(bed: &Bed, revision: &str, objects: &Objects) -> Result<()> {
    let app = bed.until("app", ready_at(revision)).await?;
    let expected: BTreeMap<_, _> = objects
        .iter()
        .map(|(name, value)| (name.clone(), value.to_string()))
        .collect();
    ensure!(
        labelled(bed).await? == expected,
        "{revision}: {:?}",
        labelled(bed).await?
    );
    let ids: Vec<_> = objects.keys().map(|name| bed.id(name)).collect();
    ensure!(inventory(&app) == ids, "{revision}: {:?}", inventory(&app));
    for name in ["bystander", "foreign"] {
        bed.config_map(name)
            .await?
            .with_context(|| format!("{revision}: {name} is gone"))?;
    }
    Ok(())
}

/// An object of nobody, and one of another Kustomization.
async fn create_bystanders(bed: &Bed) -> Result<()> {
    let owner = json!({
        "kustomize.toolkit.fluxcd.io/name": "other",
        "kustomize.toolkit.fluxcd.io/namespace": bed.namespace,
    });
    for (name, labels) in [("bystander", json!({})), ("foreign", owner)] {
        let object = json!({
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "labels": labels},
        });
        bed.create("v1", "ConfigMap", &object).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_any_moment_nothing_leaks_and_nothing_else_is_deleted() -> Result<()> {
    const ROUNDS: u64 = 14;
    let mut bed = Bed::start("killed").await?;
    create_bystanders(&bed).await?;
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut before = Objects::new();
    bed.kustomization("app", json!({"retryInterval": "100ms"}))
        .await?;
    for round in 1..=ROUNDS {
        let revision = format!("r{round}");
        let objects = random.objects();
        let mark = bed.mark()?;
        publish(&bed, &revision, &objects).await?;
        // The first rounds die early, during the initial apply and the write before it.
        let moment = random.below(if round < 4 { 6 } else { 45 });
        answered(&bed, mark, moment, &revision).await?;
        bed.kill()?;
        let converges = random.below(2) == 0 || round == ROUNDS;
        if !converges {
            // The next revision appears while nobody looks.
            let revision = format!("r{round}-missed");
            publish(&bed, &revision, &objects).await?;
        }
        bed.start_again().await?;
        if converges {
            assert_converged(&bed, &revision, &objects).await?;
        }
        let deleted: BTreeSet<_> = bed
            .answers_since(mark)?
            .into_iter()
            .filter(|request| request.verb == "delete")
            .map(|request| request.name)
            .collect();
        let allowed = |name: &String| {
            name.starts_with('m') && !(before.contains_key(name) && objects.contains_key(name))
        };
        ensure!(
            deleted.iter().all(allowed),
            "round {round}: {deleted:?} were deleted"
        );
        before = objects;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_server_that_dies_in_the_middle_of_a_commit_is_survived() -> Result<()> {
    let mut cluster = ControlPlane::start(Options {
        audit: true,
        crds: true,
        ..Options::default()
    })
    .await?;
    let bed = Bed::on(&cluster, "server", &[]).await?;
    create_bystanders(&bed).await?;
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    bed.kustomization("app", json!({})).await?;
    let first = random.objects();
    publish(&bed, "r1", &first).await?;
    assert_converged(&bed, "r1", &first).await?;

    let second = random.objects();
    let mark = bed.mark()?;
    publish(&bed, "r2", &second).await?;
    answered(&bed, mark, 8, "r2").await?;
    cluster.kill_api_server()?;
    cluster.restart_api_server().await?;
    assert_converged(&bed, "r2", &second).await?;

    // The watches have come back: neither a new source revision nor a new object needs a restart.
    let third = random.objects();
    publish(&bed, "r3", &third).await?;
    bed.kustomization("late", json!({"namePrefix": "late-"}))
        .await?;
    assert_converged(&bed, "r3", &third).await?;
    bed.until("late", ready_at("r3")).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_without_a_new_revision_writes_nothing() -> Result<()> {
    let mut bed = Bed::start("idle-restart").await?;
    bed.publish("r1", &[("a.yaml", config_map("a", "1"))])
        .await?;
    bed.kustomization("app", json!({})).await?;
    let before = bed.until("app", ready_at("r1")).await?;
    bed.events("app", 2).await?;
    bed.kill()?;
    let mark = bed.mark()?;
    bed.start_again().await?;
    // It has run when one that was created later has.
    bed.kustomization("witness", json!({"namePrefix": "witness-"}))
        .await?;
    bed.until("witness", ready_at("r1")).await?;
    bed.until_metric(
        "gotk_reconcile_duration_seconds_count",
        &["name=\"app\""],
        1.0,
    )
    .await?;
    let about_app: Vec<_> = bed
        .requests_since(mark)
        .await?
        .into_iter()
        .filter(|request| request.ends_with(" app") || request.ends_with(" a"))
        .collect();
    assert_eq!(about_app, [""; 0]);
    assert_eq!(bed.get("app").await?, before);
    Ok(())
}
