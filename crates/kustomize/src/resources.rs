//! The resources of a layer, in order, no two with one present id.
//!
//! Ids are looked up in an index that is built when it is first needed, follows the change of single
//! resources and is dropped when all may have changed. What a transformer leaves behind is tidied up
//! where it changed something only. So a patch costs what it changes, however many resources there are.
//! Source: kustomize `api/resmap/reswrangler.go` (api 0.21.1).

mod index;

use crate::error::{Error, Result};
use crate::id::Id;
use crate::links;
use crate::node::{Mapping, Node, Tag};
use crate::resource::{Behavior, Resource};
use index::Index;

/// An ordered set of resources.
#[derive(Debug, Default)]
pub(crate) struct Resources {
    list: Vec<Resource>,
    index: Option<Index>,
    changed: Changed,
}

/// What changed since transformers were last tidied up after.
#[derive(Debug, Default)]
enum Changed {
    #[default]
    All,
    At(Vec<usize>),
}

impl Resources {
    pub(crate) fn len(&self) -> usize {
        self.list.len()
    }

    pub(crate) fn iter(&self) -> std::slice::Iter<'_, Resource> {
        self.list.iter()
    }

    /// Gives access for changes of all, after which ids are read anew.
    pub(crate) fn iter_mut(&mut self) -> std::slice::IterMut<'_, Resource> {
        self.index = None;
        self.changed = Changed::All;
        self.list.iter_mut()
    }

    pub(crate) fn get(&self, position: usize) -> Option<&Resource> {
        self.list.get(position)
    }

    /// Changes one resource; `None` when there is none at `position`.
    pub(crate) fn edit<T>(
        &mut self,
        position: usize,
        change: impl FnOnce(&mut Resource) -> T,
    ) -> Option<T> {
        let resource = self.list.get_mut(position)?;
        if let Changed::At(positions) = &mut self.changed {
            positions.push(position);
        }
        let Some(index) = &mut self.index else {
            return Some(change(resource));
        };
        let before = resource.id().key();
        let result = change(resource);
        index.update(position, &before, resource);
        Some(result)
    }

    pub(crate) fn into_vec(self) -> Vec<Resource> {
        self.list
    }

    /// Tidies up after a transformer: drops emptied objects and makes shared scalars equal again.
    pub(crate) fn settle(&mut self) {
        self.drop_empty();
        match std::mem::replace(&mut self.changed, Changed::At(Vec::new())) {
            Changed::All => self.list.iter_mut().for_each(links::sync),
            Changed::At(positions) => {
                for position in positions {
                    if let Some(resource) = self.list.get_mut(position) {
                        links::sync(resource);
                    }
                }
            }
        }
    }

    /// Drops objects that a transformer emptied.
    pub(crate) fn drop_empty(&mut self) {
        let is_empty = |resource: &Resource| resource.node().is_nil_or_empty();
        let any = match &self.changed {
            Changed::All => self.list.iter().any(is_empty),
            Changed::At(positions) => positions
                .iter()
                .filter_map(|position| self.list.get(*position))
                .any(is_empty),
        };
        if any {
            self.retain(|resource| !is_empty(resource));
        }
    }

    pub(crate) fn retain(&mut self, keep: impl FnMut(&Resource) -> bool) {
        self.index = None;
        self.changed = Changed::All;
        self.list.retain(keep);
    }

    /// Adds a resource at the end; one with the same present id is an error.
    pub(crate) fn append(&mut self, resource: Resource) -> Result<()> {
        let position = self.list.len();
        let index = self.index();
        if index.has(&resource.id().key()) {
            return Err(Error::DuplicateId(resource.id().to_string()));
        }
        index.add(position, &resource);
        self.list.push(resource);
        if let Changed::At(positions) = &mut self.changed {
            positions.push(position);
        }
        Ok(())
    }

    pub(crate) fn append_all(&mut self, mut other: Self) -> Result<()> {
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
    pub(crate) fn check_unique(&mut self) -> Result<()> {
        if !self.index().has_repeated() {
            return Ok(());
        }
        let mut seen = std::collections::HashSet::with_capacity(self.list.len());
        self.list
            .iter()
            .find(|resource| !seen.insert(resource.id().key()))
            .map_or(Ok(()), |resource| {
                Err(Error::DuplicateId(resource.id().to_string()))
            })
    }

    /// Where resources are that have or had this id.
    pub(crate) fn matching_any(&mut self, id: Id<'_>) -> Vec<usize> {
        let named = self.index().named(id.name).to_vec();
        let is_meant = |position: &usize| {
            self.list.get(*position).is_some_and(|resource| {
                !resource.node().is_nil_or_empty() && resource.all_ids().any(|known| known.same(id))
            })
        };
        named.into_iter().filter(is_meant).collect()
    }

    /// The one resource that has or had this id.
    pub(crate) fn by_any_id(&mut self, id: Id<'_>) -> Result<usize> {
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

    fn index(&mut self) -> &mut Index {
        let list = &self.list;
        self.index.get_or_insert_with(|| Index::new(list))
    }

    pub(crate) fn positions(&self, matches: impl Fn(&Resource) -> bool) -> Vec<usize> {
        self.list
            .iter()
            .enumerate()
            .filter(|(_, resource)| !resource.node().is_nil_or_empty() && matches(resource))
            .map(|(index, _)| index)
            .collect()
    }

    /// As [`positions`](Self::positions) where asking may fail.
    pub(crate) fn try_positions(
        &self,
        matches: impl Fn(&Resource) -> Result<bool>,
    ) -> Result<Vec<usize>> {
        let mut positions = Vec::new();
        for (index, resource) in self.list.iter().enumerate() {
            if !resource.node().is_nil_or_empty() && matches(resource)? {
                positions.push(index);
            }
        }
        Ok(positions)
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
                self.edit(*index, |slot| *slot = new);
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
            ..Self::default()
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
