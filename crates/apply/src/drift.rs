//! Whether applying an object would change it.
//!
//! Compared are labels, annotations and everything outside `metadata` and `status`. Elsewhere than
//! in labels and annotations an absent map differs from an empty one: `emptyDir: {}` says something.
//! Other metadata is not compared. Source: fluxcd/pkg `ssa/manager_diff.go`.

use std::{borrow::Cow, collections::BTreeSet};

use serde_json::{Map, Value};

/// Whether what a dry run returned differs from the live object in what Git can say.
pub fn differs(live: &Value, dry_run: &Value) -> bool {
    let metadata = ["/metadata/labels", "/metadata/annotations"]
        .into_iter()
        .any(|place| !same_map(live.pointer(place), dry_run.pointer(place)));
    if metadata {
        return true;
    }
    let (Some(live), Some(dry_run)) = (live.as_object(), dry_run.as_object()) else {
        return true;
    };
    let dry_run = without_surplus_metrics(dry_run);
    let keys: BTreeSet<_> = live.keys().chain(dry_run.keys()).collect();
    keys.into_iter()
        .filter(|key| !matches!(key.as_str(), "metadata" | "status"))
        .any(|key| live.get(key) != dry_run.get(key))
}

/// Equality of maps of text in which nothing equals an empty map.
fn same_map(a: Option<&Value>, b: Option<&Value>) -> bool {
    let filled = |map: Option<&'_ Value>| {
        map.is_some_and(|map| map.as_object().is_some_and(|map| !map.is_empty()))
    };
    match (filled(a), filled(b)) {
        (false, false) => true,
        (true, true) => a == b,
        _ => false,
    }
}

/// A dry run of a `HorizontalPodAutoscaler` may answer with metrics doubled or without type, which the
/// server drops when it stores them.
fn without_surplus_metrics(object: &Map<String, Value>) -> Cow<'_, Map<String, Value>> {
    let is_autoscaler = object
        .get("kind")
        .is_some_and(|kind| kind == "HorizontalPodAutoscaler");
    let metrics = object
        .get("spec")
        .and_then(|spec| spec.get("metrics"))
        .and_then(Value::as_array);
    let (true, Some(metrics)) = (is_autoscaler, metrics) else {
        return Cow::Borrowed(object);
    };
    let mut kept: Vec<Value> = Vec::with_capacity(metrics.len());
    for metric in metrics {
        if metric.get("type").is_some() && !kept.contains(metric) {
            kept.push(metric.clone());
        }
    }
    let mut object = object.clone();
    if let Some(spec) = object.get_mut("spec").and_then(Value::as_object_mut) {
        spec.insert("metrics".into(), kept.into());
    }
    Cow::Owned(object)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_git_can_say_is_drift() {
        let metric = json!({"type": "Resource", "resource": {"name": "cpu"}});
        let hpa = |metrics: Value| json!({"kind": "HorizontalPodAutoscaler", "spec": {"metrics": metrics}});
        let cases = [
            (
                "equal",
                json!({"data": {"a": "1"}}),
                json!({"data": {"a": "1"}}),
                false,
            ),
            (
                "a value",
                json!({"data": {"a": "1"}}),
                json!({"data": {"a": "2"}}),
                true,
            ),
            (
                "a key less",
                json!({"data": {"a": "1", "b": ""}}),
                json!({"data": {"a": "1"}}),
                true,
            ),
            (
                "absent and empty",
                json!({"spec": {"emptyDir": {}}}),
                json!({"spec": {}}),
                true,
            ),
            (
                "no labels",
                json!({"metadata": {"labels": {}}}),
                json!({"metadata": {}}),
                false,
            ),
            (
                "a label",
                json!({"metadata": {"labels": {"a": "1"}}}),
                json!({"metadata": {}}),
                true,
            ),
            (
                "an annotation",
                json!({"metadata": {}}),
                json!({"metadata": {"annotations": {"a": ""}}}),
                true,
            ),
            (
                "finalizers",
                json!({"metadata": {"finalizers": ["a"]}}),
                json!({"metadata": {}}),
                false,
            ),
            ("status", json!({"status": {"a": 1}}), json!({}), false),
            (
                "order in a list",
                json!({"spec": [1, 2]}),
                json!({"spec": [2, 1]}),
                true,
            ),
            (
                "metrics",
                hpa(json!([metric])),
                hpa(json!([metric, {"resource": {}}, metric])),
                false,
            ),
            (
                "metrics that differ",
                hpa(json!([metric])),
                hpa(json!([{"type": "Pods"}])),
                true,
            ),
        ];
        for (name, live, dry_run, expected) in cases {
            assert_eq!(differs(&live, &dry_run), expected, "{name}");
        }
    }
}
