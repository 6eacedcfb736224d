//! The body of the fuzz target `yaml` over the cases of the build engine, over small changes to them, and over inputs
//! that are hard.

use std::fs;
use std::path::Path;

#[path = "../../../../fuzz/src/yaml.rs"]
mod body;
#[path = "../../../../fuzz/src/mutate.rs"]
mod mutate;

/// How often each seed is changed.
const MUTANTS: usize = 20;

fn run(bytes: &[u8]) {
    let result = std::panic::catch_unwind(|| body::run(bytes));
    assert!(
        result.is_ok(),
        "failed on\n{}",
        String::from_utf8_lossy(bytes)
    );
}

/// All files below `dir`, by path.
fn read_all(dir: &Path) -> Vec<Vec<u8>> {
    let mut entries: Vec<_> = fs::read_dir(dir)
        .expect("a directory")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    entries.sort();
    let mut files = Vec::new();
    for path in entries {
        if path.is_dir() {
            files.extend(read_all(&path));
        } else {
            // A case may hold a link to nowhere.
            files.extend(fs::read(&path));
        }
    }
    files
}

#[test]
fn changed_cases_end() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let seeds = read_all(&root.join("tests/conformance/kustomize"));
    let mut random = mutate::Random(0x9e37_79b9_7f4a_7c15);
    for seed in &seeds {
        run(seed);
        for _ in 0..MUTANTS {
            let other = &seeds[random.below(seeds.len())];
            run(&mutate::mutate(&mut random, seed, other));
        }
    }
}

#[test]
fn hard_inputs_end() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/cases/yaml");
    let cases = read_all(&dir);
    assert!(!cases.is_empty(), "the cases are gone");
    for bytes in &cases {
        run(bytes);
    }
}
