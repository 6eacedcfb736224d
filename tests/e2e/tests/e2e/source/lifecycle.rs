//! From creation to deletion, and what a restart finds.

use super::{artifact::ls_tree, *};

#[tokio::test(flavor = "multi_thread")]
async fn a_branch_becomes_an_artifact() -> Result<()> {
    let site = Site::start(&[]).await?;
    let repository = site.repository("app", &[("deploy/app.yaml", "a: 1\n"), ("README", "x")])?;
    repository.commit(
        "main",
        "more files",
        &[
            Change::WriteExecutable("bin/run".into(), b"#!/bin/sh\n".to_vec()),
            Change::Link("link".into(), "README".into()),
            Change::write("dir-x/a", "1"),
            Change::write("dir/a", "1"),
            Change::write(".gitignore", "target\n"),
            Change::write("ünïcode.txt", "ü"),
        ],
    )?;
    site.create("app", json!({})).await?;
    let (status, archive) = site.ready("app").await?;
    let head = repository.resolve("main")?;
    let artifact = status.artifact.context("artifact")?;
    assert_eq!(artifact.revision, format!("main@sha1:{head}"));
    let path = format!("gitrepository/{}/app/{head}.tar.gz", site.namespace);
    assert_eq!(artifact.path, path);
    assert_eq!(archive.files(), ls_tree(&repository, "main")?);
    assert_eq!(archive.text("deploy/app.yaml").as_deref(), Some("a: 1\n"));
    assert_eq!(archive.modes["bin/run"], 0o700);
    assert_eq!(archive.modes["README"], 0o600);
    assert_eq!(archive.modes["dir"], 0o750);

    let words: Vec<_> = status
        .conditions
        .iter()
        .map(|c| format!("{} {:?} {}: {}", c.r#type, c.status, c.reason, c.message))
        .collect();
    let text = format!("stored artifact for revision 'main@sha1:{head}'");
    assert_eq!(
        words,
        [
            format!("Ready True Succeeded: {text}"),
            format!("ArtifactInStorage True Succeeded: {text}"),
        ]
    );
    let object = site.api().get("app").await?;
    assert_eq!(
        object.metadata.finalizers,
        Some(vec!["finalizers.fluxcd.io".to_owned()])
    );
    let message = site.event("app", "NewArtifact").await?;
    assert_eq!(message, "stored artifact for commit 'more files'");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_brings_the_new_commit_and_costs_little() -> Result<()> {
    let site = Site::start(&[]).await?;
    let repository = site.repository("app", &[("a", "1"), ("b", "1")])?;
    site.create("app", json!({})).await?;
    site.ready("app").await?;
    site.event("app", "NewArtifact").await?;
    site.git.take_log();
    let audit = cluster::shared().await?.audit().context("audit log")?;

    // A new commit: one status patch to show that something is built, one with the result, and an event.
    let mark = site.mark(&audit).await?;
    let head = repository.commit("main", "second", &[Change::write("a", "2")])?;
    let revision = format!("main@sha1:{head}");
    let asked = Instant::now();
    site.poke("app", "1").await?;
    let at = |object: &GitRepository| is_ready(object) && self::revision(object) == revision;
    let (object, seen) = site.until("app", "new commit", at).await?;
    let took = seen.saturating_duration_since(asked);
    assert_eq!(handled(&object), Some("1"));
    let (_, archive) = site.ready("app").await?;
    assert_eq!(archive.text("a").as_deref(), Some("2"));
    site.event_with("app", "stored artifact for commit 'second'")
        .await?;
    let requests = site.settled(&audit, mark).await?;
    let fetches = site.git.take_log();
    assert_eq!(
        requests,
        [
            "create events",
            "patch gitrepositories/status",
            "patch gitrepositories/status"
        ]
    );
    assert!(fetches.len() <= 3, "{fetches:?}");
    println!(
        "annotation to artifact: {took:?}, {} requests to Git",
        fetches.len()
    );

    // Nothing new: the request is recorded, and that is all.
    let mark = site.mark(&audit).await?;
    site.poke("app", "2").await?;
    let (object, _) = site
        .until("app", "handled", |object| handled(object) == Some("2"))
        .await?;
    assert!(is_ready(&object));
    site.event("app", "GitOperationSucceeded").await?;
    assert_eq!(
        site.settled(&audit, mark).await?,
        ["create events", "patch gitrepositories/status"]
    );
    assert!(site.git.take_log().len() <= 2, "references alone are read");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interval_without_change_writes_no_status() -> Result<()> {
    let site = Site::start(&[]).await?;
    site.repository("app", &[("a", "1")])?;
    site.create("app", json!({"interval": "1s"})).await?;
    let (before, _) = site.ready("app").await?;
    site.event("app", "GitOperationSucceeded").await?;
    let runs = || site.runs("requeue_after");
    let done = runs()? + 2.0;
    site.eventually("two more runs", || Ok(runs()? >= done))
        .await?;
    let after = site.api().get("app").await?;
    assert_eq!(after.status, Some(before));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_object_is_left_alone() -> Result<()> {
    let site = Site::start(&[]).await?;
    let repository = site.repository("app", &[("a", "1")])?;
    site.create("app", json!({})).await?;
    let (before, _) = site.ready("app").await?;
    repository.commit("main", "second", &[Change::write("a", "2")])?;
    site.patch("app", json!({"spec": {"suspend": true}}))
        .await?;
    site.poke("app", "1").await?;
    let (object, _) = site
        .until("app", "handled", |object| handled(object) == Some("1"))
        .await?;
    let status = object.status.context("status")?;
    assert_eq!(status.artifact, before.artifact);
    assert_eq!(status.observed_generation, Some(2));
    site.patch("app", json!({"spec": {"suspend": false}}))
        .await?;
    let head = repository.resolve("main")?;
    site.ready_at("app", &format!("main@sha1:{head}")).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_leaves_nothing_behind() -> Result<()> {
    let site = Site::start(&[]).await?;
    site.repository("app", &[("a", "1")])?;
    site.create("app", json!({"suspend": true})).await?;
    site.patch("app", json!({"spec": {"suspend": false}}))
        .await?;
    site.ready("app").await?;
    let uid = site.api().get("app").await?.metadata.uid.context("uid")?;
    let cache = site.storage().join(".git-cache").join(uid);
    assert!(site.artifacts("app").is_dir() && cache.is_dir());
    let series = || site.has_series("gotk_reconcile_duration_seconds_count");
    assert!(series()?);
    site.delete("app").await?;
    assert!(!site.artifacts("app").exists() && !cache.exists());
    site.eventually("series gone", || Ok(!series()?)).await?;
    site.event("app", "GarbageCollectionSucceeded").await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn other_finalizers_are_left_alone() -> Result<()> {
    let site = Site::start(&[]).await?;
    site.repository("app", &[("a", "1")])?;
    site.create("app", json!({})).await?;
    site.ready("app").await?;
    let both = json!(["finalizers.fluxcd.io", "example.com/other"]);
    site.patch("app", json!({"metadata": {"finalizers": both}}))
        .await?;
    site.api().delete("app", &DeleteParams::default()).await?;
    let other = Some(vec!["example.com/other".to_owned()]);
    let (object, _) = site
        .until("app", "finalizer gone", |object| {
            object.metadata.finalizers == other
        })
        .await?;
    assert_eq!(object.status.context("status")?.artifact, None);
    assert!(!site.artifacts("app").exists());
    site.patch("app", json!({"metadata": {"finalizers": null}}))
        .await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_keeps_what_is_good_and_rebuilds_what_is_not() -> Result<()> {
    let mut site = Site::start(&[]).await?;
    for name in ["kept", "broken", "lost"] {
        site.repository(name, &[("a", name)])?;
        site.create(name, json!({})).await?;
    }
    let mut before = BTreeMap::new();
    for name in ["kept", "broken", "lost"] {
        before.insert(name, site.ready(name).await?.0);
    }
    let file = |name: &str| -> Result<PathBuf> {
        let artifact = before[name].artifact.as_ref().context("artifact")?;
        Ok(site.storage().join(&artifact.path))
    };
    let (broken, lost) = (file("broken")?, file("lost")?);
    let audit = cluster::shared().await?.audit().context("audit log")?;
    site.controller.terminate(Duration::from_secs(20))?;
    std::fs::write(&broken, b"nonsense")?;
    std::fs::remove_file(&lost)?;
    let mark = audit.mark()?;
    site.controller.start_again()?;
    site.controller.ready().await?;
    for name in ["broken", "lost"] {
        site.eventually("rebuilt", || {
            Ok(std::fs::read(
                site.storage()
                    .join(&before[name].artifact.as_ref().context("artifact")?.path),
            )
            .is_ok_and(|content| content != b"nonsense"))
        })
        .await?;
        let (after, archive) = site.ready(name).await?;
        let (after, before) = (
            after.artifact.context("after")?,
            before[name].artifact.clone(),
        );
        let before = before.context("before")?;
        assert_eq!(
            (after.revision, after.digest),
            (before.revision, before.digest)
        );
        assert_eq!(archive.text("a").as_deref(), Some(name));
    }
    site.event("broken", "ArtifactVerificationFailed").await?;
    site.event("kept", "GitOperationSucceeded").await?;
    let (kept, _) = site.ready("kept").await?;
    assert_eq!(kept, before["kept"]);
    let touched: Vec<_> = audit
        .since(mark)?
        .into_iter()
        .filter(|request| request.user == site.user && request.name == "kept")
        .collect();
    assert!(touched.is_empty(), "{touched:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_artifact_that_goes_bad_is_replaced_at_the_next_run() -> Result<()> {
    let site = Site::start(&[]).await?;
    site.repository("app", &[("a", "1")])?;
    site.create("app", json!({})).await?;
    let artifact = site.ready("app").await?.0.artifact.context("artifact")?;
    std::fs::write(site.storage().join(&artifact.path), b"nonsense")?;
    site.poke("app", "1").await?;
    site.until("app", "handled", |object| {
        handled(object) == Some("1") && is_ready(object)
    })
    .await?;
    let (_, archive) = site.ready("app").await?;
    assert_eq!(archive.text("a").as_deref(), Some("1"));
    let message = site.event("app", "ArtifactVerificationFailed").await?;
    assert_eq!(
        message,
        format!(
            "failed to verify integrity of artifact: computed digest doesn't match '{}'",
            artifact.digest
        )
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn old_artifacts_go() -> Result<()> {
    // By their number, however long this takes.
    let site = Site::start(&["--artifact-retention-ttl=1h"]).await?;
    let repository = site.repository("app", &[("a", "0")])?;
    site.create("app", json!({})).await?;
    site.ready("app").await?;
    for round in 1..4 {
        let content = round.to_string();
        let head = repository.commit("main", &content, &[Change::write("a", content.clone())])?;
        site.poke("app", &content).await?;
        site.ready_at("app", &format!("main@sha1:{head}")).await?;
    }
    site.poke("app", "last").await?;
    site.until("app", "handled", |object| handled(object) == Some("last"))
        .await?;
    let files = std::fs::read_dir(site.artifacts("app"))?
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.ends_with(".tar.gz"))
        .count();
    assert_eq!(files, 2);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_at_any_moment_is_survived() -> Result<()> {
    let mut site = Site::start(&[]).await?;
    let repository = site.repository("app", &[("a", "0")])?;
    site.create("app", json!({})).await?;
    let url = site.ready("app").await?.0.artifact.context("artifact")?.url;
    let address = url.split('/').nth(2).context("address")?.to_owned();
    for round in 1..=6 {
        let content = round.to_string();
        let head = repository.commit("main", &content, &[Change::write("a", content.clone())])?;
        let revision = format!("main@sha1:{head}");
        site.poke("app", &content).await?;
        // At once, while the artifact is written, or just after.
        if round % 3 > 0 {
            site.until("app", "at work", |object| {
                let outdated = condition(object, "ArtifactOutdated").is_some();
                self::revision(object) == revision || (round % 3 == 1 && outdated)
            })
            .await?;
        }
        site.controller.kill()?;
        site.controller.start_again()?;
        site.served(&address).await?;
        let (_, archive) = site.ready_at("app", &revision).await?;
        assert_eq!(archive.text("a"), Some(content));
    }
    let events = site.events("app").await?;
    let damaged = events
        .iter()
        .any(|(reason, _)| reason == "ArtifactVerificationFailed");
    assert!(!damaged, "{events:?}");
    Ok(())
}
