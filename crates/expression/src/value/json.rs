//! Results as JSON.
//!
//! What JSON has no form for is written as protobuf's JSON mapping has it: bytes in base64, moments as RFC 3339,
//! spans in seconds, types by name. An optional is its value or null.
//!
//! A value may hold another many times at no cost; its JSON holds as many copies, so they are paid for.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map as Object, Number, Value as Json};

use super::Value;
use crate::budget::Budget;
use crate::failure::Failure;
use crate::function::convert;

/// What a value of JSON costs: it is larger than what it is made of.
const STEPS: usize = 4;

/// How deep a result may be nested. What follows it through the depth of others' results recurses, too.
const MAX_DEPTH: usize = 250;

/// A value as JSON. Fails if JSON has no form for a number, or if the value is too large or too deep.
pub(crate) fn to_json(budget: &mut Budget, value: &Value<'_>) -> Result<Json, Failure> {
    at_depth(budget, value, 0)
}

fn at_depth(budget: &mut Budget, value: &Value<'_>, depth: usize) -> Result<Json, Failure> {
    budget.spend(STEPS)?;
    if depth > MAX_DEPTH {
        return Err(Failure::text(format!(
            "the result is nested more than {MAX_DEPTH} deep"
        )));
    }
    Ok(match value {
        Value::Null | Value::Optional(None) => Json::Null,
        Value::Bool(truth) => Json::Bool(*truth),
        Value::Int(int) => Json::from(*int),
        Value::Uint(uint) => Json::from(*uint),
        Value::Double(double) => {
            let number = Number::from_f64(*double);
            Json::Number(number.ok_or_else(|| Failure::text("the result has no form in JSON"))?)
        }
        Value::String(text) => {
            budget.spend_bytes(text.len())?;
            Json::from(&**text)
        }
        Value::Bytes(bytes) => {
            budget.spend_bytes(bytes.len() * 2)?;
            Json::from(STANDARD.encode(&**bytes))
        }
        Value::Timestamp(timestamp) => Json::from(timestamp.format()),
        Value::Duration(nanoseconds) => Json::from(convert::duration_text(*nanoseconds)),
        Value::Type(name) => Json::from(*name),
        Value::Optional(Some(value)) => at_depth(budget, value, depth + 1)?,
        Value::List(list) => {
            let elements = list.iter();
            let elements = elements.map(|value| at_depth(budget, &value, depth + 1));
            elements.collect::<Result<_, _>>()?
        }
        Value::Map(map) => {
            budget.spend(map.len())?;
            let mut object = Object::new();
            for (key, value) in map.entries() {
                let key = match at_depth(budget, &key, depth + 1)? {
                    Json::String(text) => text,
                    other => other.to_string(),
                };
                object.insert(key, at_depth(budget, &value, depth + 1)?);
            }
            Json::Object(object)
        }
    })
}
