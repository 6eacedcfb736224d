//! Variables: `$(NAME)` in the fields that the configuration lists.
//!
//! Source: kustomize `api/filters/refvar`, `api/internal/accumulator` (api 0.21.1).

use std::collections::HashMap;

use crate::config::Config;
use crate::error::{Error, Result};
use crate::field_spec::Create;
use crate::go;
use crate::id::{Gvk, Id};
use crate::kustomization::Var;
use crate::node::{Node, Scalar, Style, Tag};
use crate::path;
use crate::resources::Resources;

const DEFAULT_PATH: &str = "metadata.name";

/// Checks that no variable of a layer is about two resources, and ties each to its resource.
pub(crate) fn bind(vars: &[Var], resources: &mut Resources) -> Result<()> {
    for var in vars {
        let matching = matching(var, resources);
        match matching.as_slice() {
            [] => {}
            [index] => {
                resources.edit(*index, |resource| {
                    resource.history.vars.push(var.name.as_str().into());
                });
            }
            several => {
                return Err(Error::invalid(format!(
                    "found {} resId matches for var {} (unable to disambiguate)",
                    several.len(),
                    var.name
                )));
            }
        }
    }
    Ok(())
}

/// Expands all variables.
pub(crate) fn transform(resources: &mut Resources, vars: &[Var], config: &Config) -> Result<()> {
    if vars.is_empty() {
        return Ok(());
    }
    let mut values = HashMap::new();
    for var in vars {
        values.insert(var.name.as_str(), value_of(var, resources)?);
    }
    for resource in resources.iter_mut() {
        for spec in config.var_reference.iter() {
            spec.apply(resource, Create::Never, &mut |node: &mut Node| {
                expand_in(node, &values)
            })?;
        }
    }
    Ok(())
}

fn matching(var: &Var, resources: &Resources) -> Vec<usize> {
    let target = &var.objref;
    let gvk = if target.api_version.is_empty() {
        Gvk {
            group: &target.group,
            version: &target.version,
            kind: &target.kind,
        }
    } else {
        Gvk::new(&target.api_version, &target.kind)
    };
    let id = Id {
        gvk,
        name: &target.name,
        namespace: &target.namespace,
        is_cluster_scoped: false,
    };
    resources.positions(|resource| {
        resource.all_ids().any(|known| {
            if id.namespace.is_empty() {
                known.gvk == id.gvk && known.name == id.name
            } else {
                known.same(id)
            }
        })
    })
}

fn value_of(var: &Var, resources: &Resources) -> Result<Option<Value>> {
    let resource = resources
        .iter()
        .find(|resource| resource.history.vars.iter().any(|name| **name == *var.name))
        .ok_or_else(|| {
            Error::invalid(format!(
                "var '{}' cannot be mapped to a field in the set of known resources",
                var.name
            ))
        })?;
    let field_path = match var.fieldref.field_path.as_str() {
        "" => DEFAULT_PATH,
        path => path,
    };
    let parts = path::split_indices(path::split(field_path));
    let value = match path::lookup(resource.node(), &parts) {
        Ok(Some(Node::Scalar(scalar))) => Value::of(scalar).map(Some),
        Ok(Some(_)) => Some(None),
        Ok(None) | Err(_) => None,
    };
    value.ok_or_else(|| {
        Error::invalid(format!(
            "field specified in var '{}' not found in corresponding resource",
            var.name
        ))
    })
}

/// What a variable stands for.
struct Value {
    /// Where the variable is the whole text: the value with its type.
    whole: Scalar,
    /// Within other text.
    inline: String,
}

/// Values by name; a variable that stands for a mapping or a list is left as it is.
type Values<'v> = HashMap<&'v str, Option<Value>>;

impl Value {
    /// Reads a scalar as Go does, whose integers here are decimal: `0644` is 644, and `0xff` none.
    fn of(scalar: &Scalar) -> Option<Self> {
        let typed = |text: String, tag| Scalar {
            text: text.into(),
            tag,
            style: Style::Plain,
            link: 0,
        };
        let text = &scalar.text;
        let (whole, inline) = match scalar.tag {
            Tag::Int => {
                let number = text.parse::<i64>().ok()?.to_string();
                (number.clone(), number)
            }
            Tag::Float => {
                let number: f64 = text.parse().ok()?;
                (number.to_string(), go::format_value(number))
            }
            Tag::Bool => {
                let flag = text.to_ascii_lowercase();
                (flag.clone(), flag)
            }
            _ => {
                let whole = typed(text.to_string(), Tag::Str);
                return Some(Self {
                    whole,
                    inline: text.to_string(),
                });
            }
        };
        Some(Self {
            whole: typed(whole, scalar.tag),
            inline,
        })
    }
}

fn expand_in(node: &mut Node, values: &Values<'_>) -> Result<()> {
    match node {
        Node::Scalar(_) => {
            expand_scalar(node, values);
            Ok(())
        }
        Node::Sequence(_) => {
            for item in node.as_sequence_mut().into_iter().flatten() {
                if !is_string(item) {
                    return Err(Error::invalid("invalid value type expect a string"));
                }
                expand_scalar(item, values);
            }
            Ok(())
        }
        Node::Mapping(_) => {
            let Some(fields) = node.as_mapping_mut() else {
                return Ok(());
            };
            for (key, value) in fields.iter_mut() {
                if !matches!(key.tag, Tag::Str | Tag::None) {
                    return Err(Error::invalid(format!(
                        "invalid map key: value='{}'",
                        key.text
                    )));
                }
                expand_scalar(value, values);
            }
            Ok(())
        }
    }
}

fn is_string(node: &Node) -> bool {
    matches!(node, Node::Scalar(scalar) if matches!(scalar.tag, Tag::Str | Tag::None))
}

fn expand_scalar(node: &mut Node, values: &Values<'_>) {
    if let Node::Scalar(scalar) = node
        && matches!(scalar.tag, Tag::Str | Tag::None)
    {
        let new = Scalar {
            link: scalar.link,
            ..expand(&scalar.text, values)
        };
        *node = Node::Scalar(new.into());
    }
}

/// The text with its references replaced; a text that is one reference takes the value's type.
fn expand(text: &str, values: &Values<'_>) -> Scalar {
    let string = |text: String| Scalar {
        text: text.into(),
        tag: Tag::Str,
        style: Style::Plain,
        link: 0,
    };
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        out.push_str(before);
        if after.is_empty() {
            out.push('$');
            rest = after;
        } else if let Some(tail) = after.strip_prefix('$') {
            out.push('$');
            rest = tail;
        } else if let Some((name, tail)) = after
            .strip_prefix('(')
            .and_then(|body| body.split_once(')'))
        {
            match values.get(name).and_then(Option::as_ref) {
                Some(value) if text.len() == name.len() + 3 => return value.whole.clone(),
                Some(value) => out.push_str(&value.inline),
                None => {
                    out.push_str("$(");
                    out.push_str(name);
                    out.push(')');
                }
            }
            rest = tail;
        } else {
            out.push('$');
            let mut chars = after.chars();
            out.extend(chars.next());
            rest = chars.as_str();
        }
    }
    out.push_str(rest);
    string(out)
}
