//! Arithmetic, order, membership and size.
//!
//! Operands of one type only, results checked for overflow. What an error says depends, as in cel-go, on whether the
//! left operand knows the operation at all.
//! Source: cel-go `common/types/*.go`, `interpreter/interpretable.go` (0.27).

use std::cmp::Ordering;

use crate::budget::Budget;
use crate::failure::Failure;
use crate::value::{Value, compare, equal};

type Outcome<'a> = Result<Value<'a>, Failure>;

/// A function of two arguments has exactly two: the planner sees to it.
fn pair<'v, 'a>(arguments: &'v [Value<'a>]) -> Result<(&'v Value<'a>, &'v Value<'a>), Failure> {
    match arguments {
        [left, right] => Ok((left, right)),
        _ => Err(Failure::Unmatched),
    }
}

pub(super) fn not<'a>(_: &mut Budget, arguments: &[Value<'a>]) -> Outcome<'a> {
    match arguments {
        [Value::Bool(truth)] => Ok(Value::Bool(!truth)),
        _ => Err(Failure::no_overload()),
    }
}

pub(super) fn negate<'a>(_: &mut Budget, arguments: &[Value<'a>]) -> Outcome<'a> {
    match arguments {
        [Value::Int(int)] => int.checked_neg().map(Value::Int).ok_or_else(overflow),
        [Value::Duration(span)] => span.checked_neg().map(Value::Duration).ok_or_else(overflow),
        [Value::Double(double)] => Ok(Value::Double(-double)),
        [Value::Bool(_)] => Err(Failure::no_overload()),
        [other] => Err(lacks(other, "-_")),
        _ => Err(Failure::Unmatched),
    }
}

pub(super) fn add<'a>(budget: &mut Budget, arguments: &[Value<'a>]) -> Outcome<'a> {
    Ok(match pair(arguments)? {
        (Value::Int(left), Value::Int(right)) => {
            Value::Int(left.checked_add(*right).ok_or_else(overflow)?)
        }
        (Value::Uint(left), Value::Uint(right)) => {
            Value::Uint(left.checked_add(*right).ok_or_else(unsigned_overflow)?)
        }
        (Value::Double(left), Value::Double(right)) => Value::Double(left + right),
        (Value::Duration(left), Value::Duration(right)) => {
            Value::Duration(left.checked_add(*right).ok_or_else(overflow)?)
        }
        (Value::Duration(span), Value::Timestamp(moment))
        | (Value::Timestamp(moment), Value::Duration(span)) => {
            Value::Timestamp(moment.later(*span)?)
        }
        (Value::String(left), Value::String(right)) => {
            budget.spend_bytes(left.len() + right.len())?;
            Value::string([&**left, &**right].concat())
        }
        (Value::Bytes(left), Value::Bytes(right)) => {
            budget.spend_bytes(left.len() + right.len())?;
            Value::bytes([&**left, &**right].concat())
        }
        (Value::List(left), Value::List(right)) => {
            budget.spend(left.len() + right.len())?;
            Value::list(left.iter().chain(right.iter()).collect())
        }
        (
            Value::Int(_)
            | Value::Uint(_)
            | Value::Double(_)
            | Value::Duration(_)
            | Value::Timestamp(_)
            | Value::String(_)
            | Value::Bytes(_)
            | Value::List(_),
            _,
        ) => return Err(Failure::no_overload()),
        (left, _) => return Err(lacks(left, "_+_")),
    })
}

pub(super) fn subtract<'a>(_: &mut Budget, arguments: &[Value<'a>]) -> Outcome<'a> {
    Ok(match pair(arguments)? {
        (Value::Int(left), Value::Int(right)) => {
            Value::Int(left.checked_sub(*right).ok_or_else(overflow)?)
        }
        (Value::Uint(left), Value::Uint(right)) => {
            Value::Uint(left.checked_sub(*right).ok_or_else(unsigned_overflow)?)
        }
        (Value::Double(left), Value::Double(right)) => Value::Double(left - right),
        (Value::Duration(left), Value::Duration(right)) => {
            Value::Duration(left.checked_sub(*right).ok_or_else(overflow)?)
        }
        (Value::Timestamp(moment), Value::Duration(span)) => {
            Value::Timestamp(moment.later(span.checked_neg().ok_or_else(overflow)?)?)
        }
        (Value::Timestamp(left), Value::Timestamp(right)) => Value::Duration(left.since(*right)?),
        (Value::Int(_) | Value::Uint(_) | Value::Double(_), _) => {
            return Err(Failure::no_overload());
        }
        (left, _) => return Err(lacks(left, "_-_")),
    })
}

pub(super) fn multiply<'a>(_: &mut Budget, arguments: &[Value<'a>]) -> Outcome<'a> {
    Ok(match pair(arguments)? {
        (Value::Int(left), Value::Int(right)) => {
            Value::Int(left.checked_mul(*right).ok_or_else(overflow)?)
        }
        (Value::Uint(left), Value::Uint(right)) => {
            Value::Uint(left.checked_mul(*right).ok_or_else(unsigned_overflow)?)
        }
        (Value::Double(left), Value::Double(right)) => Value::Double(left * right),
        (left, _) => return Err(not_a_number(left, "_*_")),
    })
}

pub(super) fn divide<'a>(_: &mut Budget, arguments: &[Value<'a>]) -> Outcome<'a> {
    let by_zero = || Failure::text("division by zero");
    Ok(match pair(arguments)? {
        (Value::Int(_), Value::Int(0)) | (Value::Uint(_), Value::Uint(0)) => return Err(by_zero()),
        (Value::Int(left), Value::Int(right)) => {
            Value::Int(left.checked_div(*right).ok_or_else(overflow)?)
        }
        (Value::Uint(left), Value::Uint(right)) => {
            Value::Uint(left.checked_div(*right).ok_or_else(by_zero)?)
        }
        (Value::Double(left), Value::Double(right)) => Value::Double(left / right),
        (left, _) => return Err(not_a_number(left, "_/_")),
    })
}

pub(super) fn modulo<'a>(_: &mut Budget, arguments: &[Value<'a>]) -> Outcome<'a> {
    let by_zero = || Failure::text("modulus by zero");
    Ok(match pair(arguments)? {
        (Value::Int(_), Value::Int(0)) | (Value::Uint(_), Value::Uint(0)) => return Err(by_zero()),
        (Value::Int(left), Value::Int(right)) => {
            Value::Int(left.checked_rem(*right).ok_or_else(overflow)?)
        }
        (Value::Uint(left), Value::Uint(right)) => {
            Value::Uint(left.checked_rem(*right).ok_or_else(by_zero)?)
        }
        (Value::Double(_), _) => return Err(Failure::text("no such overload: _%_")),
        (left, _) => return Err(not_a_number(left, "_%_")),
    })
}

pub(super) fn less<'a>(budget: &mut Budget, arguments: &[Value<'a>]) -> Outcome<'a> {
    ordered(budget, arguments, "_<_", Ordering::is_lt)
}

pub(super) fn less_equals<'a>(budget: &mut Budget, arguments: &[Value<'a>]) -> Outcome<'a> {
    ordered(budget, arguments, "_<=_", Ordering::is_le)
}

pub(super) fn greater<'a>(budget: &mut Budget, arguments: &[Value<'a>]) -> Outcome<'a> {
    ordered(budget, arguments, "_>_", Ordering::is_gt)
}

pub(super) fn greater_equals<'a>(budget: &mut Budget, arguments: &[Value<'a>]) -> Outcome<'a> {
    ordered(budget, arguments, "_>=_", Ordering::is_ge)
}

fn ordered<'a>(
    budget: &mut Budget,
    arguments: &[Value<'a>],
    name: &str,
    holds: fn(Ordering) -> bool,
) -> Outcome<'a> {
    let (left, right) = pair(arguments)?;
    match left {
        Value::Null | Value::List(_) | Value::Map(_) | Value::Type(_) | Value::Optional(_) => {
            Err(lacks(left, name))
        }
        _ => compare(budget, left, right).map(|order| Value::Bool(holds(order))),
    }
}

/// `left in right`
pub(super) fn contained<'a>(budget: &mut Budget, arguments: &[Value<'a>]) -> Outcome<'a> {
    match pair(arguments)? {
        (value, Value::List(list)) => {
            for element in list.iter() {
                if equal(budget, value, &element)? {
                    return Ok(Value::Bool(true));
                }
            }
            Ok(Value::Bool(false))
        }
        (key, Value::Map(map)) => {
            map.spend_search(budget, key)?;
            Ok(Value::Bool(map.get(key).is_some()))
        }
        _ => Err(Failure::no_overload()),
    }
}

/// Characters of a text, bytes, elements or entries.
pub(super) fn size<'a>(budget: &mut Budget, arguments: &[Value<'a>]) -> Outcome<'a> {
    let size = match arguments {
        [Value::String(text)] => {
            budget.spend_bytes(text.len())?;
            text.chars().count()
        }
        [Value::Bytes(bytes)] => bytes.len(),
        [Value::List(list)] => list.len(),
        [Value::Map(map)] => map.len(),
        [other] => return Err(lacks(other, "size")),
        _ => return Err(Failure::Unmatched),
    };
    Ok(Value::Int(i64::try_from(size).unwrap_or(i64::MAX)))
}

/// A value does not know an operation. Texts, moments and spans are asked for a method and do not say which.
pub(crate) fn lacks(value: &Value<'_>, name: &str) -> Failure {
    match value {
        Value::String(_) | Value::Timestamp(_) | Value::Duration(_) => Failure::no_overload(),
        _ => Failure::text(format!("no such overload: {name}")),
    }
}

fn not_a_number(left: &Value<'_>, name: &str) -> Failure {
    match left {
        Value::Int(_) | Value::Uint(_) | Value::Double(_) => Failure::no_overload(),
        other => lacks(other, name),
    }
}

fn overflow() -> Failure {
    Failure::text("integer overflow")
}

fn unsigned_overflow() -> Failure {
    Failure::text("unsigned integer overflow")
}
