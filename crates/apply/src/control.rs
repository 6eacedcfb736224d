//! What a person may say on an object itself: annotations, or labels, under
//! `kustomize.toolkit.fluxcd.io/`.
//!
//! Values compare without regard to case; an empty label matches nothing. Source: fluxcd/pkg
//! `ssa/utils.AnyInMetadata`.

use serde_json::Value;

/// The group whose annotations and labels are read.
pub const GROUP: &str = "kustomize.toolkit.fluxcd.io";

/// Whether label or annotation `GROUP/key` of `object` has `value`.
pub fn says(object: &Value, key: &str, value: &str) -> bool {
    ["/metadata/annotations", "/metadata/labels"]
        .into_iter()
        .any(|place| {
            object
                .pointer(place)
                .and_then(|map| map.get(format!("{GROUP}/{key}")))
                .and_then(Value::as_str)
                .is_some_and(|found| !found.is_empty() && found.eq_ignore_ascii_case(value))
        })
}

/// Whether `object` says anything under `GROUP/key`.
pub fn mentions(object: &Value, key: &str) -> bool {
    ["/metadata/annotations", "/metadata/labels"]
        .into_iter()
        .any(|place| {
            object
                .pointer(place)
                .is_some_and(|map| map.get(format!("{GROUP}/{key}")).is_some())
        })
}

/// Whether `object`, wanted or live, is to be left alone.
pub fn is_left_alone(object: &Value) -> bool {
    says(object, "reconcile", "disabled") || says(object, "ssa", "Ignore")
}

/// Whether `object` is only to be created.
pub fn is_create_only(object: &Value) -> bool {
    says(object, "ssa", "IfNotPresent")
}

/// Whether other managers' fields of `object` are to be kept.
pub fn is_merged(object: &Value) -> bool {
    says(object, "ssa", "Merge")
}

/// Whether `object` may be recreated where a field cannot change.
pub fn is_forced(object: &Value) -> bool {
    says(object, "force", "enabled")
}

/// Whether the live `object` survives leaving the inventory.
pub fn is_kept(object: &Value) -> bool {
    says(object, "prune", "disabled") || is_left_alone(object)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn labels_and_annotations_say_the_same() {
        let cases = [
            (
                json!({"annotations": {"kustomize.toolkit.fluxcd.io/ssa": "ifnotpresent"}}),
                true,
            ),
            (
                json!({"labels": {"kustomize.toolkit.fluxcd.io/ssa": "IfNotPresent"}}),
                true,
            ),
            (
                json!({"labels": {"kustomize.toolkit.fluxcd.io/ssa": ""}}),
                false,
            ),
            (json!({"labels": {"other.io/ssa": "IfNotPresent"}}), false),
            (json!({"annotations": null}), false),
        ];
        for (metadata, expected) in cases {
            let object = json!({"metadata": metadata});
            assert_eq!(is_create_only(&object), expected, "{object}");
        }
    }
}
