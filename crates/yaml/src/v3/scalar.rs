//! The type of a scalar after it has been written and read again.
//!
//! Writing quotes what cannot stand plain, and a quoted scalar is a string: an untagged empty key
//! thus becomes the empty string, and an untagged time of day in a flow collection a string.
//!
//! Source: `node` in encode.go, `scalar` in decode.go of go.yaml.in/yaml/v3 3.0.3.

use std::borrow::Cow;

use crate::base64;
use crate::emit::Analysis;
use crate::error::{ParseError, Version};
use crate::node::{Node, Scalar, ScalarStyle, Tag};
use crate::number::Number;
use crate::resolve::{Resolved, resolve_plain, resolve_tagged};
use crate::timestamp::Timestamp;

/// Where a scalar stands.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Position {
    pub(crate) flow: bool,
    pub(crate) key: bool,
}

/// A scalar with its type.
#[derive(Debug)]
pub(crate) enum Typed<'a> {
    Null,
    Bool(bool),
    Number(Number),
    Timestamp(Timestamp),
    /// The key `<<`.
    Merge,
    Text(Cow<'a, str>),
    /// Text under a tag other than `!!str`.
    TaggedText(Cow<'a, str>),
}

pub(crate) fn type_scalar(scalar: &Scalar, position: Position) -> Result<Typed<'_>, ParseError> {
    let text = scalar.text.as_str();
    if text.starts_with('\t') && is_written_as_block(scalar, position) {
        let problem = "found a tab character where an indentation space is expected";
        return Err(ParseError::without_line(problem));
    }
    if scalar.style == ScalarStyle::Folded && !position.key && !position.flow {
        return type_folded(scalar);
    }
    if scalar.explicit_tag {
        return type_tagged(&scalar.tag, text, position);
    }
    match &scalar.tag {
        Tag::Str => Ok(Typed::Text(Cow::Borrowed(text))),
        Tag::Merge if text == "<<" && position.key => Ok(Typed::Merge),
        Tag::None => Ok(type_untagged(scalar, position)),
        tag if resolve_plain(text, Version::V3).tag() == *tag => {
            Ok(type_untagged(scalar, position))
        }
        tag => type_tagged(tag, text, position),
    }
}

fn type_untagged(scalar: &Scalar, position: Position) -> Typed<'_> {
    let text = scalar.text.as_str();
    let string = Typed::Text(Cow::Borrowed(text));
    if scalar.style != ScalarStyle::Plain || text.contains('\n') {
        return string;
    }
    if text == "<<" && position.key {
        return Typed::Merge;
    }
    // No other text that resolves to more than a string needs quotes.
    let quoted = if text.is_empty() {
        position.key || position.flow
    } else {
        position.flow && text.contains(':')
    };
    if quoted {
        return string;
    }
    match resolve_plain(text, Version::V3) {
        Resolved::Null => Typed::Null,
        Resolved::Bool(value) => Typed::Bool(value),
        Resolved::Number(number) => Typed::Number(number),
        Resolved::Timestamp(timestamp) => Typed::Timestamp(timestamp),
        Resolved::Str => string,
    }
}

/// Whether version 3 writes it in literal or folded style; it cannot read one that begins with a
/// tab.
fn is_written_as_block(scalar: &Scalar, position: Position) -> bool {
    let wished = match scalar.style {
        ScalarStyle::Literal | ScalarStyle::Folded => true,
        ScalarStyle::Plain => scalar.text.contains('\n'),
        ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => false,
    };
    let placed = !position.key && !position.flow;
    wished && placed && Analysis::of(&scalar.text, Version::V3).block
}

/// Written again in folded style a text can change: version 3 writes a line break twice before an
/// indented line and at the end, where it counts twice, and no break twice if the text begins with
/// a blank.
fn type_folded(scalar: &Scalar) -> Result<Typed<'_>, ParseError> {
    let place = Position {
        flow: false,
        key: true,
    };
    let text = scalar.text.as_str();
    if !text.strip_suffix('\n').unwrap_or(text).contains('\n') {
        return type_scalar(scalar, place);
    }
    let mut written = Vec::new();
    let plain = Scalar::new(&scalar.text, Tag::Str, ScalarStyle::Folded);
    super::emit(&plain.into(), &mut written);
    let reread = crate::parse_first_bytes(&written)?;
    let text = reread.as_ref().and_then(Node::as_str).unwrap_or(text);
    let again = Scalar {
        text: text.into(),
        style: ScalarStyle::DoubleQuoted,
        ..scalar.clone()
    };
    Ok(match type_scalar(&again, place)? {
        Typed::Text(text) => Typed::Text(Cow::Owned(text.into_owned())),
        Typed::TaggedText(text) => Typed::TaggedText(Cow::Owned(text.into_owned())),
        Typed::Null => Typed::Null,
        Typed::Bool(value) => Typed::Bool(value),
        Typed::Number(number) => Typed::Number(number),
        Typed::Timestamp(timestamp) => Typed::Timestamp(timestamp),
        Typed::Merge => Typed::Merge,
    })
}

fn type_tagged<'a>(tag: &Tag, text: &'a str, position: Position) -> Result<Typed<'a>, ParseError> {
    if *tag == Tag::Binary {
        return Ok(Typed::TaggedText(Cow::Owned(base64::decode_text(text)?)));
    }
    if *tag == Tag::Merge {
        let merges = text == "<<" && position.key;
        return Ok(if merges {
            Typed::Merge
        } else {
            Typed::Text(Cow::Borrowed(text))
        });
    }
    Ok(match resolve_tagged(tag, text, Version::V3)? {
        Resolved::Null => Typed::Null,
        Resolved::Bool(value) => Typed::Bool(value),
        Resolved::Number(number) => Typed::Number(number),
        Resolved::Timestamp(timestamp) => Typed::Timestamp(timestamp),
        Resolved::Str if *tag == Tag::Str => Typed::Text(Cow::Borrowed(text)),
        Resolved::Str => Typed::TaggedText(Cow::Borrowed(text)),
    })
}
