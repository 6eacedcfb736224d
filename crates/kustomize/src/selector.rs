//! Selects resources: by id parts as patterns, by labels and annotations.
//!
//! Source: kustomize `api/types/selector.go`, `api/resource` (api 0.21.1).

use crate::error::Result;
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
    labels: Requirements,
    annotations: Requirements,
    /// Whether any id part is given.
    pub(crate) has_id: bool,
    /// Whether labels or annotations are selected.
    pub(crate) has_requirements: bool,
}

impl Matcher {
    pub(crate) fn new(selector: &Selector) -> Result<Self> {
        Ok(Self {
            group: regex::anchored(&selector.group)?,
            version: regex::anchored(&selector.version)?,
            kind: regex::anchored(&selector.kind)?,
            name: regex::anchored(&selector.name)?,
            namespace: regex::anchored(&selector.namespace)?,
            labels: Requirements::parse(&selector.labels)?,
            annotations: Requirements::parse(&selector.annotations)?,
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

    pub(crate) fn matches_labels(&self, resource: &Resource) -> bool {
        self.labels.hold(&resource.labels())
    }

    pub(crate) fn matches_annotations(&self, resource: &Resource) -> bool {
        let mut entries = resource.annotations();
        let internal = if self.annotations.mention("internal.config.kubernetes.io/") {
            resource.internal_annotations()
        } else {
            Vec::new()
        };
        entries.extend(internal.iter().map(|(key, value)| (*key, value.as_str())));
        self.annotations.hold(&entries)
    }

    /// Whether a patch with this target is for `resource`: name and namespace may be the original
    /// or the present ones.
    pub(crate) fn targets(&self, resource: &Resource) -> bool {
        let (now, original) = (resource.id(), resource.original_id());
        self.matches_gvk(now.gvk)
            && (self.matches_name(original.name) || self.matches_name(now.name))
            && (self.matches_namespace(original.effective_namespace())
                || self.matches_namespace(now.effective_namespace()))
            && self.matches_labels(resource)
            && self.matches_annotations(resource)
    }
}
