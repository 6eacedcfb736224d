//! Objects without a schema, with JSON patches and replacements that lead anywhere.

use proptest::prelude::*;

use super::Files;

/// Scalars as people write them in flow style.
const SCALARS: [&str; 16] = [
    "1",
    "'1'",
    "\"x y\"",
    "text",
    "true",
    "'no'",
    "1.50",
    "2000000",
    "0x1F",
    "a:b:c",
    "null",
    "''",
    "[]",
    "{}",
    "2020-01-02",
    "'{\"a\": {\"b\": 1}, \"l\": [1, {\"a\": x}]}'",
];

const KEYS: [&str; 4] = ["a", "b", "l", "c/d"];

/// A value in flow style.
fn value() -> impl Strategy<Value = String> {
    prop::sample::select(&SCALARS[..])
        .prop_map(str::to_owned)
        .prop_recursive(3, 12, 3, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..3)
                    .prop_map(|items| format!("[{}]", items.join(", "))),
                prop::collection::btree_map(prop::sample::select(&KEYS[..]), inner, 0..3).prop_map(
                    |fields| {
                        let fields: Vec<String> = fields
                            .iter()
                            .map(|(key, value)| format!("{key}: {value}"))
                            .collect();
                        format!("{{{}}}", fields.join(", "))
                    }
                ),
            ]
        })
}

fn pointer() -> impl Strategy<Value = String> {
    let part = prop::sample::select(vec!["a", "b", "l", "c~1d", "0", "1", "-", "-1"]);
    prop::collection::vec(part, 0..4).prop_map(|parts| {
        let mut path = "/spec".to_owned();
        for part in parts {
            path.push('/');
            path.push_str(part);
        }
        path
    })
}

fn operation() -> impl Strategy<Value = String> {
    let op = prop::sample::select(vec![
        "add", "add", "replace", "remove", "copy", "move", "test",
    ]);
    (op, pointer(), pointer(), value()).prop_map(|(op, path, from, value)| {
        format!("    - {{op: {op}, path: {path}, from: {from}, value: {value}}}\n")
    })
}

fn field_path() -> impl Strategy<Value = String> {
    let part = prop::sample::select(vec![
        "a", "a", "b", "b", "l", "l", "0", "1", "*", "-", "[a=1]", "[b=t]", "[=x]", "[c/d]",
    ]);
    prop::collection::vec(part, 0..4)
        .prop_map(|parts| format!("'spec.{}'", parts.join(".")).replace(".'", "'"))
}

fn options() -> impl Strategy<Value = String> {
    (
        any::<bool>(),
        prop::option::weighted(0.3, (prop::sample::select(vec![":", " ", "-"]), -1..3_i8)),
    )
        .prop_map(|(create, delimiter)| {
            let mut parts = vec![format!("create: {create}")];
            if let Some((delimiter, index)) = delimiter {
                parts.push(format!("delimiter: '{delimiter}'"));
                parts.push(format!("index: {index}"));
            }
            format!("{{{}}}", parts.join(", "))
        })
}

fn replacement() -> impl Strategy<Value = String> {
    (
        prop::option::weighted(0.5, (field_path(), options())),
        prop::collection::vec(field_path(), 1..3),
        prop::option::of(options()),
    )
        .prop_map(|(source, targets, options)| {
            let source = match source {
                Some((path, options)) => {
                    let options = options.replace("create: true", "create: false");
                    format!("source: {{name: one, fieldPath: {path}, options: {options}}}")
                }
                None => "sourceValue: new".to_owned(),
            };
            let options =
                options.map_or_else(String::new, |options| format!("    options: {options}\n"));
            format!(
                "- {source}\n  targets:\n  - select: {{kind: Widget}}\n    fieldPaths: [{}]\n{options}",
                targets.join(", ")
            )
        })
}

/// Two widgets and a few changes to them.
pub(crate) fn changed_widgets() -> impl Strategy<Value = Files> {
    (
        prop::collection::vec(value(), 2..3),
        prop::collection::vec(operation(), 0..3),
        prop::collection::vec(replacement(), 0..3),
    )
        .prop_map(|(specs, operations, replacements)| {
            let objects: Vec<String> = ["one", "two"]
                .iter()
                .zip(&specs)
                .map(|(name, spec)| {
                    format!("apiVersion: example.org/v1\nkind: Widget\nmetadata: {{name: {name}}}\nspec: {{a: {spec}, l: [{spec}, t, x]}}\n")
                })
                .collect();
            let mut text = "resources: [all.yaml]\n".to_owned();
            if !operations.is_empty() {
                text.push_str("patches:\n- target: {name: one}\n  patch: |\n");
                text.push_str(&operations.concat());
            }
            if !replacements.is_empty() {
                text.push_str("replacements:\n");
                text.push_str(&replacements.concat());
            }
            vec![
                ("top/all.yaml".to_owned(), objects.join("---\n")),
                ("top/kustomization.yaml".to_owned(), text),
            ]
        })
}
