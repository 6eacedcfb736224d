//! Selects resources: by id parts as patterns, by labels and annotations.
//!
//! Source: kustomize `api/types/selector.go`, `api/resource` (api 0.21.1).

use crate::error::{Error, Result};
use crate::id::Gvk;
use crate::kustomization::Selector;
use crate::regex::{self, Pattern};
use crate::resource::Resource;

mod requirements;

use requirements::Requirements;

/// A compiled [`Selector`].
#[derive(Debug)]
pub(crate) struct Matcher {
    group: Pattern,
    version: Pattern,
    kind: Pattern,
    name: Pattern,
    namespace: Pattern,
    labels: Asked,
    annotations: Asked,
    /// Whether any id part is given.
    pub(crate) has_id: bool,
    /// Whether labels or annotations are selected.
    pub(crate) has_requirements: bool,
}

/// Requirements, or why they cannot be read: that matters only once a resource is asked for them.
#[derive(Debug)]
struct Asked(Result<Requirements, String>);

impl Asked {
    fn new(text: &str) -> Self {
        Self(Requirements::parse(text).map_err(|error| error.chain().to_string()))
    }

    fn get(&self) -> Result<&Requirements> {
        match &self.0 {
            Ok(requirements) => Ok(requirements),
            Err(message) => Err(Error::invalid(message.clone())),
        }
    }
}

impl Matcher {
    pub(crate) fn new(selector: &Selector) -> Result<Self> {
        Ok(Self {
            group: regex::anchored(&selector.group)?,
            version: regex::anchored(&selector.version)?,
            kind: regex::anchored(&selector.kind)?,
            name: regex::anchored(&selector.name)?,
            namespace: regex::anchored(&selector.namespace)?,
            labels: Asked::new(&selector.labels),
            annotations: Asked::new(&selector.annotations),
            has_id: [
                &selector.group,
                &selector.version,
                &selector.kind,
                &selector.name,
                &selector.namespace,
            ]
            .iter()
            .any(|part| !part.is_empty()),
            has_requirements: !selector.labels.is_empty() || !selector.annotations.is_empty(),
        })
    }

    pub(crate) fn matches_gvk(&self, gvk: Gvk<'_>) -> bool {
        self.kind.is_match(gvk.kind)
            && self.group.is_match(gvk.group)
            && self.version.is_match(gvk.version)
    }

    pub(crate) fn matches_name(&self, name: &str) -> bool {
        self.name.is_match(name)
    }

    pub(crate) fn matches_namespace(&self, namespace: &str) -> bool {
        self.namespace.is_match(namespace)
    }

    /// # Errors
    /// When the selector is malformed.
    pub(crate) fn matches_labels(&self, resource: &Resource) -> Result<bool> {
        Ok(self.labels.get()?.hold(&resource.labels()))
    }

    /// # Errors
    /// When the selector is malformed.
    pub(crate) fn matches_annotations(&self, resource: &Resource) -> Result<bool> {
        let annotations = self.annotations.get()?;
        let mut entries = resource.annotations();
        let internal = if annotations.mention("internal.config.kubernetes.io/") {
            resource.internal_annotations()
        } else {
            Vec::new()
        };
        entries.extend(internal.iter().map(|(key, value)| (*key, value.as_str())));
        Ok(annotations.hold(&entries))
    }

    /// Whether a patch with this target is for `resource`: name and namespace may be the original
    /// or the present ones.
    ///
    /// # Errors
    /// When a selector that decides about it is malformed.
    pub(crate) fn targets(&self, resource: &Resource) -> Result<bool> {
        let (now, original) = (resource.id(), resource.original_id());
        let by_id = self.matches_gvk(now.gvk)
            && (self.matches_name(original.name) || self.matches_name(now.name))
            && (self.matches_namespace(original.effective_namespace())
                || self.matches_namespace(now.effective_namespace()));
        Ok(by_id && self.matches_labels(resource)? && self.matches_annotations(resource)?)
    }
}
