//! What both versions take a plain text for; [`crate::v2`] and [`crate::v3`] differ in few words.
//!
//! Source: resolve.go of go.yaml.in/yaml v2 2.4.2 and v3 3.0.3.

use crate::error::{ParseError, Version};
use crate::node::Tag;
use crate::number::{self, Number};
use crate::timestamp::Timestamp;

/// The meaning of a scalar's text.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Resolved {
    Null,
    Bool(bool),
    Number(Number),
    Timestamp(Timestamp),
    /// The text itself.
    Str,
}

impl Resolved {
    pub(crate) const fn tag(&self) -> Tag {
        match self {
            Self::Null => Tag::Null,
            Self::Bool(_) => Tag::Bool,
            Self::Number(Number::Float(_)) => Tag::Float,
            Self::Number(_) => Tag::Int,
            Self::Timestamp(_) => Tag::Timestamp,
            Self::Str => Tag::Str,
        }
    }
}

/// Resolves an untagged plain text.
#[inline]
pub(crate) fn resolve_plain(text: &str, version: Version) -> Resolved {
    // The first character tells almost all strings apart.
    match text.as_bytes().first() {
        None => Resolved::Null,
        Some(b'0'..=b'9' | b'+' | b'-' | b'.') => resolve_number(text, version, true),
        Some(b'y' | b'Y' | b'n' | b'N' | b't' | b'T' | b'f' | b'F' | b'o' | b'O' | b'~') => {
            resolve_word(text, version)
        }
        Some(_) => Resolved::Str,
    }
}

/// Resolves a text under a tag that was given.
pub(crate) fn resolve_tagged(
    tag: &Tag,
    text: &str,
    version: Version,
) -> Result<Resolved, ParseError> {
    let resolved = match tag {
        Tag::None => return Ok(resolve_plain(text, version)),
        Tag::Bool | Tag::Int | Tag::Float | Tag::Null | Tag::Timestamp => {
            match text.as_bytes().first() {
                Some(b'0'..=b'9' | b'+' | b'-' | b'.') => {
                    resolve_number(text, version, *tag == Tag::Timestamp)
                }
                _ => resolve_plain(text, version),
            }
        }
        _ => return Ok(Resolved::Str),
    };
    match (tag, resolved) {
        (Tag::Float, Resolved::Number(Number::Int(int))) => {
            #[expect(clippy::cast_precision_loss, reason = "Go converts so, too")]
            let float = int as f64;
            Ok(Resolved::Number(Number::Float(float)))
        }
        (tag, resolved) if *tag == resolved.tag() => Ok(resolved),
        (tag, resolved) => Err(ParseError::without_line(format!(
            "cannot decode {} `{text}` as a {}",
            resolved.tag().as_str(),
            tag.as_str()
        ))),
    }
}

fn resolve_word(text: &str, version: Version) -> Resolved {
    match text {
        "~" | "null" | "Null" | "NULL" => Resolved::Null,
        "true" | "True" | "TRUE" => Resolved::Bool(true),
        "false" | "False" | "FALSE" => Resolved::Bool(false),
        _ if version == Version::V3 => Resolved::Str,
        "y" | "Y" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" => Resolved::Bool(true),
        "n" | "N" | "no" | "No" | "NO" | "off" | "Off" | "OFF" => Resolved::Bool(false),
        _ => Resolved::Str,
    }
}

fn resolve_number(text: &str, version: Version, timestamps: bool) -> Resolved {
    let float = |float| Resolved::Number(Number::Float(float));
    match text {
        ".nan" | ".NaN" | ".NAN" => return float(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => return float(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => return float(f64::NEG_INFINITY),
        _ => {}
    }
    if timestamps && let Some(timestamp) = Timestamp::parse(text) {
        return Resolved::Timestamp(timestamp);
    }
    number::parse(text, version == Version::V3).map_or(Resolved::Str, Resolved::Number)
}
