//! Names and descriptions that several providers share.
//!
//! Source: notification-controller internal/notifier/util.go.

use std::collections::BTreeMap;

use api::event::{Event, Severity};

/// Whether it is bad news.
pub(crate) fn is_error(event: &Event) -> bool {
    event.severity == Severity::Error
}

/// `<kind>/<name>.<namespace>`, the kind in lower case.
pub(crate) fn object(event: &Event) -> String {
    let object = &event.involved_object;
    format!(
        "{}/{}.{}",
        object.kind.to_lowercase(),
        object.name,
        object.namespace
    )
}

/// `<kind>/<name>` in lower case.
pub(crate) fn name(event: &Event) -> String {
    let object = &event.involved_object;
    format!("{}/{}", object.kind, object.name).to_lowercase()
}

/// The reason in words: `ApplySucceeded` is `apply succeeded`.
pub(crate) fn description(event: &Event) -> String {
    words(&event.reason).join(" ").to_lowercase()
}

/// Whether something has only begun.
pub(crate) fn is_progressing(event: &Event) -> bool {
    event.reason == "Progressing"
}

/// The metadata, to be added to.
pub(crate) fn metadata(event: &Event) -> BTreeMap<&str, &str> {
    let metadata = event.metadata.iter();
    metadata
        .map(|(key, value)| (key.as_str(), value.as_str()))
        .collect()
}

/// Pairs as a form or a query: Go's `url.Values.Encode` when they are sorted.
pub(crate) fn form<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut out = String::new();
    for (key, value) in pairs {
        if !out.is_empty() {
            out.push('&');
        }
        query_escape(key, &mut out);
        out.push('=');
        query_escape(value, &mut out);
    }
    out
}

fn query_escape(text: &str, out: &mut String) {
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                out.push(char::from(byte));
            }
            b' ' => out.push('+'),
            _ => {
                out.push('%');
                out.push_str(&hex([byte]).to_uppercase());
            }
        }
    }
}

/// Bytes in lower-case hexadecimal digits.
pub(crate) fn hex(bytes: impl AsRef<[u8]>) -> String {
    let bytes = bytes.as_ref();
    let digit = |half: u8| char::from_digit(u32::from(half), 16).unwrap_or_default();
    bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)])
        .collect()
}

/// Splits where the class of characters changes; the last of several capitals goes with the lower case after it.
fn words(text: &str) -> Vec<String> {
    #[derive(PartialEq, Clone, Copy)]
    enum Class {
        Lower,
        Upper,
        Digit,
        Other,
    }
    let class = |character: char| {
        if character.is_lowercase() {
            Class::Lower
        } else if character.is_uppercase() {
            Class::Upper
        } else if character.is_numeric() {
            Class::Digit
        } else {
            Class::Other
        }
    };
    let mut runs: Vec<(Class, String)> = Vec::new();
    for character in text.chars() {
        let class = class(character);
        match runs.last_mut() {
            Some((last, run)) if *last == class => run.push(character),
            Some((last, run)) if *last == Class::Upper && class == Class::Lower => {
                let capital = run.pop();
                runs.push((class, capital.into_iter().chain([character]).collect()));
            }
            _ => runs.push((class, character.to_string())),
        }
    }
    runs.into_iter()
        .map(|(_, run)| run)
        .filter(|run| !run.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn hex_has_two_digits_for_each_byte() {
        assert_eq!(super::hex([0, 0x0f, 0xa0, 0xff]), "000fa0ff");
    }

    #[test]
    fn reasons_are_split_into_words() {
        for (reason, words) in [
            ("", vec![]),
            ("ApplySucceeded", vec!["Apply", "Succeeded"]),
            ("PDFLoader", vec!["PDF", "Loader"]),
            ("GL11Version", vec!["GL", "11", "Version"]),
            ("lowercase", vec!["lowercase"]),
            ("ABC", vec!["ABC"]),
            ("Health_Check", vec!["Health", "_", "Check"]),
            ("Ünït", vec!["Ünït"]),
        ] {
            assert_eq!(super::words(reason), words, "{reason}");
        }
    }
}
