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
