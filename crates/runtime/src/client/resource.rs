//! Kinds, resources and the paths under which a server serves them.

use std::fmt;

use super::{call::Subject, error::ApiError};

/// Group, version and kind. An empty group is the core group.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupVersionKind {
    /// The group; empty for the core group.
    pub group: String,
    /// The version.
    pub version: String,
    /// The kind.
    pub kind: String,
}

impl GroupVersionKind {
    /// Splits an `apiVersion`, `v1` or `apps/v1`.
    pub fn parse(api_version: &str, kind: &str) -> Self {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        Self {
            group: group.into(),
            version: version.into(),
            kind: kind.into(),
        }
    }

    /// The `apiVersion`: `v1` or `apps/v1`.
    pub fn api_version(&self) -> String {
        api_version(&self.group, &self.version)
    }
}

fn api_version(group: &str, version: &str) -> String {
    if group.is_empty() {
        version.to_owned()
    } else {
        format!("{group}/{version}")
    }
}

/// A kind as a server serves it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ResourceRef {
    /// The group; empty for the core group.
    pub group: String,
    /// The version.
    pub version: String,
    /// The kind, as `Deployment`.
    pub kind: String,
    /// The name in paths, as `deployments`.
    pub plural: String,
    /// Whether its objects live in namespaces.
    pub namespaced: bool,
}

impl ResourceRef {
    /// A namespaced resource.
    pub fn namespaced(api_version: &str, kind: &str, plural: &str) -> Self {
        let gvk = GroupVersionKind::parse(api_version, kind);
        Self {
            group: gvk.group,
            version: gvk.version,
            kind: gvk.kind,
            plural: plural.into(),
            namespaced: true,
        }
    }

    /// A cluster-scoped resource.
    pub fn cluster(api_version: &str, kind: &str, plural: &str) -> Self {
        Self {
            namespaced: false,
            ..Self::namespaced(api_version, kind, plural)
        }
    }

    /// The `apiVersion`: `v1` or `apps/v1`.
    pub fn api_version(&self) -> String {
        api_version(&self.group, &self.version)
    }

    /// One object of this resource. The namespace of a cluster-scoped one is ignored.
    pub fn object<'a>(&'a self, namespace: &'a str, name: &'a str) -> Target<'a> {
        Target {
            resource: self,
            namespace,
            name,
        }
    }

    /// `deployments.apps`, as errors name it.
    fn qualified(&self) -> String {
        if self.group.is_empty() {
            self.plural.clone()
        } else {
            format!("{}.{}", self.plural, self.group)
        }
    }

    /// The path of the collection; of all namespaces when `namespace` is empty.
    pub(super) fn path(&self, namespace: &str) -> Result<String, ApiError> {
        let mut path = if self.group.is_empty() {
            format!("/api/{}", self.version)
        } else {
            format!("/apis/{}/{}", self.group, self.version)
        };
        if self.namespaced && !namespace.is_empty() {
            path.push_str("/namespaces/");
            push_segment(&mut path, "namespace", namespace)?;
        }
        path.push('/');
        path.push_str(&self.plural);
        Ok(path)
    }

    pub(super) fn subject(&self, name: &str) -> Subject {
        Subject {
            resource: self.qualified(),
            name: name.to_owned(),
        }
    }
}

/// One object on a server.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    /// Its kind.
    pub resource: &'a ResourceRef,
    /// Its namespace; empty for a cluster-scoped object.
    pub namespace: &'a str,
    /// Its name.
    pub name: &'a str,
}

impl Target<'_> {
    pub(super) fn path(&self, subresource: Option<&str>) -> Result<String, ApiError> {
        let mut path = self.resource.path(self.namespace)?;
        path.push('/');
        push_segment(&mut path, "resource name", self.name)?;
        if let Some(subresource) = subresource {
            path.push('/');
            path.push_str(subresource);
        }
        Ok(path)
    }

    pub(super) fn subject(&self) -> Subject {
        self.resource.subject(self.name)
    }
}

impl fmt::Display for Target<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/", self.resource.kind)?;
        if !self.namespace.is_empty() {
            write!(f, "{}/", self.namespace)?;
        }
        f.write_str(self.name)
    }
}

/// Appends one path segment. What would leave the segment is refused, as client-go does.
fn push_segment(path: &mut String, what: &str, segment: &str) -> Result<(), ApiError> {
    let fault = match segment {
        "" => Some("may not be empty".to_owned()),
        "." | ".." => Some(format!("may not be '{segment}'")),
        other => ['/', '%']
            .into_iter()
            .find(|c| other.contains(*c))
            .map(|c| format!("may not contain '{c}'")),
    };
    if let Some(fault) = fault {
        return Err(ApiError::Request(format!(
            "invalid {what} {segment:?}: [{fault}]"
        )));
    }
    push_encoded(path, segment);
    Ok(())
}

/// Appends `text`, percent-encoding what may not stand in a path segment or a query value.
pub(super) fn push_encoded(out: &mut String, text: &str) {
    const HEX: [char; 16] = [
        '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F',
    ];
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~:@$!,".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            for digit in [byte >> 4, byte & 0xf] {
                out.extend(HEX.get(usize::from(digit)));
            }
        }
    }
}
