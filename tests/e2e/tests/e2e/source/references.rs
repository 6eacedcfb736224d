//! Each form of `spec.ref`, and what of a commit becomes the artifact.

use super::{artifact::ls_tree, *};

#[tokio::test(flavor = "multi_thread")]
async fn each_form_of_reference() -> Result<()> {
    let site = Site::start(&["--concurrent=4"]).await?;
    let repository = site.repository("app", &[("a", "0")])?;
    let first = repository.resolve("main")?;
    let commit = |branch: &str, content: &str| {
        repository.commit(branch, content, &[Change::write("a", content)])
    };
    repository.tag("0.1.0", "main", None)?;
    repository.tag("not-semver", "main", None)?;
    let second = commit("main", "1")?;
    repository.tag("v0.2.0", "main", Some("annotated"))?;
    let third = commit("main", "2")?;
    repository.tag("v1.0.0-rc.1", "main", None)?;
    repository.git(&["branch", "release/1.0", &second])?;
    let pull = commit("work", "pull")?;
    repository.git(&["update-ref", "refs/pull/7/head", &pull])?;
    repository.git(&["branch", "-D", "work"])?;
    repository.git(&["branch", "master", &first])?;

    let cases = [
        (json!({"branch": "main"}), format!("main@sha1:{third}")),
        (json!(null), format!("master@sha1:{first}")),
        (
            json!({"branch": "release/1.0"}),
            format!("release/1.0@sha1:{second}"),
        ),
        (json!({"tag": "0.1.0"}), format!("0.1.0@sha1:{first}")),
        (json!({"tag": "v0.2.0"}), format!("v0.2.0@sha1:{second}")),
        (json!({"semver": "<0.2.0"}), format!("0.1.0@sha1:{first}")),
        (
            json!({"semver": ">=0.1.0"}),
            format!("v0.2.0@sha1:{second}"),
        ),
        (
            json!({"semver": ">=1.0.0-0 <1.1.0-0"}),
            format!("v1.0.0-rc.1@sha1:{third}"),
        ),
        (
            json!({"name": "refs/heads/main"}),
            format!("refs/heads/main@sha1:{third}"),
        ),
        (
            json!({"name": "refs/tags/v0.2.0"}),
            format!("refs/tags/v0.2.0@sha1:{second}"),
        ),
        (
            json!({"name": "refs/tags/v0.2.0^{}"}),
            format!("refs/tags/v0.2.0^{{}}@sha1:{second}"),
        ),
        (
            json!({"name": "refs/pull/7/head"}),
            format!("refs/pull/7/head@sha1:{pull}"),
        ),
        (json!({"commit": first}), format!("sha1:{first}")),
        (
            json!({"commit": first, "branch": "main"}),
            format!("main@sha1:{first}"),
        ),
        (
            json!({"tag": "0.1.0", "semver": "*"}),
            format!("0.1.0@sha1:{first}"),
        ),
        (
            json!({"commit": second, "name": "refs/heads/main"}),
            format!("refs/heads/main@sha1:{second}"),
        ),
    ];
    for (number, (reference, _)) in cases.iter().enumerate() {
        let spec = json!({"url": site.git.url("app"), "ref": reference});
        site.create(&format!("case-{number}"), spec).await?;
    }
    for (number, (reference, revision)) in cases.iter().enumerate() {
        let (status, archive) = site.ready(&format!("case-{number}")).await?;
        assert_eq!(
            &status.artifact.context("artifact")?.revision,
            revision,
            "{reference}"
        );
        let hash = revision.rsplit(':').next().context("hash")?;
        let content = repository.git(&["show", &format!("{hash}:a")])?;
        assert_eq!(archive.text("a"), Some(content), "{reference}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn ignore_rules() -> Result<()> {
    let site = Site::start(&[]).await?;
    let files = [
        ("deploy/app.yaml", "1"),
        ("deploy/notes.md", "1"),
        ("docs/index.md", "1"),
        ("logo.png", "1"),
        (".github/workflow.yaml", "1"),
        (".gitignore", "1"),
        ("sub/.sourceignore", "*.tmp\n"),
        ("sub/a.tmp", "1"),
        ("sub/a.yaml", "1"),
    ];
    site.repository("custom", &files)?;
    site.repository("plain", &files[..6])?;
    site.create("plain", json!({})).await?;
    let (first, archive) = site.ready("plain").await?;
    assert_eq!(
        archive.files(),
        ["deploy/app.yaml", "deploy/notes.md", "docs/index.md"]
    );

    site.create("custom", json!({})).await?;
    let (_, archive) = site.ready("custom").await?;
    assert_eq!(
        archive.files(),
        [
            ".github/workflow.yaml",
            "deploy/app.yaml",
            "deploy/notes.md",
            "docs/index.md",
            "logo.png",
            "sub/.sourceignore",
            "sub/a.yaml",
        ]
    );

    // Another rule makes another artifact of the same commit, in the same place.
    let ignore = "/*\n!/deploy\n*.md\n";
    site.patch("plain", json!({"spec": {"ignore": ignore}}))
        .await?;
    site.until("plain", "ignore observed", |object| {
        let status = object.status.as_ref();
        is_ready(object) && status.is_some_and(|s| s.observed_ignore.as_deref() == Some(ignore))
    })
    .await?;
    let (second, archive) = site.ready("plain").await?;
    assert_eq!(archive.files(), ["deploy/app.yaml"]);
    let (first, second) = (
        first.artifact.context("first")?,
        second.artifact.context("second")?,
    );
    assert_eq!((first.url, first.revision), (second.url, second.revision));
    assert_ne!(first.digest, second.digest);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn sparse_checkouts_and_submodules() -> Result<()> {
    let site = Site::start(&[]).await?;
    let module = site.repository("module", &[("lib.yaml", "1")])?;
    let repository =
        site.repository("app", &[("deploy/a", "1"), ("deployed", "1"), ("x/b", "1")])?;
    repository.commit(
        "main",
        "module",
        &[
            Change::write(
                ".gitmodules",
                "[submodule \"m\"]\n\tpath = vendor/m\n\turl = ../module.git\n",
            ),
            Change::Submodule("vendor/m".into(), module.resolve("main")?),
        ],
    )?;
    let url = site.git.url("app");
    for (name, spec) in [
        ("sparse", json!({"sparseCheckout": ["./deploy"]})),
        ("without", json!({})),
        ("with", json!({"recurseSubmodules": true})),
        ("none", json!({"sparseCheckout": ["nothing"]})),
    ] {
        let mut whole = json!({"url": url});
        merge(&mut whole, spec);
        site.create(name, whole).await?;
    }
    let (_, sparse) = site.ready("sparse").await?;
    assert_eq!(sparse.files(), ["deploy/a", "deployed"]);
    let (_, without) = site.ready("without").await?;
    assert_eq!(without.files(), ls_tree(&repository, "main")?);
    assert!(without.entries.contains_key("vendor/m/"), "{without:?}");
    let (_, with) = site.ready("with").await?;
    assert_eq!(
        with.files(),
        ["deploy/a", "deployed", "vendor/m/lib.yaml", "x/b"]
    );
    let (_, message) = site.not_ready("none", "GitOperationFailed").await?;
    assert!(
        message.starts_with(
            "failed to sparse checkout directories : sparse checkout dir 'nothing' does not exist"
        ),
        "{message}"
    );
    Ok(())
}
