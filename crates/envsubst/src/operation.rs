//! What operators make of a value.

use crate::{
    Error, case, glob,
    limit::{LONGEST, Work},
    node::{Call, Operator, Replace},
};

/// Appends what `call` makes of `value`.
pub(crate) fn apply(
    call: &Call<'_>,
    value: &[u8],
    arguments: &[Vec<u8>],
    work: &mut Work,
    out: &mut Vec<u8>,
) -> Result<(), Error> {
    let argument = |index: usize| arguments.get(index).map(Vec::as_slice);
    match call.operator {
        Operator::Length => out.extend_from_slice(value.len().to_string().as_bytes()),
        Operator::Case { upper, all } => case::convert(value, upper, all, out),
        Operator::Default if value.is_empty() => out.extend(arguments.iter().flatten()),
        Operator::Value | Operator::Default => out.extend_from_slice(value),
        Operator::Part => {
            let part = part(value, argument(0).unwrap_or_default(), argument(1));
            let part = part.ok_or_else(|| Error::NegativeLength(call.variable.to_owned()))?;
            out.extend_from_slice(part);
        }
        Operator::Trim { suffix, longest } => {
            let pattern = argument(0).unwrap_or_default();
            let trimmed = glob::trim(value, pattern, suffix, longest, work)?;
            out.extend_from_slice(&trimmed);
        }
        Operator::Replace(how) => {
            let old = argument(0).unwrap_or_default();
            replace(value, old, argument(1), how, out)?;
        }
    }
    Ok(())
}

/// A part by bytes; none if it would end before it begins. What is no number leaves the value whole.
fn part<'v>(value: &'v [u8], position: &[u8], length: Option<&[u8]>) -> Option<&'v [u8]> {
    let Some(position) = number(position) else {
        return Some(value);
    };
    let from = match usize::try_from(position) {
        Ok(from) => from,
        Err(_) => value
            .len()
            .saturating_sub(usize::try_from(position.unsigned_abs()).unwrap_or(usize::MAX)),
    };
    let rest = value.get(from..).unwrap_or_default();
    let Some(length) = length else {
        return Some(rest);
    };
    let Some(length) = number(length) else {
        return Some(value);
    };
    if let Ok(length) = usize::try_from(length) {
        return Some(rest.get(..length).unwrap_or(rest));
    }
    // Far beyond the value's end, what ends earlier may still end beyond it; then there is nothing.
    let end = i128::try_from(from).ok()? + i128::from(length);
    (end >= i128::try_from(value.len()).ok()?).then_some(&[])
}

/// Reads a number as Go's `strconv.Atoi`.
fn number(text: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(text).ok()?;
    text.parse().ok()
}

fn replace(
    value: &[u8],
    old: &[u8],
    new: Option<&[u8]>,
    how: Replace,
    out: &mut Vec<u8>,
) -> Result<(), Error> {
    match (how, new) {
        (Replace::First, _) => {
            substitute(value, old, new.unwrap_or_default(), 1, out)?;
        }
        (Replace::All, _) => {
            substitute(value, old, new.unwrap_or_default(), usize::MAX, out)?;
        }
        (Replace::Prefix, Some(new)) if value.starts_with(old) => {
            out.extend_from_slice(new);
            out.extend_from_slice(value.get(old.len()..).unwrap_or_default());
        }
        (Replace::Suffix, Some(new)) if value.ends_with(old) => {
            let kept = value.len() - old.len();
            out.extend_from_slice(value.get(..kept).unwrap_or_default());
            out.extend_from_slice(new);
        }
        (Replace::Prefix | Replace::Suffix, _) => out.extend_from_slice(value),
    }
    Ok(())
}

/// Replaces the first `most` occurrences; an empty text occurs before each character and at the end.
fn substitute(
    value: &[u8],
    old: &[u8],
    new: &[u8],
    most: usize,
    out: &mut Vec<u8>,
) -> Result<(), Error> {
    let mut rest = value;
    for _ in 0..most {
        if out.len() > LONGEST {
            return Err(Error::TooLong);
        }
        if old.is_empty() {
            out.extend_from_slice(new);
            let (_, length) = case::first(rest);
            if length == 0 {
                return Ok(());
            }
            let (before, after) = rest.split_at(length);
            out.extend_from_slice(before);
            rest = after;
            continue;
        }
        let Some(at) = find(rest, old) else { break };
        out.extend_from_slice(rest.get(..at).unwrap_or_default());
        out.extend_from_slice(new);
        rest = rest.get(at + old.len()..).unwrap_or_default();
    }
    out.extend_from_slice(rest);
    Ok(())
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len())
        .position(|window| window == wanted)
}
