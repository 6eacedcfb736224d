//! Conversions between types.
//!
//! Source: cel-go `common/types/*.go`, `ConvertToType` (0.27).

use std::str;

use crate::budget::Budget;
use crate::failure::Failure;
use crate::number;
use crate::value::{Timestamp, Value};

type Outcome<'a> = Result<Value<'a>, Failure>;

/// A span as seconds: `3.5s`.
pub(crate) fn duration_text(nanoseconds: i64) -> String {
    format!(
        "{}s",
        number::format_positional(in_units(nanoseconds, 1_000_000_000))
    )
}

/// A span in units of so many nanoseconds, as Go calculates it.
#[expect(clippy::cast_precision_loss, reason = "Go loses it, too")]
pub(super) fn in_units(nanoseconds: i64, unit: i64) -> f64 {
    (nanoseconds / unit) as f64 + (nanoseconds % unit) as f64 / unit as f64
}

/// Takes what reading a text costs, if there is one.
fn pay_for_text(budget: &mut Budget, arguments: &[Value<'_>]) -> Result<(), Failure> {
    match arguments {
        [Value::String(text)] => budget.spend_bytes(text.len()),
        _ => Ok(()),
    }
}

fn error(from: &str, to: &str) -> Failure {
    Failure::text(format!("type conversion error from '{from}' to '{to}'"))
}

pub(super) fn to_type<'a>(_: &mut Budget, arguments: &[Value<'a>]) -> Outcome<'a> {
    match arguments {
        [value] => Ok(Value::Type(value.type_name())),
        _ => Err(Failure::Unmatched),
    }
}

pub(super) fn to_dyn<'a>(_: &mut Budget, arguments: &[Value<'a>]) -> Outcome<'a> {
    match arguments {
        [value] => Ok(value.clone()),
        _ => Err(Failure::Unmatched),
    }
}

pub(super) fn to_bool<'a>(budget: &mut Budget, arguments: &[Value<'a>]) -> Outcome<'a> {
    pay_for_text(budget, arguments)?;
    match arguments {
        [Value::Bool(truth)] => Ok(Value::Bool(*truth)),
        [Value::String(text)] => number::parse_bool(text)
            .map(Value::Bool)
            .ok_or_else(|| error("string", "bool")),
        _ => Err(Failure::Unmatched),
    }
}

pub(super) fn to_bytes<'a>(budget: &mut Budget, arguments: &[Value<'a>]) -> Outcome<'a> {
    match arguments {
        [Value::Bytes(bytes)] => Ok(Value::Bytes(bytes.clone())),
        [Value::String(text)] => {
            budget.spend_bytes(text.len())?;
            Ok(Value::bytes(text.as_bytes()))
        }
        _ => Err(Failure::Unmatched),
    }
}

#[expect(clippy::cast_precision_loss, reason = "cel-go loses it, too")]
pub(super) fn to_double<'a>(budget: &mut Budget, arguments: &[Value<'a>]) -> Outcome<'a> {
    pay_for_text(budget, arguments)?;
    match arguments {
        [Value::Double(double)] => Ok(Value::Double(*double)),
        [Value::Int(int)] => Ok(Value::Double(*int as f64)),
        [Value::Uint(uint)] => Ok(Value::Double(*uint as f64)),
        [Value::String(text)] => number::parse_double(text)
            .map(Value::Double)
            .ok_or_else(|| error("string", "double")),
        _ => Err(Failure::Unmatched),
    }
}

pub(super) fn to_duration<'a>(budget: &mut Budget, arguments: &[Value<'a>]) -> Outcome<'a> {
    const NAME: &str = "google.protobuf.Duration";
    pay_for_text(budget, arguments)?;
    match arguments {
        [Value::Duration(span)] => Ok(Value::Duration(*span)),
        [Value::Int(_)] => Err(error("int", NAME)),
        [Value::String(text)] => parse_duration(text)
            .map(Value::Duration)
            .ok_or_else(|| error("string", NAME)),
        _ => Err(Failure::Unmatched),
    }
}

/// Reads a span in nanoseconds, which may be negative here.
fn parse_duration(text: &str) -> Option<i64> {
    let (negative, magnitude) = match text.strip_prefix('-') {
        Some(rest) if !rest.starts_with(['-', '+']) => (true, rest),
        _ => (false, text),
    };
    let span: api::meta::Duration = magnitude.parse().ok()?;
    Some(if negative {
        -span.as_nanos()
    } else {
        span.as_nanos()
    })
}

pub(super) fn to_int<'a>(budget: &mut Budget, arguments: &[Value<'a>]) -> Outcome<'a> {
    pay_for_text(budget, arguments)?;
    let overflow = || Failure::text("integer overflow");
    let int = match arguments {
        [Value::Int(int)] => *int,
        [Value::Duration(span)] => *span,
        [Value::Timestamp(moment)] => moment.seconds(),
        [Value::Double(double)] => number::to_int(*double).ok_or_else(overflow)?,
        [Value::Uint(uint)] => i64::try_from(*uint).map_err(|_| overflow())?,
        [Value::String(text)] => number::parse_int(text).ok_or_else(|| error("string", "int"))?,
        _ => return Err(Failure::Unmatched),
    };
    Ok(Value::Int(int))
}

pub(super) fn to_uint<'a>(budget: &mut Budget, arguments: &[Value<'a>]) -> Outcome<'a> {
    pay_for_text(budget, arguments)?;
    let overflow = || Failure::text("unsigned integer overflow");
    let uint = match arguments {
        [Value::Uint(uint)] => *uint,
        [Value::Double(double)] => number::to_uint(*double).ok_or_else(overflow)?,
        [Value::Int(int)] => u64::try_from(*int).map_err(|_| overflow())?,
        [Value::String(text)] => number::parse_uint(text).ok_or_else(|| error("string", "uint"))?,
        _ => return Err(Failure::Unmatched),
    };
    Ok(Value::Uint(uint))
}

pub(super) fn to_string<'a>(budget: &mut Budget, arguments: &[Value<'a>]) -> Outcome<'a> {
    let text = match arguments {
        [Value::String(text)] => return Ok(Value::String(text.clone())),
        [Value::Bool(truth)] => truth.to_string(),
        [Value::Int(int)] => int.to_string(),
        [Value::Uint(uint)] => uint.to_string(),
        [Value::Double(double)] => number::format_general(*double),
        [Value::Duration(span)] => duration_text(*span),
        [Value::Timestamp(moment)] => moment.format(),
        [Value::Bytes(bytes)] => {
            budget.spend_bytes(bytes.len())?;
            str::from_utf8(bytes)
                .map_err(|_| Failure::text("invalid UTF-8 in bytes, cannot convert to string"))?
                .to_owned()
        }
        _ => return Err(Failure::Unmatched),
    };
    Ok(Value::string(text))
}

pub(super) fn to_timestamp<'a>(budget: &mut Budget, arguments: &[Value<'a>]) -> Outcome<'a> {
    pay_for_text(budget, arguments)?;
    match arguments {
        [Value::Timestamp(moment)] => Ok(Value::Timestamp(*moment)),
        [Value::Int(seconds)] => Timestamp::at(*seconds).map(Value::Timestamp),
        [Value::String(text)] => Timestamp::parse(text)
            .unwrap_or_else(|| Err(error("string", "google.protobuf.Timestamp")))
            .map(Value::Timestamp),
        _ => Err(Failure::Unmatched),
    }
}
