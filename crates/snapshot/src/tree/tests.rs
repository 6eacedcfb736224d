use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::path;

type Files = BTreeMap<String, (bool, u8)>;

fn tree(files: &Files) -> Tree {
    let mut builder = TreeBuilder::new();
    for (path, (executable, content)) in files {
        let mode = if *executable {
            FileMode::Executable
        } else {
            FileMode::Regular
        };
        builder
            .insert(path, mode, Hash::of(&[*content]), 1)
            .unwrap();
    }
    builder.finish()
}

fn of(paths: &[&str]) -> Tree {
    tree(
        &paths
            .iter()
            .map(|path| ((*path).to_owned(), (false, 0)))
            .collect(),
    )
}

#[test]
fn entries_are_found_by_path_and_never_outside() {
    let tree = of(&["apps/web/deploy.yaml", "README.md"]);
    for (path, found) in [
        ("", true),
        (".", true),
        ("apps", true),
        ("apps/", true),
        ("./apps//web/deploy.yaml", true),
        ("apps/web/deploy.yaml/x", false),
        ("apps/../README.md", false),
        ("..", false),
        ("READM", false),
    ] {
        assert_eq!(tree.get(path).is_some(), found, "{path:?}");
    }
    assert!(tree.list("README.md").is_none());
    assert_eq!(tree.files(), 2);
    assert_eq!(tree.bytes(), 2);
}

#[test]
fn names_are_listed_by_their_bytes() {
    let tree = of(&["a/x", "a.yaml", "a-b", "é", "Z"]);
    let names: Vec<_> = tree.list("").unwrap().map(|(name, _)| name).collect();
    assert_eq!(names, ["Z", "a", "a-b", "a.yaml", "é"]);
    let walked: Vec<_> = tree.walk().map(|(path, _)| path).collect();
    assert_eq!(walked, ["Z", "a", "a/x", "a-b", "a.yaml", "é"]);
}

#[test]
fn a_path_is_a_file_or_a_directory() {
    let mut builder = TreeBuilder::new();
    let hash = Hash::of(b"");
    builder.insert("a/b", FileMode::Regular, hash, 0).unwrap();
    let mut insert = |path: &str| builder.insert(path, FileMode::Regular, hash, 0);
    assert_eq!(insert("a"), Err(TreeError::IsADirectory("a".into())));
    assert_eq!(insert("a/b/c"), Err(TreeError::NotADirectory("a/b".into())));
    assert_eq!(insert(""), Err(TreeError::IsADirectory(".".into())));
    for bad in ["/a", "a/", "a//b", "../a", "./a", "a\0"] {
        assert_eq!(insert(bad), Err(TreeError::InvalidPath(bad.into())));
    }
    assert_eq!(insert(&"a".repeat(5000)), Err(TreeError::TooLong(5000)));
    assert_eq!(insert(&"a/".repeat(300)), Err(TreeError::TooDeep(301)));
    assert_eq!(insert("a/b"), Ok(()));
}

#[test]
fn the_deepest_tree_fits_a_small_stack() {
    let check = || {
        let deep = of(&[&vec!["a"; path::MAX_DEPTH].join("/")]);
        let other = of(&[&vec!["b"; path::MAX_DEPTH].join("/")]);
        assert_eq!(deep.diff(&other).len(), 2 * path::MAX_DEPTH);
        assert_eq!(deep.sharing(&deep).walk().count(), path::MAX_DEPTH);
    };
    let thread = std::thread::Builder::new().stack_size(1 << 20).spawn(check);
    thread.unwrap().join().unwrap();
}

#[test]
fn an_empty_directory_counts() {
    let mut builder = TreeBuilder::new();
    builder.insert_dir("a/b").unwrap();
    let tree = builder.finish();
    assert_ne!(tree.hash(), Tree::empty().hash());
    let added = |path: &str| Change {
        path: path.into(),
        kind: ChangeKind::Added,
    };
    assert_eq!(Tree::empty().diff(&tree), [added("a"), added("a/b")]);
}

#[test]
fn a_file_that_becomes_a_directory_is_removed_and_added() {
    let changes: Vec<_> = of(&["a", "b"])
        .diff(&of(&["a/x", "b"]))
        .into_iter()
        .map(|change| (change.path, change.kind))
        .collect();
    let expected = [
        ("a", ChangeKind::Removed),
        ("a", ChangeKind::Added),
        ("a/x", ChangeKind::Added),
    ];
    assert_eq!(
        changes,
        expected.map(|(path, kind)| (path.to_owned(), kind))
    );
}

#[test]
fn revisions_share_what_they_have_in_common() {
    let old = of(&["a/b/one", "a/c/two", "d/three"]);
    let new = of(&["a/b/one", "a/c/other", "d/three"]).sharing(&old);
    let same = |path: &str| {
        let dir = |tree: &Tree| Arc::clone(tree.get(path).unwrap().as_dir().unwrap());
        Arc::ptr_eq(&dir(&old), &dir(&new))
    };
    assert_eq!(
        ["a", "a/b", "a/c", "d"].map(same),
        [false, true, false, true]
    );
    assert_eq!(new.get("a/c/other").map(Entry::hash), Some(Hash::of(&[0])));
    assert_eq!(new, of(&["a/b/one", "a/c/other", "d/three"]));
}

/// Distinct file names and directory names, so that no path is both.
fn files() -> impl Strategy<Value = Files> {
    let path = ("([ab]/){0,3}", "[x-z]").prop_map(|(dirs, name)| format!("{dirs}{name}"));
    prop::collection::btree_map(path, (any::<bool>(), 0..3_u8), 0..20)
}

proptest! {
    #[test]
    fn a_diff_names_exactly_the_files_that_differ(old in files(), new in files()) {
        let (a, b) = (tree(&old), tree(&new));
        let changes = a.diff(&b);
        let is_dir = |path: &str| [&a, &b].iter().any(|tree| tree.list(path).is_some());
        let mut found: Vec<_> =
            changes.into_iter().filter(|change| !is_dir(&change.path)).collect();
        found.sort();
        let mut paths: Vec<_> = old.keys().chain(new.keys()).collect();
        paths.sort();
        paths.dedup();
        let expected: Vec<_> = paths
            .into_iter()
            .filter_map(|path| {
                let kind = match (old.get(path), new.get(path)) {
                    (Some(_), None) => ChangeKind::Removed,
                    (None, Some(_)) => ChangeKind::Added,
                    (old, new) if old != new => ChangeKind::Modified,
                    _ => return None,
                };
                Some(Change { path: path.clone(), kind })
            })
            .collect();
        prop_assert_eq!(found, expected);
        prop_assert_eq!(a == b, old == new);
        prop_assert_eq!(b.sharing(&a), b);
    }
}
