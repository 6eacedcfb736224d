//! Fields that are left to others: `spec.ignore`.
//!
//! A listed field never counts as drift. When an object is written for another reason, a listed
//! field that differs is left out of what is sent if another applier owns it, so that ownership stays
//! there; else the live value is sent, because a field that nobody owns would be removed or
//! defaulted with our claim. An object that does not exist yet is created with all its fields.
//!
//! A field is named by a JSON pointer. In `managedFields` the elements of a list are named by their
//! keys, not by their place; a place is translated by looking at the live element, and where that
//! fails, nobody is taken to own it. Source: fluxcd/pkg `ssa/manager_apply.go` (drift ignore rules).

use serde_json::{Map, Value};

use crate::{
    drift,
    managed_fields::{self, Operation, Takeover},
};

/// Which fields of which objects are left to others.
pub trait IgnoreRules: Send + Sync {
    /// JSON pointers to the fields of `object` (as a dry run returned it) that are ignored.
    fn paths(&self, object: &Value) -> Vec<String>;
}

/// Who is who among an object's managers.
#[derive(Clone, Copy)]
pub(crate) struct Parties<'a> {
    pub(crate) manager: &'a str,
    /// Managers that are about to become ours.
    pub(crate) takeovers: &'a [Takeover],
}

/// Whether something else than the ignored fields has drifted.
pub(crate) fn differs(live: &Value, preview: &Value, paths: &[String]) -> bool {
    let bare = |object: &Value| {
        let mut object = object.clone();
        for path in descending(paths) {
            remove(&mut object, path);
        }
        object
    };
    drift::differs(&bare(live), &bare(preview))
}

/// What to send instead of `wanted`, so that ignored fields stay as they are.
pub(crate) fn adjust(
    wanted: &Value,
    live: &Value,
    preview: &Value,
    paths: &[String],
    parties: Parties<'_>,
) -> Value {
    let mut sent = wanted.clone();
    for path in descending(paths) {
        let there = live.pointer(path);
        if there == preview.pointer(path) {
            continue;
        }
        match there {
            Some(value) if !is_owned_elsewhere(live, path, parties) => {
                set(&mut sent, path, value.clone());
            }
            _ => remove(&mut sent, path),
        }
    }
    sent
}

/// The well-formed pointers, so ordered that removing an element of a list moves none that is still
/// to come.
fn descending(paths: &[String]) -> Vec<&str> {
    let mut paths: Vec<&str> = paths
        .iter()
        .map(String::as_str)
        .filter(|path| path.starts_with('/'))
        .collect();
    let key = |path: &str| -> Vec<(u64, String)> {
        segments(path)
            .map(|segment| (segment.parse().unwrap_or(u64::MAX), segment))
            .collect()
    };
    paths.sort_by_key(|path| std::cmp::Reverse(key(path)));
    paths.dedup();
    paths
}

fn segments(path: &str) -> impl Iterator<Item = String> + '_ {
    path.split('/')
        .skip(1)
        .map(|segment| segment.replace("~1", "/").replace("~0", "~"))
}

fn split(path: &str) -> Option<(&str, String)> {
    let (parent, _) = path.rsplit_once('/')?;
    Some((parent, segments(path).last()?))
}

fn remove(object: &mut Value, path: &str) {
    let Some((parent, last)) = split(path) else {
        return;
    };
    match object.pointer_mut(parent) {
        Some(Value::Object(map)) => {
            map.remove(&last);
        }
        Some(Value::Array(items)) => {
            if let Some(at) = last.parse().ok().filter(|at: &usize| *at < items.len()) {
                items.remove(at);
            }
        }
        _ => {}
    }
}

/// Sets the value at `path`; makes the maps on the way, but no elements of lists.
fn set(object: &mut Value, path: &str, value: Value) {
    let mut at = object;
    for segment in segments(path) {
        at = match at {
            Value::Object(map) => map
                .entry(segment)
                .or_insert_with(|| Value::Object(Map::new())),
            Value::Array(items) => {
                let Some(item) = segment
                    .parse::<usize>()
                    .ok()
                    .and_then(|at| items.get_mut(at))
                else {
                    return;
                };
                item
            }
            _ => return,
        };
    }
    *at = value;
}

/// Whether an applier that is not us, and will not be, owns the field.
fn is_owned_elsewhere(live: &Value, path: &str, parties: Parties<'_>) -> bool {
    managed_fields::entries(live).any(|entry| {
        entry.operation == Operation::Apply
            && entry.subresource.is_empty()
            && entry.manager != parties.manager
            && !managed_fields::is_taken(&entry, parties.manager, parties.takeovers)
            && covers(entry.fields, live, path)
    })
}

/// Whether a field set holds the field at `path`, itself or within something it holds as a whole.
fn covers(fields: &Value, live: &Value, path: &str) -> bool {
    let (mut fields, mut node) = (fields, live);
    for segment in segments(path) {
        let Some(set) = fields.as_object() else {
            return false;
        };
        if set.is_empty() {
            return true;
        }
        let step = match node {
            Value::Array(items) => segment
                .parse::<usize>()
                .ok()
                .and_then(|at| items.get(at))
                .and_then(|item| Some((element(set, item)?, item))),
            other => set
                .get(&format!("f:{segment}"))
                .map(|fields| (fields, other.get(&segment).unwrap_or(&Value::Null))),
        };
        let Some(step) = step else { return false };
        (fields, node) = step;
    }
    true
}

/// What a field set holds of the list element `item`, found by its keys or, for a scalar, by value.
fn element<'a>(set: &'a Map<String, Value>, item: &Value) -> Option<&'a Value> {
    let names = |key: &str| -> bool {
        let parsed = |text: &str| serde_json::from_str::<Value>(text).ok();
        if let Some(keys) = key.strip_prefix("k:").and_then(parsed) {
            let keys = keys.as_object();
            return keys.is_some_and(|keys| keys.iter().all(|(k, v)| item.get(k) == Some(v)));
        }
        key.strip_prefix("v:")
            .and_then(parsed)
            .is_some_and(|value| value == *item)
    };
    set.iter()
        .find(|(key, _)| names(key))
        .map(|(_, fields)| fields)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn live() -> Value {
        json!({
            "metadata": {"managedFields": [
                {"manager": "scaler", "operation": "Apply", "fieldsV1": {"f:spec": {
                    "f:replicas": {},
                    "f:whole": {},
                    "f:containers": {"k:{\"name\":\"b\"}": {"f:image": {}}},
                }}},
                {"manager": "editor", "operation": "Update", "fieldsV1": {"f:spec": {"f:paused": {}}}},
                {"manager": "kubectl", "operation": "Apply", "fieldsV1": {"f:spec": {"f:min": {}}}},
            ]},
            "spec": {"replicas": 5, "paused": true, "min": 3, "whole": {"x": 2},
                     "containers": [{"name": "a", "image": "live"}, {"name": "b", "image": "live"}]},
        })
    }

    fn wanted() -> Value {
        json!({"spec": {"replicas": 1, "paused": false, "min": 1, "whole": {"x": 1}, "gone": 1,
                        "containers": [{"name": "a", "image": "git"}, {"name": "b", "image": "git"}]}})
    }

    #[test]
    fn a_field_of_another_applier_is_left_out_and_any_other_keeps_its_value() {
        let takeovers = managed_fields::takeovers("us", &[]);
        let parties = Parties {
            manager: "us",
            takeovers: &takeovers,
        };
        let cases = [
            (
                "owned by an applier",
                "/spec/replicas",
                "/spec/replicas",
                None,
            ),
            (
                "owned by an updater",
                "/spec/paused",
                "/spec/paused",
                Some(json!(true)),
            ),
            (
                "owned by one that becomes ours",
                "/spec/min",
                "/spec/min",
                Some(json!(3)),
            ),
            (
                "within what is owned as a whole",
                "/spec/whole/x",
                "/spec/whole/x",
                None,
            ),
            (
                "an element's field, owned",
                "/spec/containers/1/image",
                "/spec/containers/1/image",
                None,
            ),
            (
                "an element's field, not owned",
                "/spec/containers/0/image",
                "/spec/containers/0/image",
                Some(json!("live")),
            ),
            ("not in the cluster", "/spec/gone", "/spec/gone", None),
            (
                "no pointer",
                "spec/replicas",
                "/spec/replicas",
                Some(json!(1)),
            ),
            (
                "no such element",
                "/spec/containers/7/image",
                "/spec/containers/7",
                None,
            ),
        ];
        for (name, path, at, expected) in cases {
            let sent = adjust(&wanted(), &live(), &wanted(), &[path.to_owned()], parties);
            assert_eq!(sent.pointer(at), expected.as_ref(), "{name}");
        }
    }

    #[test]
    fn what_does_not_differ_stays_in_what_is_sent() {
        let parties = Parties {
            manager: "us",
            takeovers: &[],
        };
        let paths = ["/spec/replicas".to_owned()];
        let mut same = wanted();
        same["spec"]["replicas"] = 5.into();
        assert_eq!(adjust(&same, &live(), &same, &paths, parties), same);
    }

    #[test]
    fn ignored_fields_are_no_drift_and_others_are() {
        let object =
            |replicas: u8, list: Value| json!({"spec": {"replicas": replicas, "list": list}});
        let cases = [
            (
                object(1, json!([1, 2, 3])),
                object(2, json!([1, 2, 3])),
                vec!["/spec/replicas"],
                false,
            ),
            (
                object(1, json!([1, 2, 3])),
                object(2, json!([1, 2, 4])),
                vec!["/spec/replicas"],
                true,
            ),
            (
                object(1, json!([9, 2, 8])),
                object(1, json!([1, 2, 3])),
                vec!["/spec/list/0", "/spec/list/2"],
                false,
            ),
            (
                object(1, json!([9, 2, 8])),
                object(1, json!([1, 2, 3])),
                vec!["/spec/list/0"],
                true,
            ),
        ];
        for (live, preview, paths, expected) in cases {
            let paths: Vec<_> = paths.into_iter().map(str::to_owned).collect();
            assert_eq!(differs(&live, &preview, &paths), expected, "{paths:?}");
        }
    }
}
