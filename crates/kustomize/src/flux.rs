//! Builds as Flux's kustomize-controller does.
//!
//! Before the build Flux rewrites the root kustomization with the fields of its `Kustomization`
//! object, or makes one up where the directory has none. Here the rewritten file exists in memory
//! only. The build itself reads any file of the tree, does not sort, and starts no programs. Afterwards
//! [`substitute`] puts variables into the objects.
//! Source: fluxcd/pkg `kustomize` 1.39, kustomize-controller 1.9.

mod generator;
mod post_build;

pub use post_build::{Variables, substitute};

use crate::build::{self, Built, Failure, Options};
use crate::cache::ParseCache;
use crate::file::FileTree;
use crate::load::{LoadRestrictor, Loader};
use crate::transform::sort::Order;

/// The fields of a Flux `Kustomization` that shape its build.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Spec {
    /// `spec.targetNamespace`; empty for none.
    pub target_namespace: String,
    /// `spec.namePrefix`; empty for none.
    pub name_prefix: String,
    /// `spec.nameSuffix`; empty for none.
    pub name_suffix: String,
    /// `spec.patches`.
    pub patches: Vec<Patch>,
    /// `spec.components`: paths relative to the directory that is built.
    pub components: Vec<String>,
    /// `spec.ignoreMissingComponents`.
    pub ignore_missing_components: bool,
    /// `spec.images`.
    pub images: Vec<Image>,
    /// `spec.buildMetadata`; empty leaves what the file says.
    pub build_metadata: Vec<String>,
}

/// A patch and what it is for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Patch {
    /// A strategic merge patch, or a list of JSON patch operations.
    pub patch: String,
    /// The objects that it is for; without it the patch names its object.
    pub target: Option<Selector>,
}

/// Selects objects; empty parts match any. Parts of the id are regular expressions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selector {
    /// API group.
    pub group: String,
    /// API version.
    pub version: String,
    /// Kind.
    pub kind: String,
    /// Name.
    pub name: String,
    /// Namespace.
    pub namespace: String,
    /// Label selector.
    pub label_selector: String,
    /// Selector over annotations, in the same grammar.
    pub annotation_selector: String,
}

/// An override for an image.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Image {
    /// The image that is meant, without its tag.
    pub name: String,
    /// Its new name; empty keeps it.
    pub new_name: String,
    /// Its new tag; empty keeps it.
    pub new_tag: String,
    /// Its new digest; empty keeps it.
    pub digest: String,
}

/// Builds the directory `path` of `tree` as `spec` says. Load restrictor, order and the role of custom
/// schemas are Flux's, whatever `options` says.
///
/// # Errors
/// Whatever is wrong with the files or the spec.
pub fn build(
    tree: &dyn FileTree,
    path: &str,
    spec: &Spec,
    options: &Options<'_>,
    cache: &ParseCache,
) -> Result<Built, Failure> {
    let options = Options {
        load_restrictor: LoadRestrictor::None,
        order: Order::None,
        extend_schema: true,
        ..options.clone()
    };
    build::run(tree, &options, cache, |build, source| {
        let loader = Loader::top(source, path, LoadRestrictor::None)?;
        let (kustomization, file_name) = generator::generate(build, &loader, spec)?;
        Ok((loader, kustomization, file_name))
    })
}
