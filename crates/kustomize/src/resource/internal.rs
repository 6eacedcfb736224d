//! The annotations in which upstream keeps what this crate keeps beside the object.
//!
//! Selectors, patches and tests of a JSON patch see them, and a patch that removes all annotations
//! takes the history with it. They are put into an object for the time that somebody looks.
//! Source: kustomize `api/internal/utils/annotations.go`, `api/resource/resource.go` (api 0.21.1).

use std::sync::Arc;

use crate::node::Node;
use crate::origin;

use super::Resource;

const PREVIOUS_KINDS: &str = "internal.config.kubernetes.io/previousKinds";
const PREVIOUS_NAMES: &str = "internal.config.kubernetes.io/previousNames";
const PREVIOUS_NAMESPACES: &str = "internal.config.kubernetes.io/previousNamespaces";
const PREFIXES: &str = "internal.config.kubernetes.io/prefixes";
const SUFFIXES: &str = "internal.config.kubernetes.io/suffixes";
const BEHAVIOR: &str = "internal.config.kubernetes.io/generatorBehavior";
const NEEDS_HASH: &str = "internal.config.kubernetes.io/needsHashSuffix";

/// Who took annotations away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keeper {
    /// A strategic merge patch: what it removed is lost.
    None,
    /// A JSON patch: the history is put back, what tells of the origin is not.
    History,
}

impl Resource {
    /// The annotations that tell of the resource's past, with their values.
    pub(crate) fn internal_annotations(&self) -> Vec<(&'static str, String)> {
        let history = &self.history;
        let mut entries = Vec::new();
        if !history.previous.is_empty() {
            let joined = |part: fn(&super::PreviousId) -> &str| {
                let parts: Vec<&str> = history.previous.iter().map(part).collect();
                parts.join(",")
            };
            entries.push((PREVIOUS_KINDS, joined(|id| &id.kind)));
            entries.push((PREVIOUS_NAMES, joined(|id| &id.name)));
            entries.push((PREVIOUS_NAMESPACES, joined(|id| &id.namespace)));
        }
        for (key, affixes) in [(PREFIXES, &history.prefixes), (SUFFIXES, &history.suffixes)] {
            if !affixes.is_empty() {
                entries.push((key, affixes.join(",")));
            }
        }
        if let Some(behavior) = history.behavior {
            entries.push((BEHAVIOR, behavior.name().to_owned()));
        }
        if history.needs_hash {
            entries.push((NEEDS_HASH, "enabled".to_owned()));
        }
        if let Some(origin) = &self.origin {
            entries.push((origin::ORIGIN, origin.to_yaml()));
        }
        if !self.transformations.is_empty() {
            let list = origin::transformations_yaml(&self.transformations);
            entries.push((origin::TRANSFORMATIONS, list));
        }
        entries
    }

    /// Runs `change` while the object holds its internal annotations; what is gone afterwards is
    /// forgotten, unless `keeper` keeps it.
    pub(crate) fn with_internal_annotations<T>(
        &mut self,
        keeper: Keeper,
        change: impl FnOnce(&mut Self) -> T,
    ) -> T {
        let entries = self.internal_annotations();
        if entries.is_empty() {
            return change(self);
        }
        let annotations = self
            .node
            .mapping_at("metadata")
            .and_then(|metadata| metadata.mapping_at("annotations"))
            .and_then(Node::as_mapping_mut);
        if let Some(annotations) = annotations {
            for (key, value) in &entries {
                annotations.set(key, Node::string(value));
            }
        }
        let result = change(self);
        for (key, _) in entries {
            if !self.take_annotation(key) {
                self.forget(key, keeper);
            }
        }
        result
    }

    /// Removes an annotation, and the map if that was all; says whether it was there.
    fn take_annotation(&mut self, key: &str) -> bool {
        let Some(metadata) = self.node.get_mut("metadata").and_then(Node::as_mapping_mut) else {
            return false;
        };
        let Some(annotations) = metadata
            .get_mut("annotations")
            .and_then(Node::as_mapping_mut)
        else {
            return false;
        };
        let found = annotations.remove(key).is_some();
        if annotations.is_empty() {
            metadata.remove("annotations");
        }
        found
    }

    fn forget(&mut self, key: &str, keeper: Keeper) {
        let history = &mut self.history;
        match key {
            origin::ORIGIN => self.origin = None,
            origin::TRANSFORMATIONS => self.transformations = Vec::new(),
            _ if keeper == Keeper::History => {}
            // The three lists of earlier ids go together or not at all.
            PREVIOUS_KINDS | PREVIOUS_NAMES | PREVIOUS_NAMESPACES => history.previous = Vec::new(),
            PREFIXES => history.prefixes = Vec::<Arc<str>>::new(),
            SUFFIXES => history.suffixes = Vec::<Arc<str>>::new(),
            BEHAVIOR => history.behavior = None,
            NEEDS_HASH => history.needs_hash = false,
            _ => {}
        }
    }
}
