//! Artifacts in artifacts.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn an_include_is_waited_for_and_followed() -> Result<()> {
    let site = Site::start(&["--requeue-dependency=1h"]).await?;
    site.repository("app", &[("app.yaml", "1")])?;
    let include = json!([
        {"repository": {"name": "lib"}, "fromPath": "base", "toPath": "vendor/lib"},
        {"repository": {"name": "lib"}},
    ]);
    site.create("app", json!({"include": include})).await?;
    let (status, message) = site.not_ready("app", "NotFound").await?;
    assert!(
        message.starts_with("could not get resource for include 'lib': "),
        "{message}"
    );
    assert_ne!(status.observed_generation, Some(1));

    // Nobody asks for another run: the include's artifact is what wakes.
    let lib = site.repository(
        "lib",
        &[
            ("base/a.yaml", "1"),
            ("base/sub/b.yaml", "1"),
            ("README", "1"),
        ],
    )?;
    site.create("lib", json!({})).await?;
    let (status, archive) = site.ready("app").await?;
    assert_eq!(
        archive.files(),
        [
            "app.yaml",
            "lib/README",
            "lib/base/a.yaml",
            "lib/base/sub/b.yaml",
            "vendor/lib/a.yaml",
            "vendor/lib/sub/b.yaml",
        ]
    );
    let included = status.included_artifacts.context("included artifacts")?;
    let of_lib = site.ready("lib").await?.0.artifact.context("artifact")?;
    assert_eq!(included, [of_lib.clone(), of_lib]);
    assert_eq!(
        status.observed_include.map(|include| include.len()),
        Some(2)
    );

    let head = lib.commit("main", "second", &[Change::write("base/a.yaml", "2")])?;
    site.poke("lib", "1").await?;
    let revision = format!("main@sha1:{head}");
    site.until("app", "include followed", |object| {
        let status = object.status.as_ref();
        let included = status.and_then(|s| s.included_artifacts.as_ref());
        is_ready(object) && included.is_some_and(|i| i.iter().all(|i| i.revision == revision))
    })
    .await?;
    let (_, archive) = site.ready("app").await?;
    assert_eq!(archive.text("vendor/lib/a.yaml").as_deref(), Some("2"));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_include_that_has_no_place_says_so() -> Result<()> {
    let site = Site::start(&[]).await?;
    site.repository("lib", &[("base/a.yaml", "1")])?;
    site.create("lib", json!({})).await?;
    site.ready("lib").await?;
    for (name, from, to, cause) in [
        ("occupied", "base", "deploy", "file exists"),
        ("missing", "nothing", "new", "no such file or directory"),
    ] {
        site.repository(name, &[("deploy/app.yaml", "1")])?;
        let include = json!([{"repository": {"name": "lib"}, "fromPath": from, "toPath": to}]);
        site.create(name, json!({"include": include})).await?;
        let (_, message) = site.not_ready(name, "CopyFailure").await?;
        let expected = format!("failed to copy 'lib' include from {from} to {to}: {cause}");
        assert_eq!(message, expected);
    }
    // A path that would lead out is clamped at the root.
    site.repository("clamped", &[("deploy/app.yaml", "1")])?;
    let include =
        json!([{"repository": {"name": "lib"}, "fromPath": "/base", "toPath": "../../out"}]);
    site.create("clamped", json!({"include": include})).await?;
    let (_, archive) = site.ready("clamped").await?;
    assert_eq!(archive.files(), ["deploy/app.yaml", "out/a.yaml"]);
    Ok(())
}
