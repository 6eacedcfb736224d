//! The macros that go through a list, or the keys of a map.
//!
//! cel-go expands them to a loop over an accumulator that may hold an error: quantifiers absorb errors as the
//! connectives do, and a collection goes on after an error, whose last one is told.
//! Source: cel-go `parser/macro.go`, `interpreter/interpretable.go` (0.27).

use super::{Evaluation, Outcome, join, truth};
use crate::failure::Failure;
use crate::plan::{Fold, Plan, Step};
use crate::value::Value;

impl<'a> Evaluation<'a, '_> {
    pub(super) fn fold(&mut self, fold: &'a Fold) -> Outcome<'a> {
        let elements = match self.plan(&fold.range)? {
            Value::List(list) => {
                self.budget.spend(list.len())?;
                list.iter().collect()
            }
            Value::Map(map) => {
                self.budget.spend(map.len())?;
                map.keys()
            }
            other => return Err(not_iterable(&other)),
        };
        match &fold.step {
            Step::All(predicate) => self.quantify(elements, predicate, false),
            Step::Exists(predicate) => self.quantify(elements, predicate, true),
            Step::ExistsOne(predicate) => self.exists_one(elements, predicate),
            Step::Collect { predicate, result } => {
                self.collect(elements, predicate.as_ref(), result.as_ref())
            }
        }
    }

    /// `all` looks for a false, `exists` for a true.
    fn quantify(
        &mut self,
        elements: Vec<Value<'a>>,
        predicate: &'a Plan,
        decisive: bool,
    ) -> Outcome<'a> {
        let mut so_far = Ok(!decisive);
        for element in elements {
            let found = truth(self.with(element, predicate))?;
            so_far = join(so_far, found, decisive);
            if matches!(so_far, Ok(truth) if truth == decisive) {
                break;
            }
        }
        so_far.map(Value::Bool)
    }

    fn exists_one(&mut self, elements: Vec<Value<'a>>, predicate: &'a Plan) -> Outcome<'a> {
        let mut count = Ok(0);
        for element in elements {
            match truth(self.with(element, predicate))? {
                Ok(true) => count = count.map(|count: usize| count + 1),
                Ok(false) => {}
                Err(failure) => count = Err(failure),
            }
        }
        count.map(|count| Value::Bool(count == 1))
    }

    fn collect(
        &mut self,
        elements: Vec<Value<'a>>,
        predicate: Option<&'a Plan>,
        result: Option<&'a Plan>,
    ) -> Outcome<'a> {
        let mut collected = Ok(Vec::new());
        for element in elements {
            let taken = match predicate {
                None => Ok(true),
                Some(predicate) => truth(self.with(element.clone(), predicate))?,
            };
            match taken {
                Ok(true) => {}
                Ok(false) => continue,
                Err(failure) => {
                    collected = Err(failure);
                    continue;
                }
            }
            let value = match result {
                None => Ok(element),
                Some(result) => self.with(element, result),
            };
            match (&mut collected, value) {
                (_, Err(failure)) if failure.is_final() => return Err(failure),
                (Ok(values), Ok(value)) => values.push(value),
                (Ok(_), Err(failure)) => collected = Err(failure),
                (Err(_), _) => {}
            }
        }
        collected.map(Value::list)
    }

    /// Runs a plan in which a macro's variable is `element`.
    fn with(&mut self, element: Value<'a>, plan: &'a Plan) -> Outcome<'a> {
        self.locals.push(element);
        let outcome = self.plan(plan);
        self.locals.pop();
        outcome
    }
}

/// cel-go names the type of its own implementation.
fn not_iterable(value: &Value<'_>) -> Failure {
    let name = match value {
        Value::Null => "types.Null",
        other => other.go_type(),
    };
    Failure::text(format!("got '{name}', expected iterable type"))
}
