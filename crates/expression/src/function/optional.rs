//! Optional values.
//!
//! Source: cel-go `cel/library.go`, `optionalLib` (0.27).

use super::first_is;
use crate::budget::Budget;
use crate::failure::Failure;
use crate::value::{Value, show};

type Outcome<'a> = Result<Value<'a>, Failure>;

pub(super) fn of<'a>(_: &mut Budget, arguments: &[Value<'a>]) -> Outcome<'a> {
    match arguments {
        [value] => Ok(Value::some(value.clone())),
        _ => Err(Failure::Unmatched),
    }
}

pub(super) fn of_non_zero_value<'a>(_: &mut Budget, arguments: &[Value<'a>]) -> Outcome<'a> {
    match arguments {
        [value] if value.is_zero() => Ok(Value::Optional(None)),
        [value] => Ok(Value::some(value.clone())),
        _ => Err(Failure::Unmatched),
    }
}

pub(super) fn none<'a>(_: &mut Budget, arguments: &[Value<'a>]) -> Outcome<'a> {
    match arguments {
        [] => Ok(Value::Optional(None)),
        _ => Err(Failure::Unmatched),
    }
}

pub(super) fn value<'a>(_: &mut Budget, arguments: &[Value<'a>]) -> Outcome<'a> {
    match arguments {
        [Value::Optional(Some(value))] => Ok((**value).clone()),
        [Value::Optional(None)] => Err(Failure::text("optional.none() dereference")),
        _ => Err(Failure::Unmatched),
    }
}

pub(super) fn has_value<'a>(_: &mut Budget, arguments: &[Value<'a>]) -> Outcome<'a> {
    match arguments {
        [Value::Optional(optional)] => Ok(Value::Bool(optional.is_some())),
        _ => Err(Failure::Unmatched),
    }
}

pub(super) fn first<'a>(_: &mut Budget, arguments: &[Value<'a>]) -> Outcome<'a> {
    match arguments {
        [Value::List(list)] => Ok(list.get(0).map_or(Value::Optional(None), Value::some)),
        _ => Err(Failure::Unmatched),
    }
}

pub(super) fn last<'a>(_: &mut Budget, arguments: &[Value<'a>]) -> Outcome<'a> {
    match arguments {
        [Value::List(list)] => {
            let last = list.len().checked_sub(1).and_then(|index| list.get(index));
            Ok(last.map_or(Value::Optional(None), Value::some))
        }
        _ => Err(Failure::Unmatched),
    }
}

/// The values of those that have one.
pub(super) fn unwrap<'a>(budget: &mut Budget, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [Value::List(list)] = arguments else {
        return Err(Failure::Unmatched);
    };
    if !first_is(list, |first| matches!(first, Value::Optional(_))) {
        return Err(Failure::Unmatched);
    }
    budget.spend(list.len())?;
    let mut values = Vec::new();
    for element in list.iter() {
        match element {
            Value::Optional(Some(value)) => values.push((*value).clone()),
            Value::Optional(None) => {}
            other => {
                return Err(Failure::text(format!(
                    "value {} is not optional",
                    show(&other)
                )));
            }
        }
    }
    Ok(Value::list(values))
}
