//! What a server serves, as it tells.
//!
//! Aggregated discovery answers for all groups in two requests; a server without it (before 1.27)
//! is asked per group and version, when one is needed. Source: KEP-3352, client-go `discovery`.

use std::{collections::HashMap, sync::Arc};

use http::Method;
use kube::client::APIGroupDiscoveryList;
use serde::Deserialize;

use super::{
    Client,
    call::Call,
    error::ApiError,
    resource::{GroupVersionKind, ResourceRef},
};

const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,\
                          application/json;g=apidiscovery.k8s.io;v=v2beta1;\
                          as=APIGroupDiscoveryList,application/json";

/// The kinds of a server: per group its versions, the preferred one first.
#[derive(Clone, Debug, Default)]
pub(super) struct Catalogue {
    groups: HashMap<String, Vec<Version>>,
    /// Whether the server has told of all groups at once, so that what is missing is not there.
    complete: bool,
}

#[derive(Clone, Debug)]
struct Version {
    name: String,
    /// By kind; `None` until asked for.
    kinds: Option<HashMap<String, Arc<ResourceRef>>>,
    /// Whether the server behind this version did not answer, so that kinds may be missing.
    stale: bool,
}

/// What a catalogue knows of a kind.
pub(super) enum Known {
    Served(Arc<ResourceRef>),
    /// This group and version must be asked for first.
    Ask {
        group: String,
        version: String,
    },
    No,
}

impl Catalogue {
    /// Asks for everything that two requests can tell.
    pub(super) async fn load(client: &Client) -> Result<Self, ApiError> {
        let mut catalogue = Self::default();
        let (core, named) = futures::join!(groups(client, "/api"), groups(client, "/apis"));
        for answer in [core?, named?] {
            match answer {
                Groups::Aggregated(list) => {
                    catalogue.complete = true;
                    catalogue.extend(list);
                }
                Groups::Core { versions } => catalogue.expect(String::new(), versions),
                Groups::Named { groups } => {
                    for group in groups {
                        let preferred = group.preferred_version.version;
                        let mut names: Vec<_> =
                            group.versions.into_iter().map(|v| v.version).collect();
                        names.sort_by_key(|name| *name != preferred);
                        catalogue.expect(group.name, names);
                    }
                }
            }
        }
        Ok(catalogue)
    }

    /// Asks for one group and version.
    pub(super) async fn ask(
        &mut self,
        client: &Client,
        group: &str,
        version: &str,
    ) -> Result<(), ApiError> {
        let path = if group.is_empty() {
            format!("/api/{version}")
        } else {
            format!("/apis/{group}/{version}")
        };
        let list: ResourceList = client.decode(Call::new(Method::GET, path)).await?;
        let resources = list.resources.into_iter().filter(|r| !r.name.contains('/'));
        let kinds = by_kind(resources.map(|resource| ResourceRef {
            group: group.into(),
            version: version.into(),
            kind: resource.kind,
            plural: resource.name,
            namespaced: resource.namespaced,
        }));
        let versions = self.groups.entry(group.into()).or_default();
        match versions.iter_mut().find(|v| v.name == version) {
            Some(known) => known.kinds = Some(kinds),
            None => versions.push(Version {
                name: version.into(),
                kinds: Some(kinds),
                stale: false,
            }),
        }
        Ok(())
    }

    pub(super) fn exact(&self, gvk: &GroupVersionKind) -> Known {
        let versions = self
            .groups
            .get(&gvk.group)
            .map(Vec::as_slice)
            .unwrap_or_default();
        versions
            .iter()
            .find(|version| version.name == gvk.version)
            .map_or(Known::No, |version| version.find(&gvk.group, &gvk.kind))
    }

    /// The kind in the most preferred version that has it.
    pub(super) fn preferred(&self, group: &str, kind: &str) -> Known {
        let versions = self
            .groups
            .get(group)
            .map(Vec::as_slice)
            .unwrap_or_default();
        for version in versions {
            match version.find(group, kind) {
                Known::No => {}
                known => return known,
            }
        }
        Known::No
    }

    /// Whether it is certain that no version of the kind is served.
    pub(super) fn is_absent(&self, group: &str, kind: &str) -> bool {
        let versions = self
            .groups
            .get(group)
            .map(Vec::as_slice)
            .unwrap_or_default();
        let may_serve =
            |version: &Version| version.stale || !matches!(version.find(group, kind), Known::No);
        self.complete && !versions.iter().any(may_serve)
    }

    /// Takes a kind that is known to be served, before discovery tells.
    pub(super) fn learn(&mut self, resource: ResourceRef) {
        let versions = self.groups.entry(resource.group.clone()).or_default();
        let at = versions
            .iter()
            .position(|version| version.name == resource.version);
        let at = at.unwrap_or_else(|| {
            versions.push(Version {
                name: resource.version.clone(),
                kinds: Some(HashMap::new()),
                stale: false,
            });
            versions.len() - 1
        });
        if let Some(Version {
            kinds: Some(kinds), ..
        }) = versions.get_mut(at)
        {
            kinds.insert(resource.kind.clone(), Arc::new(resource));
        }
    }

    pub(super) fn forget(&mut self, resource: &ResourceRef) {
        for version in self.groups.get_mut(&resource.group).into_iter().flatten() {
            if version.name == resource.version
                && let Some(kinds) = &mut version.kinds
            {
                kinds.remove(&resource.kind);
            }
        }
    }

    fn expect(&mut self, group: String, versions: Vec<String>) {
        let versions = versions.into_iter().map(|name| Version {
            name,
            kinds: None,
            stale: false,
        });
        self.groups.insert(group, versions.collect());
    }

    fn extend(&mut self, list: APIGroupDiscoveryList) {
        for group in list.items {
            let name = group.metadata.and_then(|m| m.name).unwrap_or_default();
            let versions = group.versions.into_iter().map(|version| {
                let version_name = version.version.unwrap_or_default();
                let stale = version.freshness.as_deref() == Some("Stale");
                let kinds = by_kind(version.resources.into_iter().filter_map(|resource| {
                    Some(ResourceRef {
                        group: name.clone(),
                        version: version_name.clone(),
                        kind: resource.response_kind?.kind?,
                        plural: resource.resource?,
                        namespaced: resource.scope.as_deref() == Some("Namespaced"),
                    })
                }));
                Version {
                    name: version_name,
                    kinds: Some(kinds),
                    stale,
                }
            });
            let versions = versions.collect();
            self.groups.insert(name, versions);
        }
    }
}

impl Version {
    fn find(&self, group: &str, kind: &str) -> Known {
        match &self.kinds {
            None => Known::Ask {
                group: group.into(),
                version: self.name.clone(),
            },
            Some(kinds) => kinds
                .get(kind)
                .map_or(Known::No, |r| Known::Served(Arc::clone(r))),
        }
    }
}

/// Of several resources of one kind, the first counts.
fn by_kind(resources: impl Iterator<Item = ResourceRef>) -> HashMap<String, Arc<ResourceRef>> {
    let mut kinds = HashMap::new();
    for resource in resources {
        kinds
            .entry(resource.kind.clone())
            .or_insert_with(|| Arc::new(resource));
    }
    kinds
}

async fn groups(client: &Client, path: &str) -> Result<Groups, ApiError> {
    client
        .decode(Call::new(Method::GET, path.into()).accept(AGGREGATED))
        .await
}

#[derive(Deserialize)]
#[serde(tag = "kind")]
enum Groups {
    #[serde(rename = "APIGroupDiscoveryList")]
    Aggregated(APIGroupDiscoveryList),
    #[serde(rename = "APIVersions")]
    Core { versions: Vec<String> },
    #[serde(rename = "APIGroupList")]
    Named { groups: Vec<Group> },
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Group {
    name: String,
    versions: Vec<GroupVersion>,
    #[serde(default)]
    preferred_version: GroupVersion,
}

#[derive(Default, Deserialize)]
struct GroupVersion {
    version: String,
}

#[derive(Deserialize)]
struct ResourceList {
    #[serde(default)]
    resources: Vec<Listed>,
}

#[derive(Deserialize)]
struct Listed {
    name: String,
    kind: String,
    namespaced: bool,
}
