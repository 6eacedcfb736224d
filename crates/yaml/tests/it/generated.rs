//! Random documents, read by both.

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::differences::compare;
use super::oracle::Mode;

/// Texts that resolve in some peculiar way, or look as if they did.
const WORDS: &[&str] = &[
    "",
    "~",
    "null",
    "NULL",
    "true",
    "False",
    "yes",
    "No",
    "on",
    "OFF",
    "y",
    "n",
    "0",
    "-0",
    "+1",
    "07",
    "08",
    "0o7",
    "-0o7",
    "0x1f",
    "0b11",
    "-0b1",
    "0x",
    "1_000",
    "_1",
    "1__0",
    "12345678901234567890",
    "123456789012345678901",
    "-9223372036854775809",
    "1.5",
    ".5",
    "5.",
    "1e3",
    "1E+6",
    "1e400",
    "123456.5",
    "1234567.8",
    "0.00001",
    "1.0",
    "-.5",
    "1_0.5",
    ".5_0",
    ".inf",
    "-.INF",
    ".nan",
    "+.inf",
    "inf",
    "NaN",
    "1:30",
    "12:30:45",
    "-1:20.5",
    "2020-01-01",
    "2020-1-2",
    "2020-13-01",
    "2001-12-14t21:59:43.10-05:00",
    "2001-12-14 21:59:43.10",
    "2001-12-14T21:59:43Z",
    "<<",
    "=",
    "a",
    "key",
    "metadata",
    "some longer text",
    "a: b",
    "a #b",
    "a#b",
    "- a",
    "-",
    "--",
    "---",
    "...",
    "?",
    "? a",
    ":",
    ":a",
    "a:",
    "[",
    "]",
    "{a}",
    "a,b",
    "&a",
    "*a",
    "!a",
    "|",
    ">",
    "%",
    "@a",
    "`a",
    "'",
    "\"",
    "it's",
    "\\",
    "a\tb",
    "\ta",
    "a ",
    " a",
    "é",
    "日本",
    "😀",
    "\u{85}",
    "\u{a0}",
    "\u{2028}",
    "\u{feff}",
    "a\nb",
    "a\n",
    "\na",
    "a\n\nb\n\n",
    " a\nb",
    "a \nb",
    "a\n b",
    "a\tb\nc",
    "\n",
    "1\n2",
];

/// A text, often one that a resolver or an emitter has its own opinion of.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => proptest::sample::select(WORDS).prop_map(str::to_owned),
        2 => "[ -~]{0,12}",
        1 => "[a-z]{1,9}( {1,2}[a-z:#,'\"]{1,9}){0,24}",
        1 => "[0-9+._eExob:-]{1,10}",
        1 => "[ \n\ta-c:#é\u{85}\u{2028}😀-]{0,12}",
    ]
}

/// A document as a tree of JSON, printed in flow style and so readable by both.
fn json() -> impl Strategy<Value = serde_json::Value> {
    use serde_json::Value;
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_filter_map("finite", |float| {
            serde_json::Number::from_f64(float).map(Value::Number)
        }),
        (-1000i32..1000, -9i32..9).prop_map(|(digits, exponent)| {
            Value::from(f64::from(digits) * 10f64.powi(exponent))
        }),
        text().prop_map(Value::String),
        text().prop_map(Value::String),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::Array),
            proptest::collection::vec((text(), inner), 0..6)
                .prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

/// YAML in all styles, mostly well-formed.
fn document() -> impl Strategy<Value = String> {
    tree().prop_map(|tree| {
        let mut out = String::new();
        tree.write(&mut out, 0, Inside::Nothing);
        if !out.ends_with('\n') {
            out.push('\n');
        }
        out
    })
}

#[derive(Clone, Debug)]
enum Tree {
    Scalar {
        tag: &'static str,
        style: u8,
        text: String,
    },
    Sequence {
        flow: bool,
        items: Vec<Tree>,
    },
    Mapping {
        flow: bool,
        entries: Vec<(Tree, Tree)>,
    },
}

#[derive(Clone, Copy, PartialEq)]
enum Inside {
    Nothing,
    Sequence,
    Mapping,
    Flow,
    Key,
}

fn scalar() -> impl Strategy<Value = Tree> {
    let tag = prop_oneof![
        12 => Just(""),
        1 => proptest::sample::select(
            &["!!str ", "!!int ", "!!float ", "!!bool ", "!!null ", "!local ", "! ", "!!binary ",
              "!!timestamp ", "!<x:y> ", "!!custom "][..]
        ),
    ];
    (tag, 0..8u8, text()).prop_map(|(tag, style, text)| Tree::Scalar { tag, style, text })
}

fn tree() -> impl Strategy<Value = Tree> {
    scalar().prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            1 => (proptest::bool::weighted(0.3), proptest::collection::vec(inner.clone(), 0..5))
                .prop_map(|(flow, items)| Tree::Sequence { flow, items }),
            2 => (
                proptest::bool::weighted(0.3),
                proptest::collection::vec((scalar(), inner), 0..6)
            )
                .prop_map(|(flow, entries)| Tree::Mapping { flow, entries }),
        ]
    })
}

impl Tree {
    fn write(&self, out: &mut String, indent: usize, inside: Inside) {
        let pad = "  ".repeat(indent);
        let flow = matches!(inside, Inside::Flow | Inside::Key);
        match self {
            Self::Scalar { tag, style, text } => {
                out.push_str(tag);
                write_scalar(out, *style, text, &pad, inside);
            }
            Self::Sequence { flow: style, items } if *style || flow || items.is_empty() => {
                out.push('[');
                for item in items {
                    item.write(out, indent, Inside::Flow);
                    out.push_str(", ");
                }
                out.push(']');
            }
            Self::Mapping {
                flow: style,
                entries,
            } if *style || flow || entries.is_empty() => {
                out.push('{');
                for (key, value) in entries {
                    key.write(out, indent, Inside::Key);
                    out.push_str(": ");
                    value.write(out, indent, Inside::Flow);
                    out.push_str(", ");
                }
                out.push('}');
            }
            Self::Sequence { items, .. } => {
                if inside == Inside::Mapping {
                    out.push('\n');
                    out.push_str(&pad);
                }
                for (number, item) in items.iter().enumerate() {
                    if number > 0 {
                        end_line(out);
                        out.push_str(&pad);
                    }
                    out.push_str("- ");
                    item.write(out, indent + 1, Inside::Sequence);
                }
            }
            Self::Mapping { entries, .. } => {
                if inside == Inside::Mapping {
                    out.push('\n');
                    out.push_str(&pad);
                }
                for (number, (key, value)) in entries.iter().enumerate() {
                    if number > 0 {
                        end_line(out);
                        out.push_str(&pad);
                    }
                    key.write(out, indent, Inside::Key);
                    out.push_str(": ");
                    value.write(out, indent + 1, Inside::Mapping);
                }
            }
        }
    }
}

fn end_line(out: &mut String) {
    if !out.ends_with('\n') {
        out.push('\n');
    }
}

fn write_scalar(out: &mut String, style: u8, text: &str, pad: &str, inside: Inside) {
    let block = !matches!(inside, Inside::Flow | Inside::Key);
    match style {
        0 => {
            out.push('\'');
            out.push_str(&text.replace('\'', "''"));
            out.push('\'');
        }
        1 => {
            let mut quoted = Vec::new();
            yaml::write_json_string(text, &mut quoted);
            out.push_str(&String::from_utf8(quoted).unwrap());
        }
        2 | 3 if block => {
            out.push_str(if style == 2 { "|" } else { ">" });
            if text.starts_with([' ', '\n', '\t']) {
                out.push('2');
            }
            out.push_str(match text.len() % 3 {
                0 => "-",
                1 => "+",
                _ => "",
            });
            for line in text.split('\n') {
                out.push('\n');
                out.push_str(pad);
                out.push_str("  ");
                out.push_str(line);
            }
            out.push('\n');
        }
        _ => out.push_str(text),
    }
}

/// Always the same cases, so that a test that passes goes on passing; `YAML_CASES` multiplies their
/// number, which adds others.
pub(crate) fn run(cases: u32, strategy: &impl Strategy<Value = Vec<u8>>, modes: &[Mode]) {
    let factor = std::env::var("YAML_CASES")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(1);
    let config = Config {
        cases: cases * factor,
        failure_persistence: None,
        ..Config::default()
    };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let result = TestRunner::new_with_rng(config, rng).run(strategy, |text| {
        for &mode in modes {
            if let Err(difference) = compare(mode, &text) {
                return Err(TestCaseError::fail(difference));
            }
        }
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
}

#[test]
fn json_prints_alike() {
    let texts = json().prop_map(|value| {
        let mut text = Vec::new();
        yaml::write_json(&value, &mut text);
        text
    });
    run(3000, &texts, &[Mode::Print, Mode::Object, Mode::Config]);
}

#[test]
fn documents_read_alike() {
    run(
        4000,
        &document().prop_map(String::into_bytes),
        &Mode::OF_YAML,
    );
}

#[test]
fn rubbish_reads_alike() {
    let texts = "[-a-c0-9:?,#'\"|>&*!%@`~<=\\[\\]{}\\\\.\n\t _é]{0,40}";
    run(4000, &texts.prop_map(String::into_bytes), &Mode::OF_YAML);
}

#[test]
fn bytes_read_alike() {
    let text = || document().prop_map(String::into_bytes);
    let byte = proptest::sample::select(
        &[
            0, 7, 0x7F, 0x80, 0x85, 0xC0, 0xC2, 0xE2, 0xED, 0xEF, 0xF5, 0xFF,
        ][..],
    );
    let damaged =
        (text(), any::<proptest::sample::Index>(), byte).prop_map(|(mut text, at, byte)| {
            text.insert(at.index(text.len()), byte);
            text
        });
    let wide = (text(), any::<bool>()).prop_map(|(text, big)| {
        // A second byte order mark makes Go skip the first character of lines.
        let text = String::from_utf8_lossy(&text).replace('\u{FEFF}', "");
        std::iter::once(0xFEFF)
            .chain(text.encode_utf16())
            .flat_map(|unit| {
                if big {
                    unit.to_be_bytes()
                } else {
                    unit.to_le_bytes()
                }
            })
            .collect()
    });
    let modes = [Mode::Object, Mode::Config];
    run(1500, &prop_oneof![damaged, wide], &modes);
}
