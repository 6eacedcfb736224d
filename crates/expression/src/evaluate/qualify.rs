//! Fields, elements and entries.
//!
//! A chain of them is one attribute: once a link is optional, or what it starts from is, the rest is, too, and the
//! result is an optional.
//! Source: cel-go `interpreter/attributes.go` (0.27).

use super::{Evaluation, Outcome};
use crate::failure::Failure;
use crate::number;
use crate::plan::{Mode, Plan, Qualify};
use crate::value::{List, Value, show};

/// How far a chain has come.
struct Link<'a> {
    value: Value<'a>,
    optional: bool,
}

impl<'a> Evaluation<'a, '_> {
    pub(super) fn qualified(&mut self, plan: &'a Plan) -> Outcome<'a> {
        let test = matches!(plan, Plan::Qualify(qualify) if qualify.mode == Mode::Test);
        let link = self.link(plan)?;
        Ok(match link {
            None if test => Value::Bool(false),
            None => Value::Optional(None),
            Some(_) if test => Value::Bool(true),
            Some(link) if link.optional => Value::some(link.value),
            Some(link) => link.value,
        })
    }

    /// The value of a link; nothing if it is absent and may be.
    fn link(&mut self, plan: &'a Plan) -> Result<Option<Link<'a>>, Failure> {
        let Plan::Qualify(qualify) = plan else {
            return Ok(match self.plan(plan)? {
                Value::Optional(None) => None,
                Value::Optional(Some(value)) => Some(Link {
                    value: (*value).clone(),
                    optional: true,
                }),
                value => Some(Link {
                    value,
                    optional: false,
                }),
            });
        };
        let Qualify { operand, key, mode } = &**qualify;
        self.budget.spend(1)?;
        // A test within a chain is a value of its own.
        let operand = match operand {
            Plan::Qualify(inner) if inner.mode == Mode::Test => {
                let value = self.plan(operand)?;
                Some(Link {
                    value,
                    optional: false,
                })
            }
            operand => self.link(operand)?,
        };
        let Some(Link { value, optional }) = operand else {
            return Ok(None);
        };
        let key = self.plan(key)?;
        let optional = optional || *mode == Mode::Optional;
        if let Value::Map(map) = &value {
            map.spend_search(self.budget, &key)?;
        }
        match part(&value, &key)? {
            Some(value) => Ok(Some(Link { value, optional })),
            None if optional || *mode == Mode::Test => Ok(None),
            None => Err(missing(&value, &key)),
        }
    }
}

/// The part of a value; nothing if there is none.
fn part<'a>(value: &Value<'a>, key: &Value<'_>) -> Result<Option<Value<'a>>, Failure> {
    if !matches!(
        key,
        Value::String(_) | Value::Int(_) | Value::Uint(_) | Value::Double(_) | Value::Bool(_)
    ) {
        let message = format!("invalid qualifier type: {}", key.go_type());
        return Err(Failure::text(message));
    }
    match value {
        Value::Map(map) => Ok(map.get(key)),
        Value::List(list) => element(list, key),
        _ => Ok(None),
    }
}

fn element<'a>(list: &List<'a>, key: &Value<'_>) -> Result<Option<Value<'a>>, Failure> {
    let index = match key {
        Value::Int(int) => Some(*int),
        Value::Uint(uint) => i64::try_from(*uint).ok(),
        Value::Double(double) => number::whole_int(*double),
        other => {
            let message = format!("unsupported index type '{}' in list", other.type_name());
            return Err(Failure::text(message));
        }
    };
    let index = index
        .ok_or_else(|| Failure::text(format!("unsupported index value {} in list", show(key))))?;
    Ok(usize::try_from(index)
        .ok()
        .and_then(|index| list.get(index)))
}

fn missing(value: &Value<'_>, key: &Value<'_>) -> Failure {
    let key = show(key);
    Failure::text(match value {
        Value::List(_) => format!("index out of bounds: {key}"),
        _ => format!("no such key: {key}"),
    })
}
