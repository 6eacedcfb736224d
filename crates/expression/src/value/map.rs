//! Maps: objects of a variable, or made.
//!
//! Keys find each other across numeric types as in cel-go: a whole double finds an int or uint, an int a uint
//! and a uint an int, but nothing finds a double key except the same double.
//! Source: cel-go `common/types/map.go` (0.27).

use std::rc::Rc;

use serde_json::{Map as Object, Value as Json};

use super::{Text, Value};
use crate::budget::Budget;
use crate::environment::Numbers;
use crate::failure::Failure;
use crate::number;

#[derive(Clone, Debug)]
pub(crate) struct Map<'a>(Kind<'a>);

#[derive(Clone, Debug)]
enum Kind<'a> {
    Json(&'a Object<String, Json>, Numbers),
    /// In the order of the source. A literal's size is bounded by that of its source, so a search is
    /// cheap enough.
    Made(Rc<Vec<(Value<'a>, Value<'a>)>>),
}

impl<'a> Map<'a> {
    pub(crate) fn of_json(fields: &'a Object<String, Json>, numbers: Numbers) -> Self {
        Self(Kind::Json(fields, numbers))
    }

    /// A map of `entries`, whose keys differ.
    pub(crate) fn new(entries: Vec<(Value<'a>, Value<'a>)>) -> Self {
        Self(Kind::Made(Rc::new(entries)))
    }

    /// Whether it is a part of a variable.
    pub(crate) const fn is_json(&self) -> bool {
        matches!(self.0, Kind::Json(..))
    }

    pub(crate) fn len(&self) -> usize {
        match &self.0 {
            Kind::Json(fields, _) => fields.len(),
            Kind::Made(entries) => entries.len(),
        }
    }

    /// Takes what a search for `key` costs: it is compared with some of the keys, or with all.
    pub(crate) fn spend_search(&self, budget: &mut Budget, key: &Value<'_>) -> Result<(), Failure> {
        let bytes = match key {
            Value::String(text) => text.len(),
            Value::Bytes(bytes) => bytes.len(),
            _ => 0,
        };
        match &self.0 {
            Kind::Json(..) => budget.spend(1)?,
            Kind::Made(entries) => {
                budget.spend(1 + entries.len() / 8)?;
                budget.spend_bytes(bytes.saturating_mul(entries.len()))?;
            }
        }
        budget.spend_bytes(bytes)
    }

    pub(crate) fn get(&self, key: &Value<'_>) -> Option<Value<'a>> {
        match &self.0 {
            Kind::Json(fields, numbers) => match key {
                Value::String(name) => fields
                    .get(&**name)
                    .map(|field| Value::of_json(field, *numbers)),
                _ => None,
            },
            Kind::Made(entries) => exact(entries, key).or_else(|| match *key {
                Value::Double(double) => number::whole_int(double)
                    .and_then(|int| exact(entries, &Value::Int(int)))
                    .or_else(|| exact(entries, &Value::Uint(number::whole_uint(double)?))),
                Value::Int(int) => exact(entries, &Value::Uint(int.try_into().ok()?)),
                Value::Uint(uint) => exact(entries, &Value::Int(uint.try_into().ok()?)),
                _ => None,
            }),
        }
    }

    pub(crate) fn entries(&self) -> Vec<(Value<'a>, Value<'a>)> {
        self.first_entries(usize::MAX)
    }

    /// At most `most` entries.
    pub(crate) fn first_entries(&self, most: usize) -> Vec<(Value<'a>, Value<'a>)> {
        match &self.0 {
            Kind::Json(fields, numbers) => fields
                .iter()
                .take(most)
                .map(|(name, field)| {
                    let name = Value::String(Text::Borrowed(name));
                    (name, Value::of_json(field, *numbers))
                })
                .collect(),
            Kind::Made(entries) => entries.iter().take(most).cloned().collect(),
        }
    }

    pub(crate) fn keys(&self) -> Vec<Value<'a>> {
        match &self.0 {
            Kind::Json(fields, _) => fields
                .keys()
                .map(|name| Value::String(Text::Borrowed(name)))
                .collect(),
            Kind::Made(entries) => entries.iter().map(|(key, _)| key.clone()).collect(),
        }
    }
}

/// Whether two keys are one entry.
pub(super) fn same_key(left: &Value<'_>, right: &Value<'_>) -> bool {
    match (left, right) {
        (Value::Null, Value::Null) => true,
        (Value::Bool(left), Value::Bool(right)) => left == right,
        (Value::Int(left), Value::Int(right)) | (Value::Duration(left), Value::Duration(right)) => {
            left == right
        }
        (Value::Uint(left), Value::Uint(right)) => left == right,
        #[expect(clippy::float_cmp, reason = "a key is found by the same number only")]
        (Value::Double(left), Value::Double(right)) => left == right,
        (Value::String(left), Value::String(right)) => **left == **right,
        (Value::Bytes(left), Value::Bytes(right)) => **left == **right,
        (Value::Timestamp(left), Value::Timestamp(right)) => left == right,
        (Value::Type(left), Value::Type(right)) => left == right,
        _ => false,
    }
}

/// Adds an entry, replaces the value of one, or takes one away.
pub(crate) fn insert<'a>(
    entries: &mut Vec<(Value<'a>, Value<'a>)>,
    key: Value<'a>,
    value: Option<Value<'a>>,
) {
    let place = entries.iter().position(|(other, _)| same_key(other, &key));
    match (place, value) {
        (Some(place), Some(value)) => {
            if let Some((_, old)) = entries.get_mut(place) {
                *old = value;
            }
        }
        (Some(place), None) => {
            entries.remove(place);
        }
        (None, Some(value)) => entries.push((key, value)),
        (None, None) => {}
    }
}

fn exact<'a>(entries: &[(Value<'a>, Value<'a>)], key: &Value<'_>) -> Option<Value<'a>> {
    entries
        .iter()
        .find(|(other, _)| same_key(other, key))
        .map(|(_, value)| value.clone())
}
