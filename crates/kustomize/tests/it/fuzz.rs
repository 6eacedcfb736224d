//! The body of the fuzz target `engine` over its seeds, over small changes to them, and over inputs that are hard.

use std::fs;
use std::path::{Path, PathBuf};

use crate::conformance;

#[path = "../../../../fuzz/src/archive.rs"]
mod archive;
#[path = "../../../../fuzz/src/engine.rs"]
mod body;
#[path = "../../../../fuzz/src/mutate.rs"]
mod mutate;

/// How often each seed is changed.
const MUTANTS: usize = 6;
/// As a worker thread has it, for the unoptimised build of a test, whose frames are a multiple in size.
const STACK: usize = 8 << 20;

/// Runs on a stack of the size that counts.
fn run(bytes: Vec<u8>) {
    let shown = String::from_utf8_lossy(&bytes).into_owned();
    let thread = std::thread::Builder::new().stack_size(STACK);
    let thread = thread.spawn(move || body::run(&bytes)).expect("a thread");
    assert!(thread.join().is_ok(), "failed on\n{shown}");
}

fn seeds() -> Vec<Vec<u8>> {
    let mut cases: Vec<PathBuf> = Vec::new();
    for area in fs::read_dir(conformance::root()).expect("the cases") {
        let area = fs::read_dir(area.expect("an area").path()).expect("an area's cases");
        cases.extend(area.map(|case| case.expect("a case").path()));
    }
    cases.sort();
    cases
        .iter()
        .map(|case| {
            let mut files = Vec::new();
            read_all(case, "", &mut files);
            let files = files
                .iter()
                .map(|(path, text)| (path.as_str(), text.as_str()));
            archive::pack(files).into_bytes()
        })
        .collect()
}

fn read_all(dir: &Path, prefix: &str, into: &mut Vec<(String, String)>) {
    let mut entries: Vec<_> = fs::read_dir(dir)
        .expect("a directory")
        .map(|entry| entry.expect("an entry"))
        .collect();
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.path().is_dir() {
            read_all(&entry.path(), &format!("{path}/"), into);
        } else if let Ok(text) = fs::read_to_string(entry.path()) {
            into.push((path, text));
        }
    }
}

#[test]
fn changed_cases_end() {
    let seeds = seeds();
    let mut random = mutate::Random(0x9e37_79b9_7f4a_7c15);
    for seed in &seeds {
        run(seed.clone());
        for _ in 0..MUTANTS {
            let other = &seeds[random.below(seeds.len())];
            run(mutate::mutate(&mut random, seed, other));
        }
    }
}

#[test]
fn hard_inputs_end() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/cases/engine");
    let mut count = 0;
    for file in fs::read_dir(dir).expect("the cases") {
        run(fs::read(file.expect("a file").path()).expect("a file"));
        count += 1;
    }
    assert!(count > 0, "the cases are gone");
}

#[test]
fn archives_survive_packing() {
    let files = [("a/b.yaml", "x: 1\n"), ("c", "-- no head\n")];
    let found = archive::unpack(&archive::pack(files));
    let want = files.map(|(path, text)| (path.to_owned(), archive::Item::File(text.to_owned())));
    assert_eq!(found, want);
    let odd = archive::unpack("lost\n-- ../x --\nlost\n-- a -> b --\nlost\n-- /x --\n");
    assert_eq!(odd, [("a".to_owned(), archive::Item::Link("b".to_owned()))]);
}
