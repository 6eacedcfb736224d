//! Texts. Positions count characters.
//!
//! Source: cel-go `common/types/string.go`, `ext/strings.go` version 4 (0.27).

use super::first_is;
use super::operator::lacks;
use crate::budget::Budget;
use crate::failure::Failure;
use crate::regex::Pattern;
use crate::value::{Value, show};

type Outcome<'a> = Result<Value<'a>, Failure>;

pub(super) fn contains<'a>(budget: &mut Budget, arguments: &[Value<'a>]) -> Outcome<'a> {
    holds(budget, arguments, |text, part| text.contains(part))
}

pub(super) fn ends_with<'a>(budget: &mut Budget, arguments: &[Value<'a>]) -> Outcome<'a> {
    holds(budget, arguments, |text, part| text.ends_with(part))
}

pub(super) fn starts_with<'a>(budget: &mut Budget, arguments: &[Value<'a>]) -> Outcome<'a> {
    holds(budget, arguments, |text, part| text.starts_with(part))
}

fn holds<'a>(
    budget: &mut Budget,
    arguments: &[Value<'a>],
    test: fn(&str, &str) -> bool,
) -> Outcome<'a> {
    let [Value::String(text), Value::String(part)] = arguments else {
        return Err(Failure::no_overload());
    };
    budget.spend_bytes(text.len())?;
    Ok(Value::Bool(test(text, part)))
}

/// A pattern that is a literal is compiled by the planner; this is for the others.
pub(super) fn matches<'a>(budget: &mut Budget, arguments: &[Value<'a>]) -> Outcome<'a> {
    match arguments {
        [Value::String(text), Value::String(pattern)] => {
            let pattern = budget.pattern(pattern)?;
            search(budget, &pattern, text)
        }
        [Value::String(_), _] => Err(Failure::no_overload()),
        [other, _] => Err(lacks(other, "matches")),
        _ => Err(Failure::Unmatched),
    }
}

/// Looks for a compiled pattern in a value.
pub(crate) fn search<'a>(budget: &mut Budget, pattern: &Pattern, text: &str) -> Outcome<'a> {
    budget.spend_search(pattern, text.len())?;
    Ok(Value::Bool(pattern.is_match(text)))
}

pub(super) fn char_at<'a>(budget: &mut Budget, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [Value::String(text), Value::Int(index)] = arguments else {
        return Err(Failure::Unmatched);
    };
    budget.spend_bytes(text.len())?;
    let length = text.chars().count();
    match usize::try_from(*index) {
        Ok(at) if at <= length => {
            let found = text.chars().nth(at);
            Ok(Value::string(found.map(String::from).unwrap_or_default()))
        }
        _ => Err(out_of_range(*index)),
    }
}

pub(super) fn index_of<'a>(budget: &mut Budget, arguments: &[Value<'a>]) -> Outcome<'a> {
    let (text, part, from) = match arguments {
        [Value::String(text), Value::String(part)] => (text, part, 0),
        [Value::String(text), Value::String(part), Value::Int(from)] => (text, part, *from),
        _ => return Err(Failure::Unmatched),
    };
    if part.is_empty() {
        return Ok(Value::Int(from));
    }
    let from = usize::try_from(from).map_err(|_| out_of_range(from))?;
    budget.spend_bytes(text.len())?;
    let Some((start, _)) = text.char_indices().nth(from) else {
        return Ok(Value::Int(-1));
    };
    let rest = text.get(start..).unwrap_or_default();
    Ok(position(rest, rest.find(&**part), from))
}

pub(super) fn last_index_of<'a>(budget: &mut Budget, arguments: &[Value<'a>]) -> Outcome<'a> {
    let (text, part, until) = match arguments {
        [Value::String(text), Value::String(part)] => (text, part, None),
        [Value::String(text), Value::String(part), Value::Int(until)] => (text, part, Some(*until)),
        _ => return Err(Failure::Unmatched),
    };
    budget.spend_bytes(text.len())?;
    if part.is_empty() {
        let length = i64::try_from(text.chars().count()).unwrap_or(i64::MAX);
        return Ok(Value::Int(until.unwrap_or(length)));
    }
    let Some(until) = until else {
        return Ok(position(text, text.rfind(&**part), 0));
    };
    let until = usize::try_from(until).map_err(|_| out_of_range(until))?;
    let Some((start, _)) = text.char_indices().nth(until) else {
        return Ok(Value::Int(-1));
    };
    // A match may begin at `until` and go beyond it.
    let end = text.len().min(start + part.len());
    let head = text
        .get(..end)
        .or_else(|| text.get(..start))
        .unwrap_or_default();
    Ok(position(text, head.rfind(&**part), 0))
}

/// The byte `found` in `text` as a count of characters, after `before` others; -1 for nothing.
fn position<'a>(text: &str, found: Option<usize>, before: usize) -> Value<'a> {
    let position = found.and_then(|found| {
        let characters = text.get(..found)?.chars().count();
        i64::try_from(before + characters).ok()
    });
    Value::Int(position.unwrap_or(-1))
}

pub(super) fn lower_ascii<'a>(budget: &mut Budget, arguments: &[Value<'a>]) -> Outcome<'a> {
    change(budget, arguments, str::to_ascii_lowercase)
}

pub(super) fn upper_ascii<'a>(budget: &mut Budget, arguments: &[Value<'a>]) -> Outcome<'a> {
    change(budget, arguments, str::to_ascii_uppercase)
}

pub(super) fn trim<'a>(budget: &mut Budget, arguments: &[Value<'a>]) -> Outcome<'a> {
    change(budget, arguments, |text| text.trim().to_owned())
}

pub(super) fn reverse<'a>(budget: &mut Budget, arguments: &[Value<'a>]) -> Outcome<'a> {
    change(budget, arguments, |text| text.chars().rev().collect())
}

pub(super) fn quote<'a>(budget: &mut Budget, arguments: &[Value<'a>]) -> Outcome<'a> {
    change(budget, arguments, |text| {
        let mut quoted = String::with_capacity(text.len() + 2);
        quoted.push('"');
        for character in text.chars() {
            let escape = match character {
                '\u{7}' => 'a',
                '\u{8}' => 'b',
                '\u{c}' => 'f',
                '\n' => 'n',
                '\r' => 'r',
                '\t' => 't',
                '\u{b}' => 'v',
                '\\' | '"' => character,
                other => {
                    quoted.push(other);
                    continue;
                }
            };
            quoted.extend(['\\', escape]);
        }
        quoted.push('"');
        quoted
    })
}

fn change<'a>(
    budget: &mut Budget,
    arguments: &[Value<'a>],
    change: fn(&str) -> String,
) -> Outcome<'a> {
    let [Value::String(text)] = arguments else {
        return Err(Failure::Unmatched);
    };
    budget.spend_bytes(text.len() * 2)?;
    Ok(Value::string(change(text)))
}

pub(super) fn replace<'a>(budget: &mut Budget, arguments: &[Value<'a>]) -> Outcome<'a> {
    let (text, old, new, times) = match arguments {
        [Value::String(text), Value::String(old), Value::String(new)] => (text, old, new, -1),
        [
            Value::String(text),
            Value::String(old),
            Value::String(new),
            Value::Int(times),
        ] => (text, old, new, *times),
        _ => return Err(Failure::Unmatched),
    };
    budget.spend_bytes(text.len())?;
    // A negative count means all.
    let times = usize::try_from(times).unwrap_or(usize::MAX);
    let found = text.matches(&**old).take(times).count();
    budget.spend_bytes(text.len() + found.saturating_mul(new.len()))?;
    Ok(Value::string(text.replacen(&**old, new, times)))
}

pub(super) fn split<'a>(budget: &mut Budget, arguments: &[Value<'a>]) -> Outcome<'a> {
    let (text, separator, times) = match arguments {
        [Value::String(text), Value::String(separator)] => (text, separator, -1),
        [
            Value::String(text),
            Value::String(separator),
            Value::Int(times),
        ] => (text, separator, *times),
        _ => return Err(Failure::Unmatched),
    };
    budget.spend_bytes(text.len())?;
    let times = usize::try_from(times).unwrap_or(usize::MAX);
    if times == 0 {
        return Ok(Value::list(Vec::new()));
    }
    let parts: Vec<&str> = if separator.is_empty() {
        characters(text, times)
    } else {
        text.splitn(times, &**separator).collect()
    };
    budget.spend(parts.len())?;
    Ok(Value::list(parts.into_iter().map(Value::string).collect()))
}

/// At most `times` pieces: single characters, and the rest.
fn characters(text: &str, times: usize) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        let length = if pieces.len() + 1 == times {
            rest.len()
        } else {
            character.len_utf8()
        };
        let (piece, tail) = rest.split_at_checked(length).unwrap_or((rest, ""));
        pieces.push(piece);
        rest = tail;
    }
    pieces
}

pub(super) fn substring<'a>(budget: &mut Budget, arguments: &[Value<'a>]) -> Outcome<'a> {
    let (text, start, end) = match arguments {
        [Value::String(text), Value::Int(start)] => (text, *start, None),
        [Value::String(text), Value::Int(start), Value::Int(end)] => (text, *start, Some(*end)),
        _ => return Err(Failure::Unmatched),
    };
    budget.spend_bytes(text.len())?;
    if let Some(end) = end
        && start > end
    {
        return Err(Failure::text(format!(
            "invalid substring range. start: {start}, end: {end}"
        )));
    }
    let length = text.chars().count();
    let within = |index: i64| {
        let at = usize::try_from(index).ok().filter(|&at| at <= length);
        at.ok_or_else(|| out_of_range(index))
    };
    let start = within(start)?;
    let end = end.map_or(Ok(length), within)?;
    let part: String = text.chars().skip(start).take(end - start).collect();
    Ok(Value::string(part))
}

pub(super) fn join<'a>(budget: &mut Budget, arguments: &[Value<'a>]) -> Outcome<'a> {
    let (list, separator) = match arguments {
        [Value::List(list)] => (list, ""),
        [Value::List(list), Value::String(separator)] => (list, &**separator),
        _ => return Err(Failure::Unmatched),
    };
    if !first_is(list, |first| matches!(first, Value::String(_))) {
        return Err(Failure::Unmatched);
    }
    let mut joined = String::new();
    for (index, element) in list.iter().enumerate() {
        let Value::String(part) = &element else {
            return Err(Failure::text(format!(
                "join: invalid input: {}",
                show(&element)
            )));
        };
        budget.spend(1)?;
        budget.spend_bytes(separator.len() + part.len())?;
        if index > 0 {
            joined.push_str(separator);
        }
        joined.push_str(part);
    }
    Ok(Value::string(joined))
}

fn out_of_range(index: i64) -> Failure {
    Failure::text(format!("index out of range: {index}"))
}
