//! What types alone do not forbid: literals of mixed types, and formats that do not fit their arguments.
//!
//! Source: cel-go `cel/validator.go`, `ext/formatting_v2.go` (0.27).

use super::Problem;
use crate::ast::{Call, Element, Entry, Kind, Node, Step};
use crate::format::{Clause, Piece, next_piece};
use crate::static_type::StaticType;
use crate::value::Constant;

/// Looks at all literals in a tree that has types.
pub(super) fn validate(root: &Node, type_of: &dyn Fn(&Node) -> StaticType) -> Vec<Problem> {
    let mut validation = Validation {
        type_of,
        problems: Vec::new(),
    };
    validation.node(root, false);
    validation.problems
}

struct Validation<'a> {
    type_of: &'a dyn Fn(&Node) -> StaticType,
    problems: Vec<Problem>,
}

impl Validation<'_> {
    /// `mixed`: whether literals may be of mixed types, as anywhere below a call of `format`.
    fn node(&mut self, node: &Node, mixed: bool) {
        match &node.kind {
            Kind::Literal(_) | Kind::Identifier(_) | Kind::Message(_) => {}
            Kind::Select(select) => self.node(&select.operand, mixed),
            Kind::Optional(optional) => {
                self.node(&optional.operand, mixed);
                self.node(&optional.key, mixed);
            }
            Kind::Call(call) => {
                let is_format = call.function == "format";
                if is_format {
                    self.format(node, call);
                }
                for argument in call.target.as_deref().into_iter().chain(&call.arguments) {
                    self.node(argument, mixed || is_format);
                }
            }
            Kind::List(elements) => {
                for element in elements {
                    self.node(&element.value, mixed);
                }
                if !mixed {
                    self.elements(elements);
                }
            }
            Kind::Map(entries) => {
                for entry in entries {
                    self.node(&entry.key, mixed);
                    self.node(&entry.value, mixed);
                }
                if !mixed {
                    self.entries(entries);
                }
            }
            Kind::Fold(fold) => {
                self.node(&fold.range, mixed);
                match &fold.step {
                    Step::All(predicate)
                    | Step::Exists(predicate)
                    | Step::ExistsOne(predicate)
                    | Step::Filter(predicate) => self.node(predicate, mixed),
                    Step::Map { predicate, result } => {
                        for part in predicate.iter().chain([result]) {
                            self.node(part, mixed);
                        }
                    }
                }
            }
            Kind::OptionalMap(map) => {
                self.node(&map.target, mixed);
                self.node(&map.body, mixed);
            }
        }
    }

    fn elements(&mut self, elements: &[Element]) {
        let mut first = None;
        for element in elements {
            let found = self.content(&element.value, element.optional);
            let first = first.get_or_insert_with(|| found.clone());
            if *first != found {
                let message = mismatch(first, &found);
                self.report(&element.value, message);
                return;
            }
        }
    }

    fn entries(&mut self, entries: &[Entry]) {
        let mut first = None;
        for entry in entries {
            let key = self.content(&entry.key, false);
            let value = self.content(&entry.value, entry.optional);
            let (first_key, first_value) =
                first.get_or_insert_with(|| (key.clone(), value.clone()));
            let problems = [
                (first_key, key, &entry.key),
                (first_value, value, &entry.value),
            ]
            .into_iter()
            .filter(|(first, found, _)| **first != *found)
            .map(|(first, found, node)| (mismatch(first, &found), node));
            for (message, node) in problems.collect::<Vec<_>>() {
                self.report(node, message);
            }
        }
    }

    /// The type of what an element or entry puts in.
    fn content(&self, node: &Node, optional: bool) -> StaticType {
        match (self.type_of)(node) {
            StaticType::Optional(value) if optional => (*value).clone(),
            other => other,
        }
    }

    /// A call of `format` on a literal with a literal list.
    fn format(&mut self, node: &Node, call: &Call) {
        let target = call.target.as_deref().map(|target| &target.kind);
        let (Some(Kind::Literal(Constant::String(format))), [arguments]) =
            (target, &*call.arguments)
        else {
            return;
        };
        let Kind::List(elements) = &arguments.kind else {
            return;
        };
        let mut used = 0;
        let mut rest: &str = format;
        while !rest.is_empty() {
            let is_clause = rest.starts_with('%') && !rest.starts_with("%%");
            if rest == "%" {
                return self.report(node, "unexpected end of string".to_owned());
            }
            let argument = elements.get(used).map(|element| &element.value);
            if is_clause && argument.is_none() {
                return self.report(node, format!("index {used} out of range"));
            }
            let (piece, tail) = match next_piece(rest) {
                Ok(Some(next)) => next,
                Ok(None) => break,
                Err(problem) => return self.report(node, problem),
            };
            rest = tail;
            if let (Piece::Clause(clause), Some(argument)) = (piece, argument) {
                used += 1;
                if let Some(bad) = self.unfit(clause, argument) {
                    let message = clause.refusal(&(self.type_of)(bad).runtime_name());
                    return self.report(bad, message);
                }
            }
        }
        if elements.len() > used {
            let message = format!(
                "too many arguments supplied to string.format (expected {used}, got {})",
                elements.len()
            );
            self.report(node, message);
        }
    }

    /// The part of an argument that a clause does not take.
    fn unfit<'n>(&self, clause: Clause, argument: &'n Node) -> Option<&'n Node> {
        let found = (self.type_of)(argument);
        let fits = match clause {
            _ if found == StaticType::Dyn => true,
            Clause::String => !matches!(found, StaticType::Optional(_) | StaticType::Error),
            Clause::Decimal | Clause::Fixed(_) | Clause::Scientific(_) => matches!(
                found,
                StaticType::Int | StaticType::Uint | StaticType::Double
            ),
            Clause::Binary => {
                matches!(found, StaticType::Bool | StaticType::Int | StaticType::Uint)
            }
            Clause::Hexadecimal { .. } => matches!(
                found,
                StaticType::Int | StaticType::Uint | StaticType::String | StaticType::Bytes
            ),
            Clause::Octal => matches!(found, StaticType::Int | StaticType::Uint),
        };
        if !fits {
            return Some(argument);
        }
        match &argument.kind {
            Kind::List(elements) if clause == Clause::String => elements
                .iter()
                .find_map(|element| self.unfit(clause, &element.value)),
            Kind::Map(entries) if clause == Clause::String => entries.iter().find_map(|entry| {
                self.unfit(clause, &entry.key)
                    .or_else(|| self.unfit(clause, &entry.value))
            }),
            _ => None,
        }
    }

    fn report(&mut self, node: &Node, message: String) {
        self.problems.push(Problem {
            position: node.position,
            message,
        });
    }
}

fn mismatch(expected: &StaticType, found: &StaticType) -> String {
    format!("expected type '{expected}' but found '{found}'")
}
