//! Texts to nodes and JSON, and back.
//!
//! Resources are read with yaml v3 and printed through JSON with yaml v2; configuration is read with
//! v2. The reader splits a stream at `---` lines before it parses, so each piece counts its own lines.
//! Source: kyaml 0.21.1 `kio/byteio_reader.go`; kustomize `api/resource/factory.go` (api 0.21.1).

mod breaks;
mod bridge;
mod written;

use std::borrow::Cow;

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
pub(crate) fn resources(content: impl AsRef<[u8]>) -> Result<Vec<Node>> {
    let nodes = check(documents(content.as_ref())?)?;
    let mut out = Vec::with_capacity(nodes.len());
    let mut pending: std::collections::VecDeque<Node> = nodes.into();
    while let Some(node) = pending.pop_front() {
        let kind = node.get("kind").map_or("", Node::value);
        if !kind.ends_with("List") {
            out.push(node);
            continue;
        }
        if let Some(key) = bridge::repeated_key(&node) {
            return Err(Error::invalid(format!(
                "trouble expanding list of {kind}: mapping key \"{key}\" already defined"
            )));
        }
        match node.get("items") {
            None => out.push(node),
            Some(items) if items.is_null() => {}
            Some(Node::Sequence(items)) => {
                for item in items.iter() {
                    let item = from_json(&bridge::nested_json(item)?, Numbers::Exact);
                    pending.extend(check(unwrapped(item))?);
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
    bridge::document(text.as_bytes())?.ok_or_else(|| Error::invalid("empty document"))
}

/// Reads JSON as Go does: bytes that are no text become U+FFFD.
pub(crate) fn strict_json(content: &[u8]) -> Result<Value> {
    serde_json::from_str(&String::from_utf8_lossy(content))
        .map_err(|error| Error::invalid(error.to_string()))
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

/// Splits a stream and parses the pieces; a single list is unwrapped. All but the parser works on bytes, so UTF-16
/// is one piece.
fn documents(content: &[u8]) -> Result<Vec<Node>> {
    let content = unix_breaks(content);
    let pieces = split(&content)?;
    let single = pieces.len() == 1;
    let mut nodes = Vec::with_capacity(pieces.len());
    for piece in pieces {
        let Some(node) = bridge::resource(piece)? else {
            continue;
        };
        if node.is_nil_or_empty() {
            continue;
        }
        if node.as_mapping().is_none() {
            return Err(Error::invalid("missing Resource metadata"));
        }
        // Aliases are cheap to write and dear to expand.
        node.check_bounds(MAX_DOCUMENT_BYTES)?;
        if single {
            nodes.extend(unwrapped(node));
        } else {
            nodes.push(node);
        }
    }
    Ok(nodes)
}

/// What the only document of a stream stands for: the items of a list, or itself.
fn unwrapped(node: Node) -> Vec<Node> {
    let kind = node.get("kind").map_or("", Node::value);
    let wrapper = matches!(kind, "List" | "ResourceList");
    if wrapper && (node.get("items").is_some() || node.get("functionConfig").is_some()) {
        let items = node.get("items").and_then(Node::as_sequence);
        items.unwrap_or_default().to_vec()
    } else {
        vec![node]
    }
}

/// Line breaks of Windows become those of Unix.
fn unix_breaks(content: &[u8]) -> Cow<'_, [u8]> {
    let Some(first) = content.windows(2).position(|pair| pair == b"\r\n") else {
        return Cow::Borrowed(content);
    };
    let (done, rest) = content.split_at(first);
    let mut unified = Vec::with_capacity(content.len());
    unified.extend_from_slice(done);
    for line in rest.split_inclusive(|byte| *byte == b'\n') {
        match line.strip_suffix(b"\r\n") {
            Some(line) => {
                unified.extend_from_slice(line);
                unified.push(b'\n');
            }
            None => unified.extend_from_slice(line),
        }
    }
    Cow::Owned(unified)
}

/// Splits at lines that begin with `---`; only a comment may follow on them. A piece keeps its last
/// line break.
fn split(content: &[u8]) -> Result<Vec<&[u8]>> {
    let mut pieces = Vec::new();
    let (mut start, mut end) = (0, 0);
    for line in content.split_inclusive(|byte| *byte == b'\n') {
        let at = end;
        end += line.len();
        let Some(tail) = line.strip_prefix(b"---") else {
            continue;
        };
        if at == start || !tail.ends_with(b"\n") {
            continue;
        }
        let tail = String::from_utf8_lossy(tail);
        let tail = tail.trim_end();
        if !tail.is_empty() && !tail.trim_start().starts_with('#') {
            return Err(Error::invalid(format!(
                "invalid document separator: ---{tail}"
            )));
        }
        pieces.push(content.get(start..at).unwrap_or_default());
        start = end;
    }
    pieces.push(content.get(start..).unwrap_or_default());
    Ok(pieces)
}

fn check(nodes: Vec<Node>) -> Result<Vec<Node>> {
    let mut kept = Vec::with_capacity(nodes.len());
    for node in nodes {
        if node.is_nil_or_empty() {
            continue;
        }
        check_names(&node)?;
        kept.push(node);
    }
    Ok(kept)
}

/// Checks that an object has a kind, and a name unless it is a list: asked of what is read, and
/// again of what is left at the end of a build.
pub(crate) fn check_names(node: &Node) -> Result<()> {
    let filled = |path: &[&str]| node.at(path).filter(|field| !field.is_nil_or_empty());
    let kind = filled(&["kind"]).map_or("", Node::value);
    let name = filled(&["metadata", "name"]).map_or("", Node::value);
    if kind.is_empty() {
        let bare = ["apiVersion", "kind", "metadata"]
            .iter()
            .all(|field| filled(&[field]).is_none());
        return Err(Error::invalid(if bare {
            "missing Resource metadata".to_owned()
        } else {
            format!("missing kind in object {}", go_metadata(node))
        }));
    }
    if name.is_empty() && !kind.ends_with("List") {
        return Err(Error::invalid(format!(
            "missing metadata.name in object {}",
            go_metadata(node)
        )));
    }
    Ok(())
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
    #[test]
    fn splits_streams() {
        let split = |text: &'static str| super::split(text.as_bytes());
        let bytes = |pieces: &[&'static str]| -> Vec<&[u8]> {
            pieces.iter().map(|piece| piece.as_bytes()).collect()
        };
        for (text, pieces) in [
            ("a\n---\nb\n", &["a\n", "b\n"][..]),
            ("---\na\n--- # c\nb", &["---\na\n", "b"]),
            ("a\n---\n---\nb\n", &["a\n", "---\nb\n"]),
            ("a\n---", &["a\n---"]),
            ("\n---\n", &["\n", ""]),
            ("", &[""]),
        ] {
            assert_eq!(split(text).unwrap(), bytes(pieces), "{text:?}");
        }
        assert!(split("a\n--- b\nc\n").is_err());
    }

    #[test]
    fn unifies_line_breaks() {
        for (text, want) in [
            ("a\nb", "a\nb"),
            ("a\nb\r\n\r\nc\r", "a\nb\n\nc\r"),
            ("\r\r\n\n", "\r\n\n"),
        ] {
            assert_eq!(
                *super::unix_breaks(text.as_bytes()),
                *want.as_bytes(),
                "{text:?}"
            );
        }
    }
}
