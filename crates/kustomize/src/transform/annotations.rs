//! Annotations: `commonAnnotations`.
//!
//! Source: kustomize `api/filters/annotations` (api 0.21.1).

use std::collections::BTreeMap;

use crate::error::Result;
use crate::field_spec::FieldSpecs;
use crate::resources::Resources;

/// Sets `pairs` at every place that `specs` lead to.
pub(crate) fn transform(
    resources: &mut Resources,
    pairs: &BTreeMap<String, String>,
    specs: &FieldSpecs,
) -> Result<()> {
    super::labels::transform(resources, pairs, specs)
}
