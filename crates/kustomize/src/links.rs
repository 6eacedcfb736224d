//! Scalars that several places of an object share.
//!
//! Upstream puts one and the same node wherever a label or annotation transformer creates a key, so
//! that a later change at one of these places shows at all of them: an overlay that sets
//! `metadata.labels.app` changes the selector that a base's `commonLabels` made, too. Selectors cannot
//! be changed in a cluster, so what comes out has to be the same here. Scalars are values in this
//! crate; those that would be one node carry the same link, and [`sync`] makes them equal again after
//! each transformer.
//! Source: kustomize `api/filters/filtersutil/setters.go` (api 0.21.1).

use std::sync::Arc;

use crate::node::{Mapping, Node, Scalar};
use crate::resource::Resource;

/// The last known value behind each link of a resource; link `n` is at `n - 1`.
#[derive(Debug, Clone, Default)]
pub(crate) struct Links(Vec<Arc<Scalar>>);

impl Links {
    /// Makes a scalar that later places can share.
    pub(crate) fn create(&mut self, mut scalar: Scalar) -> Arc<Scalar> {
        scalar.link = u32::try_from(self.0.len() + 1).unwrap_or(0);
        let shared = Arc::new(scalar);
        self.0.push(Arc::clone(&shared));
        shared
    }
}

/// Gives all places of a link the value that one of them was changed to.
pub(crate) fn sync(resource: &mut Resource) {
    if resource.history.links.0.is_empty() {
        return;
    }
    let before = std::mem::take(&mut resource.history.links);
    let mut after = before.clone();
    let mut changed = false;
    find_changes(resource.node(), &before, &mut after, &mut changed);
    if changed {
        write_changes(resource.node_mut(), &after);
    }
    resource.history.links = after;
}

fn find_changes(node: &Node, before: &Links, after: &mut Links, changed: &mut bool) {
    match node {
        Node::Scalar(scalar) => {
            let Some(index) = index_of(scalar) else {
                return;
            };
            if before.0.get(index).is_some_and(|known| **known != **scalar)
                && let Some(slot) = after.0.get_mut(index)
            {
                *slot = Arc::clone(scalar);
                *changed = true;
            }
        }
        Node::Sequence(items) => {
            items
                .iter()
                .for_each(|item| find_changes(item, before, after, changed));
        }
        Node::Mapping(fields) => {
            fields
                .iter()
                .for_each(|(_, value)| find_changes(value, before, after, changed));
        }
    }
}

fn index_of(scalar: &Scalar) -> Option<usize> {
    usize::try_from(scalar.link).ok()?.checked_sub(1)
}

fn write_changes(node: &mut Node, links: &Links) {
    match node {
        Node::Scalar(scalar) => {
            if let Some(shared) = index_of(scalar).and_then(|index| links.0.get(index)) {
                *scalar = Arc::clone(shared);
            }
        }
        Node::Sequence(_) => {
            for item in node.as_sequence_mut().into_iter().flatten() {
                write_changes(item, links);
            }
        }
        Node::Mapping(_) => {
            for (_, value) in node
                .as_mapping_mut()
                .into_iter()
                .flat_map(Mapping::iter_mut)
            {
                write_changes(value, links);
            }
        }
    }
}
