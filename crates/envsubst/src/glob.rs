//! Shell patterns, and what they cut off.
//!
//! `*` also crosses `/`. A pattern that cannot be read matches nothing, but only where a comparison comes to the
//! fault; then the value stays whole.

use crate::{Error, case, limit::Work};

/// What a pattern compares with one place of a text.
#[derive(Debug)]
enum Item {
    Byte(u8),
    /// `?`
    Any,
    /// `[…]`: ranges, and whether they are the ones that do not match.
    Class(Vec<(char, char)>, bool),
    /// From here on it cannot be read.
    Fault,
}

/// Items, and whether anything may stand before them.
#[derive(Debug, Default)]
struct Segment {
    star: bool,
    items: Vec<Item>,
}

/// A comparison came to a fault.
struct Faulty;

/// What is left of `value` without its shortest or longest beginning, or end, that matches.
pub(crate) fn trim(
    value: &[u8],
    pattern: &[u8],
    suffix: bool,
    longest: bool,
    work: &mut Work,
) -> Result<Vec<u8>, Error> {
    if suffix {
        let (value, pattern) = (reversed(value), reversed(pattern));
        return Ok(reversed(trim_prefix(&value, &pattern, longest, work)?));
    }
    trim_prefix(value, pattern, longest, work).map(<[u8]>::to_vec)
}

/// The characters from the last to the first. A pattern is turned as it stands, classes too.
fn reversed(bytes: &[u8]) -> Vec<u8> {
    let characters: Vec<char> = case::characters(bytes).collect();
    let text: String = characters.into_iter().rev().collect();
    text.into_bytes()
}

fn trim_prefix<'v>(
    value: &'v [u8],
    pattern: &[u8],
    longest: bool,
    work: &mut Work,
) -> Result<&'v [u8], Error> {
    let segments = segments(pattern);
    let mut matched = 0;
    for length in (1..=value.len()).rev() {
        let Some(beginning) = value.get(..length) else {
            break;
        };
        match matches(&segments, beginning, work)? {
            Err(Faulty) => return Ok(value),
            Ok(false) => {}
            Ok(true) => {
                matched = length;
                if longest {
                    break;
                }
            }
        }
    }
    Ok(value.get(matched..).unwrap_or_default())
}

/// Reads a pattern.
fn segments(mut pattern: &[u8]) -> Vec<Segment> {
    let mut segments = Vec::new();
    let mut segment = Segment::default();
    while let Some((&byte, rest)) = pattern.split_first() {
        pattern = rest;
        match byte {
            b'*' => {
                if !segment.items.is_empty() {
                    segments.push(std::mem::take(&mut segment));
                }
                segment.star = true;
            }
            b'?' => segment.items.push(Item::Any),
            b'[' => {
                let Some((item, after)) = class(pattern) else {
                    segment.items.push(Item::Fault);
                    break;
                };
                segment.items.push(item);
                pattern = after;
            }
            b'\\' => {
                let Some((&byte, after)) = pattern.split_first() else {
                    segment.items.push(Item::Fault);
                    break;
                };
                segment.items.push(Item::Byte(byte));
                pattern = after;
            }
            _ => segment.items.push(Item::Byte(byte)),
        }
    }
    if segment.star || !segment.items.is_empty() {
        segments.push(segment);
    }
    segments
}

/// Reads what follows `[`, and returns what follows `]`.
fn class(mut pattern: &[u8]) -> Option<(Item, &[u8])> {
    let negated = pattern.first() == Some(&b'^');
    if negated {
        pattern = pattern.get(1..)?;
    }
    let mut ranges = Vec::new();
    loop {
        if pattern.first() == Some(&b']') && !ranges.is_empty() {
            return Some((Item::Class(ranges, negated), pattern.get(1..)?));
        }
        let (low, after) = class_character(pattern)?;
        pattern = after;
        let mut high = low;
        if pattern.first() == Some(&b'-') {
            (high, pattern) = class_character(pattern.get(1..)?)?;
        }
        ranges.push((low, high));
    }
}

/// A character of a class; something must follow it.
fn class_character(pattern: &[u8]) -> Option<(char, &[u8])> {
    let pattern = match pattern.split_first()? {
        (b'-' | b']', _) => return None,
        (b'\\', rest) => rest,
        _ => pattern,
    };
    let (c, length) = case::first(pattern);
    let alone = c == char::REPLACEMENT_CHARACTER && length < 2;
    let rest = pattern.get(length..)?;
    (!alone && !rest.is_empty()).then_some((c, rest))
}

/// Whether the whole of `text` matches.
fn matches(
    segments: &[Segment],
    mut text: &[u8],
    work: &mut Work,
) -> Result<Result<bool, Faulty>, Error> {
    for (index, segment) in segments.iter().enumerate() {
        let last = index + 1 == segments.len();
        if segment.star && segment.items.is_empty() {
            return Ok(Ok(true));
        }
        // Without a star there is one place only.
        let places = if segment.star { text.len() + 1 } else { 1 };
        let mut found = None;
        for place in 0..places {
            let at = text.get(place..).unwrap_or_default();
            match compare(&segment.items, at, work)? {
                Err(Faulty) => return Ok(Err(Faulty)),
                Ok(Some(rest)) if !last || rest.is_empty() => {
                    found = Some(rest);
                    break;
                }
                Ok(_) => {}
            }
        }
        match found {
            Some(rest) => text = rest,
            None => return Ok(Ok(false)),
        }
    }
    Ok(Ok(text.is_empty()))
}

/// What follows the items at the beginning of `text`, if they are there.
fn compare<'t>(
    items: &[Item],
    mut text: &'t [u8],
    work: &mut Work,
) -> Result<Result<Option<&'t [u8]>, Faulty>, Error> {
    work.spend(1)?;
    for item in items {
        let Some((&byte, rest)) = text.split_first() else {
            return Ok(Ok(None));
        };
        work.spend(1)?;
        let length = match item {
            Item::Byte(wanted) if *wanted == byte => 1,
            Item::Byte(_) => return Ok(Ok(None)),
            Item::Any => case::first(text).1,
            Item::Class(ranges, negated) => {
                work.spend(ranges.len())?;
                let (c, length) = case::first(text);
                let inside = ranges.iter().any(|(low, high)| (*low..=*high).contains(&c));
                if inside == *negated {
                    return Ok(Ok(None));
                }
                length
            }
            Item::Fault => return Ok(Err(Faulty)),
        };
        text = text.get(length..).unwrap_or(rest);
    }
    Ok(Ok(Some(text)))
}
