//! Texts to nodes and JSON, and back.
//!
//! Resources are read with yaml v3 and printed through JSON with yaml v2; configuration is read with
//! v2. The reader splits a stream at `---` lines before it parses, so each piece counts its own lines.
//! Source: kyaml 0.21.1 `kio/byteio_reader.go`; kustomize `api/resource/factory.go` (api 0.21.1).

mod bridge;
mod written;

use serde_json::{Number, Value};

use crate::error::{Error, Result};
use crate::go;
use crate::limits::MAX_DOCUMENT_BYTES;
use crate::node::{Key, Mapping, Node, Style, Tag};

pub(crate) use bridge::{emit, is_ambiguous, json, json_strict, needs_quotes, shown, to_json};
pub(crate) use written::Written;

/// How numbers of a JSON value become text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Numbers {
    /// As they are written.
    Exact,
    /// Through a 64-bit float, large ones in exponent form.
    Float,
}

/// Reads a stream of resources; lists are expanded, empty documents dropped, and everything that
/// has no kind or name is an error.
pub(crate) fn resources(text: &str) -> Result<Vec<Node>> {
    let nodes = check(documents(text)?)?;
    let mut out = Vec::with_capacity(nodes.len());
    let mut pending: std::collections::VecDeque<Node> = nodes.into();
    while let Some(node) = pending.pop_front() {
        let kind = node.get("kind").map_or("", Node::value);
        let items = kind.ends_with("List").then(|| node.get("items")).flatten();
        match items {
            None => out.push(node),
            Some(items) if items.is_null() => {}
            Some(Node::Sequence(items)) => {
                for item in items.iter() {
                    let item = from_json(&to_json(item)?, Numbers::Exact);
                    pending.extend(check(vec![item])?);
                }
            }
            Some(_) => {
                return Err(Error::invalid(format!(
                    "expected array in {kind}/items, but found other"
                )));
            }
        }
    }
    Ok(out)
}

/// Reads one document, which need not be a resource.
pub(crate) fn one(text: &str) -> Result<Node> {
    bridge::document(text)?.ok_or_else(|| Error::invalid("empty document"))
}

/// Makes nodes from a JSON value.
pub(crate) fn from_json(value: &Value, numbers: Numbers) -> Node {
    match value {
        Value::Null => Node::null(),
        Value::Bool(flag) => Node::scalar(
            if *flag { "true" } else { "false" },
            Tag::Bool,
            Style::Plain,
        ),
        Value::Number(number) => number_node(number, numbers),
        Value::String(text) => {
            let style = if text.contains('\n') {
                Style::Literal
            } else if numbers == Numbers::Exact || needs_quotes(text) {
                Style::Quoted
            } else {
                Style::Plain
            };
            Node::scalar(text, Tag::Str, style)
        }
        Value::Array(items) => {
            Node::sequence(items.iter().map(|item| from_json(item, numbers)).collect())
        }
        Value::Object(fields) => {
            let mut map = Mapping::default();
            for (key, value) in fields {
                let key = Key {
                    text: key.as_str().into(),
                    tag: Tag::Str,
                };
                map.push_entry(key, from_json(value, numbers));
            }
            Node::Mapping(map.into())
        }
    }
}

fn number_node(number: &Number, numbers: Numbers) -> Node {
    let float = match numbers {
        Numbers::Float => number.as_f64(),
        Numbers::Exact => None,
    };
    let text = float.map_or_else(|| number.to_string(), go::format_float);
    let tag = if text.bytes().all(|b| b.is_ascii_digit() || b == b'-') {
        Tag::Int
    } else {
        Tag::Float
    };
    Node::scalar(&text, tag, Style::Plain)
}

/// Splits a stream and parses the pieces; a single list is unwrapped.
fn documents(text: &str) -> Result<Vec<Node>> {
    let unified;
    let text = if text.contains("\r\n") {
        unified = text.replace("\r\n", "\n");
        &unified
    } else {
        text
    };
    let pieces = split(text)?;
    let single = pieces.len() == 1;
    let mut nodes = Vec::with_capacity(pieces.len());
    for piece in pieces {
        let Some(node) = bridge::document(piece)? else {
            continue;
        };
        if node.is_null() {
            continue;
        }
        if node.as_mapping().is_none() {
            return Err(Error::invalid("missing Resource metadata"));
        }
        // Aliases are cheap to write and dear to expand.
        node.check_bounds(MAX_DOCUMENT_BYTES)?;
        let kind = node.get("kind").map_or("", Node::value);
        let wrapper = single && matches!(kind, "List" | "ResourceList");
        if wrapper && (node.get("items").is_some() || node.get("functionConfig").is_some()) {
            let items = node
                .get("items")
                .and_then(Node::as_sequence)
                .unwrap_or_default();
            nodes.extend(items.iter().cloned());
        } else {
            nodes.push(node);
        }
    }
    Ok(nodes)
}

/// Splits at lines that begin with `---`; only a comment may follow on them. A piece keeps its last
/// line break.
fn split(text: &str) -> Result<Vec<&str>> {
    let mut pieces = Vec::new();
    let (mut start, mut search) = (0, 0);
    let rest = |from: usize| text.get(from..).unwrap_or("");
    while let Some(found) = rest(search).find("\n---") {
        let at = search + found;
        let Some(end) = rest(at + 1).find('\n') else {
            break;
        };
        let end = at + 1 + end;
        let tail = text.get(at + 4..end).unwrap_or("").trim_end();
        if !tail.is_empty() && !tail.trim_start().starts_with('#') {
            return Err(Error::invalid(format!(
                "invalid document separator: ---{tail}"
            )));
        }
        pieces.push(text.get(start..=at).unwrap_or(""));
        start = end + 1;
        search = start;
    }
    pieces.push(rest(start));
    Ok(pieces)
}

fn check(nodes: Vec<Node>) -> Result<Vec<Node>> {
    let mut kept = Vec::with_capacity(nodes.len());
    for node in nodes {
        if node.is_nil_or_empty() {
            continue;
        }
        let kind = node.get("kind").map_or("", Node::value);
        let name = node
            .at(&["metadata", "name"])
            .filter(|name| !name.is_null())
            .map_or("", Node::value);
        if kind.is_empty() {
            let bare = node.get("apiVersion").is_none() && node.get("metadata").is_none();
            return Err(Error::invalid(if bare {
                "missing Resource metadata".to_owned()
            } else {
                format!("missing kind in object {}", go_metadata(&node))
            }));
        }
        if name.is_empty() && !kind.ends_with("List") {
            return Err(Error::invalid(format!(
                "missing metadata.name in object {}",
                go_metadata(&node)
            )));
        }
        kept.push(node);
    }
    Ok(kept)
}

/// What identifies an object, as Go's `%v` prints it.
fn go_metadata(node: &Node) -> String {
    let resource = crate::resource::Resource::new(node.clone(), &crate::scope::Scopes::default());
    let map = |mut entries: Vec<(&str, &str)>| {
        entries.sort_unstable();
        let entries: Vec<String> = entries
            .into_iter()
            .map(|(key, value)| format!("{key}:{value}"))
            .collect();
        format!("map[{}]", entries.join(" "))
    };
    format!(
        "{{{{{} {}}} {{{{{} {}}} {} {}}}}}",
        resource.api_version(),
        resource.kind(),
        resource.name(),
        resource.namespace(),
        map(resource.labels()),
        map(resource.annotations())
    )
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn splits_streams() {
        assert_eq!(split("a\n---\nb\n").unwrap(), ["a\n", "b\n"]);
        assert_eq!(split("---\na\n--- # c\nb").unwrap(), ["---\na\n", "b"]);
        assert_eq!(split("a\n---").unwrap(), ["a\n---"]);
        assert_eq!(split("").unwrap(), [""]);
        assert!(split("a\n--- b\nc\n").is_err());
    }
}
