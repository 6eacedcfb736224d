//! Changes and whom they wake.

use queue::Backoff;
use runtime::metrics::Metrics;
use serde_json::{Value, json};

use super::*;

fn receiver(name: &str, secret: Option<&str>, change: &Value) -> Arc<Receiver> {
    let mut object = json!({
        "apiVersion": "notification.toolkit.fluxcd.io/v1", "kind": "Receiver",
        "metadata": { "name": name, "namespace": "apps", "generation": 1, "uid": "u" },
        "spec": { "type": "generic", "resources": [] },
    });
    if let Some(secret) = secret {
        object["spec"]["secretRef"] = json!({ "name": secret });
    }
    for (key, value) in change.as_object().into_iter().flatten() {
        object["metadata"][key] = value.clone();
    }
    Arc::new(serde_json::from_value(object).expect("receiver"))
}

fn secret(name: &str) -> Change<PartialObjectMeta<Secret>> {
    let object = json!({ "metadata": { "name": name, "namespace": "apps" } });
    Change::Added(Arc::new(serde_json::from_value(object).expect("secret")))
}

fn watch() -> (Arc<Watch>, Queue<ObjectKey>) {
    let metrics = Metrics::new().expect("metrics");
    let backoff = Backoff::new(
        std::time::Duration::from_millis(1),
        std::time::Duration::from_secs(1),
    );
    let queue = Queue::new(backoff, metrics.queue("receiver"));
    (Watch::new(queue.clone(), Arc::default()), queue)
}

/// The names that are due, each finished at once.
async fn due(queue: &Queue<ObjectKey>) -> Vec<String> {
    let mut names = Vec::new();
    while let Ok(Some(work)) =
        tokio::time::timeout(std::time::Duration::from_mins(1), queue.take()).await
    {
        names.push(work.key().name.to_string());
        work.finish(queue::Outcome::Done);
    }
    names.sort();
    names
}

#[test]
fn only_what_a_person_changes_asks_for_a_run() {
    let old = receiver("a", None, &json!({}));
    for (change, expected) in [
        (
            json!({ "labels": { "a": "b" }, "resourceVersion": "2" }),
            false,
        ),
        (json!({ "generation": 2 }), true),
        (
            json!({ "annotations": { (RECONCILE_REQUEST): "now" } }),
            true,
        ),
        (json!({ "annotations": { "other": "now" } }), false),
        (json!({ "deletionTimestamp": "2026-01-01T00:00:00Z" }), true),
        (json!({ "uid": "v" }), true),
    ] {
        assert_eq!(
            relevant(&old, &receiver("a", None, &change)),
            expected,
            "{change}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_secret_wakes_who_names_it_now() {
    let (watch, queue) = watch();
    let first = receiver("a", Some("one"), &json!({}));
    let other = receiver("b", Some("two"), &json!({}));
    watch.on_receiver(&Change::Added(Arc::clone(&first)));
    watch.on_receiver(&Change::Added(other));
    assert_eq!(due(&queue).await, ["a", "b"]);

    watch.on_secret(&secret("one"));
    assert_eq!(due(&queue).await, ["a"]);

    let moved = receiver("a", Some("two"), &json!({ "generation": 2 }));
    watch.on_receiver(&Change::Updated {
        old: first,
        new: Arc::clone(&moved),
    });
    assert_eq!(due(&queue).await, ["a"]);
    watch.on_secret(&secret("one"));
    watch.on_secret(&secret("none"));
    assert!(due(&queue).await.is_empty());
    watch.on_secret(&secret("two"));
    assert_eq!(due(&queue).await, ["a", "b"]);

    watch.on_receiver(&Change::Deleted(moved));
    watch.on_secret(&secret("two"));
    assert_eq!(due(&queue).await, ["b"]);
}
