//! Made-up templates give what Flux's module gives.

use std::collections::BTreeMap;

use proptest::{
    prelude::*,
    sample::select,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};

use crate::it::setting::Setting;

const TEMPLATES: u32 = 5000;

/// Pieces of which templates, and values, are put together.
const PIECES: &[&str] = &[
    "${", "}", "$", "$$", "#", "##", "%", "%%", "/", "//", "\\", "\\/", "\\\\", ":", ":-", ":=",
    "=", "^", "^^", ",", ",,", "*", "?", "[", "]", "-", "^", "a", "b", "ab", "1", "2", "-1", "é",
    "ß", " ", "\n", "v", "w", "${v}", "${w}", "${v:-", "${v#", "${w%", "${w/", "${v:1",
];

const VALUES: &[&str] = &[
    "", "a", "ab", "aab/b", "abab", "1", "-1", "*", "[ab]", "[a-", "é", "aéb", "ß", "a\\b", "$v",
    "]a[",
];

fn operators() -> impl Strategy<Value = String> {
    let word = || {
        prop::collection::vec(
            select(vec![
                "a", "b", "*", "?", "[ab]", "[^a]", "/", "é", "1", "-", "", "\\", "${w}",
            ]),
            0..4,
        )
        .prop_map(|words| words.concat())
    };
    let operator = select(vec![
        "", "^", "^^", ",", ",,", ":", ":-", ":=", ":?", ":+", "=", "#", "##", "%", "%%", "/",
        "//", "/#", "/%",
    ]);
    (operator, word(), word()).prop_map(|(operator, first, second)| match operator {
        "" | "^" | "^^" | "," | ",," => format!("${{v{operator}}}"),
        "/" | "//" | "/#" | "/%" => format!("${{v{operator}{first}/{second}}}"),
        ":" => format!("${{v:{first}:{second}}}"),
        _ => format!("${{v{operator}{first}}}"),
    })
}

#[test]
fn made_up_templates_give_what_flux_gives() {
    let cases = std::env::var("ENVSUBST_TEMPLATES")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(TEMPLATES);
    let config = Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    };
    let pieces = prop::collection::vec(select(PIECES), 0..10).prop_map(|pieces| pieces.concat());
    let template = prop_oneof![pieces, operators()];
    let value = || prop::option::weighted(0.8, select(VALUES));
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(config, rng);
    let given = (template, value(), value(), any::<bool>());
    let result = runner.run(&given, |(template, v, w, strict)| {
        let variables = [("v", v), ("w", w)];
        let variables = variables
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)));
        let variables: BTreeMap<_, _> = variables.collect();
        Setting { variables, strict }.check(&template);
        Ok(())
    });
    result.unwrap();
}
