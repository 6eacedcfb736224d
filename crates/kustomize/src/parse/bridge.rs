//! Where the `yaml` crate's trees meet this crate's.

use std::sync::Arc;

use serde_json::{Map, Value};
use yaml::{ScalarStyle, v2, v3};

use crate::error::{Error, Result};
use crate::node::{Key, Mapping, Node, Scalar, Style, Tag};

use super::breaks;

pub(super) const MERGE: &str = "<<";

/// Prints a value as `sigs.k8s.io/yaml` does.
pub(crate) fn emit(value: &Value, out: &mut Vec<u8>) -> Result<()> {
    v2::emit_value(value, out).map_err(|error| Error::invalid(error.to_string()))
}

/// Reads the first document as configuration: yaml v2, the last of equal keys wins.
pub(crate) fn json(content: impl AsRef<[u8]>) -> Result<Value> {
    v2::to_json(content.as_ref()).map_err(|error| Error::Yaml(error.to_string()))
}

/// Reads configuration in which a key may be there only once.
pub(crate) fn json_strict(content: &[u8]) -> Result<Value> {
    if let Some(node) = document(content)?
        && let Some(key) = repeated_key(&node)
    {
        return Err(Error::invalid(format!(
            "yaml: key \"{key}\" already set in map"
        )));
    }
    json(content)
}

/// Reads the first document as a tree, with merges worked in; `None` when there is none.
pub(super) fn document(content: &[u8]) -> Result<Option<Node>> {
    let parsed =
        yaml::parse_first_bytes(content).map_err(|error| Error::Yaml(error.to_string()))?;
    parsed.map(|node| convert(&node, false)).transpose()
}

/// As [`document`], with the texts as upstream prints them among the document's comments.
pub(super) fn resource(content: &[u8]) -> Result<Option<Node>> {
    let parsed =
        yaml::parse_first_bytes(content).map_err(|error| Error::Yaml(error.to_string()))?;
    let Some(mut node) = parsed else {
        return Ok(None);
    };
    breaks::add(&mut node, content);
    convert(&node, false).map(Some)
}

/// A value as kyaml prints it, quotes included, without the blanks around it.
pub(crate) fn shown(node: &Node) -> String {
    let mut out = Vec::new();
    v3::emit(&restore(node), &mut out);
    String::from_utf8_lossy(&out).trim().to_owned()
}

pub(super) fn restore(node: &Node) -> yaml::Node {
    match node {
        Node::Scalar(scalar) => {
            let (tag, style) = (to_yaml_tag(scalar.tag), to_yaml_style(scalar.style));
            yaml::Node::Scalar(yaml::Scalar::new(scalar.text.as_ref(), tag, style))
        }
        Node::Sequence(items) => yaml::Node::sequence(items.iter().map(restore).collect()),
        Node::Mapping(fields) => {
            let mut mapping = yaml::Node::mapping();
            if let Some(restored) = mapping.as_mapping_mut() {
                for (key, value) in fields.iter() {
                    restored.push(yaml::Node::untagged(key.text.as_ref()), restore(value));
                }
            }
            mapping
        }
    }
}

/// Whether a string would be read back as something else if it were written plainly.
pub(crate) fn needs_quotes(text: &str) -> bool {
    v3::resolve_tag(text) != yaml::Tag::Str
}

/// Whether YAML 1.1 reads a text as something else than a string; never for several lines.
pub(crate) fn is_ambiguous(text: &str) -> bool {
    const WORDS: [&str; 10] = [
        "y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan",
    ];
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '/' | '-');
    let word = text.starts_with(|c: char| c.is_ascii_alphabetic()) && text.chars().all(plain);
    if text.is_empty() || text.contains('\n') {
        return false;
    }
    if word && !WORDS.iter().any(|known| text.eq_ignore_ascii_case(known)) {
        return false;
    }
    yaml::v2::to_json(text.as_bytes())
        .map_or_else(|_| needs_quotes(text), |value| !value.is_string())
}

/// The JSON value of a tree: what it is after it was printed and read again.
pub(crate) fn to_json(node: &Node) -> Result<Value> {
    value_of(node, true)
}

/// As [`to_json`] for a tree that stands in another.
pub(super) fn nested_json(node: &Node) -> Result<Value> {
    value_of(node, false)
}

fn value_of(node: &Node, top: bool) -> Result<Value> {
    match node {
        Node::Scalar(scalar) => scalar_value(scalar),
        Node::Sequence(items) => items
            .iter()
            .map(|item| value_of(item, false))
            .collect::<Result<_>>()
            .map(Value::Array),
        Node::Mapping(fields) => {
            let mut map = Map::new();
            for (key, value) in fields.iter() {
                // An empty key has to be quoted when it is printed, whatever it was read as.
                let is_text = key.tag == Tag::Str
                    || key.text.is_empty()
                    || (key.tag == Tag::None && !needs_quotes(&key.text));
                if !top && !is_text {
                    return Err(Error::invalid(
                        "json: unsupported type: map[interface {}]interface {}",
                    ));
                }
                if map
                    .insert(key.text.to_string(), value_of(value, false)?)
                    .is_some()
                {
                    return Err(Error::invalid(format!(
                        "mapping key \"{}\" already defined",
                        key.text
                    )));
                }
            }
            Ok(Value::Object(map))
        }
    }
}

fn scalar_value(scalar: &Scalar) -> Result<Value> {
    // A block is not always read as it was written.
    let tab_first = scalar.text.starts_with('\t') && scalar.text.contains('\n');
    if scalar.style == Style::Folded
        || (matches!(scalar.style, Style::Plain | Style::Literal) && tab_first)
    {
        let (tag, style) = (to_yaml_tag(scalar.tag), to_yaml_style(scalar.style));
        let node = yaml::Scalar::new(scalar.text.as_ref(), tag, style);
        return decode(yaml::Node::Scalar(node));
    }
    if scalar.tag == Tag::Str {
        return Ok(Value::String(scalar.text.to_string()));
    }
    let by_text = v3::resolve_tag(&scalar.text);
    let same = scalar.tag == Tag::None || by_text == to_yaml_tag(scalar.tag);
    let plain = match scalar.style {
        Style::Plain => true,
        Style::Flow => !scalar.text.is_empty(),
        _ => false,
    };
    if same && (!plain || by_text == yaml::Tag::Str) {
        return Ok(Value::String(scalar.text.to_string()));
    }
    match (&by_text, &*scalar.text) {
        (yaml::Tag::Int, text) if same && is_decimal(text) => {
            if let Ok(number) = text.parse::<i64>() {
                return Ok(number.into());
            }
        }
        (yaml::Tag::Bool, text) if same => return Ok(text.eq_ignore_ascii_case("true").into()),
        (yaml::Tag::Null, _) if same => return Ok(Value::Null),
        _ => {}
    }
    let tag = if same {
        by_text
    } else {
        to_yaml_tag(scalar.tag)
    };
    let mut typed = yaml::Scalar::new(scalar.text.as_ref(), tag, ScalarStyle::Plain);
    typed.explicit_tag = !same;
    decode(yaml::Node::Scalar(typed))
}

fn to_yaml_style(style: Style) -> ScalarStyle {
    match style {
        Style::Plain | Style::Flow => ScalarStyle::Plain,
        Style::Quoted => ScalarStyle::DoubleQuoted,
        Style::SingleQuoted => ScalarStyle::SingleQuoted,
        Style::Literal => ScalarStyle::Literal,
        Style::Folded => ScalarStyle::Folded,
    }
}

/// Digits that are no octal number.
fn is_decimal(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    digits.bytes().all(|b| b.is_ascii_digit()) && (digits == "0" || !digits.starts_with('0'))
}

/// Decodes a scalar, which yaml v3 does inside of a mapping only.
fn decode(scalar: yaml::Node) -> Result<Value> {
    const FIELD: &str = "value";
    let mut root = yaml::Node::mapping();
    if let Some(fields) = root.as_mapping_mut() {
        fields.insert(FIELD, scalar);
    }
    let mut value = v3::to_json(&root).map_err(|error| Error::invalid(error.to_string()))?;
    Ok(value.get_mut(FIELD).map_or(Value::Null, Value::take))
}

fn to_yaml_tag(tag: Tag) -> yaml::Tag {
    match tag {
        Tag::None => yaml::Tag::None,
        Tag::Str => yaml::Tag::Str,
        Tag::Null => yaml::Tag::Null,
        Tag::Bool => yaml::Tag::Bool,
        Tag::Int => yaml::Tag::Int,
        Tag::Float => yaml::Tag::Float,
        Tag::Timestamp => yaml::Tag::Timestamp,
        Tag::Binary => yaml::Tag::Binary,
    }
}

fn from_yaml_tag(tag: &yaml::Tag) -> Tag {
    match tag {
        yaml::Tag::None => Tag::None,
        yaml::Tag::Null => Tag::Null,
        yaml::Tag::Bool => Tag::Bool,
        yaml::Tag::Int => Tag::Int,
        yaml::Tag::Float => Tag::Float,
        yaml::Tag::Timestamp => Tag::Timestamp,
        yaml::Tag::Binary => Tag::Binary,
        // Tags that nobody knows are dropped, and the text stays.
        _ => Tag::Str,
    }
}

/// `flow` says whether the node stands in a flow collection.
pub(super) fn convert(node: &yaml::Node, flow: bool) -> Result<Node> {
    Ok(match node {
        yaml::Node::Scalar(scalar) => Node::Scalar(Arc::new(convert_scalar(scalar, flow))),
        yaml::Node::Sequence(sequence) => {
            let flow = flow || sequence.flow;
            let items = sequence.items.iter().map(|item| convert(item, flow));
            Node::sequence(items.collect::<Result<_>>()?)
        }
        yaml::Node::Mapping(mapping) => {
            Node::Mapping(Arc::new(convert_mapping(mapping, flow || mapping.flow)?))
        }
    })
}

fn convert_scalar(scalar: &yaml::Scalar, flow: bool) -> Scalar {
    let tag = from_yaml_tag(&scalar.tag);
    let style = match scalar.style {
        // The tag is printed with the value, so quotes don't make it a string.
        _ if scalar.explicit_tag && tag != Tag::Str => Style::Plain,
        ScalarStyle::Plain if flow && tag == Tag::Null => Style::Flow,
        ScalarStyle::Plain => Style::Plain,
        ScalarStyle::SingleQuoted => Style::SingleQuoted,
        ScalarStyle::DoubleQuoted => Style::Quoted,
        ScalarStyle::Literal => Style::Literal,
        ScalarStyle::Folded => Style::Folded,
    };
    Scalar {
        text: scalar.text.as_str().into(),
        tag,
        style,
        link: 0,
    }
}

/// Converts fields and works merges in: own fields win, then earlier merged maps.
fn convert_mapping(mapping: &yaml::Mapping, flow: bool) -> Result<Mapping> {
    let mut fields = Mapping::default();
    let mut merge = None;
    for (key, value) in mapping.iter() {
        let yaml::Node::Scalar(name) = key else {
            return Err(Error::invalid("a mapping key must be a scalar"));
        };
        if name.tag == yaml::Tag::Merge {
            if merge.replace(value).is_some() {
                return Err(Error::invalid("duplicate merge key"));
            }
            continue;
        }
        if name.text.as_str() == MERGE {
            // Upstream takes the key away by its text, even where it is quoted and merges nothing.
            continue;
        }
        let key = Key {
            text: name.text.as_str().into(),
            tag: from_yaml_tag(&name.tag),
        };
        fields.push_entry(key, convert(value, flow)?);
    }
    if let Some(value) = merge {
        let maps = match value {
            yaml::Node::Sequence(list) => list.items.iter().collect(),
            other => vec![other],
        };
        for map in maps {
            let yaml::Node::Mapping(map) = map else {
                return Err(Error::invalid(
                    "map merge requires map or sequence of maps as the value",
                ));
            };
            for (key, value) in convert_mapping(map, flow || map.flow)?.into_entries() {
                if fields.get(&key.text).is_none() {
                    fields.push_entry(key, value);
                }
            }
        }
    }
    Ok(fields)
}

/// A key that some mapping holds twice.
pub(super) fn repeated_key(node: &Node) -> Option<String> {
    match node {
        Node::Scalar(_) => None,
        Node::Sequence(items) => items.iter().find_map(repeated_key),
        Node::Mapping(fields) => {
            let mut seen = std::collections::HashSet::new();
            fields.iter().find_map(|(key, value)| {
                if seen.insert(&key.text) {
                    repeated_key(value)
                } else {
                    Some(key.text.to_string())
                }
            })
        }
    }
}
