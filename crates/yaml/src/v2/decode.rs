//! Configuration as sigs.k8s.io/yaml turns it into JSON.
//!
//! YAML 1.1: `yes` and `on` are booleans, `0777` is octal. A repeated key overrides; a merge key
//! overrides what stands before it. Keys become strings. Dates stay text.
//!
//! Source: decode.go of go.yaml.in/yaml/v2 2.4.2; `YAMLToJSON` in sigs.k8s.io/yaml 1.5.0.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::base64;
use crate::compose::{Extent, compose};
use crate::decoded::{DecodeError, Decoded, invalid_key, no_mapping_to_merge};
use crate::error::{ParseError, Version};
use crate::node::{Node, Scalar, ScalarStyle, Tag};
use crate::number::{Number, format_yaml_32};
use crate::reader::Input;
use crate::resolve::{Resolved, resolve_plain, resolve_tagged};

/// Reads the first document of `bytes`; an empty stream is null.
///
/// # Errors
///
/// The text is not YAML, a scalar does not fit its tag, a key cannot become a string, or a number
/// is not finite; in Go's words.
pub fn to_json(bytes: &[u8]) -> Result<Value, DecodeError> {
    let nodes = compose(&Input::from_bytes(bytes), Version::V2, Extent::First)?;
    match nodes.first() {
        None => Ok(Value::Null),
        Some(node) => {
            let decoded = decode(node)?;
            // Keys become strings before anything is encoded.
            match decoded.bad_key() {
                Some(error) => Err(error.clone()),
                None => decoded.into_json(),
            }
        }
    }
}

/// Reads the first document of `bytes` as a map of texts: numbers and booleans become text, null is empty, and so is an
/// empty stream. `None` if it is no map, or one with something else in it.
///
/// # Errors
///
/// The text is not YAML, a scalar does not fit its tag, or a key cannot become a string; in Go's words.
///
/// Source: `Unmarshal` into a `map[string]string` in sigs.k8s.io/yaml 1.5.0.
pub fn to_text_map(bytes: &[u8]) -> Result<Option<BTreeMap<String, String>>, DecodeError> {
    let nodes = compose(&Input::from_bytes(bytes), Version::V2, Extent::First)?;
    let Some(node) = nodes.first() else {
        return Ok(Some(BTreeMap::new()));
    };
    let decoded = decode(node)?;
    if let Some(error) = decoded.bad_key() {
        return Err(error.clone());
    }
    Ok(match decoded {
        Decoded::Null => Some(BTreeMap::new()),
        Decoded::Mapping(entries) => entries
            .into_iter()
            .map(|(key, value)| Some((key, value.into_text()?)))
            .collect(),
        _ => None,
    })
}

fn decode(node: &Node) -> Result<Decoded, DecodeError> {
    Ok(match node {
        Node::Scalar(scalar) => decode_scalar(scalar)?,
        Node::Sequence(sequence) => Decoded::Sequence(
            sequence
                .items
                .iter()
                .map(decode)
                .collect::<Result<_, _>>()?,
        ),
        Node::Mapping(_) => {
            let mut entries = Entries::default();
            entries.add(node)?;
            match entries.bad {
                Some(error) => Decoded::Bad(error),
                None => Decoded::Mapping(entries.map.into_iter().collect()),
            }
        }
    })
}

fn decode_scalar(scalar: &Scalar) -> Result<Decoded, ParseError> {
    let text = scalar.text.as_str();
    let resolved = match &scalar.tag {
        Tag::Binary if scalar.explicit_tag => return base64::decode_text(text).map(Decoded::Text),
        tag if scalar.explicit_tag => resolve_tagged(tag, text, Version::V2)?,
        _ if scalar.style == ScalarStyle::Plain => resolve_plain(text, Version::V2),
        _ => Resolved::Str,
    };
    Ok(match resolved {
        Resolved::Null => Decoded::Null,
        Resolved::Bool(value) => Decoded::Bool(value),
        Resolved::Number(number) => Decoded::Number(number),
        Resolved::Timestamp(_) | Resolved::Str => Decoded::Text(text.to_owned()),
    })
}

#[derive(Default)]
struct Entries {
    map: BTreeMap<String, Decoded>,
    /// A key that cannot become a string.
    bad: Option<DecodeError>,
}

impl Entries {
    /// Adds the entries of a mapping, each over an earlier one of that name.
    fn add(&mut self, node: &Node) -> Result<(), DecodeError> {
        let Node::Mapping(mapping) = node else {
            return Err(no_mapping_to_merge());
        };
        for (key, content) in mapping.iter() {
            if !is_merge(key) {
                let key = decode(key)?;
                if matches!(
                    key,
                    Decoded::Sequence(_) | Decoded::Mapping(_) | Decoded::Bad(_)
                ) {
                    return Err(invalid_key(&key, Version::V2));
                }
                self.insert(key, decode(content)?);
                continue;
            }
            match content {
                // The first of a list wins.
                Node::Sequence(sequence) => {
                    for source in sequence.items.iter().rev() {
                        self.add(source)?;
                    }
                }
                other => self.add(other)?,
            }
        }
        Ok(())
    }

    fn insert(&mut self, key: Decoded, value: Decoded) {
        let kind = match &key {
            Decoded::Null => "%!s(<nil>)",
            Decoded::Number(Number::Uint(_)) => "uint64",
            _ => "",
        };
        let shown = key.go_syntax(Version::V2);
        let name = match key {
            Decoded::Text(text) => text,
            Decoded::Number(Number::Float(float)) => format_yaml_32(float),
            _ => shown.clone(),
        };
        if !kind.is_empty() {
            let value = value.go_syntax(Version::V2);
            self.bad = Some(DecodeError::KeyType {
                kind,
                key: shown,
                value,
            });
        }
        self.map.insert(name, value);
    }
}

fn is_merge(key: &Node) -> bool {
    key.as_scalar().is_some_and(|scalar| {
        let implicit = !scalar.explicit_tag && scalar.style == ScalarStyle::Plain;
        let tagged = scalar.tag == Tag::Merge || scalar.tag.as_str() == "!";
        scalar.text == "<<" && (implicit || tagged)
    })
}
