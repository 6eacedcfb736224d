//! What goes wrong, how it is told, and how it ends.

use std::net::Ipv4Addr;

use testkit::git_server::Access;
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpSocket, TcpStream},
};

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn each_failure_has_its_reason_and_text() -> Result<()> {
    let site = Site::start(&["--concurrent=4"]).await?;
    site.repository("app", &[("a", "1")])?;
    site.git.create("empty")?;
    let url = |name: &str| site.git.url(name);
    let verify = json!({"mode": "HEAD", "secretRef": {"name": "keys"}});
    let fetch = "failed to checkout and determine revision: ";
    let cases = [
        (
            json!({"ref": {"branch": "none"}}),
            "GitOperationFailed",
            format!(
                "{fetch}unable to clone '{}': couldn't find remote ref \"refs/heads/none\"",
                url("app")
            ),
        ),
        (
            json!({"ref": {"semver": ">=9"}}),
            "GitOperationFailed",
            format!("{fetch}no match found for semver: >=9"),
        ),
        (
            json!({"ref": {"name": "refs/heads/none"}}),
            "GitOperationFailed",
            format!("{fetch}unable to resolve ref 'refs/heads/none' to a specific commit"),
        ),
        (
            json!({"url": url("empty")}),
            "EmptyGitRepository",
            "git repository is empty".to_owned(),
        ),
        (
            json!({"url": url("absent")}),
            "GitOperationFailed",
            format!("{fetch}unable to clone: "),
        ),
        (
            json!({"secretRef": {"name": "absent"}}),
            "AuthenticationFailed",
            format!(
                "failed to get secret '{}/absent': secrets \"absent\" not found",
                site.namespace
            ),
        ),
        (
            json!({"url": "https://host:port/x"}),
            "URLInvalid",
            "failed to parse url 'https://host:port/x': ".to_owned(),
        ),
        (
            json!({"url": "ssh://git@127.0.0.1/x"}),
            "AuthenticationFailed",
            "failed to configure authentication options: invalid 'ssh' auth option: 'identity' is required"
                .to_owned(),
        ),
        (
            json!({"provider": "azure", "serviceAccountName": "x"}),
            "FeatureGateDisabled",
            "to use spec.serviceAccountName for provider authentication please enable".to_owned(),
        ),
        (
            json!({"provider": "github"}),
            "InvalidProviderConfiguration",
            "provider 'github' is not supported".to_owned(),
        ),
        (
            json!({"verify": verify}),
            "VerificationError",
            "spec.verify is not supported".to_owned(),
        ),
    ];
    for (number, (spec, ..)) in cases.iter().enumerate() {
        let mut whole = json!({"url": url("app")});
        merge(&mut whole, spec.clone());
        site.create(&format!("case-{number}"), whole).await?;
    }
    for (number, (spec, reason, text)) in cases.iter().enumerate() {
        let (status, message) = site.not_ready(&format!("case-{number}"), reason).await?;
        assert!(message.starts_with(text), "{spec}: {message}");
        assert_eq!(status.artifact, None, "{spec}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_are_asked_for_and_mended() -> Result<()> {
    let site = Site::start(&[]).await?;
    site.repository("app", &[("a", "1")])?;
    site.git.set_access(Access::Basic {
        username: "me".to_owned(),
        password: "pw".to_owned(),
    });
    site.create("app", json!({})).await?;
    let (_, message) = site.not_ready("app", "GitOperationFailed").await?;
    assert!(message.ends_with("authentication required"), "{message}");
    site.secret("auth", json!({"username": "me", "password": "wrong"}))
        .await?;
    site.patch("app", json!({"spec": {"secretRef": {"name": "auth"}}}))
        .await?;
    site.until("app", "wrong password told", |object| {
        let ready = condition(object, "Ready");
        ready == Some((ConditionStatus::False, "GitOperationFailed".to_owned()))
    })
    .await?;
    // A Secret wakes nobody; the back-off does.
    let right = json!({"stringData": {"password": "pw"}});
    site.patch_secret("auth", right).await?;
    site.ready("app").await?;

    site.git.set_access(Access::Bearer("token".to_owned()));
    site.secret("bearer", json!({"bearerToken": "token"}))
        .await?;
    site.create(
        "bearer",
        json!({"url": site.git.url("app"), "secretRef": {"name": "bearer"}}),
    )
    .await?;
    site.ready("bearer").await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_comes_back_is_found_by_the_back_off() -> Result<()> {
    let site = Site::start(&["--min-retry-delay=100ms", "--max-retry-delay=1s"]).await?;
    site.repository("app", &[("a", "1")])?;
    // Held, so that nobody else gets the port, and refusing until it listens.
    let door = TcpSocket::new_v4()?;
    door.bind((Ipv4Addr::LOCALHOST, 0).into())?;
    let address = door.local_addr()?;
    let url = site.git.url("app");
    let behind = url
        .strip_prefix("http://")
        .and_then(|url| url.split('/').next())
        .context("address")?
        .to_owned();
    site.create(
        "app",
        json!({"url": url.replace(&behind, &address.to_string())}),
    )
    .await?;
    let (status, message) = site.not_ready("app", "GitOperationFailed").await?;
    let refused = message.to_lowercase();
    assert!(refused.contains("connection refused"), "{message}");
    let words: Vec<_> = status
        .conditions
        .iter()
        .map(|c| format!("{} {:?} {}", c.r#type, c.status, c.reason))
        .collect();
    assert_eq!(
        words,
        [
            "Reconciling True ProgressingWithRetry",
            "Ready False GitOperationFailed",
            "FetchFailed True GitOperationFailed",
        ]
    );
    site.eventually("more attempts", || Ok(site.runs("error")? >= 3.0))
        .await?;

    let door = door.listen(16)?;
    let relay = tokio::spawn(async move {
        while let Ok((mut outer, _)) = door.accept().await {
            let behind = behind.clone();
            tokio::spawn(async move {
                if let Ok(mut inner) = TcpStream::connect(behind).await {
                    drop(copy_bidirectional(&mut outer, &mut inner).await);
                }
            });
        }
    });
    let (status, _) = site.ready("app").await?;
    assert_eq!(status.conditions.len(), 2, "{status:?}");
    relay.abort();
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_ends_a_fetch_and_gives_the_lease_up() -> Result<()> {
    /// Its pods have ten seconds, of which its work gets five; a busy machine adds to them, but not up to the thirty that
    /// other controllers give their work.
    const SOON: Duration = Duration::from_secs(25);
    let mut site = Site::start(&["--enable-leader-election"]).await?;
    let silent = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/app", silent.local_addr()?);
    site.create("app", json!({"url": url})).await?;
    let _asked = silent.accept().await?;

    let status = site.controller.process().terminate(SOON)?;
    assert_eq!(status.code(), Some(0), "{status}");
    let kind = GroupVersionKind::gvk("coordination.k8s.io", "v1", "Lease");
    let kind = ApiResource::from_gvk(&kind);
    let leases: Api<DynamicObject> =
        Api::namespaced_with(site.client.clone(), &site.namespace, &kind);
    let lease = leases.get("source-controller-leader-election").await?;
    assert_eq!(lease.data["spec"]["holderIdentity"], "");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_keeps_the_last_artifact() -> Result<()> {
    let site = Site::start(&[]).await?;
    site.repository("app", &[("a", "1")])?;
    site.create("app", json!({})).await?;
    let (before, _) = site.ready("app").await?;
    site.git.set_access(Access::Bearer("secret".to_owned()));
    site.poke("app", "1").await?;
    let (status, message) = site.not_ready("app", "GitOperationFailed").await?;
    assert!(
        message.starts_with("failed to checkout and determine revision: unable to list remote for"),
        "{message}"
    );
    assert_eq!(status.artifact, before.artifact);
    assert_eq!(status.last_handled_reconcile_at.as_deref(), Some("1"));
    Archive::download(before.artifact.as_ref().context("artifact")?).await?;
    site.git.set_access(Access::Anonymous);
    let (after, _) = site.ready("app").await?;
    assert_eq!(after.artifact, before.artifact);
    let revision = before.artifact.context("artifact")?.revision;
    let message = site.event("app", "Succeeded").await?;
    assert_eq!(message, format!("stored artifact for commit '{revision}'"));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repository_above_the_limit_is_refused() -> Result<()> {
    let site = Site::start(&["--git-max-size=20000"]).await?;
    let repository = site.repository("app", &[("a", "1")])?;
    site.create("app", json!({})).await?;
    site.ready("app").await?;
    // Text that compresses well counts by its size, noise by what travels.
    for (name, content) in [("text", vec![b'x'; 40_000]), ("noise", noise(40_000))] {
        repository.commit(name, name, &[Change::write("big", content)])?;
        site.patch("app", json!({"spec": {"ref": {"branch": name}}}))
            .await?;
        let generation = site.api().get("app").await?.metadata.generation;
        let limit = "(limit of --git-max-size: 20000 bytes)";
        let told = |object: &GitRepository| {
            object.status.iter().flat_map(|s| &s.conditions).any(|c| {
                c.r#type == "FetchFailed"
                    && c.observed_generation == generation
                    && c.reason == "GitOperationFailed"
                    && c.message.ends_with(limit)
            })
        };
        site.until("app", name, told).await?;
    }
    Ok(())
}

/// Bytes that do not compress: a linear congruential generator's.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 1_u64;
    std::iter::repeat_with(|| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        state.to_be_bytes()[0]
    })
    .take(length)
    .collect()
}
