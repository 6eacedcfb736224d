//! Who receives events, and what of one that does not answer.

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;
use axum::{Json, Router, routing::post};
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::watch};

use crate::bed::{Bed, PATIENCE, config_map, ready_at};

/// A receiver that keeps what it gets.
struct Receiver {
    events: Arc<Mutex<Vec<Value>>>,
    count: watch::Receiver<usize>,
    url: String,
}

impl Receiver {
    async fn start() -> Result<Self> {
        let events: Arc<Mutex<Vec<Value>>> = Arc::default();
        let (told, count) = watch::channel(0);
        let kept = Arc::clone(&events);
        let take = move |Json(event): Json<Value>| {
            let mut events = kept.lock().unwrap_or_else(PoisonError::into_inner);
            events.push(event);
            told.send_replace(events.len());
            std::future::ready(())
        };
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}/", listener.local_addr()?);
        let router = Router::new().route("/", post(take));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(Self { events, count, url })
    }

    fn about(&self, name: &str) -> Vec<Value> {
        let events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        let about = |event: &&Value| event["involvedObject"]["name"] == name;
        events.iter().filter(about).cloned().collect()
    }

    /// Waits for an event about `name` that `fits`.
    async fn until(&self, name: &str, fits: impl Fn(&Value) -> bool) -> Result<Value> {
        let mut count = self.count.clone();
        let wait = async {
            loop {
                count.borrow_and_update();
                if let Some(event) = self.about(name).into_iter().find(|event| fits(event)) {
                    return anyhow::Ok(event);
                }
                count.changed().await?;
            }
        };
        let waited = tokio::time::timeout(PATIENCE, wait).await;
        waited.map_err(|_| anyhow::anyhow!("no such event: {:#?}", self.about(name)))?
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn events_have_fluxs_form() -> Result<()> {
    let receiver = Receiver::start().await?;
    let flag = format!("--events-addr={}", receiver.url);
    let bed = Bed::with_flags("events", &[&flag]).await?;
    let files = |value: &str, broken: &str| {
        [
            ("a/map.yaml", config_map("a", value)),
            ("b/map.yaml", config_map("b", "1")),
            ("c/map.yaml", broken.to_owned()),
        ]
    };
    bed.publish("r1", &files("1", &config_map("c", "1")))
        .await?;
    for name in ["a", "b", "c"] {
        bed.kustomization(name, json!({"path": name})).await?;
    }
    let annotations = json!({"event.toolkit.fluxcd.io/team": "one", "example.com/other": "two"});
    bed.change("a", json!({"metadata": {"annotations": annotations}}))
        .await?;
    for name in ["a", "b", "c"] {
        bed.until(name, ready_at("r1")).await?;
    }
    bed.publish("r2", &files("2", "kind: [")).await?;
    let a = bed.until("a", ready_at("r2")).await?;

    let group = "kustomize.toolkit.fluxcd.io";
    let revision = format!("{group}/revision");
    let at_r2 = |event: &Value| event["metadata"][&revision] == "r2";
    let says = |start: &'static str| {
        move |event: &Value| {
            event["message"]
                .as_str()
                .is_some_and(|text| text.starts_with(start))
        }
    };
    let changed = receiver
        .until("a", |event| at_r2(event) && says("ConfigMap/")(event))
        .await?;
    assert_eq!(
        changed["message"],
        format!("ConfigMap/{}/a configured", bed.namespace)
    );
    assert_eq!(changed["severity"], "info");
    assert_eq!(changed["reason"], "Progressing");
    assert_eq!(
        changed["metadata"],
        json!({(&revision): "r2", "event.toolkit.fluxcd.io/team": "one"})
    );

    // One that changed, and one that only moved on.
    let commit_status = format!("{group}/commit_status");
    for (name, annotation) in [("a", json!("one")), ("b", Value::Null)] {
        let finished = receiver
            .until(name, |event| {
                at_r2(event) && says("Reconciliation finished in ")(event)
            })
            .await?;
        let message = finished["message"].as_str().unwrap_or_default();
        assert!(message.ends_with(", next run in 1h0m0s"), "{message}");
        assert_eq!(finished["severity"], "info");
        assert_eq!(finished["reason"], "ReconciliationSucceeded");
        assert_eq!(finished["metadata"][&commit_status], "update");
        assert_eq!(
            finished["metadata"]["event.toolkit.fluxcd.io/team"],
            annotation
        );
        assert_eq!(finished["reportingController"], "kustomize-controller");
        let host = std::fs::read_to_string("/proc/sys/kernel/hostname")?;
        assert_eq!(finished["reportingInstance"], host.trim());
        let timestamp = finished["timestamp"].as_str().unwrap_or_default();
        assert!(
            timestamp.len() == 20 && timestamp.ends_with('Z'),
            "{timestamp}"
        );
        let object = &finished["involvedObject"];
        assert_eq!(object["kind"], "Kustomization");
        assert_eq!(object["apiVersion"], format!("{group}/v1"));
        assert_eq!(object["namespace"], bed.namespace);
        let uid = bed.get(name).await?["metadata"]["uid"].clone();
        assert_eq!(object["uid"], uid);
    }
    let version = receiver
        .until("a", |event| {
            at_r2(event) && says("Reconciliation finished")(event)
        })
        .await?["involvedObject"]["resourceVersion"]
        .clone();
    assert_eq!(version, a["metadata"]["resourceVersion"]);

    let failed = receiver
        .until("c", |event| event["severity"] == "error")
        .await?;
    assert_eq!(failed["reason"], "BuildFailed");
    assert_eq!(failed["metadata"], json!({revision: "r2"}));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_never_answers_delays_no_run() -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let flag = format!("--events-addr=http://{}/", listener.local_addr()?);
    let held = tokio::spawn(async move {
        let mut connections = Vec::new();
        while let Ok((connection, _)) = listener.accept().await {
            connections.push(connection);
        }
        connections.len()
    });
    let bed = Bed::with_flags("mute-receiver", &[&flag, "--concurrent=1"]).await?;
    bed.publish("r1", &[("a.yaml", config_map("a", "1"))])
        .await?;
    // One worker, two events each, five seconds per attempt: this would take minutes.
    for number in 0..15 {
        let name = format!("k{number}");
        bed.kustomization(&name, json!({"namePrefix": format!("{name}-")}))
            .await?;
    }
    let all = async {
        for number in 0..15 {
            bed.until(&format!("k{number}"), ready_at("r1")).await?;
        }
        anyhow::Ok(())
    };
    tokio::time::timeout(PATIENCE, all).await??;
    assert!(!held.is_finished());
    held.abort();
    Ok(())
}
