//! Objects as they are wanted, and what they are called.

use std::fmt;

use bytes::Bytes;
use runtime::client::GroupVersionKind;
use serde_json::Value;
use sha2::{Digest, Sha256};

/// What an object is called, whatever its version. Printed as `Kind/namespace/name`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectId {
    /// The API group; empty for the core group.
    pub group: String,
    /// The kind.
    pub kind: String,
    /// The namespace; empty for a cluster-scoped object.
    pub namespace: String,
    /// The name.
    pub name: String,
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/", self.kind)?;
        if !self.namespace.is_empty() {
            write!(f, "{}/", self.namespace)?;
        }
        f.write_str(&self.name)
    }
}

/// SHA-256 of an object's content, whatever the order of its keys.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ContentHash([u8; 32]);

impl ContentHash {
    /// The hash of a JSON value.
    pub fn of(value: &Value) -> Self {
        let mut hasher = Sha256::new();
        feed(&mut hasher, value);
        Self(hasher.finalize().into())
    }
}

impl fmt::Debug for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Feeds a value so that no two values feed the same bytes. Keys are sorted here: whether
/// `serde_json` sorts them depends on what else is in the build.
fn feed(hasher: &mut Sha256, value: &Value) {
    match value {
        Value::Null => hasher.update(b"n"),
        Value::Bool(true) => hasher.update(b"t"),
        Value::Bool(false) => hasher.update(b"f"),
        Value::Number(number) => feed_text(hasher, b"#", &number.to_string()),
        Value::String(text) => feed_text(hasher, b"s", text),
        Value::Array(items) => {
            hasher.update(b"[");
            for item in items {
                feed(hasher, item);
            }
            hasher.update(b"]");
        }
        Value::Object(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_by_key(|(key, _)| *key);
            hasher.update(b"{");
            for (key, value) in entries {
                feed_text(hasher, b"k", key);
                feed(hasher, value);
            }
            hasher.update(b"}");
        }
    }
}

fn feed_text(hasher: &mut Sha256, tag: &[u8], text: &str) {
    hasher.update(tag);
    hasher.update(text.len().to_le_bytes());
    hasher.update(text.as_bytes());
}

/// An object lacks what every object has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("object without {0}")]
pub struct InvalidObject(&'static str);

/// An object as it is wanted, ready to be sent.
#[derive(Clone, Debug)]
pub struct Object {
    id: ObjectId,
    version: String,
    json: Value,
    body: Bytes,
    hash: ContentHash,
}

/// What an object in the JSON model calls itself, and its version.
pub(crate) fn identify(json: &Value) -> Result<(ObjectId, String), InvalidObject> {
    let text = |pointer: &'static str, what| {
        json.pointer(pointer)
            .and_then(Value::as_str)
            .filter(|text| !text.is_empty())
            .ok_or(InvalidObject(what))
    };
    let gvk = GroupVersionKind::parse(text("/apiVersion", "apiVersion")?, text("/kind", "kind")?);
    let id = ObjectId {
        group: gvk.group,
        kind: gvk.kind,
        namespace: json
            .pointer("/metadata/namespace")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned(),
        name: text("/metadata/name", "metadata.name")?.to_owned(),
    };
    Ok((id, gvk.version))
}

impl Object {
    /// Takes an object in the JSON model.
    ///
    /// # Errors
    /// When `apiVersion`, `kind` or `metadata.name` is missing or no text.
    pub fn new(json: Value) -> Result<Self, InvalidObject> {
        let (id, version) = identify(&json)?;
        Ok(Self {
            id,
            version,
            body: json.to_string().into(),
            hash: ContentHash::of(&json),
            json,
        })
    }

    /// Group, kind, namespace and name.
    pub fn id(&self) -> &ObjectId {
        &self.id
    }

    /// The version that it is written in.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Group, version and kind.
    pub fn gvk(&self) -> GroupVersionKind {
        GroupVersionKind {
            group: self.id.group.clone(),
            version: self.version.clone(),
            kind: self.id.kind.clone(),
        }
    }

    /// The content.
    pub fn json(&self) -> &Value {
        &self.json
    }

    /// The content as sent. Cheap to clone.
    pub fn body(&self) -> Bytes {
        self.body.clone()
    }

    /// The content's hash.
    pub fn hash(&self) -> ContentHash {
        self.hash
    }

    /// The same object in no namespace: for a cluster-scoped kind whose manifest names one.
    #[must_use]
    pub(crate) fn without_namespace(mut self) -> Self {
        if let Some(metadata) = self.json.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.remove("namespace");
        }
        self.id.namespace.clear();
        self.body = self.json.to_string().into();
        self.hash = ContentHash::of(&self.json);
        self
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i32>().prop_map(Value::from),
            "[a-c]{0,3}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 16, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("[a-c]{1,2}", inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn values_are_equal_exactly_when_their_hashes_are(a in value(), b in value()) {
            prop_assert_eq!(a == b, ContentHash::of(&a) == ContentHash::of(&b));
            let copy: Value = serde_json::from_str(&a.to_string()).expect("json");
            prop_assert_eq!(ContentHash::of(&a), ContentHash::of(&copy));
        }
    }

    #[test]
    fn an_object_needs_kind_version_and_name() {
        let cases = [
            (
                json!({"kind": "A", "metadata": {"name": "x"}}),
                Err(InvalidObject("apiVersion")),
            ),
            (
                json!({"apiVersion": "v1", "metadata": {"name": "x"}}),
                Err(InvalidObject("kind")),
            ),
            (
                json!({"apiVersion": "v1", "kind": "A"}),
                Err(InvalidObject("metadata.name")),
            ),
            (
                json!({"apiVersion": "v1", "kind": "A", "metadata": {"name": "x"}}),
                Ok("A/x".to_owned()),
            ),
            (
                json!({"apiVersion": "g/v1", "kind": "A", "metadata": {"name": "x", "namespace": "n"}}),
                Ok("A/n/x".to_owned()),
            ),
        ];
        for (json, expected) in cases {
            assert_eq!(
                Object::new(json).map(|object| object.id().to_string()),
                expected
            );
        }
    }
}
