//! Which objects a Kustomization has applied, as its status says.
//!
//! An id is `<namespace>_<name>_<group>_<Kind>`; in the names of the RBAC kinds, the only ones that
//! may hold a colon, `:` is written `__`. Source: fluxcd/cli-utils `object.ObjMetadata`.

use std::collections::BTreeSet;

use api::kustomize::status::InventoryEntry;

use crate::{object::ObjectId, stage};

/// An object of an inventory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Which object.
    pub id: ObjectId,
    /// The API version that it was applied in.
    pub version: String,
}

/// A text is no inventory id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unable to parse stored object metadata: {0}")]
pub struct InvalidId(String);

impl From<&Entry> for InventoryEntry {
    fn from(entry: &Entry) -> Self {
        Self {
            id: entry.id.inventory_id(),
            v: entry.version.clone(),
        }
    }
}

impl TryFrom<&InventoryEntry> for Entry {
    type Error = InvalidId;

    fn try_from(entry: &InventoryEntry) -> Result<Self, InvalidId> {
        Ok(Self {
            id: ObjectId::from_inventory_id(&entry.id)?,
            version: entry.v.clone(),
        })
    }
}

const RBAC: &str = "rbac.authorization.k8s.io";

impl ObjectId {
    /// The id as inventories hold it.
    pub fn inventory_id(&self) -> String {
        let name = if self.group == RBAC {
            self.name.replace(':', "__")
        } else {
            self.name.clone()
        };
        format!("{}_{name}_{}_{}", self.namespace, self.group, self.kind)
    }

    /// Parses the id of an inventory entry.
    ///
    /// # Errors
    /// When there are fewer than three underscores, or no name or kind.
    pub fn from_inventory_id(text: &str) -> Result<Self, InvalidId> {
        let invalid = || InvalidId(text.to_owned());
        let (namespace, rest) = text.split_once('_').ok_or_else(invalid)?;
        let (rest, kind) = rest.rsplit_once('_').ok_or_else(invalid)?;
        let (name, group) = rest.rsplit_once('_').ok_or_else(invalid)?;
        if name.is_empty() || kind.is_empty() {
            return Err(invalid());
        }
        Ok(Self {
            group: group.into(),
            kind: kind.into(),
            namespace: namespace.into(),
            name: name.replace("__", ":"),
        })
    }
}

/// The entries of `old` whose objects are not in `new`, in the order in which they are pruned. The
/// version does not count.
pub fn stale(old: &[Entry], new: &[Entry]) -> Vec<Entry> {
    let kept: BTreeSet<_> = new.iter().map(|entry| &entry.id).collect();
    let mut stale: Vec<_> = old
        .iter()
        .filter(|entry| !kept.contains(&entry.id))
        .cloned()
        .collect();
    stale.sort_by(|a, b| stage::order(&b.id, &a.id));
    stale.dedup_by(|a, b| a.id == b.id);
    stale
}

/// `new` followed by what only `old` has, in apply order: what may exist while an apply from `old`
/// to `new` is under way.
pub fn union(old: &[Entry], new: &[Entry]) -> Vec<Entry> {
    let mut gone = stale(old, new);
    gone.reverse();
    new.iter().cloned().chain(gone).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ids_are_fluxs() {
        let cases = [
            ("_foo__Namespace", ["", "Namespace", "", "foo"]),
            (
                "default_podinfo_apps_Deployment",
                ["apps", "Deployment", "default", "podinfo"],
            ),
            (
                "default_podinfo__Service",
                ["", "Service", "default", "podinfo"],
            ),
            (
                "_system__a_rbac.authorization.k8s.io_ClusterRole",
                [RBAC, "ClusterRole", "", "system:a"],
            ),
            ("a_b_c_d.io_K", ["d.io", "K", "a", "b_c"]),
        ];
        for (text, [group, kind, namespace, name]) in cases {
            let id = ObjectId {
                group: group.into(),
                kind: kind.into(),
                namespace: namespace.into(),
                name: name.into(),
            };
            assert_eq!(ObjectId::from_inventory_id(text).as_ref(), Ok(&id));
            assert_eq!(id.inventory_id(), text);
        }
        for text in ["", "a", "a_b", "a_b_c", "a__g_K", "a_b_g_"] {
            assert!(ObjectId::from_inventory_id(text).is_err(), "{text}");
        }
    }

    fn entries() -> impl Strategy<Value = Vec<Entry>> {
        let kind = prop::sample::select(vec!["Namespace", "Deployment", "Widget", "Secret"]);
        let entry =
            (kind, "[ab]", "[a-c]", "v[12]").prop_map(|(kind, namespace, name, version)| Entry {
                id: ObjectId {
                    group: String::new(),
                    kind: kind.into(),
                    namespace,
                    name,
                },
                version,
            });
        prop::collection::vec(entry, 0..8)
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_nothing_kept_is_stale(old in entries(), new in entries()) {
            let stale = stale(&old, &new);
            let union = union(&old, &new);
            prop_assert!(stale.is_sorted_by(|a, b| stage::order(&a.id, &b.id).is_gt()));
            for entry in &stale {
                prop_assert!(new.iter().all(|kept| kept.id != entry.id));
            }
            for entry in old.iter().chain(&new) {
                prop_assert!(union.iter().any(|kept| kept.id == entry.id));
                let is_stale = stale.iter().any(|gone| gone.id == entry.id);
                prop_assert_eq!(is_stale, new.iter().all(|kept| kept.id != entry.id));
                prop_assert_eq!(
                    Entry::try_from(&InventoryEntry::from(entry)),
                    Ok(entry.clone())
                );
            }
        }
    }
}
