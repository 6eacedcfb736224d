//! Lists: of a variable, or made.

use std::rc::Rc;

use serde_json::Value as Json;

use super::Value;
use crate::environment::Numbers;

#[derive(Clone, Debug)]
pub(crate) struct List<'a>(Kind<'a>);

#[derive(Clone, Debug)]
enum Kind<'a> {
    Json(&'a [Json], Numbers),
    Made(Rc<Vec<Value<'a>>>),
}

impl<'a> List<'a> {
    pub(crate) fn of_json(elements: &'a [Json], numbers: Numbers) -> Self {
        Self(Kind::Json(elements, numbers))
    }

    pub(crate) fn new(elements: Vec<Value<'a>>) -> Self {
        Self(Kind::Made(Rc::new(elements)))
    }

    /// Whether it is a part of a variable.
    pub(crate) const fn is_json(&self) -> bool {
        matches!(self.0, Kind::Json(..))
    }

    pub(crate) fn len(&self) -> usize {
        match &self.0 {
            Kind::Json(elements, _) => elements.len(),
            Kind::Made(elements) => elements.len(),
        }
    }

    pub(crate) fn get(&self, index: usize) -> Option<Value<'a>> {
        match &self.0 {
            Kind::Json(elements, numbers) => elements
                .get(index)
                .map(|element| Value::of_json(element, *numbers)),
            Kind::Made(elements) => elements.get(index).cloned(),
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = Value<'a>> + '_ {
        (0..self.len()).filter_map(|index| self.get(index))
    }
}
