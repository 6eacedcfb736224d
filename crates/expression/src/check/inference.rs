//! What types are assignable to each other, and what is learnt of type variables on the way.
//!
//! Source: cel-go `checker/types.go` (0.27).

use std::collections::HashMap;

use crate::function::Overload;
use crate::static_type::StaticType;

/// What is known of type variables.
#[derive(Debug, Default)]
pub(super) struct Inference {
    known: Vec<Option<StaticType>>,
    /// What was known before each change, so that a failed attempt leaves no trace.
    trail: Vec<(usize, Option<StaticType>)>,
}

/// A signature with variables of its own.
pub(super) struct Instance {
    pub(super) arguments: Vec<StaticType>,
    pub(super) result: StaticType,
}

impl Inference {
    /// A new variable.
    pub(super) fn variable(&mut self) -> StaticType {
        self.known.push(None);
        StaticType::Variable(self.known.len() - 1)
    }

    /// A signature with new variables for its parameters.
    pub(super) fn instantiate(&mut self, overload: &Overload) -> Instance {
        let parameters = overload.parameters.iter();
        let variables: HashMap<char, StaticType> = parameters
            .map(|&parameter| (parameter, self.variable()))
            .collect();
        Instance {
            arguments: overload
                .arguments
                .iter()
                .map(|argument| replace(argument, &variables))
                .collect(),
            result: replace(&overload.result, &variables),
        }
    }

    /// Whether the types agree; if so, what that says of variables is kept.
    pub(super) fn assign(&mut self, left: &StaticType, right: &StaticType) -> bool {
        self.attempt(|inference| inference.agree(left, right))
    }

    /// The same for types in pairs.
    pub(super) fn assign_all(&mut self, left: &[StaticType], right: &[StaticType]) -> bool {
        left.len() == right.len()
            && self.attempt(|inference| {
                let mut pairs = left.iter().zip(right);
                pairs.all(|(left, right)| inference.agree(left, right))
            })
    }

    /// The type with all that is known; what is not is dynamic, or left as it is.
    pub(super) fn resolve(&self, part: &StaticType, to_dynamic: bool) -> StaticType {
        match part {
            StaticType::Variable(variable) => match self.lookup(*variable) {
                Some(known) => self.resolve(known, to_dynamic),
                None if to_dynamic => StaticType::Dyn,
                None => part.clone(),
            },
            other => other.with_parts(|part| self.resolve(part, to_dynamic)),
        }
    }

    /// How large the resolved type is, counted no further than `limit`.
    pub(super) fn size(&self, part: &StaticType, limit: usize) -> usize {
        if let StaticType::Variable(variable) = part {
            return self
                .lookup(*variable)
                .map_or(1, |known| self.size(known, limit));
        }
        let mut size = 1;
        for part in part.parts() {
            if size >= limit {
                break;
            }
            size += self.size(part, limit - size);
        }
        size
    }

    fn lookup(&self, variable: usize) -> Option<&StaticType> {
        self.known.get(variable)?.as_ref()
    }

    fn attempt(&mut self, attempt: impl FnOnce(&mut Self) -> bool) -> bool {
        self.trail.clear();
        let fits = attempt(self);
        if !fits {
            while let Some((variable, before)) = self.trail.pop() {
                if let Some(known) = self.known.get_mut(variable) {
                    *known = before;
                }
            }
        }
        fits
    }

    fn learn(&mut self, variable: usize, now: StaticType) {
        if let Some(known) = self.known.get_mut(variable) {
            let before = known.replace(now);
            self.trail.push((variable, before));
        }
    }

    fn agree(&mut self, left: &StaticType, right: &StaticType) -> bool {
        if let StaticType::Variable(variable) = right {
            match self.bind(*variable, left) {
                Binding::Fits => return true,
                Binding::KnownOtherwise => return false,
                Binding::Circular => {}
            }
        }
        if let StaticType::Variable(variable) = left {
            return matches!(self.bind(*variable, right), Binding::Fits);
        }
        match (left, right) {
            _ if left.is_open() || right.is_open() => true,
            (StaticType::Null, other) | (other, StaticType::Null) => matches!(
                other,
                StaticType::Null
                    | StaticType::Optional(_)
                    | StaticType::Timestamp
                    | StaticType::Duration
            ),
            (StaticType::Type(_), StaticType::Type(_)) => true,
            (StaticType::List(left), StaticType::List(right))
            | (StaticType::Optional(left), StaticType::Optional(right)) => self.agree(left, right),
            (StaticType::Map(left_key, left_value), StaticType::Map(right_key, right_value)) => {
                self.agree(left_key, right_key) && self.agree(left_value, right_value)
            }
            _ => left == right,
        }
    }

    /// Takes `part` for a variable, or something more general if more was known.
    fn bind(&mut self, variable: usize, part: &StaticType) -> Binding {
        if *part == StaticType::Variable(variable) {
            return Binding::Fits;
        }
        if let Some(known) = self.lookup(variable).cloned() {
            if *part == known {
                return Binding::Fits;
            }
            if !self.agree(part, &known) {
                return Binding::KnownOtherwise;
            }
            let general = most_general(part, &known);
            if !self.occurs(variable, general) {
                self.learn(variable, general.clone());
            }
            return Binding::Fits;
        }
        if self.occurs(variable, part) {
            return Binding::Circular;
        }
        self.learn(variable, part.clone());
        Binding::Fits
    }

    fn occurs(&self, variable: usize, within: &StaticType) -> bool {
        match within {
            StaticType::Variable(other) => {
                *other == variable
                    || self
                        .lookup(*other)
                        .is_some_and(|known| self.occurs(variable, known))
            }
            other => other
                .parts()
                .into_iter()
                .any(|part| self.occurs(variable, part)),
        }
    }
}

enum Binding {
    Fits,
    KnownOtherwise,
    /// The variable would be a part of itself.
    Circular,
}

/// The one of two types that says less.
pub(super) fn most_general<'t>(left: &'t StaticType, right: &'t StaticType) -> &'t StaticType {
    if is_no_more_specific(left, right) {
        left
    } else {
        right
    }
}

fn is_no_more_specific(left: &StaticType, right: &StaticType) -> bool {
    match (left, right) {
        (StaticType::Dyn | StaticType::Variable(_), _)
        | (StaticType::Type(_), StaticType::Type(_)) => true,
        (_, StaticType::Dyn | StaticType::Variable(_)) => false,
        (StaticType::List(left), StaticType::List(right))
        | (StaticType::Optional(left), StaticType::Optional(right)) => {
            is_no_more_specific(left, right)
        }
        (StaticType::Map(left_key, left_value), StaticType::Map(right_key, right_value)) => {
            is_no_more_specific(left_key, right_key) && is_no_more_specific(left_value, right_value)
        }
        _ => left == right,
    }
}

fn replace(part: &StaticType, variables: &HashMap<char, StaticType>) -> StaticType {
    match part {
        StaticType::Parameter(letter) => variables.get(letter).unwrap_or(part).clone(),
        other => other.with_parts(|part| replace(part, variables)),
    }
}
