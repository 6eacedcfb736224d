//! Which crate may use which: dependencies point downwards only.
//!
//! ```text
//! policy      source-controller     kustomize-controller     notification-controller     cli
//! mechanism   git → snapshot        kustomize → yaml, snapshot, regexp        apply → runtime → queue, api        notifier → api
//! ground      snapshot   yaml   regexp   queue   api   expression → api
//! ```

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde::Deserialize;

use super::cargo_output;

/// Everything below the controllers.
const MECHANISMS: &[&str] = &[
    "api",
    "apply",
    "envsubst",
    "expression",
    "git",
    "kustomize",
    "notifier",
    "queue",
    "regexp",
    "runtime",
    "snapshot",
    "yaml",
];

/// What each crate may use of ours. A crate that is not here has not found its place yet.
const LAYERS: [(&str, &[&str]); 20] = [
    ("api", &[]),
    ("oracle", &[]),
    ("queue", &[]),
    ("regexp", &[]),
    ("snapshot", &[]),
    ("yaml", &[]),
    ("envsubst", &["regexp"]),
    ("expression", &["api"]),
    ("git", &["snapshot"]),
    ("kustomize", &["envsubst", "regexp", "snapshot", "yaml"]),
    ("runtime", &["api", "queue"]),
    ("apply", &["api", "runtime"]),
    ("notifier", &["api"]),
    ("source-controller", MECHANISMS),
    ("kustomize-controller", MECHANISMS),
    ("notification-controller", MECHANISMS),
    ("cli", MECHANISMS),
    ("testkit", &["api", "runtime"]),
    ("xtask", &["api", "testkit"]),
    ("e2e", &["api", "testkit"]),
];

/// Crates of others that only some of ours may name.
const RESERVED: [(&str, &[&str]); 3] = [
    ("git2", &["git"]),
    ("cel", &["expression"]),
    ("chrono", &[]),
];

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    /// `dev` or `build`; nothing for a normal one.
    kind: Option<String>,
}

/// Returns the rules that are broken.
pub(super) fn broken() -> Result<Vec<String>> {
    let metadata = cargo_output(&["metadata", "--format-version=1", "--no-deps"])?;
    let metadata: Metadata = serde_json::from_str(&metadata).context("read cargo's metadata")?;
    Ok(check(&metadata))
}

fn check(metadata: &Metadata) -> Vec<String> {
    let layers = BTreeMap::from(LAYERS);
    let mut broken = Vec::new();
    for package in &metadata.packages {
        let Some(allowed) = layers.get(package.name.as_str()) else {
            broken.push(format!("{} has no place in the layers", package.name));
            continue;
        };
        for dependency in &package.dependencies {
            let name = dependency.name.as_str();
            let ours = metadata.packages.iter().any(|package| package.name == name);
            // Tests may reach for anything.
            if ours && dependency.kind.as_deref() != Some("dev") && !allowed.contains(&name) {
                broken.push(format!("{} must not use {name}", package.name));
            }
            let reserved = RESERVED.iter().find(|(reserved, _)| *reserved == name);
            if reserved.is_some_and(|(_, users)| !users.contains(&package.name.as_str())) {
                broken.push(format!("{} must not name {name}", package.name));
            }
        }
    }
    broken
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers() {
        let package = |name: &str, dependencies: &[(&str, Option<&str>)]| Package {
            name: name.to_owned(),
            dependencies: dependencies
                .iter()
                .map(|(name, kind)| Dependency {
                    name: (*name).to_owned(),
                    kind: kind.map(str::to_owned),
                })
                .collect(),
        };
        let metadata = Metadata {
            packages: vec![
                package("yaml", &[("serde", None), ("testkit", Some("dev"))]),
                package("api", &[("yaml", None), ("chrono", None)]),
                package("git", &[("git2", None)]),
                package("testkit", &[("git2", Some("dev"))]),
                package("new", &[]),
            ],
        };
        let expected = [
            "api must not use yaml",
            "api must not name chrono",
            "testkit must not name git2",
            "new has no place in the layers",
        ];
        assert_eq!(check(&metadata), expected);
    }
}
