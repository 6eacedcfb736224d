//! Name prefixes and suffixes.
//!
//! The old id is recorded so that references can follow; custom resource definitions, namespaces
//! and API services keep their names because these mean something.
//! Source: kustomize `api/internal/builtins/{PrefixTransformer,SuffixTransformer}.go` (api 0.21.1).

use std::sync::Arc;

use crate::error::Result;
use crate::field_spec::{Create, FieldSpecs};
use crate::id::Gvk;
use crate::node::{Node, Tag};
use crate::resources::Resources;

/// Which end of the name grows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Prefix,
    Suffix,
}

/// Adds `text` to the names in `resources`.
pub(crate) fn transform(
    resources: &mut Resources,
    end: End,
    text: &str,
    specs: &FieldSpecs,
) -> Result<()> {
    let shared: Arc<str> = text.into();
    for resource in resources.iter_mut() {
        let id = resource.original_id();
        if keeps_name(id.gvk) {
            continue;
        }
        let matching: Vec<_> = specs.iter().filter(|spec| spec.matches(id.gvk)).collect();
        for spec in matching {
            if &*spec.path == "metadata/name" && !text.is_empty() {
                match end {
                    End::Prefix => resource.history.prefixes.push(Arc::clone(&shared)),
                    End::Suffix => resource.history.suffixes.push(Arc::clone(&shared)),
                }
                resource.remember_id();
            }
            spec.apply(resource, Create::Scalar, &mut |node: &mut Node| {
                let old = node.value();
                let new = match end {
                    End::Prefix => format!("{text}{old}"),
                    End::Suffix => format!("{old}{text}"),
                };
                crate::node::require_scalar(node)?;
                node.set_text(&new, Tag::None);
                Ok(())
            })?;
        }
    }
    Ok(())
}

fn keeps_name(gvk: Gvk<'_>) -> bool {
    matches!(gvk.kind, "CustomResourceDefinition" | "Namespace")
        || (gvk.kind == "APIService" && gvk.group == "apiregistration.k8s.io")
}
