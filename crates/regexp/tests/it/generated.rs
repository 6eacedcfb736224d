//! Patterns that nobody thought of.

use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::answer::compare;
use super::corpus::TEXTS;

const CASES: u32 = 3000;

const PIECES: &[&str] = &[
    "a",
    "b",
    "k",
    "S",
    "é",
    "ß",
    "0",
    "😀",
    "\n",
    " ",
    "-",
    ",",
    ":",
    "=",
    "<",
    ">",
    "!",
    "&",
    "~",
    "#",
    ".",
    "^",
    "$",
    "|",
    "||",
    "*",
    "+",
    "?",
    "??",
    "*?",
    "{",
    "}",
    "{2}",
    "{0}",
    "{1,}",
    "{0,2}",
    "{2,1}",
    "{,2}",
    "{02}",
    "{40}",
    "{1001}",
    "(",
    ")",
    "(?",
    "(?:",
    "(?i)",
    "(?i:",
    "(?-i)",
    "(?m)",
    "(?s:",
    "(?U)",
    "(?P<n>",
    "(?<n>",
    "[",
    "]",
    "[^",
    "[a-",
    "-z]",
    "[:alpha:]",
    "[[:^word:]]",
    "[^a]",
    "[a-k]",
    r"\",
    r"\\",
    r"\d",
    r"\D",
    r"\s",
    r"\w",
    r"\W",
    r"\b",
    r"\B",
    r"\A",
    r"\z",
    r"\Q",
    r"\E",
    r"\pL",
    r"\PN",
    r"\p{Lu}",
    r"\P{^Greek}",
    r"\x61",
    r"\x{1F600}",
    r"\x",
    r"\1",
    r"\012",
    r"\n",
    r"\.",
    r"\]",
    r"\-",
    "i",
    "s",
    "1",
    "x",
];

/// Patterns that compile.
fn sound() -> impl Strategy<Value = String> {
    let leaf = select(vec![
        "a",
        "b",
        "k",
        "é",
        "ſ",
        ".",
        "[ab]",
        "[^a]",
        "[a-c-]",
        r"\d",
        r"\W",
        r"\w",
        r"\pL",
        r"\P{Lu}",
        "^",
        "$",
        r"\b",
        r"\B",
        "[[:upper:]]",
        "[^[:^word:]]",
        r"\n",
        "-",
        "ß",
        "😀",
        "",
    ]);
    leaf.prop_map(str::to_owned)
        .prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(|parts| parts.concat()),
                prop::collection::vec(inner.clone(), 1..4)
                    .prop_map(|parts| format!("({})", parts.join("|"))),
                (
                    inner.clone(),
                    select(vec!["*", "+", "?", "{2}", "{1,2}", "{0}", "*?", "{2,}"])
                )
                    .prop_map(|(part, operator)| format!("(?:{part}){operator}")),
                (inner, select(vec!["i", "m", "s", "-i", "i-s", "ms"]))
                    .prop_map(|(part, flags)| format!("(?{flags}:{part})")),
            ]
        })
}

#[test]
fn made_up_patterns_find_what_gos_find() {
    let cases = std::env::var("REGEXP_PATTERNS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(CASES);
    let config = Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    };
    let pieces = prop::collection::vec(select(PIECES), 0..10).prop_map(|pieces| pieces.concat());
    let text = prop::collection::vec(
        select(vec![
            "a", "b", "k", "K", "ſ", "é", "ß", "\n", " ", "-", "1", "😀", "_", "α",
        ]),
        0..8,
    )
    .prop_map(|parts| parts.concat());
    let given = (prop_oneof![pieces, sound()], prop::collection::vec(text, 4));
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let result = TestRunner::new_with_rng(config, rng).run(&given, |(pattern, made)| {
        let texts: Vec<&str> = TEXTS
            .iter()
            .copied()
            .chain(made.iter().map(String::as_str))
            .collect();
        compare(&pattern, &texts).map_err(TestCaseError::fail)
    });
    result.unwrap();
}
