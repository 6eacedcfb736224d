//! `configMapGenerator`.
//!
//! Source: kustomize `api/internal/generators/configmap.go` (api 0.21.1).

use crate::error::Result;
use crate::kustomization::{GeneratorArgs, GeneratorOptions};
use crate::load::Loader;
use crate::node::{Mapping, Node};
use crate::resource::Resource;

/// Makes a ConfigMap; values that are not UTF-8 go to `binaryData`.
pub(crate) fn generate(
    args: &GeneratorArgs,
    options: &GeneratorOptions,
    loader: &Loader<'_>,
) -> Result<Resource> {
    let mut root = super::base("ConfigMap", args, options)?;
    let (mut data, mut binary) = (Mapping::default(), Mapping::default());
    for (key, value) in super::source::pairs(args, loader)? {
        match std::str::from_utf8(&value) {
            Ok(text) => data.push(&key, Node::string(text)),
            Err(_) => binary.push(&key, Node::string(&super::base64(&value))),
        }
    }
    for (field, map) in [("data", data), ("binaryData", binary)] {
        if !map.is_empty() {
            root.push(field, Node::Mapping(map.into()));
        }
    }
    Ok(super::finish(root, args, options, loader.scopes()))
}
