//! The root kustomization as Flux completes it.
//!
//! Source: fluxcd/pkg `kustomize/kustomize_generator.go` (1.39).

use std::sync::Arc;

use crate::accumulate::{self, Build};
use crate::error::{Error, Result, ResultExt as _};
use crate::file::{self, EntryKind};
use crate::kustomization::decode::Mode;
use crate::kustomization::{FILE_NAMES, Kustomization, Patch, PatchOptions, Selector};
use crate::load::Loader;
use crate::repository::Repository;

use super::Spec;

const GENERATED: &str = "kustomization.yaml";
const PLACEHOLDER: &str = "_placeholder";
const ORIGIN_ANNOTATIONS: &str = "originAnnotations";

/// Reads or makes up the root kustomization and applies `spec` to it.
pub(super) fn generate(
    build: &Build<'_>,
    loader: &Loader<'_>,
    spec: &Spec,
) -> Result<(Arc<Kustomization>, String)> {
    let (mut kustomization, name) = match accumulate::find_file(loader) {
        Ok((name, found)) => {
            let read = accumulate::read(build, loader, &found, Mode::Lenient)?;
            let mut kustomization = (*read).clone();
            if kustomization.resources.is_empty() {
                kustomization.build_metadata = vec![ORIGIN_ANNOTATIONS.to_owned()];
            }
            (kustomization, name)
        }
        Err(Error::MissingKustomization(_)) => (scan(build, loader)?, GENERATED.to_owned()),
        Err(error) => return Err(error),
    };
    apply(&mut kustomization, loader, spec)?;
    Ok((Arc::new(kustomization), name))
}

/// Lists every manifest below the directory, and every directory that has a kustomization.
fn scan(build: &Build<'_>, loader: &Loader<'_>) -> Result<Kustomization> {
    let mut kustomization = Kustomization::default();
    scan_dir(build, loader, ".", &mut kustomization.resources, 0)?;
    if kustomization.resources.is_empty() {
        PLACEHOLDER.clone_into(&mut kustomization.namespace);
    }
    kustomization.complete();
    Ok(kustomization)
}

fn scan_dir(
    build: &Build<'_>,
    loader: &Loader<'_>,
    relative: &str,
    found: &mut Vec<String>,
    depth: usize,
) -> Result<()> {
    if depth > build.limits.max_layers {
        return Err(Error::Limit(format!(
            "'{relative}' is more than {depth} directories deep"
        )));
    }
    let source = loader.source;
    let dir = file::join(loader.root(), relative)
        .ok_or_else(|| Error::Restricted(format!("'{relative}' is outside of the root")))?;
    let entries = source
        .tree
        .list(&dir)
        .map_err(|error| Error::Missing(format!("open {}: {error}", source.display(&dir))))?;
    source.recorder.borrow_mut().listed(&dir, &entries);
    for (name, kind) in entries {
        let path = format!("{relative}/{name}");
        if kind == EntryKind::Directory {
            let has_file = FILE_NAMES.iter().any(|name| {
                file::join(&dir, &format!("{}/{name}", file::base_name(&path)))
                    .is_some_and(|path| source.resolve(&path).is_ok_and(|found| !found.is_dir))
            });
            if has_file {
                found.push(path);
            } else {
                scan_dir(build, loader, &path, found, depth + 1)?;
            }
        } else if is_manifest(&name) {
            let shown = || {
                let path = file::join(&dir, &name).unwrap_or_default();
                format!(
                    "failed to decode Kubernetes YAML from {}",
                    source.display(&path)
                )
            };
            let file = loader.find(&path)?;
            accumulate::parse_file(build, loader, &file, &path).context(shown)?;
            found.push(path);
        }
    }
    Ok(())
}

fn is_manifest(name: &str) -> bool {
    name.rsplit_once('.')
        .is_some_and(|(_, extension)| matches!(extension, "yaml" | "yml"))
}

fn apply(kustomization: &mut Kustomization, loader: &Loader<'_>, spec: &Spec) -> Result<()> {
    for (from, to) in [
        (&spec.target_namespace, &mut kustomization.namespace),
        (&spec.name_prefix, &mut kustomization.name_prefix),
        (&spec.name_suffix, &mut kustomization.name_suffix),
    ] {
        if !from.is_empty() {
            to.clone_from(from);
        }
    }
    kustomization
        .patches
        .extend(spec.patches.iter().map(|patch| Patch {
            inline: patch.patch.clone(),
            path: String::new(),
            target: patch.target.as_ref().map(selector),
            options: PatchOptions::default(),
        }));
    for component in &spec.components {
        if !is_local(component) {
            return Err(Error::invalid(format!(
                "component path '{component}' must be local and relative"
            )));
        }
        if spec.ignore_missing_components && !exists(loader, component) {
            continue;
        }
        kustomization.components.push(component.clone());
    }
    for image in &spec.images {
        merge_image(kustomization, image);
    }
    if !spec.build_metadata.is_empty() {
        kustomization
            .build_metadata
            .clone_from(&spec.build_metadata);
    }
    Ok(())
}

fn merge_image(kustomization: &mut Kustomization, image: &super::Image) {
    let new = crate::kustomization::Image {
        name: image.name.clone(),
        new_name: image.new_name.clone(),
        new_tag: image.new_tag.clone(),
        digest: image.digest.clone(),
        tag_suffix: String::new(),
    };
    let known = kustomization
        .images
        .iter_mut()
        .find(|known| known.name == image.name);
    let Some(known) = known else {
        kustomization.images.push(new);
        return;
    };
    if !new.new_name.is_empty() {
        known.new_name = new.new_name;
    }
    if !new.new_tag.is_empty() || !new.digest.is_empty() {
        known.new_tag = new.new_tag;
        known.digest = new.digest;
    }
}

fn selector(selector: &super::Selector) -> Selector {
    Selector {
        group: selector.group.clone(),
        version: selector.version.clone(),
        kind: selector.kind.clone(),
        name: selector.name.clone(),
        namespace: selector.namespace.clone(),
        labels: selector.label_selector.clone(),
        annotations: selector.annotation_selector.clone(),
    }
}

fn is_local(path: &str) -> bool {
    !path.is_empty()
        && !path.starts_with('/')
        && !path.contains("://")
        && Repository::parse(path).is_none()
}

fn exists(loader: &Loader<'_>, component: &str) -> bool {
    file::join(loader.root(), component).is_some_and(|path| loader.source.resolve(&path).is_ok())
}
