//! A page per kind: its fields, from the schema that the API server checks.

use anyhow::{Result, ensure};
use serde_json::{Map, Value};

use super::NOTE;
use super::markdown::{code, table};

/// Pages by file name.
///
/// # Errors
/// When a definition has no page.
pub(super) fn pages() -> Result<Vec<(String, String)>> {
    let definitions = [
        api::crd::git_repository(),
        api::crd::kustomization(),
        api::crd::provider(),
        api::crd::alert(),
        api::crd::receiver(),
    ];
    ensure!(
        definitions.len() == api::crd::manifests().len(),
        "a definition has no page: name it in {}",
        file!()
    );
    Ok(definitions.iter().map(page).collect())
}

fn page(definition: &Value) -> (String, String) {
    let text = |pointer: &str| {
        let value = definition.pointer(pointer).and_then(Value::as_str);
        value.unwrap_or_default()
    };
    let kind = text("/spec/names/kind");
    let mut out = format!("{NOTE}# {kind}\n\n");
    let version = format!("{}/{}", text("/spec/group"), text("/spec/versions/0/name"));
    let mut facts = vec![code(&version), text("/spec/scope").to_lowercase()];
    let short = definition.pointer("/spec/names/shortNames");
    if let Some(names) = short.and_then(Value::as_array) {
        let names: Vec<_> = names.iter().filter_map(Value::as_str).map(code).collect();
        facts.push(format!("short name {}", names.join(", ")));
    }
    out.push_str(&facts.join(", "));
    out.push_str(".\n");
    let schema = "/spec/versions/0/schema/openAPIV3Schema/properties";
    for part in ["spec", "status"] {
        if let Some(schema) = definition.pointer(&format!("{schema}/{part}")) {
            section(&mut out, part, schema);
        }
    }
    (format!("{}.md", kind.to_lowercase()), out)
}

/// The fields of one object, then those of the objects in it.
fn section(out: &mut String, path: &str, schema: &Value) {
    out.push_str("\n## ");
    out.push_str(path);
    out.push_str("\n\n");
    if let Some(text) = string(schema, "description") {
        out.push_str(text);
        out.push_str("\n\n");
    }
    let between = rules(schema);
    if !between.is_empty() {
        let lines: Vec<_> = between.iter().map(|rule| format!("- {rule}\n")).collect();
        out.push_str(&lines.concat());
        out.push('\n');
    }
    let none = Map::new();
    let properties = schema.get("properties").and_then(Value::as_object);
    let properties = properties.unwrap_or(&none);
    let required = |name: &str| {
        let list = schema.get("required").and_then(Value::as_array);
        list.is_some_and(|list| list.iter().any(|required| required == name))
    };
    let rows: Vec<_> = properties
        .iter()
        .map(|(name, field)| {
            vec![
                code(name),
                type_name(&child(path, name, field).0, field),
                if required(name) { "yes" } else { "" }.to_owned(),
                default(field),
                meaning(field),
            ]
        })
        .collect();
    table(out, &["field", "type", "required", "default", ""], &rows);
    for (name, field) in properties {
        let (path, schema) = child(path, name, field);
        if schema.get("properties").is_some() {
            section(out, &path, schema);
        }
    }
}

/// The path of a field, and the schema of what is in it.
fn child<'a>(path: &str, name: &str, field: &'a Value) -> (String, &'a Value) {
    if let Some(items) = field.get("items") {
        (format!("{path}.{name}[]"), items)
    } else if let Some(values) = field.get("additionalProperties").filter(|v| v.is_object()) {
        (format!("{path}.{name}.*"), values)
    } else {
        (format!("{path}.{name}"), field)
    }
}

fn type_name(path: &str, field: &Value) -> String {
    let inner = |schema: &Value| {
        if schema.get("properties").is_some() {
            // As GitHub makes anchors of headings.
            let anchor = path.to_lowercase().replace(['.', '[', ']', '*'], "");
            format!("[object](#{anchor})")
        } else if schema.get("x-kubernetes-int-or-string") == Some(&Value::Bool(true)) {
            "integer or string".to_owned()
        } else {
            string(schema, "type").unwrap_or("any").to_owned()
        }
    };
    if let Some(items) = field.get("items") {
        format!("list of {}", inner(items))
    } else if let Some(values) = field.get("additionalProperties").filter(|v| v.is_object()) {
        format!("map to {}", inner(values))
    } else {
        inner(field)
    }
}

fn default(field: &Value) -> String {
    match field.get("default") {
        None => String::new(),
        Some(Value::String(text)) => code(text),
        Some(other) => code(&other.to_string()),
    }
}

fn meaning(field: &Value) -> String {
    let mut parts: Vec<String> = string(field, "description")
        .map(str::to_owned)
        .into_iter()
        .collect();
    let values = |name: &str| field.get(name).and_then(Value::as_array);
    if let Some(values) = values("enum") {
        let values: Vec<_> = values.iter().filter_map(Value::as_str).map(code).collect();
        parts.push(format!("One of {}.", values.join(", ")));
    }
    let inner = field.get("items").unwrap_or(field);
    if let Some(pattern) = string(inner, "pattern") {
        parts.push(format!("Matches {}.", code(pattern)));
    }
    let unit = |of: &str, bound: &Value| match (of, bound.as_u64()) {
        ("Length", Some(1)) => " character",
        ("Length", _) => " characters",
        ("Items", Some(1)) => " entry",
        ("Items", _) => " entries",
        _ => "",
    };
    for (prefix, word) in [("min", "At least"), ("max", "At most")] {
        for of in ["imum", "Length", "Items"] {
            if let Some(bound) = field.get(format!("{prefix}{of}")) {
                parts.push(format!("{word} {bound}{}.", unit(of, bound)));
            }
        }
    }
    if field.get("properties").is_none() {
        parts.extend(rules(field));
    }
    parts.join(" ")
}

/// What must hold between fields.
fn rules(schema: &Value) -> Vec<String> {
    let rules = schema
        .get("x-kubernetes-validations")
        .and_then(Value::as_array);
    rules
        .into_iter()
        .flatten()
        .map(|rule| {
            let expression = code(string(rule, "rule").unwrap_or_default());
            match string(rule, "message") {
                Some(message) => format!("Must hold: {message} ({expression})."),
                None => format!("Must hold: {expression}."),
            }
        })
        .collect()
}

fn string<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    value.get(name).and_then(Value::as_str)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_page_names_every_field_and_what_holds_for_it() {
        let (name, text) = page(&json!({"spec": {
            "group": "example.org", "scope": "Namespaced",
            "names": {"kind": "Thing", "shortNames": ["th"]},
            "versions": [{"name": "v1", "schema": {"openAPIV3Schema": {"properties": {"spec": {
                "description": "A thing.",
                "x-kubernetes-validations": [{"rule": "self.a || self.b", "message": "one is needed"}],
                "required": ["parts"],
                "properties": {
                    "mode": {"type": "string", "enum": ["a", "b"], "default": "a"},
                    "parts": {"type": "array", "minItems": 1, "items": {"type": "object", "properties": {
                        "path": {"type": "string", "pattern": "^(a|b)$", "maxLength": 9},
                    }}},
                    "labels": {"type": "object", "additionalProperties": {"type": "string"}},
                },
            }}}}}],
        }}));
        assert_eq!(name, "thing.md");
        let expected = "<!-- Written by `cargo xtask reference`. -->
# Thing

`example.org/v1`, namespaced, short name `th`.

## spec

A thing.

- Must hold: one is needed (`self.a || self.b`).

| field | type | required | default |  |
| --- | --- | --- | --- | --- |
| `labels` | map to string |  |  |  |
| `mode` | string |  | `a` | One of `a`, `b`. |
| `parts` | list of [object](#specparts) | yes |  | At least 1 entry. |

## spec.parts[]

| field | type | required | default |  |
| --- | --- | --- | --- | --- |
| `path` | string |  |  | Matches `^(a\\|b)$`. At most 9 characters. |
";
        assert_eq!(text, expected);
    }
}
