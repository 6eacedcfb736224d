//! `crds`: type definitions whose annotations add field specs.
//!
//! Source: kustomize `api/internal/accumulator/loadconfigfromcrds.go` (api 0.21.1).

use std::collections::BTreeMap;

use serde_json::Value;

use crate::config::{BackReference, Config};
use crate::error::{Error, Result, ResultExt as _};
use crate::field_spec::{FieldSpec, FieldSpecs};
use crate::id::Gvk;
use crate::load::Loader;
use crate::parse;

/// References within definitions are followed this deep.
const MAX_DEPTH: usize = 32;

/// Reads the files and gathers what their types say.
pub(crate) fn load(loader: &Loader<'_>, paths: &[String]) -> Result<Config> {
    let mut config = Config::default();
    for path in paths {
        let content = loader.load(path)?;
        let invalid = || format!("unable to parse open API definition from '{path}'");
        if content.is_empty() {
            return Err(Error::invalid(format!("{}: it is empty", invalid())));
        }
        let document = if content.starts_with(b"{") {
            parse::strict_json(&content)
        } else {
            parse::json(&content)
        };
        let document = document.context(invalid)?;
        let definitions = match &document {
            Value::Null => continue,
            Value::Object(definitions) => definitions,
            _ => return Err(Error::invalid(invalid())),
        };
        let mut types: BTreeMap<&str, &Value> = BTreeMap::new();
        for (name, definition) in definitions {
            let schema = match definition {
                // Go leaves a definition that is null as it is made: empty.
                Value::Null => &Value::Null,
                Value::Object(fields) => fields
                    .iter()
                    .find(|(key, _)| key.eq_ignore_ascii_case("schema"))
                    .map_or(&Value::Null, |(_, schema)| schema),
                _ => return Err(Error::invalid(invalid())),
            };
            types.insert(name, schema);
        }
        for (name, schema) in &types {
            if is_type(schema) {
                let kind = name.rsplit_once('.').map_or(*name, |(_, kind)| kind);
                let mut walk = Walk {
                    types: &types,
                    kind,
                    config: &mut config,
                };
                walk.properties(schema, &mut Vec::new(), 0)
                    .context(invalid)?;
            }
        }
    }
    config.sort();
    Ok(config)
}

struct Walk<'w> {
    types: &'w BTreeMap<&'w str, &'w Value>,
    kind: &'w str,
    config: &'w mut Config,
}

impl Walk<'_> {
    fn properties(&mut self, schema: &Value, path: &mut Vec<String>, depth: usize) -> Result<()> {
        let Some(properties) = schema.get("properties").and_then(Value::as_object) else {
            return Ok(());
        };
        if depth > MAX_DEPTH {
            return Err(Error::Limit(
                "definitions refer to each other too deeply".to_owned(),
            ));
        }
        for (name, property) in properties {
            path.push(name.clone());
            self.property(property, &path.join("/"))?;
            if let Some(reference) = property.get("$ref").and_then(Value::as_str) {
                let target = reference
                    .strip_prefix("#/definitions/")
                    .unwrap_or(reference);
                if let Some(schema) = self.types.get(target).copied() {
                    self.properties(schema, path, depth + 1)?;
                }
            }
            path.pop();
        }
        Ok(())
    }

    fn property(&mut self, property: &Value, path: &str) -> Result<()> {
        let gvk = Gvk {
            kind: self.kind,
            ..Gvk::default()
        };
        let spec = |path: &str| FieldSpec::new(gvk, path, false);
        let text = |name: &str| property.get(name).and_then(Value::as_str);
        if property.get("x-kubernetes-annotation").is_some() {
            self.config.common_annotations.add(spec(path))?;
        }
        if property.get("x-kubernetes-label-selector").is_some() {
            self.config.common_labels.add(spec(path))?;
        }
        if property.get("x-kubernetes-identity").is_some() {
            self.config.name_prefix.add(spec(path))?;
        }
        let version = text("x-kubernetes-object-ref-api-version");
        if let (Some(version), Some(kind)) = (version, text("x-kubernetes-object-ref-kind")) {
            let key = text("x-kubernetes-object-ref-name-key").unwrap_or("name");
            let referrers: FieldSpecs = [spec(&format!("{path}/{key}"))].into_iter().collect();
            self.config.add_reference(&BackReference {
                group: "".into(),
                version: version.into(),
                kind: kind.into(),
                referrers,
            })?;
        }
        Ok(())
    }
}

/// Whether a definition is that of an object.
fn is_type(schema: &Value) -> bool {
    ["kind", "apiVersion", "metadata"].iter().all(|field| {
        schema
            .get("properties")
            .and_then(|properties| properties.get(field))
            .is_some()
    })
}
