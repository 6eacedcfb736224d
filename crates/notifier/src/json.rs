//! JSON as Go's `encoding/json` prints structs: fields in order, compact, safe inside HTML.
//!
//! Signatures are over these bytes. Maps must be `BTreeMap`s, for Go sorts their keys.
//! Source: encoding/json in Go 1.26.

use std::io;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Serializer, ser::Formatter};

/// Prints a value as Go's `json.Marshal` does.
///
/// # Errors
/// When a map's key is no text.
pub(crate) fn to_vec(value: &(impl Serialize + ?Sized)) -> Result<Vec<u8>, serde_json::Error> {
    let mut out = Vec::with_capacity(512);
    value.serialize(&mut Serializer::with_formatter(&mut out, GoFormatter))?;
    Ok(out)
}

/// Reads a text as Go does, for which null is an empty one.
///
/// # Errors
/// When it is something else.
pub(crate) fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

struct GoFormatter;

impl Formatter for GoFormatter {
    fn write_string_fragment<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        let mut rest = fragment;
        while let Some(at) = rest.find(['<', '>', '&', '\u{2028}', '\u{2029}']) {
            let (before, tail) = rest.split_at(at);
            writer.write_all(before.as_bytes())?;
            let mut tail = tail.chars();
            if let Some(character) = tail.next() {
                write!(writer, "\\u{:04x}", u32::from(character))?;
            }
            rest = tail.as_str();
        }
        writer.write_all(rest.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    #[test]
    fn prints_as_go() {
        for (text, printed) in [
            ("a<b>&c", r#""a\u003cb\u003e\u0026c""#),
            ("\u{2028}\u{2029}", r#""\u2028\u2029""#),
            (
                "\u{0}\u{1f}\u{7f}\u{8}\u{c}\n\r\t",
                "\"\\u0000\\u001f\u{7f}\\b\\f\\n\\r\\t\"",
            ),
            ("\"\\/é🚨", "\"\\\"\\\\/é🚨\""),
        ] {
            let out = super::to_vec(text).expect("text");
            assert_eq!(String::from_utf8(out).expect("UTF-8"), printed, "{text:?}");
        }
    }

    #[test]
    fn keys_are_escaped_too() {
        let map = BTreeMap::from([("<k>", 1)]);
        assert_eq!(super::to_vec(&map).expect("map"), br#"{"\u003ck\u003e":1}"#);
    }

    proptest::proptest! {
        #[test]
        fn any_text_survives(text in "\\PC*|.*") {
            let out = super::to_vec(&text).expect("text");
            proptest::prop_assert!(!out.iter().any(|byte| b"<>&".contains(byte)));
            let back: String = serde_json::from_slice(&out).expect("JSON");
            proptest::prop_assert_eq!(back, text);
        }
    }
}
