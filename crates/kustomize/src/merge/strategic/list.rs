//! Associative lists: elements that merge by key.
//!
//! The steps are upstream's one by one, with their known oddities, because manifests rely on what
//! comes out: elements of the patch first, in its order, then the rest of the object's. Elements
//! live in one arena and lists hold their places, as upstream's lists hold pointers: an element that
//! is merged in place changes in every list that holds it.
//! Source: kyaml 0.21.1 `yaml/walk/associative_sequence.go`, `yaml/fns.go`.

use std::collections::BTreeSet;

use crate::error::Result;
use crate::merge::schema::{Schemas, Shape, Type};
use crate::node::{Node, wrong_kind};

use super::{DIRECTIVE, Directive, Merged, Pair, parse_directive, take_directive, walk};

/// Merges two lists by `keys`; the one key `""` means a set of scalars.
pub(super) fn merge(
    mut pair: Pair,
    keys: &[&str],
    schema: Option<&Type>,
    schemas: &Schemas,
) -> Result<Option<Merged>> {
    let mut from_patch = false;
    if pair.dest.as_ref().is_none_or(Node::is_null) {
        let Some(node) = pair.patch.take() else {
            return Ok(None);
        };
        pair = Pair::alias(Some(node));
        from_patch = true;
    } else {
        if pair.patch().is_some_and(Node::is_null) {
            return Ok(None);
        }
        let list = if pair.aliased {
            &mut pair.dest
        } else {
            &mut pair.patch
        };
        match list
            .as_mut()
            .map_or(Ok(Directive::Merge), take_list_directive)?
        {
            Directive::Delete => return Ok(None),
            Directive::Replace if !pair.aliased => {
                pair = Pair::alias(pair.patch.take());
                from_patch = true;
            }
            Directive::Replace | Directive::Merge => {}
        }
    }
    let node = Lists::new(&pair, schemas).merge(keys, schema)?;
    Ok(Some(Merged { node, from_patch }))
}

/// The elements of both lists, and which list holds which.
struct Lists<'s> {
    schemas: &'s Schemas,
    arena: Vec<Node>,
    dest: Vec<usize>,
    patch: Vec<usize>,
    /// Whether both are one list, so that what leaves one leaves the other.
    aliased: bool,
}

impl<'s> Lists<'s> {
    fn new(pair: &Pair, schemas: &'s Schemas) -> Self {
        let elements = |node: Option<&Node>| {
            node.and_then(Node::as_sequence)
                .unwrap_or_default()
                .to_vec()
        };
        let mut arena = elements(pair.dest.as_ref());
        let dest: Vec<usize> = (0..arena.len()).collect();
        let patch = if pair.aliased {
            dest.clone()
        } else {
            arena.extend(elements(pair.patch.as_ref()));
            (dest.len()..arena.len()).collect()
        };
        Self {
            schemas,
            arena,
            dest,
            patch,
            aliased: pair.aliased,
        }
    }

    fn merge(mut self, keys: &[&str], schema: Option<&Type>) -> Result<Node> {
        let mut tuples = self.tuples(keys);
        if keys.len() > 1 {
            unify(&mut tuples);
        }
        let mut result: Vec<usize> = Vec::new();
        let mut valid_keys: Vec<&str> = Vec::new();
        for tuple in &tuples {
            let (keys, values) = valid(&tuples, tuple, keys);
            self.merge_element(&keys, &values, schema, &mut result)?;
            valid_keys = keys;
        }
        if tuples.is_empty() {
            result.clone_from(&self.dest);
        } else {
            for place in self.dest.clone() {
                self.append(&mut result, place, &valid_keys)?;
            }
        }
        let nodes = result
            .into_iter()
            .filter_map(|place| self.arena.get(place).cloned())
            .collect();
        Ok(Node::sequence(nodes))
    }

    /// The key values of all elements, the patch's first, without repetition.
    fn tuples(&self, keys: &[&str]) -> Vec<Vec<String>> {
        let mut tuples: Vec<Vec<String>> = Vec::new();
        let mut seen = BTreeSet::new();
        for place in self.patch.iter().chain(&self.dest) {
            let Some(node) = self.arena.get(*place) else {
                continue;
            };
            let tuple: Vec<String> = keys
                .iter()
                .map(|key| match *key {
                    "" => node.value().to_owned(),
                    key => node
                        .get(key)
                        .filter(|value| !value.is_nil_or_empty())
                        .map_or_else(String::new, |value| value.value().to_owned()),
                })
                .collect();
            if seen.insert(tuple.clone()) {
                tuples.push(tuple);
            }
        }
        tuples
    }

    /// Merges the elements that one tuple names and puts the outcome into `result`.
    fn merge_element(
        &mut self,
        keys: &[&str],
        values: &[String],
        schema: Option<&Type>,
        result: &mut Vec<usize>,
    ) -> Result<()> {
        let (wanted_keys, wanted) = valid(std::slice::from_ref(&values.to_vec()), values, keys);
        let dest = self.find(&self.dest, &wanted_keys, &wanted);
        let patch = self.find(&self.patch, &wanted_keys, &wanted);
        let at = |place: Option<usize>| place.and_then(|place| self.arena.get(place)).cloned();
        let pair = if dest.is_some() && dest == patch {
            Pair::alias(at(dest))
        } else {
            Pair::of(at(dest), at(patch))
        };
        // Directives are consumed: a second tuple that finds the element sees it without.
        if let Some(node) = patch.and_then(|place| self.arena.get_mut(place)) {
            consume(node, schema);
        }
        let merged =
            walk(pair, schema.cloned().map(Shape::Plain), self.schemas)?.filter(|merged| {
                !merged.node.is_null()
                    && !merged
                        .node
                        .as_mapping()
                        .is_some_and(crate::node::Mapping::is_empty)
            });
        let Some(Merged {
            mut node,
            from_patch,
        }) = merged
        else {
            let mut kept = std::mem::take(&mut self.dest);
            for _ in keys {
                self.set_element(&mut kept, None, keys, values)?;
            }
            if self.aliased {
                self.patch.clone_from(&kept);
            }
            self.dest = kept;
            return Ok(());
        };
        for (key, value) in keys.iter().zip(values) {
            if node.get(key).is_none() && !value.is_empty() {
                if key.is_empty() {
                    crate::node::require_scalar(&node)?;
                    node.set_text(value, crate::node::Tag::None);
                } else if node.as_mapping().is_some() {
                    node.set_field(key, value, crate::node::Tag::None);
                } else {
                    return Err(wrong_kind("MappingNode", "ScalarNode"));
                }
            }
        }
        let place = if from_patch {
            patch.or(dest)
        } else {
            dest.or(patch)
        };
        let place = place.unwrap_or(self.arena.len());
        match self.arena.get_mut(place) {
            Some(slot) => *slot = node,
            None => self.arena.push(node),
        }
        self.set_element(result, Some(place), keys, values)
    }

    /// The first element of a list whose fields have exactly these values.
    fn find(&self, list: &[usize], keys: &[&str], values: &[String]) -> Option<usize> {
        list.iter().copied().find(|place| {
            let Some(node) = self.arena.get(*place) else {
                return false;
            };
            if keys.first().is_none_or(|key| key.is_empty()) {
                return values.first().is_some_and(|value| node.value() == value);
            }
            node.as_mapping().is_some()
                && keys
                    .iter()
                    .zip(values)
                    .all(|(key, value)| node.get(key).is_some_and(|field| field.value() == value))
        })
    }

    /// Replaces the elements of `list` that match, else appends; without `element` removes them.
    /// Null and empty elements are dropped on the way.
    fn set_element(
        &self,
        list: &mut Vec<usize>,
        element: Option<usize>,
        keys: &[&str],
        values: &[String],
    ) -> Result<()> {
        let by_field = keys.first().is_some_and(|key| !key.is_empty())
            && values.first().is_some_and(|value| !value.is_empty());
        let mut found = false;
        let mut kept = Vec::with_capacity(list.len() + 1);
        for place in list.iter().copied() {
            let Some(node) = self.arena.get(place) else {
                continue;
            };
            if node.is_null()
                || node
                    .as_mapping()
                    .is_some_and(crate::node::Mapping::is_empty)
            {
                continue;
            }
            if by_field && node.as_mapping().is_none() {
                kept.push(place);
                continue;
            }
            if matches_element(node, keys, values)? {
                found = true;
                kept.extend(element);
            } else if !values.is_empty() {
                kept.push(place);
            }
        }
        if !found {
            let is_null = |place: &usize| self.arena.get(*place).is_some_and(Node::is_null);
            kept.extend(element.filter(|place| !is_null(place)));
        }
        *list = kept;
        Ok(())
    }

    /// Puts an element of the object behind those of the patch, or in the place of its equal.
    fn append(&self, result: &mut Vec<usize>, place: usize, keys: &[&str]) -> Result<()> {
        let Some(node) = self.arena.get(place) else {
            return Ok(());
        };
        if keys.first().is_none_or(|key| key.is_empty()) {
            return self.set_element(result, Some(place), &[""], &[node.value().to_owned()]);
        }
        let mut values = Vec::new();
        for key in keys {
            if node.as_mapping().is_none() && !node.is_null() {
                return Err(wrong_kind("MappingNode", "ScalarNode"));
            }
            match node.get(key) {
                None => result.push(place),
                Some(value) => values.push(value.value().to_owned()),
            }
        }
        if keys.len() > 1 {
            self.set_element(result, None, keys, &values)?;
        }
        self.set_element(result, Some(place), keys, &values)
    }
}

/// Whether an element's fields have these values. Keys without a value go by the last answer.
fn matches_element(node: &Node, keys: &[&str], values: &[String]) -> Result<bool> {
    let mut last = false;
    for (index, key) in keys.iter().enumerate() {
        if let Some(value) = values.get(index) {
            last = match (key.is_empty(), node) {
                (true, Node::Scalar(scalar)) => *scalar.text == **value,
                (true, _) => return Err(wrong_kind("ScalarNode", "MappingNode")),
                (false, Node::Mapping(_)) => has_value(node, key, value),
                (false, _) => return Err(wrong_kind("MappingNode", "ScalarNode")),
            };
        }
        if !last {
            return Ok(false);
        }
    }
    Ok(last)
}

fn has_value(node: &Node, key: &str, value: &str) -> bool {
    node.get(key)
        .is_some_and(|field| value.is_empty() || field.value() == value)
}

/// The keys that some tuple fills, with this tuple's values for them; all keys if none is filled.
fn valid<'k>(
    tuples: &[Vec<String>],
    tuple: &[String],
    keys: &[&'k str],
) -> (Vec<&'k str>, Vec<String>) {
    let filled = |index: usize| {
        tuples
            .iter()
            .any(|t| t.get(index).is_some_and(|v| !v.is_empty()))
    };
    let used: Vec<usize> = (0..keys.len()).filter(|index| filled(*index)).collect();
    if used.is_empty() {
        return (keys.to_vec(), tuple.to_vec());
    }
    let keys = used
        .iter()
        .filter_map(|index| keys.get(*index).copied())
        .collect();
    let values = used
        .iter()
        .filter_map(|index| tuple.get(*index).cloned())
        .collect();
    (keys, values)
}

/// Makes tuples that agree somewhere and contradict nowhere one, pair by pair.
fn unify(tuples: &mut [Vec<String>]) {
    for i in 0..tuples.len() {
        // The outer element is read once, before the inner loop changes it.
        let Some(first) = tuples.get(i).cloned() else {
            continue;
        };
        for j in 0..tuples.len() {
            let joined = tuples.get(j).and_then(|second| join(&first, second));
            if let Some(joined) = joined {
                for index in [i, j] {
                    if let Some(slot) = tuples.get_mut(index) {
                        slot.clone_from(&joined);
                    }
                }
            }
        }
    }
}

fn join(a: &[String], b: &[String]) -> Option<Vec<String>> {
    let mut common = false;
    let mut joined = Vec::with_capacity(a.len());
    for (left, right) in a.iter().zip(b) {
        if left == right {
            common = true;
        } else if !left.is_empty() && !right.is_empty() {
            return None;
        }
        joined.push(if left.is_empty() {
            right.clone()
        } else {
            left.clone()
        });
    }
    common.then_some(joined)
}

/// Removes what a walk takes out of a patch on its way: directives, at any depth.
fn consume(patch: &mut Node, schema: Option<&Type>) {
    drop(take_directive(patch));
    let Some(fields) = patch.as_mapping_mut() else {
        return;
    };
    for (key, value) in fields.iter_mut() {
        match schema.and_then(|schema| schema.field(&key.text)) {
            Some(Shape::List(_, schema)) => {
                drop(take_list_directive(value));
                for element in value.as_sequence_mut().into_iter().flatten() {
                    consume(element, schema.as_ref());
                }
            }
            Some(Shape::Plain(schema)) => consume(value, Some(&schema)),
            Some(Shape::Set) | None => consume(value, None),
        }
    }
}

/// Reads and removes the directive of a list: an element that holds nothing else.
fn take_list_directive(list: &mut Node) -> Result<Directive> {
    let Some(items) = list.as_sequence() else {
        return Ok(Directive::Merge);
    };
    let Some(element) = items.iter().find(|item| item.get(DIRECTIVE).is_some()) else {
        return Ok(Directive::Merge);
    };
    if element.as_mapping().is_some_and(|fields| fields.len() > 1) {
        return Ok(Directive::Merge);
    }
    let text = element.get(DIRECTIVE).map_or("", Node::value).to_owned();
    let directive = parse_directive(&text)?;
    if let Some(items) = list.as_sequence_mut() {
        items.retain(|item| {
            let empty = item.is_null()
                || item
                    .as_mapping()
                    .is_some_and(crate::node::Mapping::is_empty);
            !empty
                && item
                    .get(DIRECTIVE)
                    .is_none_or(|value| value.value() != text)
        });
    }
    Ok(directive)
}
