//! The static types of a tree, and what is wrong with them.
//!
//! Variables are maps with fields of no known type, so most of an expression is dynamic; what is not must fit. The
//! overloads and their order, inference and words are cel-go's, because a name that is not declared, or a filter that is
//! not boolean, is told to the user before anything runs.
//! Source: cel-go `checker/checker.go` (0.27).

mod inference;
mod validate;

use std::collections::HashMap;

use crate::ast::{Call, Element, Entry, Fold, Kind, Node, Optional, OptionalMap, Select, Step};
use crate::environment::Environment;
use crate::function::Function;
use crate::issue::{Issue, Issues, Place};
use crate::static_type::StaticType;
use crate::value::Constant;
use inference::Inference;

/// The most types that a type may be made of. Without a limit, a chain of macros doubles it at each step.
const MAX_TYPE_SIZE: usize = 2_000;

/// Finds the type of an expression.
pub(crate) fn check(
    environment: &Environment,
    source: &str,
    root: &Node,
) -> Result<StaticType, Issues> {
    let mut checker = Checker {
        environment,
        scopes: Vec::new(),
        inference: Inference::default(),
        types: HashMap::new(),
        problems: Vec::new(),
    };
    let found = checker.node(root);
    let found = checker.inference.resolve(&found, true);
    if checker.problems.is_empty() {
        let types = checker.types;
        let inference = checker.inference;
        checker.problems = validate::validate(root, &|node| {
            let known = types.get(&std::ptr::from_ref(node));
            known.map_or(StaticType::Dyn, |known| inference.resolve(known, true))
        });
    }
    if checker.problems.is_empty() {
        return Ok(found);
    }
    let issues = checker.problems.into_iter();
    let issues = issues.map(|Problem { position, message }| Issue {
        place: Some(Place::of(source, position)),
        message,
    });
    Err(Issues::new(source, issues.collect()))
}

/// Something that is wrong, and at which character.
#[derive(Clone, Debug)]
struct Problem {
    position: usize,
    message: String,
}

struct Checker<'a> {
    environment: &'a Environment,
    /// The variables of the macros around, innermost last.
    scopes: Vec<(&'a str, StaticType)>,
    inference: Inference,
    /// The type of each node, by its address: the tree stays where it is.
    types: HashMap<*const Node, StaticType>,
    problems: Vec<Problem>,
}

impl<'a> Checker<'a> {
    fn node(&mut self, node: &'a Node) -> StaticType {
        let found = match &node.kind {
            Kind::Literal(constant) => type_of(constant),
            Kind::Identifier(name) => self.identifier(node, name),
            Kind::Select(select) => self.select(node, select),
            Kind::Optional(optional) => self.optional(node, optional),
            Kind::Call(call) => self.call(node, call),
            Kind::List(elements) => self.list(elements),
            Kind::Map(entries) => self.map(entries),
            Kind::Message(name) => self.undeclared(node.position, name),
            Kind::Fold(fold) => self.fold(node, fold),
            Kind::OptionalMap(map) => self.optional_map(node, map),
        };
        let found = if self.inference.size(&found, MAX_TYPE_SIZE) < MAX_TYPE_SIZE {
            found
        } else {
            self.report(
                node.position,
                "type of the expression is too large".to_owned(),
            );
            StaticType::Error
        };
        self.types.insert(std::ptr::from_ref(node), found.clone());
        found
    }

    fn identifier(&mut self, node: &Node, name: &str) -> StaticType {
        let global = name.strip_prefix('.');
        if global.is_none()
            && let Some((_, local)) = self.scopes.iter().rfind(|(local, _)| *local == name)
        {
            return local.clone();
        }
        let bare = global.unwrap_or(name);
        if self.environment.declares(bare) {
            return StaticType::map(StaticType::String, StaticType::Dyn);
        }
        match StaticType::named(bare) {
            Some((named, _)) => StaticType::of_type(named),
            None => self.undeclared(node.position, name),
        }
    }

    fn select(&mut self, node: &'a Node, select: &'a Select) -> StaticType {
        if !select.test
            && let Some((named, _)) = qualified_type(node, |name| self.is_local(name))
        {
            return StaticType::of_type(named);
        }
        let found = self.field(node.position, &select.operand, false);
        if select.test { StaticType::Bool } else { found }
    }

    fn is_local(&self, name: &str) -> bool {
        self.scopes.iter().any(|(local, _)| *local == name)
    }

    fn optional(&mut self, node: &'a Node, optional: &'a Optional) -> StaticType {
        if optional.field {
            return self.field(node.position, &optional.operand, true);
        }
        let arguments = [self.node(&optional.operand), self.node(&optional.key)];
        self.resolve(node.position, "_[?_]", false, &arguments)
    }

    /// The type of a field of `operand`.
    fn field(&mut self, position: usize, operand: &'a Node, optional: bool) -> StaticType {
        let operand = self.node(operand);
        let operand = self.inference.resolve(&operand, false);
        let (target, unwrapped) = match &operand {
            StaticType::Optional(value) => ((**value).clone(), true),
            other => (other.clone(), false),
        };
        let found = match &target {
            StaticType::Map(_, value) => (**value).clone(),
            StaticType::Variable(_) => {
                self.inference.assign(&StaticType::Dyn, &target);
                StaticType::Dyn
            }
            other => {
                if !other.is_open() {
                    let message = format!("type '{other}' does not support field selection");
                    self.report(position, message);
                }
                StaticType::Dyn
            }
        };
        let found = if unwrapped || optional {
            StaticType::optional(found)
        } else {
            found
        };
        self.inference.resolve(&found, false)
    }

    fn call(&mut self, node: &'a Node, call: &'a Call) -> StaticType {
        let arguments: Vec<StaticType> = call
            .arguments
            .iter()
            .map(|argument| self.node(argument))
            .collect();
        if matches!(call.function.as_str(), "_&&_" | "_||_") {
            let mut found = StaticType::Bool;
            for (argument, its_type) in call.arguments.iter().zip(&arguments) {
                found = if self.is_bool(argument, its_type) {
                    found
                } else {
                    StaticType::Error
                };
            }
            return found;
        }
        let Some(target) = &call.target else {
            let bare = call.function.strip_prefix('.').unwrap_or(&call.function);
            return match Function::find(bare) {
                Some(function) => self.resolve(node.position, function.name, false, &arguments),
                None => self.undeclared(node.position, &call.function),
            };
        };
        // `a.f()` may be a function with a dot in its name.
        if let Some(function) = qualified_function(target, &call.function) {
            return self.resolve(node.position, function.name, false, &arguments);
        }
        let mut all = vec![self.node(target)];
        all.extend(arguments);
        match Function::find(&call.function) {
            Some(function) => self.resolve(node.position, function.name, true, &all),
            None => self.undeclared(node.position, &call.function),
        }
    }

    /// Checks that a condition is one.
    fn is_bool(&mut self, condition: &Node, its_type: &StaticType) -> bool {
        let fits = self.inference.assign(its_type, &StaticType::Bool);
        if !fits {
            self.mismatch(condition.position, &StaticType::Bool, its_type);
        }
        fits
    }

    /// The result of calling a function.
    fn resolve(
        &mut self,
        position: usize,
        name: &str,
        member: bool,
        arguments: &[StaticType],
    ) -> StaticType {
        let overloads = Function::find(name).map_or(&[][..], |function| &function.overloads);
        let mut result: Option<StaticType> = None;
        for overload in overloads
            .iter()
            .filter(|overload| overload.member == member)
        {
            let fresh = self.inference.instantiate(overload);
            if !self.inference.assign_all(arguments, &fresh.arguments) {
                continue;
            }
            let found = self.inference.resolve(&fresh.result, false);
            result = Some(match result {
                None => found,
                Some(StaticType::Dyn) => StaticType::Dyn,
                Some(first) if first == found => first,
                Some(_) => StaticType::Dyn,
            });
        }
        result.unwrap_or_else(|| {
            let signature = self.signature(member, arguments);
            let message =
                format!("found no matching overload for '{name}' applied to '{signature}'");
            self.report(position, message);
            StaticType::Error
        })
    }

    fn signature(&self, member: bool, arguments: &[StaticType]) -> String {
        let resolved = arguments
            .iter()
            .map(|argument| self.inference.resolve(argument, true));
        let mut names: Vec<String> = resolved.map(|argument| argument.to_string()).collect();
        let target = if member && !names.is_empty() {
            format!("{}.", names.remove(0))
        } else {
            String::new()
        };
        format!("{target}({})", names.join(", "))
    }

    fn list(&mut self, elements: &'a [Element]) -> StaticType {
        let mut joined = None;
        for element in elements {
            let found = self.node(&element.value);
            let found = self.unwrap_optional(&element.value, found, element.optional);
            joined = Some(self.join(joined, found));
        }
        StaticType::list(joined.unwrap_or_else(|| self.inference.variable()))
    }

    fn map(&mut self, entries: &'a [Entry]) -> StaticType {
        let (mut keys, mut values) = (None, None);
        for entry in entries {
            let key = self.node(&entry.key);
            keys = Some(self.join(keys, key));
            let value = self.node(&entry.value);
            let value = self.unwrap_optional(&entry.value, value, entry.optional);
            values = Some(self.join(values, value));
        }
        let key = keys.unwrap_or_else(|| self.inference.variable());
        let value = values.unwrap_or_else(|| self.inference.variable());
        StaticType::map(key, value)
    }

    /// The type of what an optional element or entry puts in.
    fn unwrap_optional(&mut self, node: &Node, found: StaticType, optional: bool) -> StaticType {
        match found {
            StaticType::Optional(value) if optional => (*value).clone(),
            other => {
                if optional && other != StaticType::Dyn {
                    let wanted = StaticType::optional(other.clone());
                    self.mismatch(node.position, &wanted, &other);
                }
                other
            }
        }
    }

    /// A type for both; mixed ones are left to a later look at literals.
    fn join(&mut self, previous: Option<StaticType>, current: StaticType) -> StaticType {
        match previous {
            None => current,
            Some(previous) if self.inference.assign(&previous, &current) => {
                inference::most_general(&previous, &current).clone()
            }
            Some(_) => StaticType::Dyn,
        }
    }

    fn fold(&mut self, node: &'a Node, fold: &'a Fold) -> StaticType {
        let range = self.node(&fold.range);
        let range = self.inference.resolve(&range, false);
        let element = match &range {
            StaticType::List(element) => (**element).clone(),
            StaticType::Map(key, _) => (**key).clone(),
            StaticType::Dyn | StaticType::Error | StaticType::Variable(_) => {
                self.inference.assign(&StaticType::Dyn, &range);
                StaticType::Dyn
            }
            other => {
                let message = format!(
                    "expression of type '{other}' cannot be range of a comprehension \
                     (must be list, map, or dynamic)"
                );
                self.report(fold.range.position, message);
                StaticType::Error
            }
        };
        self.scopes.push((&fold.variable, element.clone()));
        let found = match &fold.step {
            Step::All(predicate) | Step::Exists(predicate) => {
                let its_type = self.node(predicate);
                self.is_bool(predicate, &its_type);
                StaticType::Bool
            }
            Step::ExistsOne(predicate) => {
                let its_type = self.node(predicate);
                let arguments = [its_type, StaticType::Int, StaticType::Int];
                self.resolve(node.position, "_?_:_", false, &arguments);
                StaticType::Bool
            }
            Step::Filter(predicate) => {
                let collected = StaticType::list(self.inference.variable());
                let its_type = self.node(predicate);
                self.collect(node.position, collected, element, Some(its_type))
            }
            Step::Map { predicate, result } => {
                let collected = StaticType::list(self.inference.variable());
                let its_type = predicate.as_ref().map(|predicate| self.node(predicate));
                let result = self.node(result);
                self.collect(node.position, collected, result, its_type)
            }
        };
        self.scopes.pop();
        self.inference.resolve(&found, false)
    }

    /// The list that a macro collects: `list + [element]`, perhaps under a condition.
    fn collect(
        &mut self,
        position: usize,
        collected: StaticType,
        element: StaticType,
        condition: Option<StaticType>,
    ) -> StaticType {
        let added = [collected.clone(), StaticType::list(element)];
        let mut step = self.resolve(position, "_+_", false, &added);
        if let Some(condition) = condition {
            let branches = [condition, step, collected.clone()];
            step = self.resolve(position, "_?_:_", false, &branches);
        }
        if !self.inference.assign(&collected, &step) {
            self.mismatch(position, &collected, &step);
        }
        collected
    }

    fn optional_map(&mut self, node: &'a Node, map: &'a OptionalMap) -> StaticType {
        let known = self.problems.len();
        let target = [self.node(&map.target)];
        // cel-go writes the target twice, and so tells twice what is wrong with it.
        if let Some(new) = self.problems.get(known..).filter(|new| new.len() < 100) {
            let again = new.to_vec();
            self.problems.extend(again);
        }
        let condition = self.resolve(node.position, "hasValue", true, &target);
        let value = self.resolve(node.position, "value", true, &target);
        self.scopes.push((&map.variable, value));
        let body = self.node(&map.body);
        self.scopes.pop();
        let body = if map.flat {
            body
        } else {
            self.resolve(node.position, "optional.of", false, &[body])
        };
        let none = self.resolve(node.position, "optional.none", false, &[]);
        self.resolve(node.position, "_?_:_", false, &[condition, body, none])
    }

    fn undeclared(&mut self, position: usize, name: &str) -> StaticType {
        let message = format!("undeclared reference to '{name}' (in container '')");
        self.report(position, message);
        StaticType::Error
    }

    fn mismatch(&mut self, position: usize, expected: &StaticType, found: &StaticType) {
        let message = format!("expected type '{expected}' but found '{found}'");
        self.report(position, message);
    }

    fn report(&mut self, position: usize, message: String) {
        self.problems.push(Problem { position, message });
    }
}

const fn type_of(constant: &Constant) -> StaticType {
    match constant {
        Constant::Null => StaticType::Null,
        Constant::Bool(_) => StaticType::Bool,
        Constant::Int(_) => StaticType::Int,
        Constant::Uint(_) => StaticType::Uint,
        Constant::Double(_) => StaticType::Double,
        Constant::String(_) => StaticType::String,
        Constant::Bytes(_) => StaticType::Bytes,
        Constant::Timestamp(_) => StaticType::Timestamp,
        Constant::Duration(_) => StaticType::Duration,
        Constant::Type(_) => StaticType::Type(None),
    }
}

/// The type that a chain of names like `google.protobuf.Timestamp` stands for.
pub(crate) fn qualified_type(
    node: &Node,
    is_local: impl Fn(&str) -> bool,
) -> Option<(StaticType, &'static str)> {
    let name = qualified_name(node)?;
    let root = name.split('.').next().unwrap_or_default();
    // A leading dot passes local names by.
    if !root.is_empty() && is_local(root) {
        return None;
    }
    StaticType::named(name.strip_prefix('.').unwrap_or(&name))
}

/// The function with a dot in its name that a member call is.
pub(crate) fn qualified_function(target: &Node, function: &str) -> Option<&'static Function> {
    let prefix = qualified_name(target)?;
    let prefix = prefix.strip_prefix('.').unwrap_or(&prefix);
    Function::find(&format!("{prefix}.{function}"))
}

fn qualified_name(node: &Node) -> Option<String> {
    match &node.kind {
        Kind::Identifier(name) => Some(name.clone()),
        Kind::Select(select) if !select.test => {
            let operand = qualified_name(&select.operand)?;
            Some(format!("{operand}.{}", select.field))
        }
        _ => None,
    }
}
