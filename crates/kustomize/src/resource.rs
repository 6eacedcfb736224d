//! A resource while it is being built: the object and what happened to it.
//!
//! kustomize keeps this history in annotations of the object; here it lies beside it, so that ids
//! are read without parsing text. The group and version of earlier ids are always the present
//! ones, as upstream.
//! Source: kustomize `api/resource/resource.go`, `api/internal/utils/annotations.go` (api 0.21.1).

use std::sync::Arc;

use crate::id::{Gvk, Id};
use crate::links::Links;
use crate::node::{Mapping, Node, Scalar, Style, Tag};
use crate::origin::Origin;
use crate::scope::Scopes;

mod internal;

pub(crate) use internal::Keeper;

/// An object with its history.
#[derive(Debug, Clone)]
pub(crate) struct Resource {
    node: Node,
    scopes: Scopes,
    pub(crate) history: History,
    pub(crate) origin: Option<Arc<Origin>>,
    pub(crate) transformations: Vec<Arc<Origin>>,
}

/// What transformers must know of an object's past.
#[derive(Debug, Clone, Default)]
pub(crate) struct History {
    /// Earlier ids, oldest first.
    previous: Vec<PreviousId>,
    /// Innermost first.
    pub(crate) prefixes: Vec<Arc<str>>,
    pub(crate) suffixes: Vec<Arc<str>>,
    pub(crate) needs_hash: bool,
    /// Set on what a generator made.
    pub(crate) behavior: Option<Behavior>,
    /// On patches: what they may change.
    pub(crate) allow_name_change: bool,
    pub(crate) allow_kind_change: bool,
    pub(crate) links: Links,
    /// The variables that read from this resource.
    pub(crate) vars: Vec<Arc<str>>,
}

/// How a generated object meets one that is there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Behavior {
    #[default]
    Unspecified,
    Create,
    Replace,
    Merge,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct PreviousId {
    kind: Box<str>,
    name: Box<str>,
    /// Effective, and therefore never empty.
    namespace: Box<str>,
}

impl Resource {
    pub(crate) fn new(node: Node, scopes: &Scopes) -> Self {
        Self {
            node,
            scopes: scopes.clone(),
            history: History::default(),
            origin: None,
            transformations: Vec::new(),
        }
    }

    pub(crate) fn node(&self) -> &Node {
        &self.node
    }

    pub(crate) fn node_mut(&mut self) -> &mut Node {
        &mut self.node
    }

    pub(crate) fn kind(&self) -> &str {
        self.node.get("kind").map_or("", Node::value)
    }

    pub(crate) fn api_version(&self) -> &str {
        self.node.get("apiVersion").map_or("", Node::value)
    }

    pub(crate) fn name(&self) -> &str {
        self.metadata_text("name")
    }

    pub(crate) fn namespace(&self) -> &str {
        self.metadata_text("namespace")
    }

    pub(crate) fn gvk(&self) -> Gvk<'_> {
        Gvk::new(self.api_version(), self.kind())
    }

    /// The id that the object has now.
    pub(crate) fn id(&self) -> Id<'_> {
        Id {
            gvk: self.gvk(),
            name: self.name(),
            namespace: self.namespace(),
            is_cluster_scoped: self
                .scopes
                .is_cluster_scoped(self.api_version(), self.kind()),
        }
    }

    /// The first id that the object had.
    pub(crate) fn original_id(&self) -> Id<'_> {
        self.previous_ids().next().unwrap_or_else(|| self.id())
    }

    /// The ids that the object had before, oldest first.
    pub(crate) fn previous_ids(&self) -> impl Iterator<Item = Id<'_>> {
        let api_version = if self.history.previous.is_empty() {
            ""
        } else {
            self.api_version()
        };
        let Gvk { group, version, .. } = Gvk::new(api_version, "");
        self.history.previous.iter().map(move |previous| Id {
            gvk: Gvk {
                group,
                version,
                kind: &previous.kind,
            },
            name: &previous.name,
            namespace: &previous.namespace,
            is_cluster_scoped: self.scopes.is_cluster_scoped(api_version, &previous.kind),
        })
    }

    /// All ids, the present one last.
    pub(crate) fn all_ids(&self) -> impl Iterator<Item = Id<'_>> {
        self.previous_ids().chain(std::iter::once(self.id()))
    }

    /// Records the present id before it changes.
    pub(crate) fn remember_id(&mut self) {
        let id = self.id();
        let previous = PreviousId {
            kind: id.gvk.kind.into(),
            name: id.name.into(),
            namespace: id.effective_namespace().into(),
        };
        self.history.previous.push(previous);
    }

    pub(crate) fn set_name(&mut self, name: &str) {
        self.set_metadata("name", name);
    }

    /// Sets the namespace; an empty one removes the field.
    pub(crate) fn set_namespace(&mut self, namespace: &str) {
        if namespace.is_empty() {
            if let Some(metadata) = self.node.get_mut("metadata").and_then(Node::as_mapping_mut) {
                metadata.remove("namespace");
            }
        } else {
            self.set_metadata("namespace", namespace);
        }
    }

    pub(crate) fn set_kind(&mut self, kind: &str) {
        self.node.set_field("kind", kind, Tag::None);
    }

    pub(crate) fn set_api_version(&mut self, api_version: &str) {
        self.node.set_field("apiVersion", api_version, Tag::None);
    }

    pub(crate) fn labels(&self) -> Vec<(&str, &str)> {
        self.string_map("labels")
    }

    pub(crate) fn annotations(&self) -> Vec<(&str, &str)> {
        self.string_map("annotations")
    }

    /// Replaces labels or annotations by strings; no entries remove the field.
    pub(crate) fn set_string_map(&mut self, field: &str, entries: Vec<(String, String)>) {
        if entries.is_empty() {
            if let Some(metadata) = self.node.get_mut("metadata").and_then(Node::as_mapping_mut) {
                metadata.remove(field);
            }
            return;
        }
        let map: Mapping = entries
            .into_iter()
            .map(|(key, value)| (key, Node::string(&value)))
            .collect();
        if let Some(metadata) = self
            .node
            .mapping_at("metadata")
            .and_then(Node::as_mapping_mut)
        {
            metadata.set(field, Node::Mapping(Arc::new(map)));
        }
    }

    /// Makes every label or annotation a string, as upstream does whenever it rewrites them.
    pub(crate) fn stringify(&mut self, field: &str) {
        let tidy = match self.node.at(&["metadata", field]) {
            None => true,
            Some(Node::Mapping(map)) => {
                !map.is_empty()
                    && map.iter().all(|(key, value)| {
                        matches!(value, Node::Scalar(s) if is_written_as_text(s))
                            && !crate::parse::needs_quotes(&key.text)
                    })
            }
            Some(_) => false,
        };
        if !tidy {
            let entries = self
                .string_map(field)
                .into_iter()
                .map(|(key, value)| (key.to_owned(), value.to_owned()))
                .collect();
            self.set_string_map(field, entries);
        }
    }

    fn string_map(&self, field: &str) -> Vec<(&str, &str)> {
        let Some(map) = self
            .node
            .at(&["metadata", field])
            .and_then(Node::as_mapping)
        else {
            return Vec::new();
        };
        let mut entries: Vec<(&str, &str)> = Vec::with_capacity(map.len());
        for (key, value) in map.iter() {
            if !entries.iter().any(|(known, _)| *known == &*key.text) {
                entries.push((&key.text, value.value()));
            }
        }
        entries
    }

    fn metadata_text(&self, field: &str) -> &str {
        match self.node.at(&["metadata", field]) {
            Some(node) if !node.is_null() => node.value(),
            _ => "",
        }
    }

    fn set_metadata(&mut self, field: &str, text: &str) {
        if let Some(metadata) = self.node.mapping_at("metadata") {
            metadata.set_field(field, text, Tag::None);
        }
    }
}

impl Behavior {
    pub(crate) fn parse(text: &str) -> Self {
        match text {
            "create" => Self::Create,
            "replace" => Self::Replace,
            "merge" => Self::Merge,
            _ => Self::Unspecified,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Unspecified => "unspecified",
            Self::Create => "create",
            Self::Replace => "replace",
            Self::Merge => "merge",
        }
    }
}

/// Whether a text is read as it stands once it is printed: a folded block may not be, nor does a text stay that
/// begins with a tab and has several lines, unless it is quoted.
fn is_written_as_text(scalar: &Scalar) -> bool {
    let begins_with_tab = scalar.text.starts_with('\t') && scalar.text.contains('\n');
    scalar.tag == Tag::Str && scalar.style != Style::Folded && !begins_with_tab
}
