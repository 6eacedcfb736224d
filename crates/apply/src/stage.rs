//! In which order objects go: four stages, and an order inside a stage.
//!
//! Definitions, namespaces and what others are named after come first, and are waited for. The
//! order inside a stage is also that of inventories, and reversed that of pruning. It looks at the
//! kind's name only. Source: fluxcd/pkg `ssa/manager_apply.go`, `ssa/utils/sort.go`.

use std::{cmp::Ordering, collections::BTreeSet};

use crate::object::{Object, ObjectId};

const FIRST: [&str; 23] = [
    "CustomResourceDefinition",
    "Namespace",
    "ClusterRole",
    "ClusterClass",
    "RuntimeClass",
    "PriorityClass",
    "StorageClass",
    "VolumeSnapshotClass",
    "IngressClass",
    "GatewayClass",
    "ClusterRoleBinding",
    "ResourceQuota",
    "ServiceAccount",
    "Role",
    "RoleBinding",
    "ConfigMap",
    "Secret",
    "Service",
    "LimitRange",
    "Deployment",
    "StatefulSet",
    "CronJob",
    "PodDisruptionBudget",
];
const LAST: [&str; 2] = [
    "MutatingWebhookConfiguration",
    "ValidatingWebhookConfiguration",
];
/// Where in `FIRST` the kinds begin that start pods.
const WORKLOADS: usize = 19;

fn rank(kind: &str) -> usize {
    let at = |list: &[&str]| list.iter().position(|listed| *listed == kind);
    match (at(&FIRST), at(&LAST)) {
        (Some(at), _) => at,
        (None, Some(at)) => FIRST.len() + 1 + at,
        (None, None) => FIRST.len(),
    }
}

/// The apply order: by kind, then group, kind, namespace and name.
pub fn order(a: &ObjectId, b: &ObjectId) -> Ordering {
    rank(&a.kind).cmp(&rank(&b.kind)).then_with(|| a.cmp(b))
}

/// The part of a stage that is written side by side; the next part starts when it is done.
///
/// Flux writes one object after another. What is observable of that is kept: what pods need when
/// they start precedes what starts them, and a webhook comes after what serves it.
pub(crate) fn wave(id: &ObjectId) -> usize {
    match rank(&id.kind) {
        rank if rank < WORKLOADS => 0,
        rank if rank <= FIRST.len() => 1,
        _ => 2,
    }
}

/// Kinds that the user put into a stage of their own: `--custom-apply-stage-kinds`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StageKinds(BTreeSet<(String, String)>);

/// A text is no list of kinds.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid group/kind {0:?}")]
pub struct InvalidStageKind(String);

impl StageKinds {
    /// Parses `group/Kind,…`; no slash means the core group.
    ///
    /// # Errors
    /// When an entry has no kind, or more than one slash.
    pub fn parse(text: &str) -> Result<Self, InvalidStageKind> {
        let entries = text
            .split(',')
            .map(str::trim)
            .filter(|entry| !entry.is_empty());
        let parsed = entries.map(|entry| {
            let (group, kind) = entry.split_once('/').unwrap_or(("", entry));
            if kind.is_empty() || kind.contains('/') {
                return Err(InvalidStageKind(entry.to_owned()));
            }
            Ok((group.to_owned(), kind.to_owned()))
        });
        parsed.collect::<Result<_, _>>().map(Self)
    }

    fn contain(&self, id: &ObjectId) -> bool {
        self.0
            .iter()
            .any(|(group, kind)| *group == id.group && *kind == id.kind)
    }
}

/// The stages, in the order in which they are applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// `CustomResourceDefinition`, `Namespace`, `ClusterRole`.
    Definitions,
    /// Every kind whose name ends in `Class`.
    Classes,
    /// The user's choice.
    Custom,
    /// Everything else.
    Rest,
}

impl Stage {
    /// The stage of an object.
    pub fn of(id: &ObjectId, custom: &StageKinds) -> Self {
        match (id.group.as_str(), id.kind.as_str()) {
            ("apiextensions.k8s.io", "CustomResourceDefinition")
            | ("", "Namespace")
            | ("rbac.authorization.k8s.io", "ClusterRole") => Self::Definitions,
            (_, kind) if kind.ends_with("Class") => Self::Classes,
            _ if custom.contain(id) => Self::Custom,
            _ => Self::Rest,
        }
    }

    /// Whether the next stage starts only when the objects of this one are ready.
    pub fn is_awaited(self) -> bool {
        matches!(self, Self::Definitions | Self::Classes)
    }
}

/// Sorts objects into their stages; empty stages are left out.
pub fn stages(objects: Vec<Object>, custom: &StageKinds) -> Vec<(Stage, Vec<Object>)> {
    let mut stages: std::collections::BTreeMap<Stage, Vec<Object>> =
        std::collections::BTreeMap::new();
    for object in objects {
        stages
            .entry(Stage::of(object.id(), custom))
            .or_default()
            .push(object);
    }
    let sorted = stages.into_iter().map(|(stage, mut objects)| {
        objects.sort_by(|a, b| order(a.id(), b.id()));
        (stage, objects)
    });
    sorted.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> ObjectId {
        let mut parts = text.split(' ');
        let mut next = || parts.next().unwrap_or_default().to_owned();
        ObjectId {
            group: next(),
            kind: next(),
            namespace: next(),
            name: next(),
        }
    }

    #[test]
    fn kinds_go_before_what_needs_them() {
        let expected = [
            "apiextensions.k8s.io CustomResourceDefinition  z",
            " Namespace  b",
            "rbac.authorization.k8s.io ClusterRole  a",
            "storage.k8s.io StorageClass  a",
            " ServiceAccount a a",
            " ConfigMap a b",
            " ConfigMap b a",
            " Secret a a",
            " Service a a",
            "apps Deployment a a",
            "policy PodDisruptionBudget a a",
            "a.io Zebra a a",
            "b.io Ant a a",
            "admissionregistration.k8s.io MutatingWebhookConfiguration  a",
            "admissionregistration.k8s.io ValidatingWebhookConfiguration  a",
        ];
        let mut ids: Vec<_> = expected.iter().rev().map(|text| id(text)).collect();
        ids.sort_by(order);
        assert_eq!(ids, expected.map(id));
        let waves: Vec<_> = ids.iter().map(wave).collect();
        assert!(waves.is_sorted(), "{waves:?}");
    }

    #[test]
    fn a_stage_depends_on_group_and_kind() {
        let custom = StageKinds::parse("rbac.authorization.k8s.io/Role, Secret").expect("kinds");
        let cases = [
            (
                "apiextensions.k8s.io CustomResourceDefinition",
                Stage::Definitions,
            ),
            ("other.io CustomResourceDefinition", Stage::Rest),
            (" Namespace", Stage::Definitions),
            ("other.io Namespace", Stage::Rest),
            ("cluster.x-k8s.io ClusterClass", Stage::Classes),
            ("rbac.authorization.k8s.io Role", Stage::Custom),
            (" Secret", Stage::Custom),
            ("other.io Secret", Stage::Rest),
        ];
        for (text, expected) in cases {
            assert_eq!(Stage::of(&id(text), &custom), expected, "{text}");
        }
        for text in ["a/", "a/b/c"] {
            assert_eq!(StageKinds::parse(text), Err(InvalidStageKind(text.into())));
        }
    }
}
