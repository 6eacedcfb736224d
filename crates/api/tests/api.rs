//! The definitions against those that Flux publishes, and against the committed manifests.

#[path = "api/wire.rs"]
mod wire;

use std::{fs, path::PathBuf};

use serde_json::Value;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Paths at which `ours` and `theirs` differ, descriptions apart.
fn differences(path: &str, ours: &Value, theirs: &Value, found: &mut Vec<String>) {
    match (ours, theirs) {
        (Value::Object(a), Value::Object(b)) => {
            let keys: std::collections::BTreeSet<_> = a.keys().chain(b.keys()).collect();
            for key in keys {
                if key == "description" && !path.ends_with("/properties") {
                    continue;
                }
                let none = Value::Null;
                let (a, b) = (a.get(key).unwrap_or(&none), b.get(key).unwrap_or(&none));
                differences(&format!("{path}/{key}"), a, b, found);
            }
        }
        (Value::Array(a), Value::Array(b))
            if a.len() == b.len() && !path.ends_with("/required") =>
        {
            for (at, (a, b)) in a.iter().zip(b).enumerate() {
                differences(&format!("{path}/{at}"), a, b, found);
            }
        }
        (Value::Array(a), Value::Array(b)) if path.ends_with("/required") => {
            let sort = |list: &[Value]| {
                let mut list: Vec<_> = list.iter().map(Value::to_string).collect();
                list.sort();
                list
            };
            if sort(a) != sort(b) {
                found.push(format!("{path}: {ours} is not {theirs}"));
            }
        }
        (a, b) if a == b => {}
        (a, b) => found.push(format!("{path}: {a} is not {b}")),
    }
}

#[test]
fn definitions_differ_from_the_published_ones_in_descriptions_only() {
    for (name, ours) in [
        ("gitrepositories.source", api::crd::git_repository()),
        ("kustomizations.kustomize", api::crd::kustomization()),
        ("providers.notification", api::crd::provider()),
        ("alerts.notification", api::crd::alert()),
        ("receivers.notification", api::crd::receiver()),
    ] {
        let file = root().join(format!(
            "tests/conformance/crds/{name}.toolkit.fluxcd.io.json"
        ));
        let theirs: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
        let mut found = Vec::new();
        differences("/spec", &ours["spec"], &theirs["spec"], &mut found);
        let metadata = &ours["metadata"];
        let none = serde_json::json!({});
        let annotations = metadata.get("annotations").unwrap_or(&none);
        differences(
            "/annotations",
            annotations,
            &theirs["annotations"],
            &mut found,
        );
        differences("/name", &metadata["name"], &theirs["name"], &mut found);
        assert!(found.is_empty(), "{name}:\n{}", found.join("\n"));
    }
}

#[test]
fn the_committed_manifests_are_those_of_the_types() {
    for (name, text) in api::crd::manifests() {
        let file = root().join("deploy/crds").join(&name);
        let committed = fs::read_to_string(&file).unwrap_or_default();
        assert!(
            committed == text,
            "{name} is out of date: run `cargo xtask crds`"
        );
    }
}
