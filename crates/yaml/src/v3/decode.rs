//! A tree as the JSON that kyaml makes of it.
//!
//! The root of an object is decoded into a Go map with string keys, so any scalar may be a key
//! there. Below it a key that is no string makes the whole value one that JSON cannot say.
//!
//! Source: decode.go of go.yaml.in/yaml/v3 3.0.3; `MarshalJSON` in kyaml 0.21.1 yaml/rnode.go.

use std::collections::{HashMap, HashSet};
use std::fmt::Write;

use serde_json::Value;

use crate::decoded::{DecodeError, Decoded, invalid_key, no_mapping_to_merge};
use crate::error::Version;
use crate::json::go_quote;
use crate::node::{Mapping, Node, ScalarStyle, Tag};
use crate::v3::{Position, Typed, type_scalar};

/// How many repeated keys an error lists.
const MAX_LISTED: usize = 100;

/// Decodes a tree and encodes it as JSON, with kyaml's errors.
///
/// # Errors
///
/// See [`DecodeError`]; lines are those of the tree written by [`super::emit`].
pub fn to_json(node: &Node) -> Result<Value, DecodeError> {
    decode_root(node).or_else(|error| {
        // kyaml decodes the written text, so its faults and their lines count.
        let mut text = Vec::new();
        super::emit(node, &mut text);
        match crate::parse_first_bytes(&text)? {
            Some(mut again) => {
                settle(&mut again);
                decode_root(&again)
            }
            None => Err(error),
        }
    })
}

/// Makes folded scalars quoted ones, which a second writing would not change again.
fn settle(node: &mut Node) {
    match node {
        Node::Scalar(scalar) if scalar.style == ScalarStyle::Folded => {
            scalar.style = ScalarStyle::DoubleQuoted;
        }
        Node::Scalar(_) => {}
        Node::Sequence(sequence) => sequence.items.iter_mut().for_each(settle),
        Node::Mapping(mapping) => mapping.values_mut().for_each(settle),
    }
}

fn decode_root(node: &Node) -> Result<Value, DecodeError> {
    let mut decoder = Decoder {
        faults: String::new(),
        listed: 0,
    };
    let decoded = match node {
        Node::Sequence(sequence) => decoder.sequence(
            &sequence.items,
            Position {
                flow: sequence.flow,
                key: false,
            },
        )?,
        Node::Mapping(mapping) => decoder.mapping(mapping, Keys::Any, mapping.flow)?,
        Node::Scalar(scalar) => {
            if matches!(type_scalar(scalar, Position::default())?, Typed::Null) {
                // Written again an empty text is no document, which leaves an empty map.
                let absent = scalar.text.is_empty() && !scalar.explicit_tag;
                return Ok(if absent {
                    Value::Object(serde_json::Map::new())
                } else {
                    Value::Null
                });
            }
            decoder.mismatch(node, "map[string]interface {}");
            Decoded::Null
        }
    };
    if decoder.faults.is_empty() {
        decoded.into_json()
    } else {
        Err(DecodeError::Unmarshal(decoder.faults))
    }
}

/// Which keys a mapping may have.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Keys {
    /// Any scalar, taken by its text.
    Any,
    /// Strings; others spoil the mapping.
    Strings,
}

struct Decoder {
    faults: String,
    listed: usize,
}

impl Decoder {
    fn node(&mut self, node: &Node, flow: bool) -> Result<Decoded, DecodeError> {
        match node {
            Node::Scalar(scalar) => Ok(match type_scalar(scalar, Position { flow, key: false })? {
                Typed::Null => Decoded::Null,
                Typed::Bool(value) => Decoded::Bool(value),
                Typed::Number(number) => Decoded::Number(number),
                Typed::Timestamp(time) if time.has_printable_offset() => {
                    Decoded::Text(time.to_string())
                }
                Typed::Timestamp(_) => Decoded::Bad(DecodeError::Offset),
                Typed::Merge => Decoded::Text("<<".to_owned()),
                Typed::Text(text) | Typed::TaggedText(text) => Decoded::Text(text.into_owned()),
            }),
            Node::Sequence(sequence) => {
                let flow = flow || sequence.flow;
                self.sequence(&sequence.items, Position { flow, key: false })
            }
            Node::Mapping(mapping) => self.mapping(mapping, Keys::Strings, flow || mapping.flow),
        }
    }

    fn sequence(&mut self, items: &[Node], position: Position) -> Result<Decoded, DecodeError> {
        let items: Result<_, _> = items
            .iter()
            .map(|item| self.node(item, position.flow))
            .collect();
        Ok(Decoded::Sequence(items?))
    }

    fn mapping(
        &mut self,
        mapping: &Mapping,
        keys: Keys,
        flow: bool,
    ) -> Result<Decoded, DecodeError> {
        if self.has_repeated_keys(mapping) {
            return Ok(Decoded::Null);
        }
        let mut entries = Entries {
            list: Vec::with_capacity(mapping.len()),
            index: None,
        };
        let strings = self.entries(mapping, keys, flow, &mut entries)?;
        if keys == Keys::Strings && !strings {
            return Ok(Decoded::Bad(DecodeError::KeyNotString));
        }
        Ok(Decoded::Mapping(entries.list))
    }

    /// Decodes a mapping's own entries and then those it merges; says whether all its own keys are
    /// strings.
    fn entries(
        &mut self,
        mapping: &Mapping,
        keys: Keys,
        flow: bool,
        entries: &mut Entries,
    ) -> Result<bool, DecodeError> {
        let mut merge = None;
        let mut strings = true;
        for (key, value) in mapping.iter() {
            let name = match key {
                Node::Scalar(scalar) => match type_scalar(scalar, Position { flow, key: true })? {
                    Typed::Merge => {
                        merge = Some(value);
                        continue;
                    }
                    Typed::Text(text) => Some(text.into_owned()),
                    // A null does not fit a string, which Go passes over in silence.
                    Typed::Null if keys == Keys::Any => None,
                    Typed::TaggedText(text) if keys == Keys::Any => Some(text.into_owned()),
                    _ => {
                        strings = false;
                        Some(scalar.text.to_string())
                    }
                },
                other if keys == Keys::Any => {
                    self.mismatch(other, "string");
                    None
                }
                other => {
                    return Err(invalid_key(&self.node(other, flow)?, Version::V3));
                }
            };
            let Some(name) = name else { continue };
            if !entries.contains(&name) {
                let value = self.node(value, flow)?;
                entries.push(name, value);
            }
        }
        if let Some(merge) = merge {
            self.merge(merge, keys, flow, entries)?;
        }
        Ok(strings)
    }

    fn merge(
        &mut self,
        merge: &Node,
        keys: Keys,
        flow: bool,
        entries: &mut Entries,
    ) -> Result<(), DecodeError> {
        let sources = match merge {
            Node::Mapping(_) => std::slice::from_ref(merge),
            Node::Sequence(sequence) => &sequence.items,
            Node::Scalar(_) => return Err(no_mapping_to_merge()),
        };
        for source in sources {
            let Node::Mapping(mapping) = source else {
                return Err(no_mapping_to_merge());
            };
            if !self.has_repeated_keys(mapping) {
                self.entries(mapping, keys, flow || mapping.flow, entries)?;
            }
        }
        Ok(())
    }

    /// Reports every pair of equal keys.
    fn has_repeated_keys(&mut self, mapping: &Mapping) -> bool {
        let mut first: HashMap<Option<&str>, Vec<u32>> = HashMap::new();
        let entries = mapping.entries();
        let distinct = if entries.len() <= 16 {
            let same = |a: &Node, b: &Node| a.kind() == b.kind() && a.as_str() == b.as_str();
            (1..entries.len()).all(|at| {
                let (before, rest) = entries.split_at(at);
                rest.first()
                    .is_none_or(|(key, _)| before.iter().all(|(a, _)| !same(a, key)))
            })
        } else {
            let mut seen = HashSet::with_capacity(mapping.len());
            mapping
                .iter()
                .all(|(key, _)| seen.insert((key.kind() as u8, key.as_str())))
        };
        if distinct {
            return false;
        }
        for (key, _) in mapping.iter() {
            first.entry(key.as_str()).or_default().push(key.line());
        }
        for (key, _) in mapping.iter() {
            let Some(mut lines) = first.remove(&key.as_str()) else {
                continue;
            };
            while lines.len() > 1 {
                let earlier = lines.remove(0);
                for later in &lines {
                    let name = go_quote(key.as_str().unwrap_or_default());
                    self.fault(&format!(
                        "line {later}: mapping key {name} already defined at line {earlier}"
                    ));
                    if self.listed > MAX_LISTED {
                        return true;
                    }
                }
            }
        }
        true
    }

    /// Reports a node that does not fit a Go type.
    fn mismatch(&mut self, node: &Node, wanted: &str) {
        let value = match node.tag() {
            Tag::Seq | Tag::Map => String::new(),
            _ => format!(" `{}`", shorten(node.as_str().unwrap_or_default())),
        };
        let (line, tag) = (node.line(), node.tag().as_str());
        self.fault(&format!(
            "line {line}: cannot unmarshal {tag}{value} into {wanted}"
        ));
    }

    fn fault(&mut self, fault: &str) {
        self.listed += 1;
        if self.listed <= MAX_LISTED {
            // Writing to a string cannot fail.
            let _written = write!(self.faults, "\n  {fault}");
        }
    }
}

/// Entries in order, found by name without a search through many.
struct Entries {
    list: Vec<(String, Decoded)>,
    index: Option<HashSet<String>>,
}

impl Entries {
    fn contains(&self, name: &str) -> bool {
        match &self.index {
            Some(index) => index.contains(name),
            None => self.list.iter().any(|(known, _)| known == name),
        }
    }

    fn push(&mut self, name: String, value: Decoded) {
        if self.list.len() == 16 {
            self.index = Some(self.list.iter().map(|(known, _)| known.clone()).collect());
        }
        if let Some(index) = &mut self.index {
            index.insert(name.clone());
        }
        self.list.push((name, value));
    }
}

/// Go shows the first seven bytes of a text longer than ten.
fn shorten(text: &str) -> String {
    if text.len() <= 10 {
        return text.to_owned();
    }
    let bytes: Vec<u8> = text.bytes().take(7).collect();
    format!("{}...", String::from_utf8_lossy(&bytes))
}
