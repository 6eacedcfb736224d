//! Parts of moments and spans.
//!
//! Source: cel-go `common/stdlib/standard.go`, `common/types/duration.go` (0.27).

use super::convert::in_units;
use crate::budget::Budget;
use crate::failure::Failure;
use crate::value::{Part, Value};

type Outcome<'a> = Result<Value<'a>, Failure>;

const SECOND: i64 = 1_000_000_000;

macro_rules! parts {
    ($($name:ident: $part:ident,)*) => {$(
        pub(super) fn $name<'a>(budget: &mut Budget, arguments: &[Value<'a>]) -> Outcome<'a> {
            part(budget, arguments, Part::$part)
        }
    )*};
}

parts! {
    year: Year,
    month: Month,
    day_of_year: DayOfYear,
    day_of_month: DayOfMonth,
    date: Date,
    day_of_week: DayOfWeek,
}

pub(super) fn hours<'a>(budget: &mut Budget, arguments: &[Value<'a>]) -> Outcome<'a> {
    part_or_span(budget, arguments, Part::Hours, 3600 * SECOND)
}

pub(super) fn minutes<'a>(budget: &mut Budget, arguments: &[Value<'a>]) -> Outcome<'a> {
    part_or_span(budget, arguments, Part::Minutes, 60 * SECOND)
}

pub(super) fn seconds<'a>(budget: &mut Budget, arguments: &[Value<'a>]) -> Outcome<'a> {
    part_or_span(budget, arguments, Part::Seconds, SECOND)
}

pub(super) fn milliseconds<'a>(budget: &mut Budget, arguments: &[Value<'a>]) -> Outcome<'a> {
    if let [Value::Duration(span)] = arguments {
        return Ok(Value::Int(span / 1_000_000));
    }
    part(budget, arguments, Part::Milliseconds)
}

fn part<'a>(budget: &mut Budget, arguments: &[Value<'a>], part: Part) -> Outcome<'a> {
    let part = match arguments {
        [Value::Timestamp(moment)] => moment.part(part, None)?,
        [Value::Timestamp(moment), Value::String(zone)] => {
            budget.spend_bytes(zone.len())?;
            moment.part(part, Some(zone))?
        }
        _ => return Err(Failure::Unmatched),
    };
    Ok(Value::Int(part))
}

/// A part of a moment, or a whole span in units of so many nanoseconds.
fn part_or_span<'a>(
    budget: &mut Budget,
    arguments: &[Value<'a>],
    of: Part,
    unit: i64,
) -> Outcome<'a> {
    if let [Value::Duration(span)] = arguments {
        #[expect(clippy::cast_possible_truncation, reason = "a span in hours fits")]
        return Ok(Value::Int(in_units(*span, unit) as i64));
    }
    part(budget, arguments, of)
}
