//! The order of the output.
//!
//! Source: kustomize `plugin/builtin/sortordertransformer`, `kyaml/resid/gvk.go`.

use std::cmp::Ordering;
use std::collections::HashMap;

use crate::error::{Error, Result};
use crate::id::Gvk;
use crate::kustomization::{LegacySortOptions, SortOptions};
use crate::resource::Resource;

const FIRST: [&str; 22] = [
    "Namespace",
    "ResourceQuota",
    "StorageClass",
    "CustomResourceDefinition",
    "ServiceAccount",
    "PodSecurityPolicy",
    "Role",
    "ClusterRole",
    "RoleBinding",
    "ClusterRoleBinding",
    "ConfigMap",
    "Secret",
    "Endpoints",
    "Service",
    "LimitRange",
    "PriorityClass",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "Deployment",
    "StatefulSet",
    "CronJob",
    "PodDisruptionBudget",
];
const LAST: [&str; 2] = [
    "MutatingWebhookConfiguration",
    "ValidatingWebhookConfiguration",
];

/// How a build orders its output unless its kustomization says otherwise.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Order {
    /// As the kustomization lists it.
    #[default]
    None,
    /// Kinds that others depend on first; the command's default.
    Legacy,
}

/// Sorts by the top layer's `sortOptions`, else by `order`.
pub(crate) fn transform(
    resources: Vec<Resource>,
    options: Option<&SortOptions>,
    order: Order,
) -> Result<Vec<Resource>> {
    let Some(options) = options else {
        return Ok(match order {
            Order::None => resources,
            Order::Legacy => legacy(resources, &FIRST, &LAST),
        });
    };
    match (options.order.as_str(), &options.legacy) {
        ("fifo", None) => Ok(resources),
        ("legacy", None) => Ok(legacy(resources, &FIRST, &LAST)),
        ("legacy", Some(LegacySortOptions { first, last })) => {
            let first: Vec<&str> = first.iter().map(String::as_str).collect();
            let last: Vec<&str> = last.iter().map(String::as_str).collect();
            Ok(legacy(resources, &first, &last))
        }
        ("fifo", Some(_)) => Err(Error::invalid(
            "the field 'sortOptions.legacySortOptions' is set but the selected sort order is 'fifo', not 'legacy'",
        )),
        _ => Err(Error::invalid(
            "the field 'sortOptions.order' must be one of [fifo, legacy]",
        )),
    }
}

/// The sort key of a type in configuration tables.
pub(crate) fn default_key(gvk: Gvk<'_>) -> (i64, String) {
    (default_rank(gvk.kind), gvk.sort_text())
}

fn default_rank(kind: &str) -> i64 {
    let at = |list: &[&str]| {
        list.iter()
            .position(|name| *name == kind)
            .and_then(|i| i64::try_from(i).ok())
    };
    at(&LAST).map_or_else(
        || at(&FIRST).map_or(0, |index| index - 22),
        |index| index + 1,
    )
}

/// What legacy order compares, computed once per resource.
struct Key {
    rank: i64,
    gvk: String,
    reversed: bool,
    id: String,
}

fn legacy(resources: Vec<Resource>, first: &[&str], last: &[&str]) -> Vec<Resource> {
    let mut ranks: HashMap<&str, i64> = HashMap::new();
    let len = i64::try_from(first.len()).unwrap_or(i64::MAX);
    for (index, kind) in (0_i64..).zip(first) {
        ranks.insert(*kind, index - len);
    }
    for (index, kind) in (1_i64..).zip(last) {
        ranks.insert(*kind, index);
    }
    let mut keyed: Vec<(Key, Resource)> = resources
        .into_iter()
        .map(|resource| {
            let id = resource.id();
            let or = |text: &str, empty: &str| {
                if text.is_empty() {
                    empty.to_owned()
                } else {
                    text.to_owned()
                }
            };
            let key = Key {
                rank: ranks.get(id.gvk.kind).copied().unwrap_or(0),
                gvk: id.gvk.sort_text(),
                reversed: id.gvk.kind == "Namespace",
                id: format!(
                    "{}|{}|{}",
                    id.gvk,
                    or(id.namespace, "~X"),
                    or(id.name, "~N")
                ),
            };
            (key, resource)
        })
        .collect();
    keyed.sort_by(|(a, _), (b, _)| a.compare(b));
    keyed.into_iter().map(|(_, resource)| resource).collect()
}

impl Key {
    fn compare(&self, other: &Self) -> Ordering {
        self.rank.cmp(&other.rank).then_with(|| {
            if self.gvk == other.gvk {
                return self.id.cmp(&other.id);
            }
            let order = self.gvk.cmp(&other.gvk);
            let core = |key: &Self| key.gvk.starts_with("~G");
            if self.reversed && other.reversed && (core(self) || core(other)) {
                order.reverse()
            } else {
                order
            }
        })
    }
}
