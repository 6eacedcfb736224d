//! Flux's mode: a directory `tests/conformance/kustomize-flux/<case>` holds the tree in `in/`, the
//! output in `out.yaml` or a part of the message in `error`, and what differs from an empty spec in
//! `spec.json`. There is no program to ask, so the outputs are written by hand from Flux's behaviour.

use std::fs;
use std::path::{Path, PathBuf};

use kustomize::{DiskTree, Options, ParseCache, flux};
use serde_json::Value;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/conformance/kustomize-flux")
}

fn strings(value: &Value) -> Vec<String> {
    value
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|item| item.as_str().map(str::to_owned))
        .collect()
}

fn spec(case: &Path) -> (flux::Spec, String) {
    let text = fs::read_to_string(case.join("spec.json")).unwrap_or_else(|_| "{}".to_owned());
    let value: Value = serde_json::from_str(&text).expect("a spec");
    let text = |value: &Value, name: &str| value[name].as_str().unwrap_or_default().to_owned();
    let items = |name: &str| value[name].as_array().cloned().unwrap_or_default();
    let spec = flux::Spec {
        target_namespace: text(&value, "targetNamespace"),
        name_prefix: text(&value, "namePrefix"),
        name_suffix: text(&value, "nameSuffix"),
        patches: items("patches")
            .iter()
            .map(|patch| flux::Patch {
                patch: text(patch, "patch"),
                target: patch.get("target").map(|target| flux::Selector {
                    kind: text(target, "kind"),
                    name: text(target, "name"),
                    label_selector: text(target, "labelSelector"),
                    ..flux::Selector::default()
                }),
            })
            .collect(),
        components: strings(&value["components"]),
        ignore_missing_components: value["ignoreMissingComponents"].as_bool().unwrap_or(false),
        images: items("images")
            .iter()
            .map(|image| flux::Image {
                name: text(image, "name"),
                new_name: text(image, "newName"),
                new_tag: text(image, "newTag"),
                digest: text(image, "digest"),
            })
            .collect(),
        build_metadata: strings(&value["buildMetadata"]),
    };
    let path = value["path"].as_str().unwrap_or("").to_owned();
    (spec, path)
}

#[test]
fn all_cases_give_what_is_written() {
    let mut cases: Vec<PathBuf> = fs::read_dir(root())
        .expect("the cases")
        .map(|case| case.expect("a case").path())
        .collect();
    cases.sort();
    let cache = ParseCache::default();
    for case in cases {
        let name = case.display();
        let tree = DiskTree::open(&case.join("in")).expect("a tree");
        let (spec, path) = spec(&case);
        let options = Options {
            display_root: "/artifact",
            ..Options::default()
        };
        let got = flux::build(&tree, &path, &spec, &options, &cache);
        if let Ok(want) = fs::read_to_string(case.join("error")) {
            let failure = got.expect_err("a failure").to_string();
            assert!(failure.contains(want.trim()), "{name}: {failure}");
            continue;
        }
        let out = got
            .unwrap_or_else(|failure| panic!("{name}: {failure}"))
            .to_yaml()
            .expect("text");
        let want = fs::read_to_string(case.join("out.yaml")).expect("the output");
        assert_eq!(String::from_utf8_lossy(&out), want, "{name}");
    }
}
