//! A read set is complete: what is outside of it cannot matter, and what matters is in it.

use kustomize::{MemoryTree, Options, ParseCache, flux};
use proptest::prelude::*;

use crate::trees::{Files, memory, overlay};

/// A change to a tree, somewhere.
#[derive(Debug, Clone)]
enum Change {
    Write(String, String),
    Remove(String),
}

fn change() -> impl Strategy<Value = Change> {
    let dir = prop::sample::select(vec![
        "top",
        "base",
        "layer1",
        "component",
        "elsewhere",
        "top/sub",
    ]);
    let file = prop::sample::select(vec![
        "kustomization.yaml",
        "kustomization.yml",
        "Kustomization",
        "all.yaml",
        "extra.yaml",
        "notes.txt",
    ]);
    let text = prop::sample::select(vec![
        "resources: [all.yaml]\n",
        "namePrefix: changed-\nresources: [../base]\n",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: extra}\n",
        "",
    ]);
    (dir, file, text, any::<bool>()).prop_map(|(dir, file, text, remove)| {
        let path = format!("{dir}/{file}");
        if remove {
            Change::Remove(path)
        } else {
            Change::Write(path, text.to_owned())
        }
    })
}

fn apply(tree: &MemoryTree, change: &Change) -> MemoryTree {
    let mut tree = tree.clone();
    match change {
        Change::Write(path, text) => tree.insert(path, text),
        Change::Remove(path) => tree.remove(path),
    }
    tree
}

/// The result as text, and whether the read set holds for `after`.
fn outcome(tree: &MemoryTree, after: &MemoryTree, path: &str) -> (Result<Vec<u8>, String>, bool) {
    let (options, cache) = (Options::default(), ParseCache::default());
    match flux::build(tree, path, &flux::Spec::default(), &options, &cache) {
        Ok(built) => {
            let text = built.to_yaml().map_err(|error| error.to_string());
            (text, built.read_set.unchanged_in(after))
        }
        Err(failure) => (
            Err(failure.to_string()),
            failure.read_set.unchanged_in(after),
        ),
    }
}

fn check(files: &Files, changes: &[Change], path: &str) -> Result<(), TestCaseError> {
    let before = memory(files);
    for change in changes {
        let after = apply(&before, change);
        let (old, unchanged) = outcome(&before, &after, path);
        let (new, _) = outcome(&after, &after, path);
        if unchanged {
            prop_assert_eq!(&old, &new, "the read set misses {:?}", change);
        }
    }
    let (_, unchanged) = outcome(&before, &before, path);
    prop_assert!(unchanged, "a tree agrees with its own read set");
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_outside_does_not_matter(
        files in overlay(),
        changes in prop::collection::vec(change(), 1..6),
        whole in any::<bool>(),
    ) {
        check(&files, &changes, if whole { "" } else { "top" })?;
    }
}

#[test]
fn unread_files_are_not_in_the_read_set() {
    let mut tree = MemoryTree::default();
    tree.insert("top/kustomization.yaml", "resources: [cm.yaml]");
    tree.insert(
        "top/cm.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n",
    );
    let built = kustomize::build(&tree, "top", &Options::default(), &ParseCache::default())
        .expect("a build");
    let mut other = tree.clone();
    other.insert("top/unread.yaml", "x");
    other.insert("elsewhere/cm.yaml", "x");
    assert!(built.read_set.unchanged_in(&other));
    for path in ["top/cm.yaml", "top/kustomization.yml", "top/Kustomization"] {
        let mut changed = tree.clone();
        changed.insert(path, "changed");
        assert!(!built.read_set.unchanged_in(&changed), "{path}");
    }
}
