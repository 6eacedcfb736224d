//! Writing an object's status and finalizers.
//!
//! A status is written as one merge patch of what differs from the state last read or written; an
//! equal status costs no request. Finalizers are guarded by the resource version, because two
//! writers of that list must not undo each other.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::client::{ApiError, Client, Target, WriteOptions};

/// Returns the RFC 7386 patch that turns `old` into `new`, or `None` when they are equal.
///
/// Lists are replaced whole.
///
/// ```
/// use serde_json::json;
/// let patch = runtime::status::merge_patch(&json!({"a": 1, "b": 2}), &json!({"b": 3}));
/// assert_eq!(patch, Some(json!({"a": null, "b": 3})));
/// ```
pub fn merge_patch(old: &Value, new: &Value) -> Option<Value> {
    let (Value::Object(old), Value::Object(new)) = (old, new) else {
        return (old != new).then(|| new.clone());
    };
    let mut patch = Map::new();
    for (key, value) in new {
        match old.get(key) {
            None => {
                patch.insert(key.clone(), value.clone());
            }
            Some(before) => {
                if let Some(change) = merge_patch(before, value) {
                    patch.insert(key.clone(), change);
                }
            }
        }
    }
    for key in old.keys().filter(|key| !new.contains_key(*key)) {
        patch.insert(key.clone(), Value::Null);
    }
    (!patch.is_empty()).then_some(Value::Object(patch))
}

/// Patches the status of `target` from `old` to `new`. Returns the object's new resource version, or
/// `None` when there was nothing to write.
///
/// # Errors
/// The API server's, or when a status cannot be serialised.
pub async fn patch<S: Serialize>(
    client: &Client,
    target: Target<'_>,
    field_manager: &str,
    old: &S,
    new: &S,
) -> Result<Option<String>, ApiError> {
    let request = |e: serde_json::Error| ApiError::Request(e.to_string());
    let old = serde_json::to_value(old).map_err(request)?;
    let new = serde_json::to_value(new).map_err(request)?;
    let Some(change) = merge_patch(&old, &new) else {
        return Ok(None);
    };
    let options = WriteOptions {
        field_manager: Some(field_manager),
        subresource: Some("status"),
        dry_run: false,
    };
    let body = json!({ "status": change }).to_string();
    let written: Written = client.merge_patch(target, body.into(), options).await?;
    Ok(Some(written.metadata.resource_version))
}

/// As much of a written object as is read back.
#[derive(Deserialize)]
struct Written {
    metadata: WrittenMetadata,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WrittenMetadata {
    resource_version: String,
}

/// Replaces the finalizers of `target`, which must still be at `resource_version`.
///
/// Returns the object's new resource version.
///
/// # Errors
/// The API server's; a conflict when the object has changed since.
pub async fn set_finalizers(
    client: &Client,
    target: Target<'_>,
    field_manager: &str,
    resource_version: &str,
    finalizers: &[String],
) -> Result<String, ApiError> {
    let body = json!({
        "metadata": { "resourceVersion": resource_version, "finalizers": finalizers },
    })
    .to_string();
    let options = WriteOptions {
        field_manager: Some(field_manager),
        subresource: None,
        dry_run: false,
    };
    let written: Written = client.merge_patch(target, body.into(), options).await?;
    Ok(written.metadata.resource_version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patch_says_exactly_what_differs() {
        let cases = [
            (json!({}), json!({}), None),
            (json!({"a": {"b": 1}}), json!({"a": {"b": 1}}), None),
            (
                json!({"a": {"b": 1, "c": 2}, "d": [1]}),
                json!({"a": {"b": 1, "c": 3}, "d": [1, 2]}),
                Some(json!({"a": {"c": 3}, "d": [1, 2]})),
            ),
            (json!({"a": {"b": 1}}), json!({}), Some(json!({"a": null}))),
            (
                json!({}),
                json!({"a": {"b": 1}}),
                Some(json!({"a": {"b": 1}})),
            ),
        ];
        for (old, new, expected) in cases {
            assert_eq!(merge_patch(&old, &new), expected, "{old} -> {new}");
        }
    }
}
