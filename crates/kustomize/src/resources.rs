//! The resources of a layer, in order, no two with one present id.
//!
//! Uniqueness is checked against a set of ids that is built when it is first needed and dropped
//! whenever transformers may have changed ids; nothing here is quadratic.
//! Source: kustomize `api/resmap/reswrangler.go` (api 0.21.1).

use std::collections::HashSet;

use crate::error::{Error, Result};
use crate::id::{Id, IdKey};
use crate::links;
use crate::node::{Mapping, Node, Tag};
use crate::resource::{Behavior, Resource};

/// An ordered set of resources.
#[derive(Debug, Default)]
pub(crate) struct Resources {
    list: Vec<Resource>,
    ids: Option<HashSet<IdKey>>,
}

impl Resources {
    pub(crate) fn len(&self) -> usize {
        self.list.len()
    }

    pub(crate) fn iter(&self) -> std::slice::Iter<'_, Resource> {
        self.list.iter()
    }

    /// Gives access for changes, after which ids are read anew.
    pub(crate) fn iter_mut(&mut self) -> std::slice::IterMut<'_, Resource> {
        self.ids = None;
        self.list.iter_mut()
    }

    pub(crate) fn get(&self, index: usize) -> Option<&Resource> {
        self.list.get(index)
    }

    pub(crate) fn get_mut(&mut self, index: usize) -> Option<&mut Resource> {
        self.ids = None;
        self.list.get_mut(index)
    }

    pub(crate) fn into_vec(self) -> Vec<Resource> {
        self.list
    }

    /// Tidies up after a transformer: drops emptied objects and makes shared scalars equal again.
    pub(crate) fn settle(&mut self) {
        self.drop_empty();
        self.list.iter_mut().for_each(links::sync);
    }

    /// Drops objects that a transformer emptied.
    pub(crate) fn drop_empty(&mut self) {
        if self
            .list
            .iter()
            .any(|resource| resource.node().is_nil_or_empty())
        {
            self.ids = None;
            self.list
                .retain(|resource| !resource.node().is_nil_or_empty());
        }
    }

    pub(crate) fn retain(&mut self, keep: impl FnMut(&Resource) -> bool) {
        self.ids = None;
        self.list.retain(keep);
    }

    /// Adds a resource at the end; one with the same present id is an error.
    pub(crate) fn append(&mut self, resource: Resource) -> Result<()> {
        let list = &self.list;
        let ids = self
            .ids
            .get_or_insert_with(|| list.iter().map(|known| known.id().key()).collect());
        if ids.insert(resource.id().key()) {
            self.list.push(resource);
            Ok(())
        } else {
            Err(Error::DuplicateId(resource.id().to_string()))
        }
    }

    pub(crate) fn append_all(&mut self, other: Self) -> Result<()> {
        if self.list.is_empty() {
            other.check_unique()?;
            *self = other;
            return Ok(());
        }
        other
            .list
            .into_iter()
            .try_for_each(|resource| self.append(resource))
    }

    /// Fails when two resources have one present id.
    pub(crate) fn check_unique(&self) -> Result<()> {
        if self.ids.is_some() {
            return Ok(());
        }
        let mut seen = HashSet::with_capacity(self.list.len());
        for resource in &self.list {
            if !seen.insert(resource.id().key()) {
                return Err(Error::DuplicateId(resource.id().to_string()));
            }
        }
        Ok(())
    }

    /// Where resources are that have or had this id.
    pub(crate) fn matching_any(&self, id: Id<'_>) -> Vec<usize> {
        self.positions(|resource| resource.all_ids().any(|known| known.same(id)))
    }

    /// The one resource that has or had this id.
    pub(crate) fn by_any_id(&self, id: Id<'_>) -> Result<usize> {
        match self.matching_any(id).as_slice() {
            [index] => Ok(*index),
            found => {
                let what = if found.is_empty() { "no" } else { "multiple" };
                Err(Error::invalid(format!(
                    "{what} matches for Id {id}; failed to find unique target for patch {id}"
                )))
            }
        }
    }

    pub(crate) fn positions(&self, matches: impl Fn(&Resource) -> bool) -> Vec<usize> {
        self.list
            .iter()
            .enumerate()
            .filter(|(_, resource)| !resource.node().is_nil_or_empty() && matches(resource))
            .map(|(index, _)| index)
            .collect()
    }

    /// Adds a generated resource: as a new one, or over the one that its behaviour names.
    pub(crate) fn absorb(&mut self, mut new: Resource) -> Result<()> {
        let matches = self.matching_any(new.id());
        let behavior = new.history.behavior.unwrap_or_default();
        match (matches.as_slice(), behavior) {
            ([], Behavior::Merge | Behavior::Replace) => Err(Error::invalid(format!(
                "id {} does not exist; cannot merge or replace",
                go_syntax(new.id())
            ))),
            ([], _) => self.append(new),
            ([index], Behavior::Merge | Behavior::Replace) => {
                let Some(old) = self.list.get(*index) else {
                    return Ok(());
                };
                copy_metadata(&mut new, old);
                if behavior == Behavior::Merge {
                    merge_map(&mut new, old, "data");
                    merge_map(&mut new, old, "binaryData");
                    if old.origin.is_some() {
                        new.origin.clone_from(&old.origin);
                    }
                }
                if let Some(slot) = self.get_mut(*index) {
                    *slot = new;
                }
                Ok(())
            }
            ([_], _) => Err(Error::invalid(format!(
                "id {} exists; can not use behavior: '{}', behavior must be merge or replace",
                go_syntax(new.id()),
                behavior.name()
            ))),
            _ => Err(Error::invalid(format!(
                "found multiple objects that could accept merge of {}",
                new.id()
            ))),
        }
    }
}

impl FromIterator<Resource> for Resources {
    fn from_iter<I: IntoIterator<Item = Resource>>(resources: I) -> Self {
        Self {
            list: resources.into_iter().collect(),
            ids: None,
        }
    }
}

/// Takes over name, namespace, history and missing labels and annotations from `old`, with what has
/// transformed it.
fn copy_metadata(new: &mut Resource, old: &Resource) {
    for field in ["labels", "annotations"] {
        let (old_map, new_map) = match field {
            "labels" => (old.labels(), new.labels()),
            _ => (old.annotations(), new.annotations()),
        };
        let merged = union(&old_map, &new_map);
        new.set_string_map(field, merged);
    }
    let needs_hash = old.history.needs_hash && new.history.needs_hash;
    new.history = old.history.clone();
    new.history.needs_hash = needs_hash;
    new.transformations.clone_from(&old.transformations);
    new.set_name(old.name());
    new.set_namespace(old.namespace());
}

fn merge_map(new: &mut Resource, old: &Resource, field: &str) {
    let strings = |resource: &Resource| -> Vec<(String, String)> {
        resource
            .node()
            .get(field)
            .and_then(Node::as_mapping)
            .map_or_else(Vec::new, |map| {
                map.iter()
                    .map(|(key, value)| (key.text.to_string(), value.value().to_owned()))
                    .collect()
            })
    };
    let mut merged = strings(old);
    for (key, value) in strings(new) {
        match merged.iter_mut().find(|(known, _)| *known == key) {
            Some((_, slot)) => *slot = value,
            None => merged.push((key, value)),
        }
    }
    let Some(root) = new.node_mut().as_mapping_mut() else {
        return;
    };
    if merged.is_empty() {
        root.remove(field);
        return;
    }
    let map: Mapping = merged
        .into_iter()
        .map(|(key, value)| {
            (
                key,
                Node::scalar(&value, Tag::Str, crate::node::Style::Plain),
            )
        })
        .collect();
    root.set(field, Node::Mapping(std::sync::Arc::new(map)));
}

fn union(old: &[(&str, &str)], new: &[(&str, &str)]) -> Vec<(String, String)> {
    let kept = old
        .iter()
        .copied()
        .filter(|(key, _)| !new.iter().any(|(other, _)| other == key));
    kept.chain(new.iter().copied())
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect()
}

/// An id as Go's `%#v` prints it.
fn go_syntax(id: Id<'_>) -> String {
    format!(
        "resid.ResId{{Gvk:resid.Gvk{{Group:\"{}\", Version:\"{}\", Kind:\"{}\", isClusterScoped:{}}}, Name:\"{}\", Namespace:\"{}\"}}",
        id.gvk.group, id.gvk.version, id.gvk.kind, id.is_cluster_scoped, id.name, id.namespace
    )
}
