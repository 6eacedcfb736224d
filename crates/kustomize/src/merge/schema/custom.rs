//! Types that a kustomization brings along with `openapi.path`.
//!
//! A document of OpenAPI definitions; those that name a group, version and kind are types of objects.
//! Source: kyaml 0.21.1 `openapi/openapi.go`.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use serde_json::Value;

use super::Shape;

/// References are followed this far.
const MAX_REFERENCES: usize = 32;
const STRATEGY: &str = "x-kubernetes-patch-strategy";
const MERGE_KEY: &str = "x-kubernetes-patch-merge-key";
const MAP_KEYS: &str = "x-kubernetes-list-map-keys";
const TYPES: &str = "x-kubernetes-group-version-kind";

/// The definitions of a document.
#[derive(Debug)]
pub(crate) struct CustomSchemas {
    definitions: HashMap<String, Arc<Value>>,
    /// Definition names by apiVersion and kind.
    types: HashMap<(String, String), String>,
}

/// A schema with the definitions that it refers to.
#[derive(Debug, Clone)]
pub(crate) struct Type {
    all: Arc<CustomSchemas>,
    schema: Arc<Value>,
}

impl CustomSchemas {
    /// Reads a document; one without definitions has no types.
    pub(crate) fn new(document: &Value) -> Self {
        let mut this = Self {
            definitions: HashMap::new(),
            types: HashMap::new(),
        };
        let definitions = document.get("definitions").and_then(Value::as_object);
        for (name, schema) in definitions.into_iter().flatten() {
            for entry in schema
                .get(TYPES)
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
            {
                let text = |field: &str| entry.get(field).and_then(Value::as_str).unwrap_or("");
                let api_version = match text("group") {
                    "" => text("version").to_owned(),
                    group => format!("{group}/{}", text("version")),
                };
                this.types
                    .insert((api_version, text("kind").to_owned()), name.clone());
            }
            this.definitions
                .insert(name.clone(), Arc::new(schema.clone()));
        }
        this
    }

    pub(super) fn of(self: &Arc<Self>, api_version: &str, kind: &str) -> Option<Type> {
        let name = self.types.get(&(api_version.to_owned(), kind.to_owned()))?;
        let schema = Arc::clone(self.definitions.get(name)?);
        Some(Type {
            all: Arc::clone(self),
            schema,
        })
    }
}

impl Type {
    pub(super) fn field(&self, name: &str) -> Option<Shape> {
        let property = self
            .schema
            .get("properties")
            .and_then(|properties| properties.get(name));
        let schema = property.or_else(|| {
            self.schema
                .get("additionalProperties")
                .filter(|schema| schema.is_object())
        })?;
        let field = self.follow(schema)?;
        let strategy = field
            .schema
            .get(STRATEGY)
            .and_then(Value::as_str)
            .unwrap_or("");
        if !strategy.split(',').any(|part| part == "merge") {
            return Some(Shape::Plain(super::Type::Custom(field)));
        }
        let items = field
            .schema
            .get("items")
            .and_then(|items| field.follow(items));
        let keys: Vec<Cow<'static, str>> =
            match field.schema.get(MAP_KEYS).and_then(Value::as_array) {
                Some(keys) => keys
                    .iter()
                    .filter_map(Value::as_str)
                    .map(|key| key.to_owned().into())
                    .collect(),
                None => field
                    .schema
                    .get(MERGE_KEY)
                    .and_then(Value::as_str)
                    .map(|key| key.to_owned().into())
                    .into_iter()
                    .collect(),
            };
        if keys.is_empty() {
            return Some(Shape::Set);
        }
        Some(Shape::List(keys.into(), items.map(super::Type::Custom)))
    }

    /// Resolves references.
    fn follow(&self, schema: &Value) -> Option<Self> {
        let mut schema = Arc::new(schema.clone());
        for _ in 0..MAX_REFERENCES {
            let Some(reference) = schema.get("$ref").and_then(Value::as_str) else {
                return Some(Self {
                    all: Arc::clone(&self.all),
                    schema,
                });
            };
            let name = reference.strip_prefix("#/definitions/")?;
            schema = Arc::clone(self.all.definitions.get(name)?);
        }
        None
    }
}
