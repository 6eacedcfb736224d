//! The index of paths.

use serde_json::{Value, json};

use super::*;

fn receiver(name: &str, path: &str, created: &str, change: &Value) -> Arc<Receiver> {
    let condition = |kind: &str, status: &str| {
        json!({
            "type": kind, "status": status, "reason": "x", "message": "",
            "lastTransitionTime": "2026-01-01T00:00:00Z",
        })
    };
    let mut object = json!({
        "apiVersion": "notification.toolkit.fluxcd.io/v1", "kind": "Receiver",
        "metadata": { "name": name, "namespace": "apps", "creationTimestamp": created },
        "spec": { "type": "generic", "resources": [], "secretRef": { "name": "s" } },
        "status": { "webhookPath": path, "conditions": [condition("Ready", "True")] },
    });
    if let Some(suspend) = change.get("suspend") {
        object["spec"]["suspend"] = suspend.clone();
    }
    if let Some(conditions) = change.get("conditions").and_then(Value::as_object) {
        let list = conditions
            .iter()
            .map(|(kind, status)| condition(kind, status.as_str().expect("status")));
        object["status"]["conditions"] = list.collect();
    }
    Arc::new(serde_json::from_value(object).expect("receiver"))
}

fn whose(hooks: &Hooks, path: &str) -> Option<String> {
    hooks.get(path).map(|hook| hook.key.name.to_string())
}

#[test]
fn a_path_leads_to_the_oldest_that_has_it() {
    let hooks = Hooks::default();
    let (early, late) = ("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z");
    let young = receiver("a", "/hook/1", late, &json!({}));
    let old = receiver("b", "/hook/1", early, &json!({}));
    hooks.update(&Change::Added(Arc::clone(&young)));
    assert_eq!(whose(&hooks, "/hook/1").as_deref(), Some("a"));
    hooks.update(&Change::Added(Arc::clone(&old)));
    assert_eq!(whose(&hooks, "/hook/1").as_deref(), Some("b"));

    let moved = receiver("b", "/hook/2", early, &json!({}));
    hooks.update(&Change::Updated {
        old,
        new: Arc::clone(&moved),
    });
    assert_eq!(whose(&hooks, "/hook/1").as_deref(), Some("a"));
    assert_eq!(whose(&hooks, "/hook/2").as_deref(), Some("b"));

    let nowhere = receiver("a", "", late, &json!({}));
    hooks.update(&Change::Updated {
        old: young,
        new: nowhere,
    });
    hooks.update(&Change::Deleted(moved));
    for path in ["/hook/1", "/hook/2", ""] {
        assert_eq!(whose(&hooks, path), None, "{path}");
    }
    let by_path = hooks.by_path.read().expect("lock");
    assert!(by_path.is_empty(), "nothing is left behind");
}

#[test]
fn a_hook_is_open_while_its_receiver_is_ready() {
    for (change, expected) in [
        (json!({}), Ok(())),
        (json!({ "suspend": true }), Err(Closed::Suspended)),
        (json!({ "conditions": {} }), Err(Closed::NotReady)),
        (
            json!({ "conditions": { "Ready": "False" } }),
            Err(Closed::NotReady),
        ),
        (
            json!({ "conditions": { "Ready": "Unknown" } }),
            Err(Closed::NotReady),
        ),
        (
            json!({ "conditions": { "Ready": "True", "Reconciling": "True" } }),
            Err(Closed::NotReady),
        ),
        (
            json!({ "conditions": { "Ready": "True", "Stalled": "True" } }),
            Err(Closed::NotReady),
        ),
        (
            json!({ "conditions": { "Ready": "True", "Stalled": "False" } }),
            Ok(()),
        ),
    ] {
        let hooks = Hooks::default();
        let object = receiver("a", "/hook/1", "2026-01-01T00:00:00Z", &change);
        hooks.update(&Change::Added(object));
        let hook = hooks.get("/hook/1").expect("hook");
        assert_eq!(hook.open(), expected, "{change}");
    }
}

#[test]
fn programs_are_kept_while_the_spec_is() {
    let hooks = Hooks::default();
    let created = "2026-01-01T00:00:00Z";
    let first = receiver("a", "/hook/1", created, &json!({}));
    hooks.update(&Change::Added(Arc::clone(&first)));
    let programs = Arc::clone(&hooks.get("/hook/1").expect("hook").programs);
    let status = receiver(
        "a",
        "/hook/2",
        created,
        &json!({ "conditions": { "Ready": "False" } }),
    );
    hooks.update(&Change::Updated {
        old: first,
        new: Arc::clone(&status),
    });
    let kept = hooks.get("/hook/2").expect("hook");
    assert!(Arc::ptr_eq(&programs, &kept.programs));
    let edited = receiver("a", "/hook/2", created, &json!({ "suspend": true }));
    hooks.update(&Change::Updated {
        old: status,
        new: edited,
    });
    let fresh = hooks.get("/hook/2").expect("hook");
    assert!(!Arc::ptr_eq(&programs, &fresh.programs));
}
