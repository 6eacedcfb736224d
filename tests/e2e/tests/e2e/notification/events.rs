//! Events: from a controller to a provider.

use std::time::Instant;

use anyhow::ensure;
use futures::{StreamExt, stream};
use testkit::{GitServer, Hook, git_server::Change, hook::Post};
use tokio::net::TcpListener;

use super::*;
use crate::bed::{Bed, config_map, ready_at};

const GROUP: &str = "notification.toolkit.fluxcd.io/v1beta3";

fn event(number: usize) -> Value {
    json!({
        "involvedObject": {
            "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
            "name": format!("apps-{}", number % 100), "uid": "1",
        },
        "severity": "info", "timestamp": "2026-01-02T03:04:05Z", "message": format!("event {number}"),
        "reason": "Done", "reportingController": "kustomize-controller",
        "metadata": {"kustomize.toolkit.fluxcd.io/revision": "main@sha1:abc"},
    })
}

impl Desk {
    /// Posts an event about an object of the namespace; returns the answer's status.
    async fn post(&self, http: &reqwest::Client, mut event: Value) -> Result<u16> {
        event["involvedObject"]["namespace"] = self.namespace.clone().into();
        let body = event.to_string();
        let answer = http.post(self.controller.serving_url()).body(body).send();
        Ok(answer.await?.status().as_u16())
    }

    /// An alert of all Kustomizations and sources here for a provider, which the controller has seen: it takes its old
    /// finalizer away from an alert.
    async fn alert(&self, name: &str, provider: &str, others: &[&str]) -> Result<()> {
        let finalizers: Vec<_> = ["finalizers.fluxcd.io"].iter().chain(others).collect();
        let metadata = json!({"finalizers": finalizers});
        let spec = json!({
            "providerRef": {"name": provider},
            "eventSources": [
                {"kind": "Kustomization", "name": "*"}, {"kind": "GitRepository", "name": "*"},
            ],
        });
        self.create(
            GROUP,
            "Alert",
            name,
            json!({"metadata": metadata, "spec": spec}),
        )
        .await?;
        let others = if others.is_empty() {
            Value::Null
        } else {
            json!(others)
        };
        self.until(GROUP, "Alert", name, |alert| {
            alert["metadata"]["finalizers"] == others
        })
        .await?;
        Ok(())
    }

    async fn provider(&self, name: &str, spec: Value) -> Result<()> {
        let object = json!({"spec": spec});
        self.create(GROUP, "Provider", name, object).await?;
        // Its finalizer says that the controller has seen it.
        self.until(GROUP, "Provider", name, |object| {
            object["metadata"]["finalizers"] == json!(["finalizers.fluxcd.io"])
        })
        .await?;
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alert_sends_what_it_wants_and_tells_what_fails() -> Result<()> {
    let hook = Hook::start().await?;
    let desk = Desk::start("alerts", &[]).await?;
    let secret = json!({"stringData": {"address": hook.url(), "token": "t0ken"}});
    desk.create("v1", "Secret", "slack", secret).await?;
    desk.alert("slack", "slack", &["example.com/other"]).await?;
    desk.alert("generic", "generic", &[]).await?;
    desk.alert("broken", "broken", &[]).await?;
    desk.alert("orphan", "nobody", &[]).await?;
    desk.provider(
        "broken",
        json!({"type": "slack", "address": "http://127.0.0.1:1/a/secret", "timeout": "1s"}),
    )
    .await?;
    desk.provider("generic", json!({"type": "generic", "address": hook.url()}))
        .await?;
    let slack = json!({"type": "slack", "channel": "general", "secretRef": {"name": "slack"}});
    desk.provider("slack", slack).await?;
    assert_eq!(
        desk.told("slack", "Migration").await?,
        "removed finalizer from Alert to migrate to static Alert"
    );

    let http = reqwest::Client::new();
    assert_eq!(desk.post(&http, event(1)).await?, 202);
    assert_eq!(desk.post(&http, event(1)).await?, 429);
    let Post {
        headers,
        body: message,
        ..
    } = hook
        .until(PATIENCE, |body| body["channel"] == "general")
        .await?;
    assert_eq!(headers["authorization"], "Bearer t0ken");
    assert_eq!(message["attachments"][0]["text"], "event 1");
    let Post {
        headers,
        body: event,
        ..
    } = hook
        .until(PATIENCE, |body| body["message"] == "event 1")
        .await?;
    assert_eq!(headers["gotk-component"], "kustomize-controller");
    assert_eq!(event["metadata"], json!({"revision": "main@sha1:abc"}));
    assert_eq!(event["involvedObject"]["namespace"], desk.namespace);

    let failure = desk.told("broken", "NotificationDispatchFailed").await?;
    let about = format!("for Kustomization/{}/apps-1: ", desk.namespace);
    assert!(
        failure.starts_with(&format!("failed to send notification {about}")),
        "{failure}"
    );
    assert!(!failure.contains("a/secret"), "{failure}");
    assert_eq!(
        desk.told("orphan", "NotificationDispatchFailed").await?,
        format!(
            "failed to dispatch notification {about}failed to read provider: Provider.notification.toolkit.fluxcd.io \"nobody\" not found"
        )
    );
    let metrics = desk.controller.metrics()?;
    for code in ["202", "429"] {
        let series = format!(
            r#"gotk_event_http_request_duration_seconds_count{{code="{code}",handler="/",method="POST",service=""}}"#
        );
        assert_eq!(metrics.get(&series), Some(1.0), "{series}");
    }

    // A Provider that goes leaves nothing behind.
    desk.api(GROUP, "Provider")
        .delete("broken", &kube::api::DeleteParams::default())
        .await?;
    let gone = async {
        while desk
            .api(GROUP, "Provider")
            .get_opt("broken")
            .await?
            .is_some()
        {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        anyhow::Ok(())
    };
    tokio::time::timeout(PATIENCE, gone).await??;
    assert!(desk.home.path().exists());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn events_of_both_controllers_arrive() -> Result<()> {
    let hook = Hook::start().await?;
    let cluster = cluster::shared().await?;
    let namespace = cluster.namespace("emitters").await?;
    // The bed makes a namespace of its own, so the notification controller looks after all.
    let flags = ["--watch-all-namespaces=true"];
    let mut desk = Desk::over(cluster.client().await?, namespace, &flags).await?;
    let events = format!("--events-addr={}/", desk.controller.serving_url());
    let bed = Bed::with_flags("emitters-kustomize", &[&events]).await?;
    desk.namespace.clone_from(&bed.namespace);
    desk.alert("all", "all", &[]).await?;
    desk.provider("all", json!({"type": "generic", "address": hook.url()}))
        .await?;

    bed.publish("r1", &[("map.yaml", config_map("a", "1"))])
        .await?;
    bed.kustomization("apps", json!({})).await?;
    bed.until("apps", ready_at("r1")).await?;
    let about = |kind: &'static str, reason: &'static str| {
        move |event: &Value| event["involvedObject"]["kind"] == kind && event["reason"] == reason
    };
    let Post {
        headers,
        body: event,
        ..
    } = hook
        .until(PATIENCE, about("Kustomization", "ReconciliationSucceeded"))
        .await?;
    assert_eq!(headers["gotk-component"], "kustomize-controller");
    assert_eq!(event["metadata"]["revision"], "r1");

    let git = GitServer::start().await?;
    let repository = git.create("events")?;
    let commit = repository.commit("main", "first", &[Change::write("a", "1")])?;
    let home = tempfile::tempdir()?;
    let mut options = ControllerOptions::new(
        Role::Source,
        &cluster::binaries()?,
        cluster.kubeconfig(),
        home.path(),
    )
    .flag("--watch-all-namespaces=false")
    .flag(&*events);
    options
        .env
        .push(("RUNTIME_NAMESPACE".to_owned(), bed.namespace.clone()));
    let mut source = Controller::start(&options)?;
    source.ready().await?;
    let spec = json!({"url": git.url("events"), "interval": "1h", "ref": {"branch": "main"}});
    let group = "source.toolkit.fluxcd.io/v1";
    desk.create(group, "GitRepository", "events", json!({"spec": spec}))
        .await?;
    let Post {
        headers,
        body: event,
        ..
    } = hook
        .until(PATIENCE, |event| {
            event["involvedObject"]["name"] == "events" && event["reason"] == "NewArtifact"
        })
        .await?;
    assert_eq!(headers["gotk-component"], "source-controller");
    assert_eq!(event["metadata"]["revision"], format!("main@sha1:{commit}"));
    assert!(event["metadata"].get("digest").is_none(), "{event}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_provider_delays_no_other() -> Result<()> {
    let hook = Hook::start().await?;
    let dead = TcpListener::bind("127.0.0.1:0").await?;
    let address = format!("http://{}/", dead.local_addr()?);
    let held = tokio::spawn(async move {
        let mut connections = Vec::new();
        while let Ok((connection, _)) = dead.accept().await {
            connections.push(connection);
        }
        connections.len()
    });
    let desk = Desk::start("dead-provider", &[]).await?;
    desk.alert("dead", "dead", &[]).await?;
    desk.alert("alive", "alive", &[]).await?;
    desk.provider(
        "dead",
        json!({"type": "generic", "address": address, "timeout": "10m"}),
    )
    .await?;
    desk.provider("alive", json!({"type": "generic", "address": hook.url()}))
        .await?;
    let http = reqwest::Client::new();
    for number in 0..200 {
        assert_eq!(desk.post(&http, event(number)).await?, 202);
    }
    desk.until_metric(
        "gotk_notification_deliveries_total",
        &["result=\"success\""],
        200.0,
    )
    .await?;
    assert_eq!(hook.count(), 200);
    let metrics = desk.controller.metrics()?;
    // Four are stuck, the others wait behind them.
    assert!((metrics.sum("gotk_notification_queued", &[]) - 196.0).abs() < 0.5);
    assert!(metrics.sum("gotk_notification_deliveries_total", &["failure"]) < 0.5);
    assert!(!held.is_finished());
    held.abort();
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_is_delivered_or_counted_in_bounded_memory() -> Result<()> {
    const EVENTS: usize = 10_000;
    let hook = Hook::start().await?;
    let desk = Desk::start("flood", &[]).await?;
    desk.alert("all", "all", &[]).await?;
    desk.provider("all", json!({"type": "generic", "address": hook.url()}))
        .await?;
    let before = desk.controller.usage()?;
    let http = reqwest::Client::new();
    let begin = Instant::now();
    let codes: Vec<u16> = stream::iter(0..EVENTS)
        .map(|number| desk.post(&http, event(number)))
        .buffer_unordered(64)
        .map(Result::unwrap_or_default)
        .collect()
        .await;
    assert!(codes.iter().all(|code| *code == 202));
    let taken = begin.elapsed();
    // It may take long, as long as it goes on.
    let (mut settled, mut moved) = (0.0, begin);
    let (delivered, dropped) = loop {
        let metrics = desk.controller.metrics()?;
        let delivered = metrics.sum("gotk_notification_deliveries_total", &[]);
        let dropped = metrics.sum("gotk_notification_dropped_total", &[]);
        if (delivered + dropped - 10_000.0).abs() < 0.5 {
            break (delivered, dropped);
        }
        if delivered + dropped > settled {
            (settled, moved) = (delivered + dropped, Instant::now());
        }
        ensure!(moved.elapsed() < PATIENCE, "it stops at {settled}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    let after = desk.controller.usage()?;
    println!(
        "{EVENTS} events: taken in {taken:?}, settled in {:?}; {delivered} delivered, {dropped} dropped; \
         before {before:?}, after {after:?}",
        begin.elapsed()
    );
    let grown = after.peak_memory.saturating_sub(before.memory);
    assert!(grown < 128 << 20, "{grown} bytes");
    let arrived = f64::from(u32::try_from(hook.count())?);
    assert!((arrived - delivered).abs() < 0.5, "{arrived} {delivered}");
    Ok(())
}
