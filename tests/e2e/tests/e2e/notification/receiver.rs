//! The life of a receiver, and a crowd at its door.

use std::time::Instant;

use anyhow::{Result, ensure};
use futures::future::join_all;
use kube::api::{DeleteParams, Patch, PatchParams};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::Desk;

const RECEIVER: (&str, &str) = ("notification.toolkit.fluxcd.io/v1", "Receiver");
const SOURCE: (&str, &str) = ("source.toolkit.fluxcd.io/v1", "GitRepository");
const REQUEST: &str = "reconcile.fluxcd.io/requestedAt";

fn condition<'a>(object: &'a Value, kind: &str) -> &'a Value {
    let list = object["status"]["conditions"].as_array();
    let mut of_kind = list.into_iter().flatten().filter(|c| c["type"] == kind);
    of_kind.next().unwrap_or(&Value::Null)
}

fn is_ready(object: &Value) -> bool {
    condition(object, "Ready")["status"] == "True"
        && object["status"]["observedGeneration"] == object["metadata"]["generation"]
}

fn requested(object: &Value) -> Option<&str> {
    object["metadata"]["annotations"][REQUEST].as_str()
}

impl Desk {
    async fn secret(&self, token: &str) -> Result<()> {
        let labels = json!({ "reconcile.fluxcd.io/watch": "Enabled" });
        let rest = json!({ "metadata": { "labels": labels }, "stringData": { "token": token } });
        self.create("v1", "Secret", "token", rest).await
    }

    async fn source(&self, name: &str) -> Result<()> {
        let spec = json!({ "url": "https://example.com/x", "interval": "1h" });
        let rest = json!({ "spec": spec });
        self.create(SOURCE.0, SOURCE.1, name, rest).await
    }

    async fn patch(&self, (version, kind): (&str, &str), name: &str, patch: Value) -> Result<()> {
        let api = self.api(version, kind);
        let patch = Patch::Merge(&patch);
        api.patch(name, &PatchParams::default(), &patch).await?;
        Ok(())
    }

    async fn receiver(&self, name: &str, reached: impl Fn(&Value) -> bool) -> Result<Value> {
        self.until(RECEIVER.0, RECEIVER.1, name, reached).await
    }

    async fn call(&self, client: &reqwest::Client, path: &str, token: &str) -> Result<u16> {
        let url = format!("{}{path}", self.controller.webhook_url());
        let request = client.post(url).header("X-Gitlab-Token", token).body("{}");
        Ok(request.send().await?.status().as_u16())
    }

    /// Calls until the path is served, which is when the status has come around through the watch.
    async fn call_served(&self, client: &reqwest::Client, path: &str, token: &str) -> Result<u16> {
        let wait = async {
            loop {
                match self.call(client, path, token).await? {
                    404 | 503 => tokio::task::yield_now().await,
                    status => return anyhow::Ok(status),
                }
            }
        };
        tokio::time::timeout(super::PATIENCE, wait).await?
    }
}

fn gitlab() -> Value {
    json!({ "spec": {
        "type": "gitlab", "secretRef": { "name": "token" },
        "resources": [{ "kind": SOURCE.1, "name": "web" }],
    } })
}

fn path(token: &str, namespace: &str) -> String {
    let digest = Sha256::digest(format!("{token}hooks{namespace}"));
    let hex: Vec<_> = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("/hook/{}", hex.concat())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_lives_from_its_secret_to_its_deletion() -> Result<()> {
    let desk = Desk::start("receiver", &[]).await?;
    let client = reqwest::Client::new();
    desk.source("web").await?;
    desk.create(RECEIVER.0, RECEIVER.1, "hooks", gitlab())
        .await?;
    let waiting = desk
        .receiver("hooks", |object| {
            condition(object, "Ready")["reason"] == "TokenNotFound"
        })
        .await?;
    let missing = format!(
        "unable to read token from secret '{}/token' error: secrets \"token\" not found",
        desk.namespace
    );
    assert_eq!(condition(&waiting, "Ready")["message"], missing);
    assert_eq!(
        condition(&waiting, "Reconciling")["reason"],
        "ProgressingWithRetry"
    );
    assert_eq!(waiting["status"]["observedGeneration"], -1);
    assert_eq!(desk.told("hooks", "Failed").await?, missing);

    desk.secret("first").await?;
    let ready = desk.receiver("hooks", is_ready).await?;
    let first = path("first", &desk.namespace);
    assert_eq!(ready["status"]["webhookPath"], first.as_str());
    assert_eq!(
        ready["metadata"]["finalizers"],
        json!(["finalizers.fluxcd.io"])
    );
    assert_eq!(
        condition(&ready, "Ready")["message"],
        format!("Receiver initialized for path: {first}")
    );
    assert_eq!(condition(&ready, "Reconciling"), &Value::Null);
    assert_eq!(
        desk.told("hooks", "Succeeded").await?,
        "Reconciliation finished, next run in 10m0s"
    );

    assert_eq!(desk.call_served(&client, &first, "first").await?, 200);
    let source = desk
        .until(SOURCE.0, SOURCE.1, "web", |object| {
            requested(object).is_some()
        })
        .await?;
    let before = requested(&source).unwrap_or_default().to_owned();
    assert_eq!(desk.call(&client, &first, "wrong").await?, 400);
    assert_eq!(desk.call(&client, "/hook/unknown", "first").await?, 404);
    let source = desk.until(SOURCE.0, SOURCE.1, "web", |_| true).await?;
    assert_eq!(
        requested(&source),
        Some(before.as_str()),
        "only the good call asked"
    );

    // A new token moves the receiver at once, because its Secret is watched.
    desk.patch(
        ("v1", "Secret"),
        "token",
        json!({ "stringData": { "token": "second" } }),
    )
    .await?;
    let second = path("second", &desk.namespace);
    let moved = |object: &Value| object["status"]["webhookPath"] == second.as_str();
    desk.receiver("hooks", moved).await?;
    assert_eq!(desk.call_served(&client, &second, "second").await?, 200);
    assert_eq!(desk.call(&client, &first, "second").await?, 404);

    // What does not compile stalls, and a fix frees it.
    let filter = |filter: &str| json!({ "spec": { "resourceFilter": filter } });
    desk.patch(RECEIVER, "hooks", filter("nobody")).await?;
    let stalled = desk
        .receiver("hooks", |object| {
            condition(object, "Stalled")["status"] == "True"
        })
        .await?;
    let message = condition(&stalled, "Ready")["message"]
        .as_str()
        .unwrap_or_default();
    ensure!(
        message.starts_with(
            "Reconciliation failed terminally due to configuration error: invalid resourceFilter expression: "
        ),
        "{message}"
    );
    assert_eq!(
        condition(&stalled, "Stalled")["reason"],
        "InvalidCELExpression"
    );
    assert_eq!(
        stalled["status"]["observedGeneration"],
        stalled["metadata"]["generation"]
    );
    assert_eq!(stalled["status"]["webhookPath"], second.as_str());
    desk.told("hooks", "InvalidCELExpression").await?;
    desk.patch(RECEIVER, "hooks", filter("res.metadata.name == 'web'"))
        .await?;
    desk.receiver("hooks", is_ready).await?;
    assert_eq!(desk.call_served(&client, &second, "second").await?, 200);

    // A request by hand, also while suspended; then the end.
    let ask = |value: &str| json!({ "metadata": { "annotations": { (REQUEST): value } } });
    desk.patch(RECEIVER, "hooks", ask("now")).await?;
    let handled = |object: &Value| object["status"]["lastHandledReconcileAt"] == "now";
    desk.receiver("hooks", handled).await?;
    desk.patch(RECEIVER, "hooks", json!({ "spec": { "suspend": true } }))
        .await?;
    desk.receiver("hooks", is_ready).await?;
    assert_eq!(desk.call(&client, &second, "second").await?, 503);
    let api = desk.api(RECEIVER.0, RECEIVER.1);
    api.delete("hooks", &DeleteParams::default()).await?;
    let gone = async {
        while api.get_opt("hooks").await?.is_some() {
            tokio::task::yield_now().await;
        }
        anyhow::Ok(())
    };
    tokio::time::timeout(super::PATIENCE, gone).await??;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_calls_at_once_are_answered() -> Result<()> {
    let desk = Desk::start("receiver-crowd", &[]).await?;
    let client = reqwest::Client::new();
    desk.source("web").await?;
    desk.secret("s3cret").await?;
    desk.create(RECEIVER.0, RECEIVER.1, "hooks", gitlab())
        .await?;
    desk.receiver("hooks", is_ready).await?;
    let path = path("s3cret", &desk.namespace);
    assert_eq!(desk.call_served(&client, &path, "s3cret").await?, 200);

    let call = async |number: usize| -> Result<_> {
        let token = if number.is_multiple_of(10) {
            "wrong"
        } else {
            "s3cret"
        };
        let started = Instant::now();
        let status = desk.call(&client, &path, token).await?;
        Ok((number, status, started.elapsed()))
    };
    let mut times = Vec::new();
    for answer in join_all((0..1000).map(call)).await {
        let (number, status, time) = answer?;
        assert_eq!(
            status,
            if number.is_multiple_of(10) { 400 } else { 200 },
            "{number}"
        );
        times.push(time);
    }
    times.sort();
    println!(
        "1000 at once: median {:?}, p99 {:?}, last {:?}",
        times[500], times[989], times[999]
    );
    // The crowd shares its requests to the API server.
    let sent = desk
        .controller
        .metrics()?
        .sum("rest_client_requests_total", &["method=\"PATCH\""]);
    ensure!(sent < 500.0, "{sent} patches");
    Ok(())
}
