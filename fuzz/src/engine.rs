//! Builds an archive of files, as kustomize does and as Flux does.
//!
//! Whatever the files hold: no panic, no overflow of the stack, the limits hold, and nothing is asked of the tree that
//! is not a path below its root.

use std::io;
use std::sync::Arc;

use kustomize::file::{EntryKind, FileTree};
use kustomize::{Built, Failure, Limits, LoadRestrictor, MemoryTree, Options, ParseCache, flux};

use super::archive::{self, Item};

const MAX_RESOURCES: usize = 500;

/// One run.
pub(crate) fn run(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let mut tree = MemoryTree::default();
    for (path, item) in archive::unpack(&text) {
        match item {
            Item::File(content) => tree.insert(&path, content),
            Item::Link(target) => tree.insert_link(&path, &target),
        }
    }
    let tree = Fenced(tree);
    let cache = ParseCache::default();
    for load_restrictor in [LoadRestrictor::RootOnly, LoadRestrictor::None] {
        let options = Options {
            load_restrictor,
            limits: Limits {
                max_file_bytes: 1 << 16,
                max_layers: 12,
                max_resources: MAX_RESOURCES,
            },
            ..Options::default()
        };
        check(&kustomize::build(&tree, "", &options, &cache));
        if load_restrictor == LoadRestrictor::None {
            let spec = flux::Spec::default();
            let mut built = flux::build(&tree, "", &spec, &options, &cache);
            check(&built);
            if let Ok(built) = &mut built {
                substitute(built);
            }
        }
    }
}

fn check(result: &Result<Built, Failure>) {
    match result {
        Ok(built) => {
            assert!(built.resources.len() <= MAX_RESOURCES);
            drop(built.to_yaml());
        }
        Err(failure) => assert!(!failure.to_string().is_empty()),
    }
}

/// Puts in variables whose values are texts of the build itself.
fn substitute(built: &mut Built) {
    let texts = built.resources.iter().map(|one| one.name().as_bytes());
    let variables = flux::Variables {
        values: ["a", "b", "name", "x"]
            .into_iter()
            .map(str::to_owned)
            .zip(texts.map(<[u8]>::to_vec))
            .collect(),
        strict: built.resources.len().is_multiple_of(2),
        always: true,
    };
    match flux::substitute(built, Ok(&variables)) {
        Ok(()) => drop(built.to_yaml()),
        Err(error) => assert!(!error.chain().to_string().is_empty()),
    }
}

/// Refuses to be asked for anything but paths below its root.
struct Fenced(MemoryTree);

fn inside(path: &str) -> &str {
    let clean = path.split('/').all(|part| !matches!(part, "" | "." | ".."));
    assert!(path.is_empty() || clean, "asked for '{path}'");
    path
}

impl FileTree for Fenced {
    fn entry(&self, path: &str) -> Option<EntryKind> {
        self.0.entry(inside(path))
    }

    fn read(&self, path: &str) -> io::Result<Arc<[u8]>> {
        self.0.read(inside(path))
    }

    fn list(&self, path: &str) -> io::Result<Vec<(String, EntryKind)>> {
        self.0.list(inside(path))
    }

    fn link_target(&self, path: &str) -> io::Result<String> {
        self.0.link_target(inside(path))
    }
}
