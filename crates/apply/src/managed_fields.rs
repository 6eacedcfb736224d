//! Who owns which field: `metadata.managedFields`.
//!
//! Entries are read for three ends: to know our own (has somebody taken a field from us?), to take
//! over what kubectl and our predecessors own, and to move entries to another API version.
//! A field set (`fieldsV1`) is a tree of maps, so that its union is a merge. Source: KEP-555,
//! fluxcd/pkg `ssa/patch.go`.

use serde_json::{Map, Value, json};

use crate::{control, object::ContentHash};

/// By which kind of request a manager came to own fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Server-side apply.
    Apply,
    /// Anything else.
    Update,
}

/// One entry, borrowed from an object.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// The manager's name.
    pub manager: &'a str,
    /// How it owns.
    pub operation: Operation,
    /// Which version's field names are meant.
    pub api_version: &'a str,
    /// When the entry last changed, in seconds.
    pub time: &'a str,
    /// Empty for the object itself, `status` and the like otherwise.
    pub subresource: &'a str,
    /// The field set.
    pub fields: &'a Value,
}

/// Our entry of an object as it was when last looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ownership {
    /// Hash of the field set and its version.
    pub hash: ContentHash,
    /// When the server says the entry last changed.
    pub time: String,
}

/// The entries of an object (or of its metadata-only form).
pub fn entries(object: &Value) -> impl Iterator<Item = Entry<'_>> {
    raw(object).iter().map(Entry::from)
}

fn raw(object: &Value) -> &[Value] {
    let entries = object
        .pointer("/metadata/managedFields")
        .and_then(Value::as_array);
    entries.map(Vec::as_slice).unwrap_or_default()
}

impl<'a> From<&'a Value> for Entry<'a> {
    fn from(entry: &'a Value) -> Self {
        let text = |key| entry.get(key).and_then(Value::as_str).unwrap_or_default();
        Self {
            manager: text("manager"),
            operation: match text("operation") {
                "Apply" => Operation::Apply,
                _ => Operation::Update,
            },
            api_version: text("apiVersion"),
            time: text("time"),
            subresource: text("subresource"),
            fields: entry.get("fieldsV1").unwrap_or(&Value::Null),
        }
    }
}

impl Entry<'_> {
    fn is_ours(&self, manager: &str) -> bool {
        self.manager == manager && self.operation == Operation::Apply && self.subresource.is_empty()
    }
}

/// What `manager` owns by applying.
pub fn ownership(object: &Value, manager: &str) -> Option<Ownership> {
    let entry = entries(object).find(|entry| entry.is_ours(manager))?;
    Some(Ownership {
        hash: ContentHash::of(&json!([entry.api_version, entry.fields])),
        time: entry.time.to_owned(),
    })
}

/// Managers whose fields we take over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Takeover {
    /// How the managers' names begin.
    pub prefix: String,
    /// Which of their entries.
    pub operation: Operation,
}

/// The managers that Flux takes over: kubectl in all its forms, what was there before server-side
/// apply, our own updates, and the users' choice (`--override-manager`).
pub fn takeovers(manager: &str, overrides: &[String]) -> Vec<Takeover> {
    use Operation::{Apply, Update};
    let built_in = [
        ("kubectl", Apply),
        ("kubectl", Update),
        ("before-first-apply", Update),
        (manager, Update),
    ];
    let chosen = overrides
        .iter()
        .flat_map(|name| [(name.as_str(), Apply), (name.as_str(), Update)]);
    let takeover = |(prefix, operation): (&str, _)| Takeover {
        prefix: prefix.into(),
        operation,
    };
    built_in.into_iter().chain(chosen).map(takeover).collect()
}

/// Annotations that kubectl and earlier versions of Flux leave.
const ANNOTATIONS: [&str; 3] = [
    "kubectl.kubernetes.io/last-applied-configuration",
    "kustomize.toolkit.fluxcd.io/checksum",
    "fluxcd.io/sync-checksum",
];
const LABELS: [&str; 1] = ["fluxcd.io/sync-gc-mark"];

/// Whether [`cleanup`] of `object`, live or as a dry run returns it, would change anything.
pub fn needs_cleanup(object: &Value, manager: &str, takeovers: &[Takeover]) -> bool {
    !control::is_merged(object)
        && (entries(object).any(|entry| is_taken(&entry, manager, takeovers))
            || leftovers(object).next().is_some())
}

pub(crate) fn is_taken(entry: &Entry<'_>, manager: &str, takeovers: &[Takeover]) -> bool {
    entry.subresource.is_empty()
        && !entry.is_ours(manager)
        && takeovers.iter().any(|takeover| {
            takeover.operation == entry.operation && entry.manager.starts_with(&takeover.prefix)
        })
}

fn leftovers(object: &Value) -> impl Iterator<Item = String> + '_ {
    let places = [("annotations", &ANNOTATIONS[..]), ("labels", &LABELS[..])];
    places.into_iter().flat_map(move |(place, keys)| {
        let map = object
            .get("metadata")
            .and_then(|metadata| metadata.get(place));
        let found = keys
            .iter()
            .filter(move |key| map.is_some_and(|map| map.get(**key).is_some()));
        found.map(move |key| format!("/metadata/{place}/{}", escape(key)))
    })
}

/// The JSON patch that removes leftovers from the live `object` and makes its taken entries ours;
/// empty when there is nothing to do. It holds only for this state of the object.
///
/// The fields that it makes ours and Git does not have, the next apply removes.
pub fn cleanup(object: &Value, manager: &str, takeovers: &[Takeover]) -> Vec<Value> {
    if control::is_merged(object) {
        return Vec::new();
    }
    let remove = |path: String| json!({"op": "remove", "path": path});
    let mut patch: Vec<_> = leftovers(object).map(remove).collect();
    if let Some(folded) = fold(object, manager, takeovers) {
        patch.push(json!({"op": "replace", "path": "/metadata/managedFields", "value": folded}));
    }
    guarded(object, patch)
}

/// The entries with all taken ones folded into ours; `None` when none is taken.
fn fold(object: &Value, manager: &str, takeovers: &[Takeover]) -> Option<Vec<Value>> {
    let is = |test: &dyn Fn(&Entry<'_>) -> bool, entry: &Value| test(&Entry::from(entry));
    let taken = |entry: &Entry<'_>| is_taken(entry, manager, takeovers);
    let ours = |entry: &Entry<'_>| entry.is_ours(manager);
    let mut absorbed = raw(object)
        .iter()
        .filter(|entry| is(&taken, entry))
        .peekable();
    absorbed.peek()?;
    let mut result = if let Some(entry) = raw(object).iter().find(|entry| is(&ours, entry)) {
        entry.clone()
    } else {
        let mut first = absorbed.next()?.clone();
        if let Some(first) = first.as_object_mut() {
            first.insert("manager".into(), manager.into());
            first.insert("operation".into(), "Apply".into());
        }
        first
    };
    for entry in absorbed {
        if let (Some(into), Some(from)) = (result.get_mut("fieldsV1"), entry.get("fieldsV1")) {
            unite(into, from);
        }
    }
    let rest = raw(object)
        .iter()
        .filter(|entry| !is(&taken, entry) && !is(&ours, entry));
    Some(rest.cloned().chain([result]).collect())
}

/// Adds the fields of `from` to those of `into`.
fn unite(into: &mut Value, from: &Value) {
    let (Some(into), Some(from)) = (into.as_object_mut(), from.as_object()) else {
        return;
    };
    for (key, value) in from {
        unite(
            into.entry(key.as_str())
                .or_insert_with(|| Value::Object(Map::new())),
            value,
        );
    }
}

/// Whether any entry of `object` speaks of another version than `api_version`.
pub fn needs_migration(object: &Value, api_version: &str) -> bool {
    entries(object).any(|entry| entry.api_version != api_version)
}

/// The JSON patch that makes all entries speak of `api_version`; empty when they do. It holds only
/// for this state of the object.
pub fn migration(object: &Value, api_version: &str) -> Vec<Value> {
    let other = |(_, entry): &(usize, &Value)| Entry::from(*entry).api_version != api_version;
    let patch = raw(object).iter().enumerate().filter(other).map(|(at, _)| {
        let path = format!("/metadata/managedFields/{at}/apiVersion");
        json!({"op": "replace", "path": path, "value": api_version})
    });
    guarded(object, patch.collect())
}

/// Adds to a non-empty patch that it fails with a conflict if the object has changed.
fn guarded(object: &Value, mut patch: Vec<Value>) -> Vec<Value> {
    let version = object.pointer("/metadata/resourceVersion");
    if let (false, Some(version)) = (patch.is_empty(), version) {
        patch.push(json!({"op": "replace", "path": "/metadata/resourceVersion", "value": version}));
    }
    patch
}

/// A key as one segment of a JSON pointer.
fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests;
