//! JSON patches, with the quirks of the library that kustomize uses.
//!
//! A missing map key may be replaced, negative array indices count from the end, and `-` names the
//! end for `add` only.
//! Source: RFC 6902; evanphx/json-patch 4.13.0.

use serde_json::Value;

use crate::error::{Error, Result};
use crate::limits::MAX_DEPTH;
use crate::node::too_deep;

/// How much `copy` may add to a document, in nodes.
const MAX_COPIED: usize = 1 << 17;

/// One operation.
#[derive(Debug, Clone)]
pub(crate) struct Operation {
    op: String,
    path: Option<String>,
    from: Option<String>,
    value: Value,
}

/// Which path of an operation is meant.
#[derive(Debug, Clone, Copy)]
enum Role {
    Only,
    From,
    Destination,
}

/// Reads the operations of a patch document.
pub(crate) fn parse(document: &Value) -> Result<Vec<Operation>> {
    let Some(items) = document.as_array() else {
        return Err(Error::invalid("a JSON patch must be a list of operations"));
    };
    items
        .iter()
        .map(|item| {
            let Some(fields) = item.as_object() else {
                return Err(Error::invalid("a JSON patch operation must be an object"));
            };
            let text = |name: &str| fields.get(name).and_then(Value::as_str).map(str::to_owned);
            Ok(Operation {
                op: text("op").unwrap_or_else(|| "unknown".to_owned()),
                path: text("path"),
                from: text("from"),
                value: fields.get("value").cloned().unwrap_or(Value::Null),
            })
        })
        .collect()
}

/// Applies `operations` to `document` in order.
pub(crate) fn apply(document: &mut Value, operations: &[Operation]) -> Result<()> {
    let mut budget = MAX_COPIED;
    for operation in operations {
        operation.apply(document, &mut budget)?;
    }
    Ok(())
}

impl Operation {
    /// Whether the operation may read or write an object's annotations as a whole or in part.
    pub(crate) fn concerns_annotations(&self) -> bool {
        const ANNOTATIONS: &str = "/metadata/annotations";
        [&self.path, &self.from]
            .into_iter()
            .flatten()
            .any(|path| path.starts_with(ANNOTATIONS) || ANNOTATIONS.starts_with(path.as_str()))
    }

    fn apply(&self, document: &mut Value, budget: &mut usize) -> Result<()> {
        let op = self.op.as_str();
        let path = self
            .path
            .as_deref()
            .ok_or_else(|| Error::invalid(format!("{op} operation failed to decode path")));
        let depth = path.as_deref().map_or(0, |path| path.split('/').count());
        if !is_shallow(&self.value, MAX_DEPTH.saturating_sub(depth)) {
            return Err(too_deep());
        }
        match op {
            "add" => {
                let path = path?;
                let (parent, key) = self.parent(document, path, Role::Only)?;
                add(parent, &key, self.value.clone()).map_err(|error| failed("add", path, &error))
            }
            "remove" => {
                let path = path?;
                let (parent, key) = self.parent(document, path, Role::Only)?;
                take(parent, &key)
                    .map(drop)
                    .map_err(|error| failed("remove", path, &error))
            }
            "replace" => self.replace(document, path?),
            "move" => {
                let path = path?;
                let from = self.from()?;
                let (parent, key) = self.parent(document, from, Role::From)?;
                let value = take(parent, &key).map_err(|error| failed("move", &key, &error))?;
                if !is_shallow(&value, MAX_DEPTH.saturating_sub(depth)) {
                    return Err(too_deep());
                }
                let (parent, key) = self.parent(document, path, Role::Destination)?;
                add(parent, &key, value).map_err(|error| failed("move", path, &error))
            }
            "copy" => {
                let path = path?;
                let from = self.from()?;
                let (parent, key) = self.parent(document, from, Role::From)?;
                let value = get(parent, &key)
                    .map_err(|error| failed("copy", from, &error))?
                    .cloned();
                let value = value.unwrap_or(Value::Null);
                if !is_shallow(&value, MAX_DEPTH.saturating_sub(depth)) {
                    return Err(too_deep());
                }
                *budget = budget.checked_sub(size(&value)).ok_or_else(|| {
                    Error::Limit("a JSON patch copies more than its limit".to_owned())
                })?;
                let (parent, key) = self.parent(document, path, Role::Destination)?;
                add(parent, &key, value).map_err(|error| failed("copy", path, &error))
            }
            "test" => self.test(document, path?),
            other => Err(Error::invalid(format!("Unexpected kind: {other}"))),
        }
    }

    fn replace(&self, document: &mut Value, path: &str) -> Result<()> {
        if path.is_empty() {
            if !self.value.is_object() && !self.value.is_array() {
                return Err(Error::invalid(
                    "replace operation value must be object or array",
                ));
            }
            *document = self.value.clone();
            return Ok(());
        }
        let (parent, key) = self.parent(document, path, Role::Only)?;
        match parent {
            Value::Object(fields) => {
                fields.insert(key, self.value.clone());
            }
            Value::Array(items) => {
                let slot = index(&key, items.len())
                    .ok()
                    .and_then(|index| items.get_mut(index));
                match slot {
                    Some(slot) => *slot = self.value.clone(),
                    None => {
                        return Err(Error::invalid(format!(
                            "replace operation does not apply: doc is missing key: {path}: missing value"
                        )));
                    }
                }
            }
            _ => return Err(self.missing(path, Role::Only)),
        }
        Ok(())
    }

    fn test(&self, document: &mut Value, path: &str) -> Result<()> {
        let found = if path.is_empty() {
            Some(&*document)
        } else {
            let (parent, key) = self.parent(document, path, Role::Only)?;
            get(parent, &key).map_err(|error| failed("test", path, &error))?
        };
        if found.unwrap_or(&Value::Null) == &self.value {
            Ok(())
        } else {
            Err(Error::invalid(format!(
                "testing value {path} failed: test failed"
            )))
        }
    }

    fn from(&self) -> Result<&str> {
        self.from
            .as_deref()
            .ok_or_else(|| Error::invalid(format!("{} operation failed to decode from", self.op)))
    }

    /// The container that a path ends in, and the last key.
    fn parent<'d>(
        &self,
        document: &'d mut Value,
        path: &str,
        role: Role,
    ) -> Result<(&'d mut Value, String)> {
        let mut parts: Vec<String> = path
            .split('/')
            .skip(1)
            .map(|part| part.replace("~1", "/").replace("~0", "~"))
            .collect();
        let Some(key) = parts.pop() else {
            return Err(self.missing(path, role));
        };
        let mut node = document;
        for part in &parts {
            let next = match node {
                Value::Object(fields) => fields.get_mut(part),
                Value::Array(items) => index(part, items.len())
                    .ok()
                    .and_then(|index| items.get_mut(index)),
                _ => None,
            };
            node = next.ok_or_else(|| self.missing(path, role))?;
        }
        if node.is_object() || node.is_array() {
            Ok((node, key))
        } else {
            Err(self.missing(path, role))
        }
    }

    fn missing(&self, path: &str, role: Role) -> Error {
        let what = match (self.op.as_str(), role) {
            ("add" | "remove", _) => format!("doc is missing path: \"{path}\""),
            ("test", _) => format!("is missing path: {path}"),
            (_, Role::Only) => format!("doc is missing path: {path}"),
            (_, Role::From) => format!("doc is missing from path: {path}"),
            (_, Role::Destination) => format!("doc is missing destination path: {path}"),
        };
        Error::invalid(format!(
            "{} operation does not apply: {what}: missing value",
            self.op
        ))
    }
}

fn failed(op: &str, path: &str, error: &str) -> Error {
    Error::invalid(format!("error in {op} for path: '{path}': {error}"))
}

fn add(parent: &mut Value, key: &str, value: Value) -> Result<(), String> {
    match parent {
        Value::Object(fields) => {
            fields.insert(key.to_owned(), value);
        }
        Value::Array(items) if key == "-" => items.push(value),
        Value::Array(items) => {
            let at = index(key, items.len() + 1)?;
            items.insert(at, value);
        }
        _ => return Err("missing value".to_owned()),
    }
    Ok(())
}

fn take(parent: &mut Value, key: &str) -> Result<Value, String> {
    match parent {
        Value::Object(fields) => fields
            .remove(key)
            .ok_or_else(|| format!("Unable to remove nonexistent key: {key}: missing value")),
        Value::Array(items) => index(key, items.len()).map(|at| items.remove(at)),
        _ => Err("missing value".to_owned()),
    }
}

fn get<'v>(parent: &'v Value, key: &str) -> Result<Option<&'v Value>, String> {
    match parent {
        Value::Array(items) => index(key, items.len()).map(|at| items.get(at)),
        other => Ok(other.get(key)),
    }
}

/// An index below `len`; negative ones count from the end.
fn index(key: &str, len: usize) -> Result<usize, String> {
    let number: i64 = key
        .parse()
        .map_err(|_| {
            format!(
                "value was not a proper array index: '{key}': strconv.Atoi: parsing {key:?}: invalid syntax"
            )
        })?;
    let len = i64::try_from(len).unwrap_or(i64::MAX);
    let at = if number < 0 { number + len } else { number };
    if (0..len).contains(&at) {
        usize::try_from(at).map_err(|error| error.to_string())
    } else {
        Err(format!(
            "Unable to access invalid index: {number}: invalid index referenced"
        ))
    }
}

/// Whether a value nests at most `depth` deep.
fn is_shallow(value: &Value, depth: usize) -> bool {
    depth > 0
        && match value {
            Value::Array(items) => items.iter().all(|item| is_shallow(item, depth - 1)),
            Value::Object(fields) => fields.values().all(|item| is_shallow(item, depth - 1)),
            _ => true,
        }
}

fn size(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(size).sum::<usize>(),
        Value::Object(fields) => 1 + fields.values().map(size).sum::<usize>(),
        _ => 1,
    }
}
