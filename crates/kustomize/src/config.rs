//! Transformer configuration: which fields each transformer looks at.
//!
//! A layer starts from the defaults, adds its `configurations` and what its `crds` say, and hands
//! the sum upwards to the layers that use it, never downwards. As almost every layer has the
//! defaults only, they are one shared value and merging them with themselves is free.
//! Source: kustomize `api/internal/plugins/builtinconfig` (api 0.21.1).

mod defaults;

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, OnceLock};

use crate::error::{Result, ResultExt as _};
use crate::field_spec::{FieldSpec, FieldSpecs};
use crate::id::Gvk;

/// Places in `name_reference` and in its referrers, by the referrer's kind.
type ReferrerIndex = HashMap<Box<str>, Vec<(usize, usize)>>;

static DEFAULT: LazyLock<Arc<Config>> = LazyLock::new(|| Arc::new(defaults::config()));

/// The field specs of all transformers.
#[derive(Debug, Default)]
pub(crate) struct Config {
    pub(crate) name_prefix: FieldSpecs,
    pub(crate) name_suffix: FieldSpecs,
    pub(crate) namespace: FieldSpecs,
    pub(crate) common_labels: FieldSpecs,
    pub(crate) labels: FieldSpecs,
    pub(crate) template_labels: FieldSpecs,
    pub(crate) common_annotations: FieldSpecs,
    pub(crate) name_reference: Vec<BackReference>,
    pub(crate) var_reference: FieldSpecs,
    pub(crate) images: FieldSpecs,
    pub(crate) replicas: FieldSpecs,
    pub(crate) by_referrer: OnceLock<ReferrerIndex>,
}

/// The fields that hold the name of an object of one type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BackReference {
    pub(crate) group: Box<str>,
    pub(crate) version: Box<str>,
    pub(crate) kind: Box<str>,
    pub(crate) referrers: FieldSpecs,
}

impl Config {
    /// The built-in configuration.
    pub(crate) fn default_config() -> Arc<Self> {
        Arc::clone(&DEFAULT)
    }

    /// Adds everything in `other` that is not covered yet.
    pub(crate) fn merge(&self, other: &Self) -> Result<Self> {
        let mut merged = Self {
            name_prefix: both(&self.name_prefix, &other.name_prefix, "NamePrefix")?,
            name_suffix: both(&self.name_suffix, &other.name_suffix, "NameSuffix")?,
            namespace: both(&self.namespace, &other.namespace, "NameSpace")?,
            common_annotations: both(
                &self.common_annotations,
                &other.common_annotations,
                "CommonAnnotations",
            )?,
            common_labels: both(&self.common_labels, &other.common_labels, "CommonLabels")?,
            labels: both(&self.labels, &other.labels, "Labels")?,
            template_labels: both(
                &self.template_labels,
                &other.template_labels,
                "TemplateLabels",
            )?,
            var_reference: both(&self.var_reference, &other.var_reference, "VarReference")?,
            images: both(&self.images, &other.images, "Images")?,
            replicas: both(&self.replicas, &other.replicas, "Replicas")?,
            name_reference: self.name_reference.clone(),
            by_referrer: OnceLock::new(),
        };
        for incoming in &other.name_reference {
            merged
                .add_reference(incoming)
                .context(|| "failed to merge NameReference fieldSpec".to_owned())?;
        }
        merged.sort();
        Ok(merged)
    }

    pub(crate) fn add_reference(&mut self, incoming: &BackReference) -> Result<()> {
        let mut found = false;
        for known in self
            .name_reference
            .iter_mut()
            .filter(|known| known.gvk() == incoming.gvk())
        {
            known.referrers.add_all(&incoming.referrers)?;
            found = true;
        }
        if !found {
            self.name_reference.push(incoming.clone());
        }
        Ok(())
    }

    pub(crate) fn sort(&mut self) {
        for specs in [
            &mut self.name_prefix,
            &mut self.name_suffix,
            &mut self.namespace,
            &mut self.common_labels,
            &mut self.labels,
            &mut self.template_labels,
            &mut self.common_annotations,
            &mut self.var_reference,
            &mut self.images,
            &mut self.replicas,
        ] {
            specs.sort();
        }
        self.name_reference
            .sort_by_cached_key(|reference| crate::transform::sort::default_key(reference.gvk()));
    }

    /// The fields of a type that may hold a name, in the order in which they are fixed.
    pub(crate) fn references_of(&self, gvk: Gvk<'_>) -> Vec<(&BackReference, &FieldSpec)> {
        let index = self.by_referrer.get_or_init(|| self.index_referrers());
        let of_kind = index.get(gvk.kind).map_or(&[][..], Vec::as_slice);
        let of_any = index.get("").map_or(&[][..], Vec::as_slice);
        let mut order: Vec<(usize, usize)> = of_kind.iter().chain(of_any).copied().collect();
        order.sort_unstable();
        order
            .into_iter()
            .filter_map(|(target, spec)| {
                let reference = self.name_reference.get(target)?;
                let spec = reference.referrers.iter().nth(spec)?;
                spec.matches(gvk).then_some((reference, spec))
            })
            .collect()
    }

    fn index_referrers(&self) -> ReferrerIndex {
        let mut index = ReferrerIndex::new();
        for (target, reference) in self.name_reference.iter().enumerate() {
            for (spec, referrer) in reference.referrers.iter().enumerate() {
                index
                    .entry(referrer.kind.clone())
                    .or_default()
                    .push((target, spec));
            }
        }
        index
    }
}

impl BackReference {
    pub(crate) fn gvk(&self) -> Gvk<'_> {
        Gvk {
            group: &self.group,
            version: &self.version,
            kind: &self.kind,
        }
    }
}

/// What a first configuration is once it is added to nothing: its specs cover each other, too.
pub(crate) fn normalize(config: &Arc<Config>) -> Result<Arc<Config>> {
    if Arc::ptr_eq(config, &DEFAULT) {
        return Ok(Arc::clone(config));
    }
    Config::default().merge(config).map(Arc::new)
}

/// Merges shared configurations; the same value twice costs nothing.
pub(crate) fn merge_shared(a: Arc<Config>, b: &Arc<Config>) -> Result<Arc<Config>> {
    if Arc::ptr_eq(&a, b) {
        Ok(a)
    } else {
        a.merge(b).map(Arc::new)
    }
}

fn both(a: &FieldSpecs, b: &FieldSpecs, name: &str) -> Result<FieldSpecs> {
    let mut merged = a.clone();
    merged
        .add_all(b)
        .context(|| format!("failed to merge {name} fieldSpec"))?;
    Ok(merged)
}
