//! Running a plan.
//!
//! The recursion follows the plan, which is as deep as its tree at most; each step is paid from the budget.
//! Source: cel-go `interpreter/interpretable.go`, `interpreter/attributes.go` (0.27).

mod fold;
mod qualify;

use crate::budget::Budget;
use crate::environment::Numbers;
use crate::expression::Variables;
use crate::failure::Failure;
use crate::function::{lacks, search};
use crate::plan::{Element, Entry, OptionalMap, Plan, Variable};
use crate::value::{Value, equal, insert, show};

pub(crate) type Outcome<'a> = Result<Value<'a>, Failure>;

pub(crate) struct Evaluation<'a, 'b> {
    variables: &'a dyn Variables,
    numbers: Numbers,
    budget: &'b mut Budget,
    /// The variables of the macros around, outermost first.
    locals: Vec<Value<'a>>,
}

impl<'a, 'b> Evaluation<'a, 'b> {
    /// Runs a plan.
    pub(crate) fn run(
        plan: &'a Plan,
        variables: &'a dyn Variables,
        numbers: Numbers,
        budget: &'b mut Budget,
    ) -> Outcome<'a> {
        Self {
            variables,
            numbers,
            budget,
            locals: Vec::new(),
        }
        .plan(plan)
    }

    /// Runs a plan that has no variables.
    pub(crate) fn of_constant(plan: &'a Plan, budget: &'b mut Budget) -> Outcome<'a> {
        Self::run(plan, &[], Numbers::default(), budget)
    }

    fn plan(&mut self, plan: &'a Plan) -> Outcome<'a> {
        self.budget.spend(1)?;
        match plan {
            Plan::Constant(constant) => Ok(constant.value()),
            Plan::Variable(variable) => self.variable(variable),
            Plan::Local(index) => self.locals.get(*index).cloned().ok_or(Failure::Unmatched),
            Plan::Qualify(_) => self.qualified(plan),
            Plan::Conditional(parts) => self.conditional(parts),
            Plan::And(operands) => self.connective(operands, false),
            Plan::Or(operands) => self.connective(operands, true),
            Plan::Equal { operands, negated } => self.equality(operands, *negated),
            Plan::Call {
                function,
                arguments,
            } => {
                let arguments = self.arguments(arguments)?;
                function.call(self.budget, &arguments)
            }
            Plan::Unknown { name, arguments } => self.unknown(name, arguments),
            Plan::Matches { text, pattern } => match self.plan(text)? {
                Value::String(text) => search(self.budget, pattern, &text),
                // In cel-go a type goes by its name here.
                Value::Type(name) => search(self.budget, pattern, name),
                _ => Err(Failure::no_overload()),
            },
            Plan::List(elements) => self.list(elements),
            Plan::Map(entries) => self.map(entries),
            Plan::Fold(fold) => self.fold(fold),
            Plan::OptionalMap(map) => self.optional_map(map),
            Plan::OptionalOr { operands, unwrap } => self.optional_or(operands, *unwrap),
        }
    }

    fn variable(&self, variable: &'a Variable) -> Outcome<'a> {
        if let Some(json) = self.variables.get(&variable.name) {
            return Ok(Value::of_json(json, self.numbers));
        }
        variable
            .type_name
            .map(Value::Type)
            .ok_or_else(|| Failure::text(format!("no such attribute(s): {}", variable.missing)))
    }

    fn arguments(&mut self, plans: &'a [Plan]) -> Result<Vec<Value<'a>>, Failure> {
        plans.iter().map(|plan| self.plan(plan)).collect()
    }

    fn conditional(&mut self, [condition, yes, no]: &'a [Plan; 3]) -> Outcome<'a> {
        match self.plan(condition)? {
            Value::Bool(true) => self.plan(yes),
            Value::Bool(false) => self.plan(no),
            _ => Err(Failure::no_overload()),
        }
    }

    /// `&&` and `||`: `decisive` on either side settles it, whatever is wrong with the other.
    fn connective(&mut self, [left, right]: &'a [Plan; 2], decisive: bool) -> Outcome<'a> {
        let left = truth(self.plan(left))?;
        if matches!(left, Ok(left) if left == decisive) {
            return Ok(Value::Bool(decisive));
        }
        let right = truth(self.plan(right))?;
        join(left, right, decisive).map(Value::Bool)
    }

    fn equality(&mut self, [left, right]: &'a [Plan; 2], negated: bool) -> Outcome<'a> {
        let left = self.plan(left)?;
        let right = self.plan(right)?;
        equal(self.budget, &left, &right).map(|equal| Value::Bool(equal != negated))
    }

    fn unknown(&mut self, name: &str, arguments: &'a [Plan]) -> Outcome<'a> {
        let arguments = self.arguments(arguments)?;
        Err(arguments
            .first()
            .map_or(Failure::Unmatched, |first| lacks(first, name)))
    }

    fn list(&mut self, elements: &'a [Element]) -> Outcome<'a> {
        let mut values = Vec::with_capacity(elements.len());
        for element in elements {
            let value = self.plan(&element.value)?;
            match (element.optional, value) {
                (false, value) => values.push(value),
                (true, Value::Optional(None)) => {}
                (true, Value::Optional(Some(value))) => values.push((*value).clone()),
                (true, other) => {
                    return Err(Failure::text(format!(
                        "cannot initialize optional list element from non-optional value {}",
                        show(&other)
                    )));
                }
            }
        }
        Ok(Value::list(values))
    }

    fn map(&mut self, entries: &'a [Entry]) -> Outcome<'a> {
        let mut made = Vec::with_capacity(entries.len());
        for entry in entries {
            let key = self.plan(&entry.key)?;
            let value = self.plan(&entry.value)?;
            self.budget.spend(made.len() / 8)?;
            if let Value::String(text) = &key {
                self.budget
                    .spend_bytes(text.len().saturating_mul(made.len()))?;
            }
            match (entry.optional, value) {
                (false, value) => insert(&mut made, key, Some(value)),
                (true, Value::Optional(value)) => {
                    insert(&mut made, key, value.map(|value| (*value).clone()));
                }
                (true, other) => {
                    return Err(Failure::text(format!(
                        "cannot initialize optional entry '{}' from non-optional value {}",
                        show(&key),
                        show(&other)
                    )));
                }
            }
        }
        Ok(Value::Map(crate::value::Map::new(made)))
    }

    fn optional_map(&mut self, map: &'a OptionalMap) -> Outcome<'a> {
        let value = match self.plan(&map.target)? {
            Value::Optional(None) => return Ok(Value::Optional(None)),
            Value::Optional(Some(value)) => (*value).clone(),
            other => {
                return Err(Failure::text(format!(
                    "no such overload: hasValue({})",
                    other.type_name()
                )));
            }
        };
        self.locals.push(value);
        let body = self.plan(&map.body);
        self.locals.pop();
        Ok(if map.flat { body? } else { Value::some(body?) })
    }

    /// What is no optional is taken as it is, as in cel-go.
    fn optional_or(&mut self, [left, right]: &'a [Plan; 2], unwrap: bool) -> Outcome<'a> {
        match self.plan(left)? {
            Value::Optional(None) => self.plan(right),
            Value::Optional(Some(value)) if unwrap => Ok((*value).clone()),
            other => Ok(other),
        }
    }
}

/// A condition, or what is wrong with it; what ends the evaluation is not absorbed.
fn truth(outcome: Outcome<'_>) -> Result<Result<bool, Failure>, Failure> {
    match outcome {
        Ok(Value::Bool(truth)) => Ok(Ok(truth)),
        Ok(_) => Ok(Err(Failure::no_overload())),
        Err(failure) if failure.is_final() => Err(failure),
        Err(failure) => Ok(Err(failure)),
    }
}

/// Two conditions of which the first did not settle it.
fn join(
    left: Result<bool, Failure>,
    right: Result<bool, Failure>,
    decisive: bool,
) -> Result<bool, Failure> {
    match (left, right) {
        (Ok(truth), _) | (_, Ok(truth)) if truth == decisive => Ok(decisive),
        (Err(failure), _) | (Ok(_), Err(failure)) => Err(failure),
        (Ok(_), Ok(_)) => Ok(!decisive),
    }
}
