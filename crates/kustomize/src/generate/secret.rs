//! `secretGenerator`.
//!
//! Source: kustomize `api/internal/generators/secret.go` (api 0.21.1).

use crate::error::Result;
use crate::kustomization::{GeneratorArgs, GeneratorOptions};
use crate::load::Loader;
use crate::node::{Mapping, Node};
use crate::resource::Resource;

const DEFAULT_TYPE: &str = "Opaque";

/// Makes a Secret; all values are base64.
pub(crate) fn generate(
    args: &GeneratorArgs,
    options: &GeneratorOptions,
    loader: &Loader<'_>,
) -> Result<Resource> {
    let mut root = super::base("Secret", args, options)?;
    let kind = if args.secret_type.is_empty() {
        DEFAULT_TYPE
    } else {
        &args.secret_type
    };
    root.push("type", Node::string(kind));
    let mut data = Mapping::default();
    for (key, value) in super::source::pairs(args, loader)? {
        data.push(&key, Node::string(&super::base64(&value)));
    }
    root.push("data", Node::Mapping(data.into()));
    Ok(super::finish(root, args, options, loader.scopes()))
}
