//! Makes trees at random: a base, overlays over it, a component; a pod with patches;
//! objects without a schema, changed.

use kustomize::MemoryTree;

mod layers;
mod objects;
mod pods;
mod widgets;

pub(crate) use layers::overlay;
pub(crate) use pods::patched_pod;
pub(crate) use widgets::changed_widgets;

/// Files by path.
pub(crate) type Files = Vec<(String, String)>;

pub(crate) fn memory(files: &Files) -> MemoryTree {
    let mut tree = MemoryTree::default();
    for (path, text) in files {
        tree.insert(path, text);
    }
    tree
}
