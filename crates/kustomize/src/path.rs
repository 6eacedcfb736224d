//! Paths into objects, as replacements and variables write them: `spec.ports.[name=http].port`.
//!
//! Source: kyaml 0.21.1 `yaml/match.go`, `yaml/fns.go`, `utils/pathsplitter.go`.

use crate::error::{Error, Result};
use crate::limits::MAX_DEPTH;
use crate::node::{Node, too_deep, wrong_kind};
use crate::parse;
use crate::regex;

/// What is created where a path leads to nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Leaf {
    Scalar,
    Sequence,
    Mapping,
}

/// Splits at unescaped dots; `[…]` keeps its dots, and loses its brackets when it holds no `=`.
pub(crate) fn split(path: &str) -> Vec<String> {
    let mut parts: Vec<String> = Vec::new();
    for part in path.split('.') {
        match parts.last_mut() {
            Some(last) if last.ends_with('\\') => {
                last.pop();
                last.push('.');
                last.push_str(part);
            }
            _ => parts.push(part.to_owned()),
        }
    }
    if parts.len() > 1 && parts.first().is_some_and(String::is_empty) {
        parts.remove(0);
    }
    let mut joined = Vec::new();
    let mut rest = parts.into_iter();
    while let Some(mut part) = rest.next() {
        if part.starts_with('[') && !part.ends_with(']') {
            for next in rest.by_ref() {
                part.push('.');
                part.push_str(&next);
                if next.ends_with(']') {
                    break;
                }
            }
            if !part.contains('=') {
                part.trim_matches(['[', ']'])
                    .to_owned()
                    .clone_into(&mut part);
            }
        }
        joined.push(part);
    }
    joined
}

/// Splits `ports[0]` into `ports` and `0`, as variables write indices.
pub(crate) fn split_indices(parts: Vec<String>) -> Vec<String> {
    parts
        .into_iter()
        .flat_map(|part| {
            match part
                .strip_suffix(']')
                .and_then(|head| head.rsplit_once('['))
            {
                Some((name, index)) if index.parse::<usize>().is_ok() => {
                    vec![name.to_owned(), index.to_owned()]
                }
                _ => vec![part],
            }
        })
        .filter(|part| !part.is_empty())
        .collect()
}

/// Follows a path that names one place; `[k=v]` compares exactly and `-` is the last element.
pub(crate) fn lookup<'n>(node: &'n Node, path: &[String]) -> Result<Option<&'n Node>> {
    let mut node = node;
    for part in path
        .iter()
        .map(|part| part.trim())
        .filter(|part| !part.is_empty())
    {
        if part == "*" {
            return Err(Error::invalid("wildcard is not supported in PathGetter"));
        }
        let next = if let Some((field, value)) = element(part)? {
            let items = sequence(node)?;
            items.iter().find(|item| {
                if field.is_empty() {
                    item.value() == value
                } else {
                    item.get(field).is_some_and(|found| found.value() == value)
                }
            })
        } else if let Some(items) = node
            .as_sequence()
            .filter(|_| part == "-" || index(part).is_some())
        {
            match index(part) {
                Some(index) => items.get(index),
                None => items.last(),
            }
        } else {
            match node {
                Node::Mapping(fields) => fields.get(part),
                other if other.is_null() => None,
                Node::Sequence(_) => return Err(wrong_kind("MappingNode", "SequenceNode")),
                Node::Scalar(_) => return Err(wrong_kind("MappingNode", "ScalarNode")),
            }
        };
        match next {
            Some(next) => node = next,
            None => return Ok(None),
        }
    }
    Ok(Some(node))
}

/// Follows a path that names one place and makes what is missing: mappings, the element of a list
/// that `[k=v]` names, and at the end an empty scalar.
pub(crate) fn get_or_create<'n>(node: &'n mut Node, path: &[String]) -> Result<&'n mut Node> {
    let Some((part, rest)) = path.split_first() else {
        return Ok(node);
    };
    let next = || new_node(rest.first(), Some(Leaf::Scalar));
    if let Some(index) = index(part) {
        let item = sequence_mut(node)?.get_mut(index);
        return get_or_create(item.ok_or_else(|| Error::invalid("no such element"))?, rest);
    }
    if let Some((field, value)) = element(part)? {
        let items = sequence_mut(node)?;
        let matches = |item: &Node| match field {
            "" => item.value() == value,
            field => item.get(field).is_some_and(|found| found.value() == value),
        };
        let at = items.iter().position(matches).unwrap_or(items.len());
        if at == items.len() {
            items.push(new_element(field, value));
        }
        let item = items.get_mut(at);
        return get_or_create(item.ok_or_else(|| Error::invalid("no such element"))?, rest);
    }
    let got = node.kind_name();
    let Some(fields) = node.as_mapping_mut() else {
        return Err(wrong_kind("MappingNode", got));
    };
    match fields.get_mut(part) {
        None => fields.push(part, next()),
        Some(field) if field.is_null() => *field = next(),
        Some(_) => {}
    }
    let field = fields.get_mut(part);
    get_or_create(field.ok_or_else(|| Error::invalid("no such field"))?, rest)
}

/// Calls `visit` on every place that a path with patterns leads to, and returns how many there are.
pub(crate) fn visit(
    node: &mut Node,
    path: &[String],
    create: Option<Leaf>,
    visit_node: &mut dyn FnMut(&mut Node) -> Result<()>,
) -> Result<usize> {
    if path.len() > MAX_DEPTH {
        return Err(too_deep());
    }
    let Some((part, rest)) = path.split_first() else {
        visit_node(node)?;
        return Ok(1);
    };
    if let Some(index) = index(part) {
        let items = sequence_mut(node)?;
        if items.len() == index && create.is_some() {
            items.push(new_node(rest.first(), create));
        }
        let len = items.len();
        let Some(item) = items.get_mut(index) else {
            return Err(Error::invalid(format!(
                "index {index} specified but only {len} elements found"
            )));
        };
        return visit(item, rest, create, visit_node);
    }
    if let Some((field, value)) = element(part)? {
        return visit_matching(node, (field, value), rest, create, visit_node);
    }
    if part == "*" {
        let mut count = 0;
        for item in sequence_mut(node)? {
            count += visit(item, rest, create, visit_node)?;
        }
        return Ok(count);
    }
    visit_field(node, part, rest, create, visit_node)
}

fn visit_matching(
    node: &mut Node,
    (field, value): (&str, &str),
    rest: &[String],
    create: Option<Leaf>,
    visit_node: &mut dyn FnMut(&mut Node) -> Result<()>,
) -> Result<usize> {
    let pattern = regex::pattern(value)?;
    let items = sequence_mut(node)?;
    // Upstream matches what it would print, so quotes count.
    let matches = |item: &Node| {
        let found = if field.is_empty() {
            Some(item)
        } else {
            item.get(field)
        };
        found.is_some_and(|found| pattern.is_match(&parse::shown(found)))
    };
    let mut run = |items: &mut Vec<Node>| -> Result<usize> {
        let mut count = 0;
        for item in items.iter_mut().filter(|item| matches(item)) {
            count += if field.is_empty() {
                visit_node(item)?;
                1
            } else {
                visit(item, rest, create, visit_node)?
            };
        }
        Ok(count)
    };
    let count = run(items)?;
    if count > 0 || create.is_none() {
        return Ok(count);
    }
    items.push(new_element(field, value));
    run(items)
}

fn visit_field(
    node: &mut Node,
    name: &str,
    rest: &[String],
    create: Option<Leaf>,
    visit_node: &mut dyn FnMut(&mut Node) -> Result<()>,
) -> Result<usize> {
    let got = node.kind_name();
    let Some(fields) = node.as_mapping_mut() else {
        return Err(wrong_kind("MappingNode", got));
    };
    if fields.get(name).is_none() {
        if create.is_none() {
            return Ok(0);
        }
        fields.push(name, new_node(rest.first(), create));
    }
    let Some(field) = fields.get_mut(name) else {
        return Ok(0);
    };
    if !rest.is_empty()
        && let Some(text) = field.text()
    {
        // A document inside a string: upstream matches in a copy that is thrown away.
        let mut document = parse::one(text)?;
        if document.is_null() {
            return Ok(usize::from(create.is_some()));
        }
        return visit(&mut document, rest, create, &mut |_: &mut Node| Ok(()));
    }
    visit(field, rest, create, visit_node)
}

/// What a new field must be so that the rest of the path fits.
fn new_node(next: Option<&String>, create: Option<Leaf>) -> Node {
    match (next.map(String::as_str), create) {
        (Some(part), _) if part.starts_with('[') || part == "*" || index(part).is_some() => {
            Node::sequence(Vec::new())
        }
        (Some(_), _) | (None, Some(Leaf::Mapping)) => Node::mapping(),
        (None, Some(Leaf::Sequence)) => Node::sequence(Vec::new()),
        (None, _) => Node::untagged(""),
    }
}

/// The element that `[field=value]` asks for.
fn new_element(field: &str, value: &str) -> Node {
    if field.is_empty() {
        return Node::untagged(value);
    }
    let mut new = Node::mapping();
    if let Some(fields) = new.as_mapping_mut() {
        fields.push(field, Node::untagged(value));
    }
    new
}

/// Splits `[key=value]`.
pub(crate) fn element(part: &str) -> Result<Option<(&str, &str)>> {
    let Some(inner) = part
        .strip_prefix('[')
        .and_then(|part| part.strip_suffix(']'))
    else {
        return Ok(None);
    };
    inner.split_once('=').map(Some).ok_or_else(|| {
        Error::invalid(format!(
            "list path element must contain fieldName=fieldValue for element to match: {part}"
        ))
    })
}

fn index(part: &str) -> Option<usize> {
    part.bytes()
        .all(|b| b.is_ascii_digit())
        .then(|| part.parse().ok())
        .flatten()
}

fn sequence(node: &Node) -> Result<&[Node]> {
    node.as_sequence()
        .ok_or_else(|| wrong_kind("SequenceNode", "MappingNode"))
}

fn sequence_mut(node: &mut Node) -> Result<&mut Vec<Node>> {
    node.as_sequence_mut()
        .ok_or_else(|| wrong_kind("SequenceNode", "MappingNode"))
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn splits_paths() {
        for (path, want) in [
            ("a.b", vec!["a", "b"]),
            ("a\\.b.c", vec!["a.b", "c"]),
            (
                "metadata.annotations.[x.io/y]",
                vec!["metadata", "annotations", "x.io/y"],
            ),
            ("l.[name=a.b].c", vec!["l", "[name=a.b]", "c"]),
            ("l.[name=a].c", vec!["l", "[name=a]", "c"]),
        ] {
            assert_eq!(split(path), want, "{path}");
        }
    }
}
