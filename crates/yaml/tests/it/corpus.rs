//! Texts under `tests/cases`, each read in every mode.
//!
//! A file holds many: a line `=== name` begins one. In a text whose name ends in ` (escaped)`,
//! `\u{…}` stands for a character and the last line break does not count.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use super::differences::compare;
use super::oracle::Mode;

struct Case {
    name: String,
    text: String,
}

#[test]
fn answers_as_go_does() {
    let mut report = String::new();
    let mut failures = 0;
    let mut count = 0;
    for (file, modes) in [
        ("scalars.txt", &Mode::OF_YAML[..]),
        ("structure.txt", &Mode::OF_YAML),
        ("comments.txt", &Mode::OF_YAML),
        ("errors.txt", &Mode::OF_YAML),
        ("objects.txt", &Mode::OF_YAML),
        ("print.txt", &[Mode::Print]),
    ] {
        for case in read(file) {
            for &mode in modes {
                count += 1;
                let text = if mode == Mode::Print {
                    go_json(&case.text)
                } else {
                    case.text.clone()
                };
                if let Err(difference) = compare(mode, text.as_bytes()) {
                    failures += 1;
                    writeln!(report, "##### {file}: {}: {difference}", case.name).unwrap();
                }
            }
        }
    }
    assert!(count > 500, "only {count} comparisons");
    assert!(failures == 0, "{failures} of {count} differ\n{report}");
}

/// The same JSON as Go's encoder writes it, which is all that is ever printed.
fn go_json(text: &str) -> String {
    let mut out = Vec::new();
    yaml::write_json(&serde_json::from_str(text).unwrap(), &mut out);
    String::from_utf8(out).unwrap()
}

fn read(file: &str) -> Vec<Case> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/cases")
        .join(file);
    let content = fs::read_to_string(&path).unwrap();
    let mut cases = Vec::new();
    for part in format!("\n{content}").split("\n=== ").skip(1) {
        let (name, text) = part.split_once('\n').unwrap_or((part, ""));
        let text = if name.ends_with(" (escaped)") {
            unescape(text.strip_suffix('\n').unwrap_or(text))
        } else {
            // The line break before the next name was taken by the split.
            format!("{}\n", text.strip_suffix('\n').unwrap_or(text))
        };
        cases.push(Case {
            name: name.to_owned(),
            text,
        });
    }
    cases
}

fn unescape(text: &str) -> String {
    let mut parts = text.split("\\u{");
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (code, rest) = part.split_once('}').unwrap();
        plain.push(char::from_u32(u32::from_str_radix(code, 16).unwrap()).unwrap());
        plain.push_str(rest);
    }
    plain
}
