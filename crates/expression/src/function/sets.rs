//! Lists as sets.
//!
//! Source: cel-go `ext/sets.go` (0.27).

use crate::budget::Budget;
use crate::failure::Failure;
use crate::value::{List, Value, equal};

type Outcome<'a> = Result<Value<'a>, Failure>;

pub(super) fn contains<'a>(budget: &mut Budget, arguments: &[Value<'a>]) -> Outcome<'a> {
    let (left, right) = lists(arguments)?;
    covers(budget, left, right).map(Value::Bool)
}

pub(super) fn equivalent<'a>(budget: &mut Budget, arguments: &[Value<'a>]) -> Outcome<'a> {
    let (left, right) = lists(arguments)?;
    let same = covers(budget, left, right)? && covers(budget, right, left)?;
    Ok(Value::Bool(same))
}

pub(super) fn intersects<'a>(budget: &mut Budget, arguments: &[Value<'a>]) -> Outcome<'a> {
    let (left, right) = lists(arguments)?;
    for element in left.iter() {
        budget.spend(1)?;
        if has(budget, right, &element)? {
            return Ok(Value::Bool(true));
        }
    }
    Ok(Value::Bool(false))
}

fn lists<'v, 'a>(arguments: &'v [Value<'a>]) -> Result<(&'v List<'a>, &'v List<'a>), Failure> {
    match arguments {
        [Value::List(left), Value::List(right)] => Ok((left, right)),
        _ => Err(Failure::Unmatched),
    }
}

/// Whether every element of `part` is in `whole`.
fn covers(budget: &mut Budget, whole: &List<'_>, part: &List<'_>) -> Result<bool, Failure> {
    for element in part.iter() {
        if !has(budget, whole, &element)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn has(budget: &mut Budget, list: &List<'_>, value: &Value<'_>) -> Result<bool, Failure> {
    for element in list.iter() {
        if equal(budget, value, &element)? {
            return Ok(true);
        }
    }
    Ok(false)
}
