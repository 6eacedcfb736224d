//! Every directory `tests/conformance/kustomize/<area>/<case>` is a build: the bytes must be those of
//! the real program, and where it fails, so must we. A file `flags` holds flags for both, one a line;
//! a file `error` holds texts, one a line, that both messages contain.

use std::fs;
use std::path::{Path, PathBuf};

use kustomize::{DiskTree, LoadRestrictor, Options, Order, ParseCache};

use crate::oracle;

/// Cases whose outcome differs on purpose, with the reason.
const DIFFERENCES: &[(&str, &str)] = &[
    (
        "replacements/structured-yaml-anchors",
        "anchors inside a string of YAML cannot be kept, so the replacement is refused",
    ),
    (
        "replacements/structured-yaml-comments-matched-by-a-pattern",
        "a pattern that matches a comment is refused, as nobody means that",
    ),
    (
        "replacements/structured-yaml-comments-of-the-source",
        "a map or list that is copied into a string of YAML loses its own comments and flow style",
    ),
    (
        "replacements/empty-value-in-flow-style",
        "an empty value that a replacement creates is a string in flow style and null in block style; \
         the style is not kept, so it is null",
    ),
    (
        "generators/hash-kind-changed",
        "the hash of other kinds than ConfigMap and Secret covers the parser's line numbers",
    ),
];

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/conformance/kustomize")
}

/// Builds a directory as the command does by default, with the flags that the cases use.
pub(crate) fn build(dir: &Path, flags: &[String], cache: &ParseCache) -> Result<Vec<u8>, String> {
    let tree = DiskTree::open(Path::new("/")).expect("the root directory");
    let dir = fs::canonicalize(dir).expect("the case's directory");
    let path = dir
        .to_str()
        .expect("a readable path")
        .trim_start_matches('/');
    let mut options = Options {
        order: Order::Legacy,
        ..Options::default()
    };
    for flag in flags {
        match flag.as_str() {
            "--reorder=none" => options.order = Order::None,
            "--load-restrictor=LoadRestrictionsNone" => {
                options.load_restrictor = LoadRestrictor::None;
            }
            "--enable-managedby-label" => options.managed_by_label = true,
            other => return Err(format!("unknown flag {other}")),
        }
    }
    kustomize::build(&tree, path, &options, cache)
        .map_err(|failure| failure.to_string())?
        .to_yaml()
        .map_err(|error| error.chain().to_string())
}

fn lines(path: &Path) -> Vec<String> {
    fs::read_to_string(path).map_or_else(
        |_| Vec::new(),
        |text| text.lines().map(str::to_owned).collect(),
    )
}

fn check(case: &Path, cache: &ParseCache) -> Option<String> {
    let flags = lines(&case.join("flags"));
    let texts = lines(&case.join("error"));
    let want = oracle::build(case, &flags);
    let got = build(case, &flags, cache);
    let name = case
        .strip_prefix(root())
        .unwrap_or(case)
        .display()
        .to_string();
    match (&got, want.ok) {
        (Ok(_), true) if !texts.is_empty() => Some(format!("== {name}: no error to look for")),
        (Ok(out), true) if *out == want.stdout => None,
        (Ok(out), true) => Some(format!(
            "== {name}: output differs\n{}",
            difference(
                &String::from_utf8_lossy(&want.stdout),
                &String::from_utf8_lossy(out)
            )
        )),
        (Ok(out), false) => Some(format!(
            "== {name}: we built\n{}\nbut the oracle says {}",
            String::from_utf8_lossy(out),
            want.stderr
        )),
        (Err(error), true) => Some(format!("== {name}: {error}")),
        (Err(error), false) => texts
            .iter()
            .find(|text| !error.contains(*text) || !want.stderr.contains(*text))
            .map(|text| {
                format!(
                    "== {name}: no {text:?} in both\nours   {error}\noracle {}",
                    want.stderr
                )
            }),
    }
}

/// The lines around the first that differ.
pub(crate) fn difference(want: &str, got: &str) -> String {
    let (want, got): (Vec<&str>, Vec<&str>) = (want.lines().collect(), got.lines().collect());
    let at = want
        .iter()
        .zip(&got)
        .position(|(a, b)| a != b)
        .unwrap_or(want.len().min(got.len()));
    let show = |lines: &[&str]| {
        let shown: Vec<&str> = lines
            .iter()
            .copied()
            .skip(at.saturating_sub(4))
            .take(10)
            .collect();
        shown.join("\n")
    };
    format!(
        "-- line {}, want\n{}\n-- got\n{}",
        at + 1,
        show(&want),
        show(&got)
    )
}

#[test]
fn all_cases_agree_with_the_oracle() {
    let mut cases = Vec::new();
    for area in fs::read_dir(root()).expect("the cases") {
        let area = area.expect("an area").path();
        for case in fs::read_dir(&area).expect("an area's cases") {
            cases.push(case.expect("a case").path());
        }
    }
    cases.sort();
    if let Ok(only) = std::env::var("CASE") {
        cases.retain(|case| case.display().to_string().contains(&only));
    }
    let cache = ParseCache::default();
    let failures: Vec<String> = oracle::parallel(&cases, |case| check(case, &cache))
        .into_iter()
        .flatten()
        .filter(|failure| {
            !DIFFERENCES
                .iter()
                .any(|(name, _)| failure.contains(&format!("== {name}:")))
        })
        .collect();
    assert!(
        failures.is_empty(),
        "{} of {} cases differ\n{}",
        failures.len(),
        cases.len(),
        failures.join("\n")
    );
}
