//! Generators: ConfigMaps and Secrets from files, literals and environment files.

pub(crate) mod config_map;
pub(crate) mod hash;
pub(crate) mod secret;
mod source;

use crate::error::{Error, Result};
use crate::kustomization::{GeneratorArgs, GeneratorOptions};
use crate::node::{Mapping, Node, Style, Tag};
use crate::resource::{Behavior, Resource};
use crate::scope::Scopes;

/// Base64 is broken into lines of this many characters.
const BASE64_LINE: usize = 70;

/// Makes the object of a generator without its data.
fn base(kind: &str, args: &GeneratorArgs, options: &GeneratorOptions) -> Result<Mapping> {
    if args.name.is_empty() {
        return Err(Error::invalid("a configmap must have a name"));
    }
    let mut metadata = Mapping::default();
    metadata.push("name", Node::string(&args.name));
    if !args.namespace.is_empty() {
        metadata.push("namespace", Node::string(&args.namespace));
    }
    for (field, entries) in [
        ("labels", &options.labels),
        ("annotations", &options.annotations),
    ] {
        if !entries.is_empty() {
            let map: Mapping = entries
                .iter()
                .map(|(key, value)| (key.clone(), Node::string(value)))
                .collect();
            metadata.push(field, Node::Mapping(map.into()));
        }
    }
    let mut root = Mapping::default();
    root.push("apiVersion", Node::string("v1"));
    root.push("kind", Node::string(kind));
    root.push("metadata", Node::Mapping(metadata.into()));
    Ok(root)
}

/// Turns a generated object into a resource.
fn finish(
    mut root: Mapping,
    args: &GeneratorArgs,
    options: &GeneratorOptions,
    scopes: &Scopes,
) -> Resource {
    if options.immutable {
        root.push("immutable", Node::scalar("true", Tag::Bool, Style::Plain));
    }
    let mut resource = Resource::new(Node::Mapping(root.into()), scopes);
    resource.history.needs_hash = !options.disable_name_suffix_hash;
    resource.history.behavior = Some(Behavior::parse(&args.behavior));
    resource
}

/// Base64 in lines, if it does not fit on one.
fn base64(content: &[u8]) -> String {
    use ::base64::Engine as _;
    let text = ::base64::engine::general_purpose::STANDARD.encode(content);
    if text.len() <= BASE64_LINE {
        return text;
    }
    let mut lines = String::with_capacity(text.len() + text.len() / BASE64_LINE + 1);
    for (index, c) in text.chars().enumerate() {
        if index > 0 && index % BASE64_LINE == 0 {
            lines.push('\n');
        }
        lines.push(c);
    }
    lines.push('\n');
    lines
}
