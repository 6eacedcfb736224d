use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

const US: &str = "kustomize-controller";

fn entry(manager: &str, operation: &str, subresource: &str, fields: &Value) -> Value {
    let mut entry = json!({"manager": manager, "operation": operation, "apiVersion": "v1",
                           "time": "2026-01-01T00:00:00Z", "fieldsType": "FieldsV1", "fieldsV1": fields});
    if !subresource.is_empty() {
        entry["subresource"] = subresource.into();
    }
    entry
}

fn object(entries: &[Value]) -> Value {
    json!({"metadata": {"resourceVersion": "7", "managedFields": entries}})
}

/// Manager, operation and fields of each entry after the cleanup; `None` when there is none.
fn after(object: &Value, overrides: &[&str]) -> Option<Vec<String>> {
    let overrides: Vec<_> = overrides.iter().map(ToString::to_string).collect();
    let takeovers = takeovers(US, &overrides);
    let patch = cleanup(object, US, &takeovers);
    assert_eq!(needs_cleanup(object, US, &takeovers), !patch.is_empty());
    let replaced = patch
        .iter()
        .find(|op| op["path"] == "/metadata/managedFields")?;
    let entries = replaced["value"].as_array().expect("entries");
    Some(
        entries
            .iter()
            .map(|e| {
                format!(
                    "{} {} {}",
                    e["manager"].as_str().expect("manager"),
                    e["operation"].as_str().expect("operation"),
                    e["fieldsV1"]
                )
            })
            .collect(),
    )
}

/// Name, entries, `--override-manager` values, entries after.
type Case = (
    &'static str,
    Vec<Value>,
    &'static [&'static str],
    Option<Vec<String>>,
);

#[test]
fn kubectls_entries_and_our_updates_become_ours_and_others_stay() {
    let (a, b, c) = (
        json!({"f:data": {"f:a": {}}}),
        json!({"f:data": {"f:b": {}}}),
        json!({"f:c": {}}),
    );
    let both = r#"{"f:data":{"f:a":{},"f:b":{}}}"#;
    let ours = || entry(US, "Apply", "", &a);
    let cases: [Case; 9] = [
        (
            "nothing to take",
            vec![ours(), entry("helm", "Update", "", &b)],
            &[],
            None,
        ),
        (
            "client-side kubectl",
            vec![ours(), entry("kubectl-client-side-apply", "Update", "", &b)],
            &[],
            Some(vec![format!("{US} Apply {both}")]),
        ),
        (
            "server-side kubectl",
            vec![entry("kubectl", "Apply", "", &b), ours()],
            &[],
            Some(vec![format!("{US} Apply {both}")]),
        ),
        (
            "no entry of ours: the first is renamed",
            vec![
                entry("before-first-apply", "Update", "", &a),
                entry("other", "Update", "", &c),
                entry("kubectl-edit", "Update", "", &b),
            ],
            &[],
            Some(vec![
                r#"other Update {"f:c":{}}"#.into(),
                format!("{US} Apply {both}"),
            ]),
        ),
        (
            "our updates",
            vec![ours(), entry(US, "Update", "", &b)],
            &[],
            Some(vec![format!("{US} Apply {both}")]),
        ),
        (
            "an update before the first apply of another",
            vec![entry("before-first-apply", "Apply", "", &a)],
            &[],
            None,
        ),
        (
            "a subresource never matches",
            vec![ours(), entry("kubectl", "Update", "status", &b)],
            &[],
            None,
        ),
        (
            "flux's client-side entry stays",
            vec![ours(), entry("flux-client-side-apply", "Update", "", &b)],
            &[],
            None,
        ),
        (
            "the user's choice, by prefix",
            vec![
                ours(),
                entry("argocd-controller", "Apply", "", &b),
                entry("helm", "Apply", "", &c),
            ],
            &["argocd"],
            Some(vec![
                r#"helm Apply {"f:c":{}}"#.into(),
                format!("{US} Apply {both}"),
            ]),
        ),
    ];
    for (name, entries, overrides, expected) in cases {
        assert_eq!(after(&object(&entries), overrides), expected, "{name}");
    }
}

#[test]
fn leftover_annotations_go_and_the_patch_holds_for_one_state_only() {
    let live = json!({"metadata": {
        "resourceVersion": "7",
        "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{}", "mine": "x"},
        "labels": {"fluxcd.io/sync-gc-mark": "y"},
    }});
    assert_eq!(
        Value::from(cleanup(&live, US, &takeovers(US, &[]))),
        json!([
            {"op": "remove", "path": "/metadata/annotations/kubectl.kubernetes.io~1last-applied-configuration"},
            {"op": "remove", "path": "/metadata/labels/fluxcd.io~1sync-gc-mark"},
            {"op": "replace", "path": "/metadata/resourceVersion", "value": "7"},
        ])
    );
}

#[test]
fn merge_keeps_every_manager() {
    let mut live = object(&[entry("kubectl", "Update", "", &json!({}))]);
    live["metadata"]["annotations"] = json!({"kustomize.toolkit.fluxcd.io/ssa": "Merge"});
    assert_eq!(after(&live, &[]), None);
}

#[test]
fn migration_moves_every_entry_of_another_version() {
    let mut old = entry("kubectl", "Update", "status", &json!({}));
    old["apiVersion"] = "v1beta1".into();
    let live = object(&[entry(US, "Apply", "", &json!({})), old]);
    assert_eq!(
        Value::from(migration(&live, "v1")),
        json!([
            {"op": "replace", "path": "/metadata/managedFields/1/apiVersion", "value": "v1"},
            {"op": "replace", "path": "/metadata/resourceVersion", "value": "7"},
        ])
    );
    assert!(!needs_migration(
        &object(&[entry(US, "Apply", "", &json!({}))]),
        "v1"
    ));
}

#[test]
fn our_ownership_is_our_entrys_fields_and_time() {
    let fields = json!({"f:a": {}});
    let live = object(&[
        entry("other", "Apply", "", &json!({})),
        entry(US, "Update", "", &json!({})),
        entry(US, "Apply", "status", &json!({})),
        entry(US, "Apply", "", &fields),
    ]);
    let ours = ownership(&live, US).expect("ours");
    assert_eq!(ours.time, "2026-01-01T00:00:00Z");
    assert_eq!(ours.hash, ContentHash::of(&json!(["v1", fields])));
    assert_eq!(ownership(&object(&[]), US), None);
}

fn field_set() -> impl Strategy<Value = Value> {
    Just(json!({})).prop_recursive(3, 12, 3, |inner| {
        prop::collection::btree_map("f:[a-c]", inner, 0..3)
            .prop_map(|map| Value::Object(map.into_iter().collect()))
    })
}

fn united(a: &Value, b: &Value) -> Value {
    let mut result = a.clone();
    unite(&mut result, b);
    result
}

proptest! {
    #[test]
    fn a_union_is_a_union(a in field_set(), b in field_set(), c in field_set()) {
        prop_assert_eq!(united(&a, &b), united(&b, &a));
        prop_assert_eq!(united(&united(&a, &b), &c), united(&a, &united(&b, &c)));
        prop_assert_eq!(united(&a, &a), a);
    }
}
