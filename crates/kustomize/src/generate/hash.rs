//! The content hash at the end of a generated object's name.
//!
//! Source: kustomize `api/hasher/hasher.go` (api 0.21.1).

use serde_json::{Number, Value};
use sha2::{Digest as _, Sha256};

use crate::error::Result;
use crate::node::Node;
use crate::parse;
use crate::resource::Resource;
use crate::resources::Resources;

const LENGTH: usize = 10;

/// Appends the hash to the name of every resource that asks for it.
pub(crate) fn transform(resources: &mut Resources) -> Result<()> {
    for resource in resources
        .iter_mut()
        .filter(|resource| resource.history.needs_hash)
    {
        let hash = of(resource)?;
        resource.remember_id();
        let name = format!("{}-{hash}", resource.name());
        resource.set_name(&name);
    }
    Ok(())
}

/// The hash of an object: of ConfigMaps and Secrets by their data, of others by all they hold.
pub(crate) fn of(resource: &Resource) -> Result<String> {
    let node = resource.node();
    let fields: &[&str] = match resource.kind() {
        "ConfigMap" => &["binaryData", "data", "kind", "name"],
        "Secret" => &["data", "kind", "name", "stringData", "type"],
        _ => {
            let value = parse::to_json(node)?;
            let mut text = Vec::new();
            yaml::write_json(&value, &mut text);
            return Ok(encode(&text));
        }
    };
    let mut text = b"{".to_vec();
    for field in fields {
        let value = node.get(field);
        if matches!(*field, "binaryData" | "stringData")
            && value.is_none_or(|value| matches!(value, Node::Scalar(_)))
        {
            continue;
        }
        if text.len() > 1 {
            text.push(b',');
        }
        yaml::write_json_string(field, &mut text);
        text.push(b':');
        // The name is never found upstream and therefore always empty.
        match value.filter(|_| *field != "name") {
            Some(node) if node.as_mapping().is_some() => {
                let mut value = parse::to_json(node)?;
                as_floats(&mut value);
                yaml::write_json(&value, &mut text);
            }
            // Upstream reads it into a map, fails, and goes on without.
            Some(node) if node.as_sequence().is_some() => text.extend_from_slice(b"null"),
            Some(node) => yaml::write_json_string(node.value(), &mut text),
            None => text.extend_from_slice(b"\"\""),
        }
    }
    text.push(b'}');
    Ok(encode(&text))
}

/// Numbers as Go reads them where it does not know the type.
fn as_floats(value: &mut Value) {
    match value {
        Value::Number(number) => {
            if let Some(float) = number.as_f64().and_then(Number::from_f64) {
                *number = float;
            }
        }
        Value::Array(items) => items.iter_mut().for_each(as_floats),
        Value::Object(fields) => fields.values_mut().for_each(as_floats),
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}

fn encode(text: &[u8]) -> String {
    let digest = Sha256::digest(text);
    digest
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .take(LENGTH)
        .map(|nibble| match nibble {
            0 => 'g',
            1 => 'h',
            3 => 'k',
            10 => 'm',
            14 => 't',
            other => char::from_digit(u32::from(other), 16).unwrap_or('0'),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::of;
    use crate::node::{Mapping, Node};
    use crate::resource::Resource;

    #[test]
    fn known_hashes() {
        let config_map = |data: Option<Mapping>| {
            let mut root = Mapping::default();
            root.push("apiVersion", Node::string("v1"));
            root.push("kind", Node::string("ConfigMap"));
            if let Some(data) = data {
                root.push("data", Node::Mapping(data.into()));
            }
            Resource::new(Node::Mapping(root.into()), &crate::scope::Scopes::default())
        };
        assert_eq!(of(&config_map(None)).unwrap(), "6ct58987ht");
        let data = [
            ("fruit", "Indian Gooseberry"),
            ("year", "2020"),
            ("crisis", "true"),
        ]
        .map(|(key, value)| (key.to_owned(), Node::string(value)));
        let data: Mapping = data.into_iter().collect();
        assert_eq!(of(&config_map(Some(data))).unwrap(), "79t79mt227");
    }
}
