//! Where the objects of a build are written.
//!
//! Source: kustomize 5.8.1 `kustomize/commands/build/writer.go`.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::Path;

use anyhow::{Context as _, anyhow};
use kustomize::{Built, Resource};

/// Writes all objects to `path`, or to `stdout` without one. A directory that exists gets a file per object.
pub(super) fn write(
    built: &Built,
    path: Option<&str>,
    stdout: &mut dyn Write,
) -> anyhow::Result<()> {
    let path = path.filter(|path| !path.is_empty()).map(Path::new);
    if let Some(directory) = path.filter(|path| path.is_dir()) {
        return write_files(built, directory);
    }
    let text = built.to_yaml().map_err(|error| printable(&error))?;
    match path {
        None => Ok(stdout.write_all(&text)?),
        Some(path) => fs::write(path, text).with_context(|| format!("open {}", path.display())),
    }
}

/// Files are named by what they hold; with objects in several namespaces, the namespace comes first.
fn write_files(built: &Built, directory: &Path) -> anyhow::Result<()> {
    let namespaces: BTreeSet<&str> = built
        .resources
        .iter()
        .filter_map(Resource::effective_namespace)
        .collect();
    for resource in &built.resources {
        let api_version = resource.api_version();
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        let namespace = resource
            .effective_namespace()
            .filter(|_| namespaces.len() > 1);
        let parts: Vec<&str> = [
            namespace.unwrap_or(""),
            group,
            version,
            resource.kind(),
            resource.name(),
        ]
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect();
        let name = format!("{}.yaml", parts.join("_")).to_lowercase();
        let mut text = Vec::new();
        resource
            .write_yaml(&mut text)
            .map_err(|error| printable(&error))?;
        // A name never leads out of the directory.
        let path = directory.join(name.replace('/', "_"));
        fs::write(&path, text).with_context(|| format!("open {}", path.display()))?;
    }
    Ok(())
}

fn printable(error: &kustomize::Error) -> anyhow::Error {
    anyhow!(error.chain().to_string())
}
