//! From tree to plan.

use super::{Element, Entry, Fold, Mode, OptionalMap, Plan, Qualify, Step, Variable};
use crate::ast::{self, Call, Kind, Node};
use crate::budget::Budget;
use crate::check::{qualified_function, qualified_type};
use crate::environment::Environment;
use crate::evaluate::Evaluation;
use crate::function::{Dispatch, Function};
use crate::static_type::StaticType;
use crate::value::Constant;

/// Plans a tree that was checked against an environment, or was not checked at all. The error is cel-go's text.
pub(crate) fn build(environment: Option<&Environment>, root: &Node) -> Result<Plan, String> {
    Builder {
        environment,
        scopes: Vec::new(),
        budget: Budget::new(),
    }
    .node(root, None)
}

struct Builder<'a> {
    environment: Option<&'a Environment>,
    scopes: Vec<&'a str>,
    /// What the patterns of the expression may cost together.
    budget: Budget,
}

/// The fields that are asked of what is planned, from the inside.
#[derive(Clone, Copy)]
struct Fields<'f> {
    name: &'f str,
    next: Option<&'f Fields<'f>>,
}

type Asked<'f> = Option<&'f Fields<'f>>;
type Built = Result<Plan, String>;

impl<'a> Builder<'a> {
    fn node(&mut self, node: &'a Node, asked: Asked<'_>) -> Built {
        Ok(match &node.kind {
            Kind::Literal(constant) => Plan::Constant(constant.clone()),
            Kind::Identifier(name) => self.identifier(name, asked),
            Kind::Select(select) => {
                let is_local = |name: &str| self.scopes.contains(&name);
                // Of a type that nobody declared nothing can be asked.
                let whole = self.environment.is_some() || asked.is_none();
                if !select.test
                    && whole
                    && let Some((_, name)) = qualified_type(node, is_local)
                {
                    return Ok(Plan::Constant(Constant::Type(name)));
                }
                let mode = if select.test {
                    Mode::Test
                } else {
                    Mode::Required
                };
                let key = Constant::String(select.field.as_str().into());
                let fields = Fields {
                    name: &select.field,
                    next: asked,
                };
                let operand = self.node(&select.operand, Some(&fields))?;
                qualify(operand, Plan::Constant(key), mode)?
            }
            Kind::Optional(optional) => {
                self.qualify(&optional.operand, &optional.key, Mode::Optional, asked)?
            }
            Kind::Call(call) => self.call(call, asked)?,
            Kind::List(elements) => {
                let mut planned = Vec::with_capacity(elements.len());
                for element in elements {
                    planned.push(Element {
                        value: self.node(&element.value, None)?,
                        optional: element.optional,
                    });
                }
                Plan::List(planned)
            }
            Kind::Map(entries) => {
                let mut planned = Vec::with_capacity(entries.len());
                for entry in entries {
                    planned.push(Entry {
                        key: self.node(&entry.key, None)?,
                        value: self.node(&entry.value, None)?,
                        optional: entry.optional,
                    });
                }
                Plan::Map(planned)
            }
            Kind::Message(name) => return Err(format!("unknown type: {name}")),
            Kind::Fold(fold) => self.fold(fold)?,
            Kind::OptionalMap(map) => {
                let target = self.node(&map.target, None)?;
                self.scopes.push(&map.variable);
                let body = self.node(&map.body, None)?;
                self.scopes.pop();
                Plan::OptionalMap(Box::new(OptionalMap {
                    target,
                    body,
                    flat: map.flat,
                }))
            }
        })
    }

    fn identifier(&self, name: &str, asked: Asked<'_>) -> Plan {
        let bare = name.strip_prefix('.').unwrap_or(name);
        if bare == name
            && let Some(local) = self.scopes.iter().rposition(|local| *local == name)
        {
            return Plan::Local(local);
        }
        let named = StaticType::named(bare).map(|(_, name)| name);
        let mut missing = bare.to_owned();
        let mut type_name = None;
        if let Some(environment) = self.environment {
            if let (false, Some(name)) = (environment.declares(bare), named) {
                return Plan::Constant(Constant::Type(name));
            }
        } else {
            // Without declarations a name with fields could be one variable with dots in it.
            let mut fields = asked;
            while let Some(field) = fields {
                missing.push('.');
                missing.push_str(field.name);
                fields = field.next;
            }
            type_name = named;
        }
        Plan::Variable(Variable {
            name: bare.into(),
            type_name,
            missing: missing.into(),
        })
    }

    /// `operand[key]` and its relatives.
    fn qualify(&mut self, operand: &'a Node, key: &'a Node, mode: Mode, asked: Asked<'_>) -> Built {
        let mut operand = match &key.kind {
            Kind::Literal(Constant::String(name)) => {
                let fields = Fields { name, next: asked };
                self.node(operand, Some(&fields))?
            }
            _ => self.node(operand, None)?,
        };
        let mut key = self.node(key, None)?;
        // Without declarations a key that is missing counts as the whole attribute missing.
        if self.environment.is_none()
            && let (Some(operand), Some(key)) = (root(&mut operand), root(&mut key))
        {
            key.missing.clone_from(&operand.missing);
        }
        qualify(operand, key, mode)
    }

    fn call(&mut self, call: &'a Call, asked: Asked<'_>) -> Built {
        let name = call.function.strip_prefix('.').unwrap_or(&call.function);
        match (name, &call.target, call.arguments.as_slice()) {
            ("_[_]", None, [operand, key]) => {
                return self.qualify(operand, key, Mode::Required, asked);
            }
            ("_?_:_", None, [condition, yes, no]) => {
                return Ok(Plan::Conditional(Box::new([
                    self.node(condition, None)?,
                    self.node(yes, asked)?,
                    self.node(no, asked)?,
                ])));
            }
            _ => {}
        }
        let qualified = call
            .target
            .as_deref()
            .and_then(|target| qualified_function(target, name));
        let target = call.target.as_deref().filter(|_| qualified.is_none());
        let mut arguments = Vec::new();
        for argument in target.into_iter().chain(&call.arguments) {
            arguments.push(self.node(argument, None)?);
        }
        match qualified.or_else(|| Function::find(name)) {
            Some(function) => plan_call(&mut self.budget, function, arguments),
            None => unknown(name, arguments),
        }
    }

    fn fold(&mut self, fold: &'a ast::Fold) -> Built {
        let range = self.node(&fold.range, None)?;
        self.scopes.push(&fold.variable);
        let step = match &fold.step {
            ast::Step::All(predicate) => Step::All(self.node(predicate, None)?),
            ast::Step::Exists(predicate) => Step::Exists(self.node(predicate, None)?),
            ast::Step::ExistsOne(predicate) => Step::ExistsOne(self.node(predicate, None)?),
            ast::Step::Filter(predicate) => Step::Collect {
                predicate: Some(self.node(predicate, None)?),
                result: None,
            },
            ast::Step::Map { predicate, result } => Step::Collect {
                predicate: match predicate {
                    Some(predicate) => Some(self.node(predicate, None)?),
                    None => None,
                },
                result: Some(self.node(result, None)?),
            },
        };
        self.scopes.pop();
        Ok(Plan::Fold(Box::new(Fold { range, step })))
    }
}

fn qualify(mut operand: Plan, key: Plan, mode: Mode) -> Built {
    take_for_variables(&mut operand);
    let bad = match &key {
        Plan::Constant(
            Constant::String(_)
            | Constant::Int(_)
            | Constant::Uint(_)
            | Constant::Double(_)
            | Constant::Bool(_),
        ) => None,
        Plan::Constant(Constant::Null) => Some("types.Null"),
        Plan::Constant(constant) => Some(constant.value().go_type()),
        _ if is_constant(&key) => fold(&key),
        _ => None,
    };
    match bad {
        Some(bad) => Err(format!("invalid qualifier type: {bad}")),
        None => Ok(Plan::Qualify(Box::new(Qualify { operand, key, mode }))),
    }
}

fn plan_call(budget: &mut Budget, function: &'static Function, arguments: Vec<Plan>) -> Built {
    if let Dispatch::Exactly(wanted) = function.dispatch
        && wanted != arguments.len()
    {
        let shape = match arguments.len() {
            0 => "",
            1 => "arg",
            2 => "lhs, rhs",
            _ => "...",
        };
        return Err(format!("no such overload: {}({shape})", function.name));
    }
    if function.dispatch == Dispatch::Planned {
        return planned(function, arguments);
    }
    match (function.name, arguments.as_slice()) {
        ("matches", [_, Plan::Constant(Constant::String(pattern))]) => {
            let pattern = budget
                .compile(pattern)
                .map_err(|failure| failure.to_string())?;
            let pattern = Box::new(pattern);
            let text = arguments.into_iter().next().map(Box::new);
            text.map(|text| Plan::Matches { text, pattern })
                .ok_or_else(|| "no such overload: matches()".to_owned())
        }
        (_, [argument]) if function.is_conversion() && is_constant(argument) => {
            let mut call = Plan::Call {
                function,
                arguments,
            };
            let constant = Evaluation::of_constant(&call, &mut Budget::new())
                .map(|value| Constant::keep(&value))
                .map_err(|failure| failure.to_string())?;
            Ok(match (constant, &mut call) {
                (Some(constant), _) => Plan::Constant(constant),
                // A list or map is what it was: only `dyn` takes one and gives it back.
                (None, Plan::Call { arguments, .. }) => arguments.pop().unwrap_or(call),
                (None, _) => call,
            })
        }
        _ => Ok(Plan::Call {
            function,
            arguments,
        }),
    }
}

/// A function that has a node of its own.
fn planned(function: &'static Function, arguments: Vec<Plan>) -> Built {
    let operands = match <[Plan; 2]>::try_from(arguments) {
        Ok(operands) => Box::new(operands),
        Err(arguments) => return unknown(function.name, arguments),
    };
    Ok(match function.name {
        "_&&_" => Plan::And(operands),
        "_||_" => Plan::Or(operands),
        "_==_" => Plan::Equal {
            operands,
            negated: false,
        },
        "_!=_" => Plan::Equal {
            operands,
            negated: true,
        },
        "or" => Plan::OptionalOr {
            operands,
            unwrap: false,
        },
        "orValue" => Plan::OptionalOr {
            operands,
            unwrap: true,
        },
        name => return unknown(name, Vec::from(*operands)),
    })
}

fn unknown(name: &str, arguments: Vec<Plan>) -> Built {
    if arguments.is_empty() {
        return Err(format!("no such overload: {name}()"));
    }
    Ok(Plan::Unknown {
        name: name.into(),
        arguments,
    })
}

/// Whether a plan has neither variables nor calls.
fn is_constant(plan: &Plan) -> bool {
    match plan {
        Plan::Constant(_) => true,
        Plan::List(elements) => elements.iter().all(|element| is_constant(&element.value)),
        Plan::Map(entries) => entries
            .iter()
            .all(|entry| is_constant(&entry.key) && is_constant(&entry.value)),
        _ => false,
    }
}

/// A type has no fields: what a name is asked of is a variable.
fn take_for_variables(plan: &mut Plan) {
    match plan {
        Plan::Variable(variable) => variable.type_name = None,
        Plan::Qualify(qualify) => take_for_variables(&mut qualify.operand),
        Plan::Conditional(parts) => {
            let [_, yes, no] = &mut **parts;
            take_for_variables(yes);
            take_for_variables(no);
        }
        _ => {}
    }
}

/// The type that upstream's folding makes of a list or map of constants: an element with `?` is no optional, so that the
/// whole is an error.
fn fold(plan: &Plan) -> Option<&'static str> {
    let fails = |optional: bool, value: &Plan| optional || fold(value) == Some("*types.Err");
    let (failed, name) = match plan {
        Plan::List(elements) => (
            elements
                .iter()
                .any(|element| fails(element.optional, &element.value)),
            "*types.baseList",
        ),
        Plan::Map(entries) => (
            entries
                .iter()
                .any(|entry| fails(entry.optional, &entry.value) || fails(false, &entry.key)),
            "*types.baseMap",
        ),
        _ => return None,
    };
    Some(if failed { "*types.Err" } else { name })
}

/// The variable that a chain of fields starts from.
fn root(plan: &mut Plan) -> Option<&mut Variable> {
    match plan {
        Plan::Variable(variable) => Some(variable),
        Plan::Qualify(qualify) => root(&mut qualify.operand),
        _ => None,
    }
}
