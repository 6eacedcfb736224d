//! Equality and order, across numeric types.
//!
//! Equality is total: values of different types are unequal, never an error.
//! Source: cel-go `common/types/{compare,util,list,map}.go` (0.27).

use std::cmp::Ordering;

use super::Value;
use crate::budget::Budget;
use crate::failure::Failure;

/// Whether two values are equal. Costs the size of the smaller.
pub(crate) fn equal(
    budget: &mut Budget,
    left: &Value<'_>,
    right: &Value<'_>,
) -> Result<bool, Failure> {
    budget.spend(1)?;
    Ok(match (left, right) {
        (Value::Null, Value::Null) => true,
        (Value::Bool(left), Value::Bool(right)) => left == right,
        (Value::String(left), Value::String(right)) => {
            budget.spend_bytes(left.len().min(right.len()))?;
            **left == **right
        }
        (Value::Bytes(left), Value::Bytes(right)) => {
            budget.spend_bytes(left.len().min(right.len()))?;
            **left == **right
        }
        (Value::Timestamp(left), Value::Timestamp(right)) => left == right,
        (Value::Duration(left), Value::Duration(right)) => left == right,
        (Value::Type(left), Value::Type(right)) => left == right,
        (Value::Optional(left), Value::Optional(right)) => match (left, right) {
            (None, None) => true,
            (Some(left), Some(right)) => equal(budget, left, right)?,
            _ => false,
        },
        (Value::List(left), Value::List(right)) => {
            if left.len() != right.len() {
                return Ok(false);
            }
            for (left, right) in left.iter().zip(right.iter()) {
                if !equal(budget, &left, &right)? {
                    return Ok(false);
                }
            }
            true
        }
        (Value::Map(left), Value::Map(right)) => {
            if left.len() != right.len() {
                return Ok(false);
            }
            budget.spend(left.len())?;
            for (key, value) in left.entries() {
                right.spend_search(budget, &key)?;
                match right.get(&key) {
                    Some(other) if equal(budget, &value, &other)? => {}
                    _ => return Ok(false),
                }
            }
            true
        }
        _ => numbers(left, right) == Some(Ordering::Equal),
    })
}

/// The order of two values. An error where they have none.
pub(crate) fn compare(
    budget: &mut Budget,
    left: &Value<'_>,
    right: &Value<'_>,
) -> Result<Ordering, Failure> {
    let is_nan = |value: &Value<'_>| matches!(value, Value::Double(double) if double.is_nan());
    Ok(match (left, right) {
        (Value::Bool(left), Value::Bool(right)) => left.cmp(right),
        (Value::String(left), Value::String(right)) => {
            budget.spend_bytes(left.len().min(right.len()))?;
            (**left).cmp(&**right)
        }
        (Value::Bytes(left), Value::Bytes(right)) => {
            budget.spend_bytes(left.len().min(right.len()))?;
            (**left).cmp(&**right)
        }
        (Value::Timestamp(left), Value::Timestamp(right)) => left.cmp(right),
        (Value::Duration(left), Value::Duration(right)) => left.cmp(right),
        (Value::Double(_), _) if is_nan(left) => return Err(not_ordered()),
        (Value::Int(_) | Value::Uint(_) | Value::Double(_), Value::Double(_)) if is_nan(right) => {
            return Err(not_ordered());
        }
        _ => return numbers(left, right).ok_or_else(Failure::no_overload),
    })
}

fn not_ordered() -> Failure {
    Failure::text("NaN values cannot be ordered")
}

/// The order of two numbers; none if one is NaN or no number.
fn numbers(left: &Value<'_>, right: &Value<'_>) -> Option<Ordering> {
    match (left, right) {
        (Value::Int(left), Value::Int(right)) => Some(left.cmp(right)),
        (Value::Uint(left), Value::Uint(right)) => Some(left.cmp(right)),
        (Value::Int(left), Value::Uint(right)) => Some(i128::from(*left).cmp(&i128::from(*right))),
        (Value::Uint(left), Value::Int(right)) => Some(i128::from(*left).cmp(&i128::from(*right))),
        (Value::Double(left), Value::Double(right)) => left.partial_cmp(right),
        (Value::Double(left), Value::Int(right)) => double_int(*left, *right),
        (Value::Int(left), Value::Double(right)) => {
            double_int(*right, *left).map(Ordering::reverse)
        }
        (Value::Double(left), Value::Uint(right)) => double_uint(*left, *right),
        (Value::Uint(left), Value::Double(right)) => {
            double_uint(*right, *left).map(Ordering::reverse)
        }
        _ => None,
    }
}

#[expect(clippy::cast_precision_loss, reason = "cel-go compares as doubles")]
fn double_int(double: f64, int: i64) -> Option<Ordering> {
    double.partial_cmp(&(int as f64))
}

#[expect(clippy::cast_precision_loss, reason = "cel-go compares as doubles")]
fn double_uint(double: f64, uint: u64) -> Option<Ordering> {
    double.partial_cmp(&(uint as f64))
}
