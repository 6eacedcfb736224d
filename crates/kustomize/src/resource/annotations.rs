//! A resource's history in the form in which patches see it: annotations of the object.
//!
//! Upstream keeps the history there all the time. Patches can therefore add to annotations that the
//! file does not have, and a strategic merge patch that replaces all annotations makes the resource
//! forget its earlier names and its hash. Everything else goes by [`History`] itself.
//! Source: kustomize `api/internal/utils/annotations.go`, `kyaml/kio/kioutil` (0.21.1).

use super::{History, Resource};

const DOMAIN: &str = "internal.config.kubernetes.io/";
const ENABLED: &str = "enabled";

/// Keys by what they hold.
const PREVIOUS_KINDS: &str = "previousKinds";
const PREVIOUS_NAMES: &str = "previousNames";
const PREVIOUS_NAMESPACES: &str = "previousNamespaces";
const PREFIXES: &str = "prefixes";
const SUFFIXES: &str = "suffixes";
const BEHAVIOR: &str = "generatorBehavior";
const NEEDS_HASH: &str = "needsHashSuffix";

/// What a patch did to the history while it was on show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shown {
    /// There was no history.
    Nothing,
    Kept,
    /// The patch took it away.
    Lost,
}

impl Resource {
    /// Writes the history into the object's annotations, for a patch to see.
    pub(crate) fn show_history(&mut self) {
        let entries = self.history.entries();
        if entries.is_empty() {
            return;
        }
        let Some(annotations) = self
            .node_mut()
            .mapping_at("metadata")
            .and_then(|metadata| metadata.mapping_at("annotations"))
        else {
            return;
        };
        for (key, text) in entries {
            annotations.set_field(&format!("{DOMAIN}{key}"), &text, crate::node::Tag::Str);
        }
    }

    /// Takes the history out of the annotations again.
    pub(crate) fn hide_history(&mut self) -> Shown {
        let entries = self.history.entries();
        if entries.is_empty() {
            return Shown::Nothing;
        }
        let Some(metadata) = self
            .node_mut()
            .get_mut("metadata")
            .and_then(|metadata| metadata.as_mapping_mut())
        else {
            return Shown::Lost;
        };
        let Some(annotations) = metadata
            .get_mut("annotations")
            .and_then(|annotations| annotations.as_mapping_mut())
        else {
            return Shown::Lost;
        };
        let before = annotations.len();
        for (key, _) in entries {
            annotations.remove(&format!("{DOMAIN}{key}"));
        }
        let shown = if annotations.len() < before {
            Shown::Kept
        } else {
            Shown::Lost
        };
        if annotations.is_empty() {
            metadata.remove("annotations");
        }
        shown
    }
}

impl History {
    /// Forgets everything that upstream keeps in annotations.
    pub(crate) fn forget(&mut self) {
        *self = Self {
            allow_name_change: self.allow_name_change,
            allow_kind_change: self.allow_kind_change,
            links: std::mem::take(&mut self.links),
            vars: std::mem::take(&mut self.vars),
            ..Self::default()
        };
    }

    fn entries(&self) -> Vec<(&'static str, String)> {
        let mut entries = Vec::new();
        let mut add = |key, parts: Vec<&str>| {
            if !parts.is_empty() {
                entries.push((key, parts.join(",")));
            }
        };
        add(PREFIXES, self.prefixes.iter().map(|text| &**text).collect());
        add(SUFFIXES, self.suffixes.iter().map(|text| &**text).collect());
        let previous = &self.previous;
        add(
            PREVIOUS_KINDS,
            previous.iter().map(|id| &*id.kind).collect(),
        );
        add(
            PREVIOUS_NAMES,
            previous.iter().map(|id| &*id.name).collect(),
        );
        add(
            PREVIOUS_NAMESPACES,
            previous.iter().map(|id| &*id.namespace).collect(),
        );
        if self.needs_hash {
            add(NEEDS_HASH, vec![ENABLED]);
            add(BEHAVIOR, vec![self.behavior.name()]);
        }
        entries
    }
}
