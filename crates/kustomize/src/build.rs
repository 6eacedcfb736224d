//! A whole build: evaluate the top layer, then settle what needs all resources at once.
//!
//! Source: kustomize `api/krusty/kustomizer.go`, `api/internal/target` (api 0.21.1).

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde_json::Value;

use crate::accumulate::{self, Accumulator, Build, Layer};
use crate::cache::ParseCache;
use crate::error::{Error, Result, ResultExt as _};
use crate::field_spec::{FieldSpec, FieldSpecs};
use crate::file::{FileTree, MemoryTree};
use crate::generate::hash;
use crate::id::{Gvk, Id};
use crate::kustomization::Kustomization;
use crate::kustomization::decode::Mode;
use crate::limits::Limits;
use crate::load::{LoadRestrictor, Loader, Source};
use crate::node::require_mapping;
use crate::origin::{self, Origin};
use crate::parse;
use crate::read_set::{ReadSet, Recorder};
use crate::remote::Remote;
use crate::repository::Repository;
use crate::resource;
use crate::resources::Resources;
use crate::scope::Scopes;
use crate::transform::sort::{self, Order};
use crate::transform::{labels, references, vars};

const LOCAL_CONFIG: &str = "config.kubernetes.io/local-config";
const MANAGED_BY: &str = "app.kubernetes.io/managed-by";

/// Annotations that never reach the output.
const INTERNAL: [&str; 19] = [
    "internal.config.kubernetes.io/previousKinds",
    "internal.config.kubernetes.io/previousNames",
    "internal.config.kubernetes.io/previousNamespaces",
    "internal.config.kubernetes.io/prefixes",
    "internal.config.kubernetes.io/suffixes",
    "internal.config.kubernetes.io/refBy",
    "internal.config.kubernetes.io/generatorBehavior",
    "internal.config.kubernetes.io/needsHashSuffix",
    "internal.config.kubernetes.io/allowNameChange",
    "internal.config.kubernetes.io/allowKindChange",
    "internal.config.kubernetes.io/helm-generated",
    "internal.config.kubernetes.io/path",
    "internal.config.kubernetes.io/index",
    "internal.config.kubernetes.io/seqindent",
    "internal.config.kubernetes.io/id",
    "internal.config.kubernetes.io/annotations-migration-resource-id",
    "config.kubernetes.io/path",
    "config.kubernetes.io/index",
    "config.k8s.io/id",
];

/// What a build may read and how it orders.
#[derive(Clone)]
pub struct Options<'a> {
    /// Which files a layer may read.
    pub load_restrictor: LoadRestrictor,
    /// The order of the output unless the kustomization says otherwise.
    pub order: Order,
    /// Adds the managed-by label to every object.
    pub managed_by_label: bool,
    /// The value of that label.
    pub managed_by: &'a str,
    /// What messages put before a path of the tree; with `/x`, the file `a/b` shows as `/x/a/b`.
    pub display_root: &'a str,
    /// Whether a schema that a kustomization names comes beside the built-in one, or replaces it.
    pub extend_schema: bool,
    /// Fetches remote files and bases; without it they are errors.
    pub remote: Option<&'a dyn Remote>,
    /// What the caller asked for that no build does.
    pub requested: Requested,
    /// Bounds on the build.
    pub limits: Limits,
}

/// What `kustomize` does on request and a build here never does. It is an error with the flag, too; only the text
/// differs, for it is no use to be told to set a flag that is set.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Requested {
    /// `--enable-helm`: inflate charts.
    pub helm: bool,
    /// `--enable-alpha-plugins`: run programs and containers.
    pub plugins: bool,
}

/// The result of a build.
#[derive(Debug, Clone)]
pub struct Built {
    /// The objects, in output order.
    pub resources: Vec<Resource>,
    /// What the result depends on.
    pub read_set: ReadSet,
    /// Warnings, one line each, as `kustomize` prints them to standard error.
    pub warnings: Vec<String>,
}

/// An object that came out of a build.
#[derive(Debug, Clone, PartialEq)]
pub struct Resource {
    pub(crate) value: Value,
    pub(crate) is_cluster_scoped: bool,
}

/// A build that failed, with what it had read: a tree that agrees with it fails the same way.
#[derive(Debug)]
pub struct Failure {
    /// What went wrong.
    pub error: Error,
    /// What the failure depends on.
    pub read_set: ReadSet,
}

/// Builds the kustomization in the directory `path` of `tree`.
///
/// # Errors
/// Whatever is wrong with the files; the text is that of `kustomize build`.
///
/// Source: kustomize 5.8.1.
pub fn build(
    tree: &dyn FileTree,
    path: &str,
    options: &Options<'_>,
    cache: &ParseCache,
) -> Result<Built, Failure> {
    run(tree, options, cache, |build, source| {
        strict(build, Loader::top(source, path, options.load_restrictor)?)
    })
}

/// Builds a directory of a Git repository, which `options` must allow to fetch.
///
/// # Errors
/// As [`build`], and when the repository cannot be fetched.
pub fn build_repository(
    repository: &Repository,
    options: &Options<'_>,
    cache: &ParseCache,
) -> Result<Built, Failure> {
    let tree = MemoryTree::default();
    run(&tree, options, cache, |build, source| {
        strict(build, Loader::top_of(source, repository.clone())?)
    })
}

/// Reads the kustomization of the top layer.
fn strict<'b>(
    build: &'b Build<'b>,
    loader: Loader<'b>,
) -> Result<(Loader<'b>, Arc<Kustomization>, String)> {
    let (file_name, found) = accumulate::find_file(&loader)?;
    let kustomization = accumulate::read(build, &loader, &found, Mode::Strict)?;
    Ok((loader, kustomization, file_name))
}

/// Runs a build whose top layer `top` supplies.
pub(crate) fn run<'o>(
    tree: &'o dyn FileTree,
    options: &'o Options<'o>,
    cache: &'o ParseCache,
    top: impl for<'b> FnOnce(
        &'b Build<'b>,
        &'b Source<'b>,
    ) -> Result<(Loader<'b>, Arc<Kustomization>, String)>,
) -> Result<Built, Failure> {
    let source = Source {
        tree,
        remote: options.remote,
        display_root: options.display_root,
        recorder: RefCell::new(Recorder::default()),
        scopes: Scopes::default(),
        max_file_bytes: options.limits.max_file_bytes,
        checkouts: RefCell::default(),
    };
    let build = Build {
        cache,
        limits: &options.limits,
        track_transformations: Cell::new(false),
        warnings: RefCell::default(),
        schemas: RefCell::default(),
        extend_schema: options.extend_schema,
        schema_chosen: Cell::new(false),
        requested: options.requested,
        depth: Cell::new(0),
    };
    let result = run_layers(&build, &source, options, top);
    let warnings = build.warnings.take();
    let read_set = source.recorder.take().finish();
    match result {
        Ok(resources) => Ok(Built {
            resources,
            read_set,
            warnings,
        }),
        Err(error) => Err(Failure { error, read_set }),
    }
}

fn run_layers<'b>(
    build: &'b Build<'b>,
    source: &'b Source<'b>,
    options: &Options<'_>,
    top: impl FnOnce(&'b Build<'b>, &'b Source<'b>) -> Result<(Loader<'b>, Arc<Kustomization>, String)>,
) -> Result<Vec<Resource>> {
    let (loader, kustomization, file_name) = top(build, source)?;
    let wants = |name: &str| {
        kustomization
            .build_metadata
            .iter()
            .any(|wanted| wanted == name)
    };
    let origin = (!kustomization.build_metadata.is_empty()).then(Origin::default);
    build.track_transformations.set(origin.is_some());
    let layer = Layer::with(build, loader, Arc::clone(&kustomization), file_name, origin)?;
    let mut gathered = Accumulator::default();
    layer.accumulate(&mut gathered)?;
    if gathered.resources.len() > options.limits.max_resources {
        return Err(Error::Limit(format!(
            "more than {} resources",
            options.limits.max_resources
        )));
    }
    let config = gathered.config();
    let mut resources = gathered.resources;
    hash::transform(&mut resources)?;
    references::transform(&mut resources, &config)?;
    vars::transform(&mut resources, &gathered.vars, &config)?;
    resources.settle();
    resources
        .iter()
        .try_for_each(|resource| parse::check_names(resource.node()))?;
    resources.retain(|resource| {
        !resource
            .annotations()
            .iter()
            .any(|(key, value)| *key == LOCAL_CONFIG && *value != "false")
    });
    resources.check_unique()?;
    let mut sorted: Resources = sort::transform(
        resources.into_vec(),
        kustomization.sort_options.as_ref(),
        options.order,
    )?
    .into_iter()
    .collect();
    if options.managed_by_label || wants("managedByLabel") {
        let pairs = BTreeMap::from([(MANAGED_BY.to_owned(), options.managed_by.to_owned())]);
        let specs: FieldSpecs = [FieldSpec::any("metadata/labels", true)]
            .into_iter()
            .collect();
        labels::transform(&mut sorted, &pairs, &specs)?;
    }
    let keep = Keep {
        origin: wants("originAnnotations"),
        transformations: wants("transformerAnnotations"),
    };
    sorted
        .into_vec()
        .into_iter()
        .map(|resource| finish(resource, &keep))
        .collect()
}

/// Which annotations about the build stay in the output.
struct Keep {
    origin: bool,
    transformations: bool,
}

/// Settles the annotations and fixes the type of every value.
fn finish(mut resource: resource::Resource, keep: &Keep) -> Result<Resource> {
    let origin = resource.origin.take().filter(|_| keep.origin);
    let transformations = std::mem::take(&mut resource.transformations);
    let internal = |key: &str| {
        INTERNAL.contains(&key) || key == origin::ORIGIN || key == origin::TRANSFORMATIONS
    };
    let list = !transformations.is_empty() && keep.transformations;
    if origin.is_some() || list || resource.annotations().iter().any(|(key, _)| internal(key)) {
        let mut entries: Vec<(String, String)> = resource
            .annotations()
            .into_iter()
            .filter(|(key, _)| !internal(key))
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect();
        if let Some(origin) = origin {
            entries.push((origin::ORIGIN.to_owned(), origin.to_yaml()));
        }
        if list {
            let text = origin::transformations_yaml(&transformations);
            entries.push((origin::TRANSFORMATIONS.to_owned(), text));
        }
        resource.set_string_map("annotations", entries);
    } else {
        resource.stringify("annotations");
    }
    // Lists may do without, and upstream makes room for annotations that it then does not write.
    match resource.node().get("metadata") {
        None => {
            resource.node_mut().mapping_at("metadata");
        }
        Some(metadata) => require_mapping(metadata)
            .context(|| "failed to clean up origin tracking annotations".to_owned())?,
    }
    parse::to_json(resource.node())
        .map(|value| Resource {
            value,
            is_cluster_scoped: resource.id().is_cluster_scoped,
        })
        .context(|| format!("object {}", resource.id()))
}

impl Built {
    /// The output of `kustomize build`: all objects, separated by `---` lines.
    ///
    /// # Errors
    /// When a text holds a character that YAML cannot carry.
    pub fn to_yaml(&self) -> Result<Vec<u8>, Error> {
        let mut out = Vec::new();
        for (index, resource) in self.resources.iter().enumerate() {
            if index > 0 {
                out.extend_from_slice(b"---\n");
            }
            resource.write_yaml(&mut out)?;
        }
        Ok(out)
    }
}

impl Resource {
    /// The object's `apiVersion`; may be empty.
    pub fn api_version(&self) -> &str {
        self.text(&["apiVersion"])
    }

    /// The object's `kind`.
    pub fn kind(&self) -> &str {
        self.text(&["kind"])
    }

    /// The object's `metadata.name`.
    pub fn name(&self) -> &str {
        self.text(&["metadata", "name"])
    }

    /// The object's `metadata.namespace`; empty when there is none.
    pub fn namespace(&self) -> &str {
        self.text(&["metadata", "namespace"])
    }

    /// The object.
    pub fn to_json(&self) -> Value {
        self.value.clone()
    }

    /// The namespace by which output is grouped: `default` stands for an empty one, and a type that certainly has no
    /// namespace has none.
    pub fn effective_namespace(&self) -> Option<&str> {
        if self.is_cluster_scoped {
            return None;
        }
        Some(match self.namespace() {
            "" => "default",
            namespace => namespace,
        })
    }

    /// The object, borrowed.
    pub fn as_json(&self) -> &Value {
        &self.value
    }

    /// The object, without a copy.
    pub fn into_json(self) -> Value {
        self.value
    }

    /// Appends the object as `kustomize build` prints it.
    ///
    /// # Errors
    /// When a text holds a character that YAML cannot carry.
    pub fn write_yaml(&self, out: &mut Vec<u8>) -> Result<(), Error> {
        parse::emit(&self.value, out)
    }

    /// What identifies the object.
    pub(crate) fn id(&self) -> Id<'_> {
        Id {
            gvk: Gvk::new(self.api_version(), self.kind()),
            name: self.name(),
            namespace: self.namespace(),
            is_cluster_scoped: self.is_cluster_scoped,
        }
    }

    fn text(&self, path: &[&str]) -> &str {
        path.iter()
            .try_fold(&self.value, |value, name| value.get(name))
            .and_then(Value::as_str)
            .unwrap_or("")
    }
}

impl Default for Options<'_> {
    fn default() -> Self {
        Self {
            load_restrictor: LoadRestrictor::RootOnly,
            order: Order::None,
            managed_by_label: false,
            managed_by: "kustomize-v5.8.1",
            display_root: "",
            extend_schema: false,
            remote: None,
            requested: Requested::default(),
            limits: Limits::default(),
        }
    }
}

impl fmt::Debug for Options<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("load_restrictor", &self.load_restrictor)
            .field("order", &self.order)
            .field("managed_by_label", &self.managed_by_label)
            .field("display_root", &self.display_root)
            .field("remote", &self.remote.is_some())
            .finish_non_exhaustive()
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.chain().fmt(f)
    }
}

impl std::error::Error for Failure {}
