//! Random trees, built by us and by the real engine.
//!
//! The same trees at each run, so that a test that passes goes on passing; `KUSTOMIZE_TREES`
//! multiplies their number, which adds others.

use kustomize::{Options, Order, ParseCache};
use proptest::strategy::Strategy;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};

use crate::conformance::difference;
use crate::oracle::{Library, parallel};
use crate::trees::{Files, changed_widgets, memory, overlay, patched_pod};

/// Independent series of trees, each with an oracle of its own.
const SERIES: [u8; 4] = [1, 2, 3, 4];

fn check(files: &Files, cache: &ParseCache, oracle: &mut Library) -> Result<(), TestCaseError> {
    let want = oracle.build(files);
    let options = Options {
        order: Order::Legacy,
        managed_by: "kustomize-(devel)",
        ..Options::default()
    };
    let got = kustomize::build(&memory(files), "top", &options, cache)
        .map_err(|failure| failure.to_string())
        .and_then(|built| built.to_yaml().map_err(|error| error.chain().to_string()));
    let same = match (&got, &want) {
        (Ok(got), Ok(want)) => got == want,
        (Err(_), Err(_)) => true,
        _ => false,
    };
    if same {
        return Ok(());
    }
    let files: Vec<String> = files
        .iter()
        .map(|(path, text)| format!("-- {path}\n{text}"))
        .collect();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let outcome = match (&got, &want) {
        (Ok(got), Ok(want)) => difference(&text(want), &text(got)),
        (Ok(got), Err(error)) => format!("the oracle says {error}, we built\n{}", text(got)),
        (Err(error), Ok(want)) => format!("we say {error}, the oracle built\n{}", text(want)),
        (Err(_), Err(_)) => String::new(),
    };
    Err(TestCaseError::fail(format!(
        "{}\n{outcome}",
        files.join("\n")
    )))
}

/// Builds `trees` trees in each series.
fn compare<S: Strategy<Value = Files>>(trees: u32, strategy: impl Fn() -> S + Sync) {
    let factor = std::env::var("KUSTOMIZE_TREES")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(1);
    let results = parallel(&SERIES, |seed| {
        let config = Config {
            cases: trees * factor,
            failure_persistence: None,
            ..Config::default()
        };
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[*seed; 32]);
        let cache = ParseCache::default();
        let oracle = std::cell::RefCell::new(Library::start());
        TestRunner::new_with_rng(config, rng)
            .run(&strategy(), |files| {
                check(&files, &cache, &mut oracle.borrow_mut())
            })
            .map_err(|error| error.to_string())
    });
    let failures: Vec<String> = results.into_iter().filter_map(Result::err).collect();
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

#[test]
fn random_overlays_agree_with_the_oracle() {
    compare(250, overlay);
}

#[test]
fn random_strategic_patches_agree_with_the_oracle() {
    compare(500, patched_pod);
}

#[test]
fn random_json_patches_and_replacements_agree_with_the_oracle() {
    compare(500, changed_widgets);
}
