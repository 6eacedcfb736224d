//! Random overlays, built by us and by the real program.

use std::fs;
use std::path::Path;

use kustomize::ParseCache;
use proptest::strategy::{Strategy, ValueTree as _};
use proptest::test_runner::{Config, TestRunner};

use crate::trees::{Files, overlay, patched_pod};
use crate::{conformance, oracle};

const TREES: usize = 300;

fn write(dir: &Path, files: &Files) {
    for (path, text) in files {
        let path = dir.join(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
        fs::write(path, text).expect("a file");
    }
}

fn check(files: &Files, cache: &ParseCache) -> Option<String> {
    let dir = tempfile::tempdir().expect("a directory");
    write(dir.path(), files);
    let top = dir.path().join("top");
    let want = oracle::build(&top, &[]);
    let got = conformance::build(&top, &[], cache);
    let same = match &got {
        Ok(out) => want.ok && *out == want.stdout,
        Err(_) => !want.ok,
    };
    (!same).then(|| {
        let got = got.map_or_else(
            |error| error,
            |out| String::from_utf8_lossy(&out).into_owned(),
        );
        let files: Vec<String> = files
            .iter()
            .map(|(path, text)| format!("-- {path}\n{text}"))
            .collect();
        format!(
            "{}\n== ours\n{got}\n== oracle\n{}{}",
            files.join("\n"),
            String::from_utf8_lossy(&want.stdout),
            want.stderr
        )
    })
}

fn compare(strategy: &impl Strategy<Value = Files>) {
    let mut runner = TestRunner::new(Config::default());
    let trees: Vec<Files> = (0..TREES)
        .map(|_| strategy.new_tree(&mut runner).expect("a tree").current())
        .collect();
    let cache = ParseCache::default();
    let failures: Vec<String> = oracle::parallel(&trees, |files| check(files, &cache))
        .into_iter()
        .flatten()
        .collect();
    let smallest = failures.iter().min_by_key(|failure| failure.len());
    assert!(
        smallest.is_none(),
        "{} of {TREES} differ\n{}",
        failures.len(),
        smallest.expect("a failure")
    );
}

#[test]
fn random_overlays_agree_with_the_oracle() {
    compare(&overlay());
}

#[test]
fn random_strategic_patches_agree_with_the_oracle() {
    compare(&patched_pod());
}
