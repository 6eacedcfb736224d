//! Where a resource comes from, for `buildMetadata`.
//!
//! Source: kustomize `api/resource/origin.go` (api 0.21.1).

use crate::repository::Repository;

/// The annotation that tells where a resource comes from.
pub(crate) const ORIGIN: &str = "config.kubernetes.io/origin";
/// The annotation that lists the transformers that ran over a resource.
pub(crate) const TRANSFORMATIONS: &str = "alpha.config.kubernetes.io/transformations";

/// A file, or the configuration that made the resource.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Origin {
    pub(crate) path: String,
    pub(crate) repo: String,
    pub(crate) reference: String,
    pub(crate) configured_in: String,
    pub(crate) configured_by: Option<ConfiguredBy>,
}

/// The configuration of a generator or transformer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ConfiguredBy {
    pub(crate) api_version: String,
    pub(crate) kind: String,
    pub(crate) name: String,
    pub(crate) namespace: String,
}

impl Origin {
    /// The origin of something at `path` seen from here.
    ///
    /// A repository begins anew at its own root. Upstream shows that root as `notCloned`, the name it gives to the
    /// directory before there is one.
    pub(crate) fn append(&self, path: &str) -> Self {
        if let Some(address) = Repository::parse(path) {
            let inside = clean(address.path());
            return Self {
                path: if inside.is_empty() {
                    "notCloned".to_owned()
                } else {
                    inside
                },
                repo: address.url().to_owned(),
                reference: address.reference().to_owned(),
                ..self.clone()
            };
        }
        let joined = if self.path.is_empty() {
            path.to_owned()
        } else {
            format!("{}/{path}", self.path)
        };
        Self {
            path: clean(&joined),
            ..self.clone()
        }
    }

    /// The YAML of the annotation; empty parts are left out.
    pub(crate) fn to_yaml(&self) -> String {
        let mut out = String::new();
        self.write(&mut out, "", "");
        out
    }

    fn write(&self, out: &mut String, first: &str, indent: &str) {
        let mut lead = first;
        for (name, value) in [
            ("path", &self.path),
            ("repo", &self.repo),
            ("ref", &self.reference),
            ("configuredIn", &self.configured_in),
        ] {
            if !value.is_empty() {
                line(out, lead, name, value);
                lead = indent;
            }
        }
        if let Some(by) = &self.configured_by {
            out.push_str(lead);
            out.push_str("configuredBy:\n");
            let deeper = format!("{indent}  ");
            for (name, value) in [
                ("apiVersion", &by.api_version),
                ("kind", &by.kind),
                ("name", &by.name),
                ("namespace", &by.namespace),
            ] {
                if !value.is_empty() {
                    line(out, &deeper, name, value);
                }
            }
        }
    }
}

/// The YAML list of the transformations annotation.
pub(crate) fn transformations_yaml(origins: &[std::sync::Arc<Origin>]) -> String {
    let mut out = String::new();
    for origin in origins {
        origin.write(&mut out, "- ", "  ");
    }
    out
}

fn line(out: &mut String, lead: &str, name: &str, value: &str) {
    for part in [lead, name, ": ", value, "\n"] {
        out.push_str(part);
    }
}

/// Removes `.` and inner `..`; leading `..` stay.
pub(crate) fn clean(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            other => parts.push(other),
        }
    }
    parts.join("/")
}
