//! Which changes wake whom.

use serde_json::{Value, json};

use super::*;

fn object(name: &str, change: Value) -> Arc<GitRepository> {
    let mut whole = json!({
        "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository",
        "metadata": {"name": name, "namespace": "ns", "generation": 1, "uid": "u"},
        "spec": {"url": "https://host/x", "interval": "1m"},
    });
    extend(&mut whole, change);
    Arc::new(serde_json::from_value(whole).expect("object"))
}

fn extend(into: &mut Value, from: Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, value) in from {
                extend(into.entry(key).or_insert(Value::Null), value);
            }
        }
        (into, from) => *into = from,
    }
}

fn artifact(revision: &str) -> Value {
    json!({"status": {"artifact": {
        "digest": "sha256:1", "lastUpdateTime": "2026-01-01T00:00:00Z", "path": "p",
        "revision": revision, "url": "u",
    }}})
}

fn poked(token: &str) -> Value {
    json!({"metadata": {"annotations": {"reconcile.fluxcd.io/requestedAt": token}}})
}

fn words(watch: &Watch, change: &Change<GitRepository>) -> String {
    let words: Vec<_> = watch
        .concerned(change)
        .into_iter()
        .map(|(key, class)| format!("{key} {class:?}"))
        .collect();
    words.join(", ")
}

#[test]
fn updates_that_ask_for_a_run() {
    let old = object("app", json!({}));
    for (change, expected) in [
        (json!({}), ""),
        (json!({"metadata": {"labels": {"a": "b"}}}), ""),
        (json!({"metadata": {"finalizers": ["x"]}}), ""),
        (json!({"status": {"observedGeneration": 1}}), ""),
        (artifact("main@sha1:1"), ""),
        (json!({"metadata": {"generation": 2}}), "ns/app Urgent"),
        (poked(""), "ns/app Urgent"),
        (
            json!({"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}}),
            "ns/app Urgent",
        ),
        (json!({"metadata": {"uid": "v"}}), "ns/app Urgent"),
    ] {
        let new = object("app", change.clone());
        let old = Arc::clone(&old);
        let update = Change::Updated { old, new };
        assert_eq!(words(&Watch::default(), &update), expected, "{change}");
    }
    let gone = Change::Updated {
        old: object("app", poked("1")),
        new: object("app", json!({})),
    };
    assert_eq!(
        words(&Watch::default(), &gone),
        "",
        "an annotation that goes asks for nothing"
    );
}

#[test]
fn what_is_up_to_date_at_the_start_can_wait() {
    for (change, expected) in [
        (json!({}), "ns/app Urgent"),
        (
            json!({"status": {"observedGeneration": -1}}),
            "ns/app Urgent",
        ),
        (
            json!({"status": {"observedGeneration": 1}}),
            "ns/app Interval",
        ),
        (
            json!({
                "status": {"observedGeneration": 1},
                "metadata": {"annotations": {"reconcile.fluxcd.io/requestedAt": "t"}},
            }),
            "ns/app Urgent",
        ),
    ] {
        let added = Change::Added(object("app", change.clone()));
        assert_eq!(words(&Watch::default(), &added), expected, "{change}");
    }
}

#[test]
fn a_new_artifact_wakes_those_that_include_it() {
    let watch = Watch::default();
    let includes = |name: &str| json!({"spec": {"include": [{"repository": {"name": name}}]}});
    let app = object("app", includes("lib"));
    words(&watch, &Change::Added(Arc::clone(&app)));
    let update = |old: &Value, new: &Value| Change::Updated {
        old: object("lib", old.clone()),
        new: object("lib", new.clone()),
    };
    let (none, one, two) = (json!({}), artifact("main@sha1:1"), artifact("main@sha1:2"));
    assert_eq!(words(&watch, &update(&none, &one)), "ns/app Urgent");
    assert_eq!(words(&watch, &update(&one, &two)), "ns/app Urgent");
    assert_eq!(words(&watch, &update(&two, &two)), "");
    assert_eq!(words(&watch, &update(&two, &none)), "");

    let moved = Change::Updated {
        old: app,
        new: object("app", includes("other")),
    };
    words(&watch, &moved);
    assert_eq!(words(&watch, &update(&one, &two)), "");
    words(&watch, &Change::Deleted(object("app", includes("other"))));
    assert!(watch.includers.lock().expect("lock").is_empty());
}

#[test]
fn a_circle_of_includes_does_not_turn() {
    let watch = Watch::default();
    let include = |name: &str| json!({"spec": {"include": [{"repository": {"name": name}}]}});
    for (name, included) in [("a", "b"), ("b", "a"), ("self", "self"), ("outside", "a")] {
        words(&watch, &Change::Added(object(name, include(included))));
    }
    for (name, expected) in [("a", "ns/outside Urgent"), ("b", ""), ("self", "")] {
        let mut status = artifact("main@sha1:1");
        extend(&mut status, include("x"));
        let (old, new) = (object(name, include("x")), object(name, status));
        let built = Change::Updated { old, new };
        assert_eq!(words(&watch, &built), expected, "{name}");
    }
}
