//! A snapshot is a file tree like any other, and knows its hashes without reading.

use std::sync::Arc;

use kustomize::{Options, ParseCache};
use snapshot::{BlobStore, FileMode, Snapshot, TreeBuilder};

const FILES: [(&str, &str, FileMode); 4] = [
    (
        "app/kustomization.yaml",
        "resources: [link.yaml]\nnamePrefix: p-\n",
        FileMode::Regular,
    ),
    ("app/link.yaml", "shared/cm.yaml", FileMode::Symlink),
    (
        "app/shared/cm.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n",
        FileMode::Regular,
    ),
    ("outside.yaml", "../x", FileMode::Symlink),
];

fn snapshot(store: &Arc<BlobStore>, changed: Option<(&str, &str)>) -> Snapshot {
    let mut tree = TreeBuilder::new();
    for (path, text, mode) in FILES {
        let text = changed
            .filter(|(changed, _)| *changed == path)
            .map_or(text, |(_, text)| text);
        let hash = store.put(text.as_bytes()).expect("a blob");
        tree.insert(path, mode, hash, text.len() as u64)
            .expect("an entry");
    }
    Snapshot::new(tree.finish(), Arc::clone(store)).expect("a snapshot")
}

#[test]
fn builds_from_a_snapshot_through_links() {
    let dir = tempfile::tempdir().expect("a directory");
    let store = BlobStore::open(dir.path(), 1 << 20).expect("a store");
    let before = snapshot(&store, None);
    let cache = ParseCache::default();
    let built = kustomize::build(&before, "app", &Options::default(), &cache).expect("a build");
    let text = built.to_yaml().expect("text");
    assert_eq!(
        String::from_utf8_lossy(&text),
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: p-a\n"
    );
    assert!(built.read_set.unchanged_in(&before));
    assert!(before.resolve("outside.yaml").is_err());
    for (path, new) in [
        ("app/shared/cm.yaml", "changed"),
        ("app/link.yaml", "none.yaml"),
    ] {
        let after = snapshot(&store, Some((path, new)));
        assert!(!built.read_set.unchanged_in(&after), "{path}");
    }
}
