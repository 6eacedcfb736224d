//! Whatever the files hold, a build ends with a result or an error.

use kustomize::{MemoryTree, Options, ParseCache, flux};
use proptest::prelude::*;

use crate::trees::{memory, overlay};

fn builds(tree: &MemoryTree, path: &str) {
    let (options, cache) = (Options::default(), ParseCache::new(0));
    if let Ok(built) = kustomize::build(tree, path, &options, &cache) {
        drop(built.to_yaml());
    }
    drop(flux::build(
        tree,
        path,
        &flux::Spec::default(),
        &options,
        &cache,
    ));
}

/// Pieces from which odd kustomization files are put together.
fn piece() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        "resources:",
        "- a.yaml",
        "- ..",
        "- .",
        "- ''",
        "namespace: ",
        "patches:",
        "- target: {kind: '('}",
        "  patch: '[{\"op\":\"add\",\"path\":\"\",\"value\":1}]'",
        "images:",
        "- {name: '[', newTag: x}",
        "replacements:",
        "- source: {kind: A}",
        "  targets: [{select: {name: '*'}}]",
        "vars:",
        "- {name: A}",
        "labels: [{pairs: {a: b}, fields: [{path: '', create: true}]}]",
        "configMapGenerator:",
        "- {name: a, files: ['=']}",
        "crds: [a.yaml]",
        "configurations: [a.yaml]",
        "null",
        "- null",
        "{",
        "&a [*a]",
        "<<: 1",
        "transformers: [a.yaml]",
        "replicas: [{name: a, count: 1}]",
        "components: ['../..']",
        "sortOptions: {}",
        "commonLabels: {'': ''}",
        "\t",
    ])
    .prop_map(|piece| format!("{piece}\n"))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn odd_kustomizations(pieces in prop::collection::vec(piece(), 0..12), resource in prop::collection::vec(piece(), 0..6)) {
        let mut tree = MemoryTree::default();
        tree.insert("kustomization.yaml", pieces.concat());
        tree.insert("a.yaml", resource.concat());
        builds(&tree, "");
    }

    #[test]
    fn random_bytes(kustomization in prop::collection::vec(any::<u8>(), 0..200), resource in prop::collection::vec(any::<u8>(), 0..400)) {
        let mut tree = MemoryTree::default();
        tree.insert("a/kustomization.yaml", kustomization);
        tree.insert("b/kustomization.yaml", "resources: [r.yaml]");
        tree.insert("b/r.yaml", &resource);
        tree.insert("c/r.yaml", resource);
        for path in ["a", "b", "c", "", "none", "../x"] {
            builds(&tree, path);
        }
    }

    #[test]
    fn broken_overlays(files in overlay(), at in any::<prop::sample::Index>(), cut in any::<prop::sample::Index>(), byte in any::<char>()) {
        let mut files = files;
        let index = at.index(files.len());
        let text = &mut files[index].1;
        let mut place = cut.index(text.len() + 1);
        while !text.is_char_boundary(place) {
            place -= 1;
        }
        text.insert(place, byte);
        builds(&memory(&files), "top");
    }
}

#[test]
fn deep_and_wide_inputs_end() {
    let mut tree = MemoryTree::default();
    let mut laughs = String::from("  a0: &a0 [x, x, x]\n");
    for level in 1..30 {
        let below = level - 1;
        let line = format!("  a{level}: &a{level} [*a{below}, *a{below}, *a{below}]\n");
        laughs.push_str(&line);
    }
    tree.insert("kustomization.yaml", "resources: [r.yaml]");
    tree.insert(
        "r.yaml",
        format!("apiVersion: v1\nkind: A\nmetadata: {{name: a}}\nspec:\n{laughs}"),
    );
    builds(&tree, "");
    tree.insert(
        "r.yaml",
        format!(
            "apiVersion: v1\nkind: A\nmetadata: {{name: a}}\nspec: {}1{}\n",
            "[".repeat(5000),
            "]".repeat(5000)
        ),
    );
    builds(&tree, "");
    for level in 0..300 {
        tree.insert(
            &format!("l{level}/kustomization.yaml"),
            format!("resources: [../l{}]", level + 1),
        );
    }
    let failure = kustomize::build(&tree, "l0", &Options::default(), &ParseCache::default())
        .expect_err("too many layers");
    assert!(failure.to_string().contains("layers within one another"));
}
