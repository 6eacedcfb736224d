//! Replica counts.
//!
//! Source: kustomize `api/internal/builtins/ReplicaCountTransformer.go` (api 0.21.1).

use crate::error::{Error, Result};
use crate::field_spec::{Create, FieldSpecs};
use crate::kustomization::Replica;
use crate::node::{Node, Tag};
use crate::resources::Resources;

/// Sets the count on every resource that has or had the name; none at all is an error.
pub(crate) fn transform(
    resources: &mut Resources,
    replica: &Replica,
    specs: &FieldSpecs,
) -> Result<()> {
    let count = replica.count.to_string();
    let mut found = false;
    for spec in specs.iter() {
        let matching = resources.positions(|resource| {
            resource
                .all_ids()
                .any(|id| id.name == replica.name && spec.matches(id.gvk))
        });
        found |= !matching.is_empty();
        for index in matching {
            let mut set = |node: &mut Node| {
                crate::node::require_scalar(node)?;
                node.set_text(&count, Tag::Int);
                Ok(())
            };
            resources
                .edit(index, |resource| {
                    spec.apply(resource, Create::Int, &mut set)
                })
                .unwrap_or(Ok(()))?;
        }
    }
    if found {
        return Ok(());
    }
    let gvks: Vec<String> = specs.iter().map(|spec| spec.gvk().to_string()).collect();
    Err(Error::invalid(format!(
        "resource with name {} does not match a config with the following GVK [{}]",
        replica.name,
        gvks.join(" ")
    )))
}
