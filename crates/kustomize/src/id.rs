//! What identifies a resource: group, version, kind, namespace and name.
//!
//! Source: kustomize `kyaml/resid` (kyaml 0.21.1).

use std::fmt;

/// The namespace that stands for "has none": the type is certainly cluster-scoped.
pub(crate) const CLUSTER: &str = "_non_namespaceable_";
const DEFAULT: &str = "default";

/// Group, version and kind, borrowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Gvk<'a> {
    pub(crate) group: &'a str,
    pub(crate) version: &'a str,
    pub(crate) kind: &'a str,
}

/// An id, borrowed. Two are one resource when [`same`](Self::same) says so.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Id<'a> {
    pub(crate) gvk: Gvk<'a>,
    pub(crate) name: &'a str,
    pub(crate) namespace: &'a str,
    /// Whether the type certainly has no namespace; never said of what is merely looked for.
    pub(crate) is_cluster_scoped: bool,
}

/// An id as a map key: equal keys are equal ids.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct IdKey(Box<str>);

impl<'a> Gvk<'a> {
    pub(crate) fn new(api_version: &'a str, kind: &'a str) -> Self {
        let (group, version) = split_api_version(api_version);
        Self {
            group,
            version,
            kind,
        }
    }

    /// Group and version as an object has them; the core group has no name.
    pub(crate) fn api_version(self) -> String {
        if self.group.is_empty() {
            self.version.to_owned()
        } else {
            format!("{}/{}", self.group, self.version)
        }
    }

    /// Whether each part of `selector` is empty or equal to this one's.
    pub(crate) fn is_selected_by(self, selector: Gvk<'_>) -> bool {
        (selector.group.is_empty() || selector.group == self.group)
            && (selector.version.is_empty() || selector.version == self.version)
            && (selector.kind.is_empty() || selector.kind == self.kind)
    }

    /// The text that ordering compares: `~G`, `~V` and `~K` stand for empty parts, so that the
    /// core group comes after named ones.
    pub(crate) fn sort_text(self) -> String {
        fn or<'t>(text: &'t str, empty: &'t str) -> &'t str {
            if text.is_empty() { empty } else { text }
        }
        format!(
            "{}_{}_{}",
            or(self.group, "~G"),
            or(self.version, "~V"),
            or(self.kind, "~K")
        )
    }
}

impl<'a> Id<'a> {
    /// The namespace by which ids are compared.
    pub(crate) fn effective_namespace(self) -> &'a str {
        if self.is_cluster_scoped {
            CLUSTER
        } else if self.namespace.is_empty() {
            DEFAULT
        } else {
            self.namespace
        }
    }

    pub(crate) fn same(self, other: Id<'_>) -> bool {
        self.name == other.name
            && self.gvk == other.gvk
            && self.effective_namespace() == other.effective_namespace()
    }

    /// Whether each part of `selector` is empty or equal to this one's.
    pub(crate) fn is_selected_by(self, selector: Id<'_>) -> bool {
        (selector.name.is_empty() || selector.name == self.name)
            && (selector.namespace.is_empty()
                || selector.effective_namespace() == self.effective_namespace())
            && self.gvk.is_selected_by(selector.gvk)
    }

    pub(crate) fn key(self) -> IdKey {
        let namespace = self.effective_namespace();
        let Gvk {
            group,
            version,
            kind,
        } = self.gvk;
        let mut text = String::with_capacity(
            group.len() + version.len() + kind.len() + self.name.len() + namespace.len() + 4,
        );
        for part in [group, version, kind, self.name] {
            text.push_str(part);
            text.push('\0');
        }
        text.push_str(namespace);
        IdKey(text.into_boxed_str())
    }
}

impl fmt::Display for Gvk<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.kind.is_empty() {
            "[noKind]"
        } else {
            self.kind
        };
        let version = if self.version.is_empty() {
            "[noVer]"
        } else {
            self.version
        };
        let group = if self.group.is_empty() {
            "[noGrp]"
        } else {
            self.group
        };
        write!(f, "{kind}.{version}.{group}")
    }
}

impl fmt::Display for Id<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = if self.name.is_empty() {
            "[noName]"
        } else {
            self.name
        };
        let namespace = if self.namespace.is_empty() {
            "[noNs]"
        } else {
            self.namespace
        };
        write!(f, "{}/{name}.{namespace}", self.gvk)
    }
}

/// Splits `group/version`; without a slash the group is empty.
pub(crate) fn split_api_version(api_version: &str) -> (&str, &str) {
    api_version.split_once('/').unwrap_or(("", api_version))
}

#[cfg(test)]
mod tests {
    use super::{Gvk, Id};

    #[test]
    fn ids_print_and_compare() {
        let pod = Id {
            gvk: Gvk::new("v1", "Pod"),
            name: "a",
            ..Id::default()
        };
        assert_eq!(pod.to_string(), "Pod.v1.[noGrp]/a.[noNs]");
        assert!(pod.same(Id {
            namespace: "default",
            ..pod
        }));
        assert_eq!(
            pod.key(),
            Id {
                namespace: "default",
                ..pod
            }
            .key()
        );
        let role = Id {
            gvk: Gvk::new("rbac.authorization.k8s.io/v1", "ClusterRole"),
            name: "a",
            namespace: "x",
            is_cluster_scoped: true,
        };
        assert!(role.same(Id {
            namespace: "",
            ..role
        }));
        assert_eq!(pod.gvk.sort_text(), "~G_v1_Pod");
    }
}
