//! Evaluates one layer: gathers its resources, runs its generators, components and transformers.
//!
//! A base is evaluated on its own and its result merged; a component acts on everything gathered so
//! far. Names are not yet fixed here: hashes, references and variables need the whole, see
//! [`build`](crate::build).
//! Source: kustomize `api/internal/target/kusttarget.go` (api 0.21.1).

use std::sync::Arc;

use crate::cache::{Form, ParseCache};
use crate::config::{self, Config};
use crate::error::{Error, Result, ResultExt as _};
use crate::field_spec::{Create, FieldSpec};
use crate::generate;
use crate::go;
use crate::kustomization::decode::Mode;
use crate::kustomization::{COMPONENT, FILE_NAMES, Kustomization, Var};
use crate::load::{Found, Loader};
use crate::merge::schema::{BuiltIn, CustomSchemas, Schemas};
use crate::node::{Node, require_mapping};
use crate::origin::{ConfiguredBy, Origin};
use crate::parse;
use crate::resource::Resource;
use crate::resources::Resources;
use crate::transform::names::End;
use crate::transform::patches::{JsonPatch, Prepared, StrategicPatches};
use crate::transform::{
    annotations, images, labels, names, namespace, replacements, replicas, vars,
};
use crate::{Limits, Requested, plugin};

/// The schema that is built in.
const SCHEMA_VERSION: &str = "v1.21.2";

/// What layers have gathered so far.
#[derive(Debug, Default)]
pub(crate) struct Accumulator {
    pub(crate) resources: Resources,
    /// `None` until the first layer adds its configuration.
    pub(crate) config: Option<Arc<Config>>,
    pub(crate) vars: Vec<Var>,
}

/// What all layers of a build share.
pub(crate) struct Build<'a> {
    pub(crate) cache: &'a ParseCache,
    pub(crate) limits: &'a Limits,
    /// Set when the top layer asks for build metadata.
    pub(crate) track_transformations: std::cell::Cell<bool>,
    pub(crate) warnings: std::cell::RefCell<Vec<String>>,
    /// What strategic merges go by.
    pub(crate) schemas: std::cell::RefCell<Arc<Schemas>>,
    /// Whether a schema of the user's own comes beside the built-in ones, or in their place.
    pub(crate) extend_schema: bool,
    /// Whether a layer has chosen an OpenAPI schema.
    pub(crate) schema_chosen: std::cell::Cell<bool>,
    /// What the caller asked for that no build does.
    pub(crate) requested: Requested,
    /// How many layers are evaluated within one another.
    pub(crate) depth: std::cell::Cell<usize>,
}

/// A layer that is about to be evaluated.
pub(crate) struct Layer<'a> {
    pub(crate) build: &'a Build<'a>,
    pub(crate) loader: Loader<'a>,
    pub(crate) kustomization: Arc<Kustomization>,
    pub(crate) file_name: String,
    pub(crate) origin: Option<Origin>,
}

impl Accumulator {
    pub(crate) fn config(&self) -> Arc<Config> {
        self.config.clone().unwrap_or_else(Config::default_config)
    }

    fn add_config(&mut self, config: &Arc<Config>) -> Result<()> {
        self.config = Some(match self.config.take() {
            None => config::normalize(config)?,
            Some(known) => config::merge_shared(known, config)?,
        });
        Ok(())
    }

    fn merge(&mut self, other: Self) -> Result<()> {
        self.resources.append_all(other.resources)?;
        if let Some(config) = &other.config {
            self.add_config(config)?;
        }
        for var in other.vars {
            self.add_var(var)?;
        }
        Ok(())
    }

    /// Adds a variable of another layer; one name is one variable.
    fn add_var(&mut self, var: Var) -> Result<()> {
        if self.vars.iter().any(|known| known.name == var.name) {
            return Err(Error::invalid(format!(
                "var '{}' already encountered",
                var.name
            )));
        }
        self.vars.push(var);
        Ok(())
    }
}

impl Build<'_> {
    /// What strategic merges go by now.
    pub(crate) fn schemas(&self) -> Arc<Schemas> {
        Arc::clone(&self.schemas.borrow())
    }
}

impl<'a> Layer<'a> {
    /// Reads the kustomization file of the loader's directory.
    pub(crate) fn load(
        build: &'a Build<'a>,
        loader: Loader<'a>,
        mode: Mode,
        origin: Option<Origin>,
    ) -> Result<Self> {
        let (file_name, found) = find_file(&loader)?;
        let kustomization = read(build, &loader, &found, mode)?;
        Self::with(build, loader, kustomization, file_name, origin)
    }

    /// A layer with a kustomization that is not read from its directory.
    pub(crate) fn with(
        build: &'a Build<'a>,
        loader: Loader<'a>,
        kustomization: Arc<Kustomization>,
        file_name: String,
        origin: Option<Origin>,
    ) -> Result<Self> {
        let mut warnings = build.warnings.borrow_mut();
        warnings.extend(kustomization.warnings.iter().cloned());
        // All layers of a repository are reached by its one address.
        if let Some(warning) = loader.warning().filter(|text| !warnings.contains(text)) {
            warnings.push(warning);
        }
        drop(warnings);
        kustomization.check_type(&loader.display_root())?;
        Ok(Self {
            build,
            loader,
            kustomization,
            file_name,
            origin,
        })
    }

    /// Adds this layer to `into`, which is empty unless the layer is a component.
    pub(crate) fn accumulate(&self, into: &mut Accumulator) -> Result<()> {
        let depth = self.build.depth.get() + 1;
        if depth > self.build.limits.max_layers {
            return Err(Error::Limit(format!(
                "more than {} layers within one another",
                self.build.limits.max_layers
            )));
        }
        self.build.depth.set(depth);
        let result = self.run(into);
        self.build.depth.set(depth - 1);
        result
    }

    fn run(&self, into: &mut Accumulator) -> Result<()> {
        let k = &self.kustomization;
        self.choose_schema()?;
        self.gather(into, &k.resources)
            .context(|| "accumulating resources".to_owned())?;
        let config = plugin::config::load(&self.loader, &k.configurations)?;
        into.add_config(&config)
            .context(|| "merging config".to_owned())?;
        if !k.crds.is_empty() {
            let config = plugin::crds::load(&self.loader, &k.crds)
                .context(|| format!("loading CRDs [{}]", k.crds.join(" ")))?;
            into.add_config(&Arc::new(config))
                .context(|| "merging CRDs".to_owned())?;
        }
        self.generate(into)?;
        self.components(into)
            .context(|| "accumulating components".to_owned())?;
        self.transform(into)?;
        plugin::validate(self, &k.validators, into)?;
        vars::bind(&k.vars, &mut into.resources).context(|| "merging vars".to_owned())?;
        k.vars
            .iter()
            .try_for_each(|var| into.add_var(var.clone()))
            .context(|| "merging vars".to_owned())
    }

    /// Takes the layer's choice of OpenAPI schema; the first layer that makes one decides.
    fn choose_schema(&self) -> Result<()> {
        let openapi = &self.kustomization.openapi;
        let (version, path) = (openapi.get("version"), openapi.get("path"));
        let content = path.map(|path| self.loader.load(path)).transpose()?;
        if self.build.schema_chosen.get() {
            return Ok(());
        }
        if version.is_some() && path.is_some() {
            return Err(Error::invalid(
                "builtin version and custom schema provided, cannot use both",
            ));
        }
        if version.is_some_and(|version| !version.is_empty() && version != SCHEMA_VERSION) {
            return Err(Error::invalid(
                "the specified OpenAPI version is not built in",
            ));
        }
        if let Some(content) = content {
            let document = parse::json(&content).context(|| "invalid schema file".to_owned())?;
            let scopes = self.loader.scopes();
            scopes.learn(&document);
            let mut schemas = self.build.schemas.borrow_mut();
            let built_in = if self.build.extend_schema || schemas.was_asked() {
                BuiltIn::BehindCustom
            } else if scopes.asked_beyond_built_in() {
                BuiltIn::BeforeCustom
            } else {
                BuiltIn::Absent
            };
            *schemas = Arc::new(Schemas::with(CustomSchemas::new(&document), built_in));
        }
        self.build
            .schema_chosen
            .set(version.is_some() || path.is_some());
        Ok(())
    }

    /// Reads files and builds bases in listed order.
    pub(crate) fn gather(&self, into: &mut Accumulator, paths: &[String]) -> Result<()> {
        for path in paths {
            let Err(file) = self.gather_file(into, path) else {
                continue;
            };
            if matches!(file.root(), Error::Http(_)) {
                return Err(file);
            }
            let loader = match self.loader.below(path) {
                Ok(loader) => loader,
                Err(directory)
                    if matches!(file.root(), Error::MalformedYaml { .. })
                        && !matches!(directory.root(), Error::Timeout(_)) =>
                {
                    return Err(file);
                }
                Err(directory) => {
                    return Err(Error::Accumulation {
                        file: Box::new(file),
                        directory: Box::new(directory),
                    });
                }
            };
            self.gather_directory(into, loader, path, false)
                .map_err(|directory| Error::Accumulation {
                    file: Box::new(file),
                    directory: Box::new(directory),
                })?;
        }
        Ok(())
    }

    fn gather_file(&self, into: &mut Accumulator, path: &str) -> Result<()> {
        let outer = || format!("accumulating resources from '{path}'");
        let found = self.loader.find(path).context(outer)?;
        let nodes = parse_file(self.build, &self.loader, &found, path).context(outer)?;
        let origin = self
            .origin
            .as_ref()
            .map(|origin| Arc::new(origin.append(path)));
        for node in nodes.iter() {
            let mut resource = Resource::new(node.clone(), self.loader.scopes());
            if origin.is_some() {
                require_annotations(&mut resource)
                    .context(|| format!("cannot add path annotation for '{path}'"))?;
                resource.origin.clone_from(&origin);
            }
            into.resources
                .append(resource)
                .context(|| format!("merging resources from '{path}'"))?;
        }
        Ok(())
    }

    fn gather_directory(
        &self,
        into: &mut Accumulator,
        loader: Loader<'a>,
        path: &str,
        component: bool,
    ) -> Result<()> {
        let shown = loader.display_root();
        let origin = self.origin.as_ref().map(|origin| origin.append(path));
        let layer = Layer::load(self.build, loader, Mode::Strict, origin)
            .context(|| format!("couldn't make target for path '{shown}'"))?;
        let kind = layer.kustomization.kind.as_str();
        if component && kind != COMPONENT {
            return Err(Error::invalid(format!(
                "expected kind '{COMPONENT}' for path '{shown}' but got '{kind}'"
            )));
        }
        if !component && kind == COMPONENT {
            return Err(Error::invalid(format!(
                "expected kind != '{COMPONENT}' for path '{shown}'"
            )));
        }
        let inner = || format!("recursed accumulation of path '{shown}'");
        let merging = || format!("recursed merging from path '{shown}'");
        if component {
            layer.accumulate(into).context(inner)?;
            // Upstream gathers all anew after a component, which shows two names that became one.
            return into.resources.check_unique().context(merging);
        }
        let mut sub = Accumulator::default();
        layer.accumulate(&mut sub).context(inner)?;
        into.merge(sub).context(merging)
    }

    fn components(&self, into: &mut Accumulator) -> Result<()> {
        for path in &self.kustomization.components {
            let loader = self.loader.below(path).map_err(|error| {
                Error::invalid(format!(
                    "loader.New {}",
                    go::quoted(&error.chain().to_string())
                ))
            })?;
            self.gather_directory(into, loader, path, true)
                .map_err(|error| {
                    Error::invalid(format!(
                        "accumulateDirectory: {}",
                        go::quoted(&error.chain().to_string())
                    ))
                })?;
        }
        Ok(())
    }

    fn generate(&self, into: &mut Accumulator) -> Result<()> {
        let k = &self.kustomization;
        let layer_options = k.generator_options.as_ref();
        let mut generated = Vec::new();
        for args in &k.config_map_generator {
            let options = args.merged_options(layer_options);
            let resource = generate::config_map::generate(args, &options, &self.loader)?;
            generated.push(("ConfigMapGenerator", resource));
        }
        for args in &k.secret_generator {
            let options = args.merged_options(layer_options);
            let resource = generate::secret::generate(args, &options, &self.loader)?;
            generated.push(("SecretGenerator", resource));
        }
        if !k.helm_charts.is_empty() || !k.helm_chart_inflation_generator.is_empty() {
            return Err(self
                .helm_refusal()
                .context("trouble configuring builtin HelmChartInflationGenerator"));
        }
        for (kind, mut resource) in generated {
            resource.origin = self.configured_by(kind);
            into.resources
                .absorb(resource)
                .context(|| "merging from generator".to_owned())?;
        }
        plugin::generate(self, &k.generators, into)
    }

    fn transform(&self, into: &mut Accumulator) -> Result<()> {
        let k = &self.kustomization;
        let config = into.config();
        // Configuring comes before running, so that a bad later one fails before an earlier one.
        let trouble = |plugin: &str, config: String| {
            format!("trouble configuring builtin {plugin} with config: `\n{config}`")
        };
        let strategic = (!k.patches_strategic_merge.is_empty())
            .then(|| StrategicPatches::new(&k.patches_strategic_merge, "", &self.loader))
            .transpose()
            .context(|| {
                let config = Kustomization::strategic_merge_yaml(&k.patches_strategic_merge);
                trouble("PatchStrategicMergeTransformer", config)
            })?;
        let prepared: Vec<Prepared> = k
            .patches
            .iter()
            .map(|patch| {
                Prepared::new(patch, &self.loader)
                    .context(|| trouble("PatchTransformer", patch.to_yaml("patch")))
            })
            .collect::<Result<_>>()?;
        let json: Vec<JsonPatch> = k
            .patches_json6902
            .iter()
            .map(|patch| {
                JsonPatch::new(patch, &self.loader)
                    .context(|| trouble("PatchJson6902Transformer", patch.to_yaml("jsonOp")))
            })
            .collect::<Result<_>>()?;
        let external = plugin::load_transformers(self, &k.transformers)?;
        let schemas = self.build.schemas();
        let resources = &mut into.resources;
        if let Some(patches) = &strategic {
            patches.apply(resources, &schemas)?;
            self.ran(resources, "PatchStrategicMergeTransformer");
        }
        for patch in &prepared {
            patch.apply(resources, &schemas)?;
            self.ran(resources, "PatchTransformer");
        }
        if !k.namespace.is_empty() {
            let options = namespace::Options {
                namespace: &k.namespace,
                subjects: namespace::Subjects::DefaultOnly,
                unset_only: false,
            };
            namespace::transform(resources, options, &config.namespace)?;
            self.ran(resources, "NamespaceTransformer");
        }
        if !k.name_prefix.is_empty() {
            names::transform(resources, End::Prefix, &k.name_prefix, &config.name_prefix)?;
            self.ran(resources, "PrefixTransformer");
        }
        if !k.name_suffix.is_empty() {
            names::transform(resources, End::Suffix, &k.name_suffix, &config.name_suffix)?;
            self.ran(resources, "SuffixTransformer");
        }
        for entry in &k.labels {
            labels::transform(resources, &entry.pairs, &labels::specs_of(entry, &config)?)?;
            self.ran(resources, "LabelTransformer");
        }
        if !k.common_labels.is_empty() || !k.labels.is_empty() {
            labels::transform(resources, &k.common_labels, &config.common_labels)?;
            self.ran(resources, "LabelTransformer");
        }
        if !k.common_annotations.is_empty() {
            annotations::transform(resources, &k.common_annotations, &config.common_annotations)?;
            self.ran(resources, "AnnotationsTransformer");
        }
        for patch in &json {
            patch.apply(resources)?;
            self.ran(resources, "PatchJson6902Transformer");
        }
        for replica in &k.replicas {
            replicas::transform(resources, replica, &config.replicas)?;
            self.ran(resources, "ReplicaCountTransformer");
        }
        for image in &k.images {
            images::transform(resources, image, &config.images)?;
            self.ran(resources, "ImageTagTransformer");
        }
        if !k.replacements.is_empty() {
            let list = replacements::load(&k.replacements, &self.loader)?;
            replacements::transform(resources, &list)?;
            self.ran(resources, "ReplacementTransformer");
        }
        external
            .iter()
            .try_for_each(|transformer| transformer.run(self, resources))
    }

    /// Tidies up after a transformer and notes it where the build tracks transformers.
    fn ran(&self, resources: &mut Resources, kind: &str) {
        resources.settle();
        if let Some(origin) = self
            .configured_by(kind)
            .filter(|_| self.build.track_transformations.get())
        {
            note_transformer(resources, &origin);
        }
    }

    /// Why a chart is not inflated.
    pub(crate) fn helm_refusal(&self) -> Error {
        Error::Disabled(if self.build.requested.helm {
            format!(
                "'{}/{}' names Helm charts, which are not inflated: list the output of helm in resources instead",
                self.loader.display_root(),
                self.file_name
            )
        } else {
            "must specify --enable-helm".to_owned()
        })
    }

    /// Why a plugin that is not built in is not run.
    pub(crate) fn plugin_refusal(&self, kind: &str) -> Error {
        Error::Disabled(if self.build.requested.plugins {
            format!(
                "'{}/{}' names the plugin '{kind}', which is not built in: no programs and no containers are run",
                self.loader.display_root(),
                self.file_name
            )
        } else {
            format!("external plugins disabled; unable to load external plugin '{kind}'")
        })
    }

    /// The origin of what a built-in of this layer made.
    fn configured_by(&self, kind: &str) -> Option<Arc<Origin>> {
        let here = self.origin.as_ref()?;
        Some(Arc::new(Origin {
            path: String::new(),
            configured_in: here.append(&self.file_name).path,
            configured_by: Some(ConfiguredBy {
                api_version: "builtin".to_owned(),
                kind: kind.to_owned(),
                ..ConfiguredBy::default()
            }),
            ..here.clone()
        }))
    }
}

/// Refuses annotations that can take no entry. Upstream keeps the origin there during the build.
fn require_annotations(resource: &mut Resource) -> Result<()> {
    let field = FieldSpec::any("metadata/annotations", false);
    field.apply(resource, Create::Never, &mut |annotations: &mut Node| {
        require_mapping(annotations)
    })
}

/// Adds a transformer to every resource's list; a resource without origin was made by it.
pub(crate) fn note_transformer(resources: &mut Resources, origin: &Arc<Origin>) {
    for resource in resources.iter_mut() {
        if resource.origin.is_none() {
            resource.origin = Some(Arc::clone(origin));
        } else {
            resource.transformations.push(Arc::clone(origin));
        }
    }
}

/// Finds the one kustomization file of a directory; all names are looked for.
pub(crate) fn find_file(loader: &Loader<'_>) -> Result<(String, Found)> {
    let mut found = None;
    for name in FILE_NAMES {
        if let Ok(file) = loader.find(name) {
            if found.is_some() {
                return Err(Error::ManyKustomizations(loader.display_root()));
            }
            found = Some((name.to_owned(), file));
        }
    }
    found.ok_or_else(|| Error::MissingKustomization(loader.display_root()))
}

/// Reads the resources of a file; `path` names it in messages.
pub(crate) fn parse_file(
    build: &Build<'_>,
    loader: &Loader<'_>,
    found: &Found,
    path: &str,
) -> Result<Arc<[Node]>> {
    let parse = || {
        let content = loader.content(found)?;
        let nodes = parse::resources(&content).map_err(|error| error.in_file(path))?;
        Ok((nodes.into(), content.len()))
    };
    match found {
        Found::File { hash, .. } => build.cache.resources(*hash, parse),
        Found::Remote(_) => parse().map(|(nodes, _)| nodes),
    }
}

/// Reads and decodes a kustomization file.
pub(crate) fn read(
    build: &Build<'_>,
    loader: &Loader<'_>,
    found: &Found,
    mode: Mode,
) -> Result<Arc<Kustomization>> {
    let parse = || {
        let content = loader.content(found)?;
        let document = parse::json(&content)
            .map_err(|error| Error::InvalidKustomization(error.chain().to_string()))?;
        let kustomization = Kustomization::decode(&document, mode)?;
        if mode == Mode::Strict && Kustomization::is_zero(&document) {
            return Err(Error::EmptyKustomization);
        }
        Ok((Arc::new(kustomization), content.len()))
    };
    let form = match mode {
        Mode::Strict => Form::Kustomization,
        Mode::Lenient => Form::LenientKustomization,
    };
    match found {
        Found::File { hash, .. } => build.cache.kustomization(*hash, form, parse),
        Found::Remote(_) => parse().map(|(kustomization, _)| kustomization),
    }
}
