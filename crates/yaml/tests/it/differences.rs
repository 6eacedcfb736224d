//! Where we knowingly differ from Go, each with its reason.

use super::oracle::{Answer, Mode};

/// How often Go is asked again when its answer may be random.
const ATTEMPTS: usize = 20;

/// A difference that is meant to be.
struct Difference {
    reason: &'static str,
    applies: fn(mode: Mode, text: &str, ours: &Answer, theirs: &Answer) -> bool,
}

const KNOWN: &[Difference] = &[
    Difference {
        reason: "aliases are replaced by copies when a document is read",
        applies: |mode, text, ours, theirs| {
            let written = matches!(mode, Mode::Rewrite | Mode::Comments);
            let anchored = || {
                let document = yaml::parse_document(text);
                document.is_ok_and(|document| document.is_some_and(|it| it.has_anchors()))
            };
            written && ours.is_ok() && theirs.is_ok() && anchored()
        },
    },
    Difference {
        reason: "comments are not kept",
        applies: |mode, text, ours, theirs| {
            mode == Mode::Rewrite && text.contains('#') && ours.is_ok() && theirs.is_ok()
        },
    },
    Difference {
        reason: "comments are not kept, so faults stand on other lines",
        applies: |_, text, ours, theirs| {
            let lists_keys = |answer: &Answer| {
                answer
                    .as_ref()
                    .is_err_and(|error| error.starts_with("yaml: unmarshal errors:"))
            };
            text.contains('#') && lists_keys(ours) && lists_keys(theirs)
        },
    },
    Difference {
        reason: "the order of some keys contradicts itself; Go sorts them differently each time",
        applies: |_, text, ours, theirs| {
            let (Ok(ours), Ok(theirs)) = (ours, theirs) else {
                return false;
            };
            let lines = |text: &[u8]| {
                let text = String::from_utf8_lossy(text).into_owned();
                let mut lines: Vec<_> = text
                    .lines()
                    .map(|line| line.trim_start_matches([' ', '-', '?', ':']).to_owned())
                    .collect();
                lines.sort();
                lines
            };
            let same_lines = lines(ours) == lines(theirs);
            same_lines
                && [ours.as_slice(), text.as_bytes()].into_iter().any(|text| {
                    yaml::v2::to_json(text).is_ok_and(|value| has_contradiction(&value))
                })
        },
    },
    Difference {
        reason: "anchors are not kept, so a document of nothing else is none when written again",
        applies: |_, text, ours, theirs| {
            let (ours, theirs) = (ours.as_deref().ok(), theirs.as_deref().ok());
            text.contains('&')
                && matches!(ours, Some(b"{}" | b"{}\n"))
                && matches!(theirs, Some(b"null" | b"null\n"))
        },
    },
    Difference {
        reason: "an error about a key shows a map with other such keys without its entries, and \
                 no time in Go's syntax",
        applies: |_, _, ours, theirs| {
            ["unsupported map key of type: ", "yaml: invalid map key: "]
                .into_iter()
                .any(|start| {
                    let about_key = |answer: &Answer| {
                        answer.as_ref().is_err_and(|error| error.starts_with(start))
                    };
                    about_key(ours) && about_key(theirs)
                })
        },
    },
    Difference {
        reason: "version 3 mixes bytes and characters between a Unicode line break and a comment, \
                 and then skips content",
        applies: |mode, text, _, _| {
            let wide = ['\u{85}', '\u{2028}', '\u{2029}', '\u{FEFF}'];
            mode != Mode::Config && text.contains('#') && text.contains(wide)
        },
    },
    Difference {
        reason: "Go compares a key that is an alias by the alias's name",
        applies: |_, text, ours, theirs| {
            let repeats = |answer: &Answer| {
                answer
                    .as_ref()
                    .is_err_and(|error| error.contains("already defined at line"))
            };
            text.contains('*') && (repeats(ours) || repeats(theirs))
        },
    },
    Difference {
        reason: "version 3 overlooks an error it meets while it places a comment, and reports the next",
        applies: |mode, text, ours, theirs| {
            mode != Mode::Config && text.contains('#') && ours.is_err() && theirs.is_err()
        },
    },
    Difference {
        reason: "go-yaml reads ahead by its own buffers, and meets an incomplete last character sooner",
        applies: |_, _, _, theirs| {
            theirs
                .as_ref()
                .is_err_and(|error| error == "yaml: incomplete UTF-8 octet sequence")
        },
    },
    Difference {
        reason: "Go fails by accident",
        applies: |_, _, _, theirs| {
            theirs
                .as_ref()
                .is_err_and(|error| error.contains("runtime error") || error.starts_with("panic: "))
        },
    },
    Difference {
        reason: "an anchor that contains itself is refused when a document is read",
        applies: |_, _, ours, _| {
            ours.as_ref()
                .is_err_and(|error| error.ends_with("value contains itself"))
        },
    },
    Difference {
        reason: "bytes of !!binary that are not UTF-8 become U+FFFD before JSON is written",
        applies: |mode, text, ours, theirs| {
            let replaced = |answer: &Answer, mark: &str| {
                let text = answer
                    .as_ref()
                    .map(|text| String::from_utf8_lossy(text).into_owned());
                text.map(|text| text.replace(mark, "")).unwrap_or_default()
            };
            matches!(mode, Mode::Json | Mode::Config)
                && text.contains("!!binary")
                && replaced(ours, "\u{FFFD}") == replaced(theirs, "\\ufffd")
        },
    },
];

/// Whether some map has keys of which each comes before the next, and the last before the first.
fn has_contradiction(value: &serde_json::Value) -> bool {
    match value {
        serde_json::Value::Array(items) => items.iter().any(has_contradiction),
        serde_json::Value::Object(map) => {
            let keys: Vec<_> = map.keys().collect();
            let before = |a: &str, b: &str| yaml::v2::compare_keys(a, b).is_lt();
            keys.iter().any(|a| {
                keys.iter()
                    .any(|b| before(a, b) && keys.iter().any(|c| before(b, c) && before(c, a)))
            }) || map.values().any(has_contradiction)
        }
        _ => false,
    }
}

/// Why the answers differ, if that is known.
pub(crate) fn reason(
    mode: Mode,
    text: &[u8],
    ours: &Answer,
    theirs: &Answer,
) -> Option<&'static str> {
    let text = String::from_utf8_lossy(text);
    KNOWN
        .iter()
        .find(|difference| (difference.applies)(mode, &text, ours, theirs))
        .map(|difference| difference.reason)
}

/// Compares both answers; the error is a report.
pub(crate) fn compare(mode: Mode, text: &[u8]) -> Result<(), String> {
    let theirs = mode.theirs(text);
    let ours = mode.ours(text);
    if ours == theirs || reason(mode, text, &ours, &theirs).is_some() {
        return Ok(());
    }
    // Which of two keys that become the same string wins, is random in Go.
    if (0..ATTEMPTS).any(|_| mode.theirs(text) == ours) {
        return Ok(());
    }
    let show = |answer: &Answer| match answer {
        Ok(output) => format!("ok\n{}", String::from_utf8_lossy(output)),
        Err(error) => format!("error: {error}\n"),
    };
    Err(format!(
        "{mode:?}\n--- text {:?}\n{}\n--- ours {}--- theirs {}",
        String::from_utf8_lossy(text),
        String::from_utf8_lossy(text),
        show(&ours),
        show(&theirs)
    ))
}
