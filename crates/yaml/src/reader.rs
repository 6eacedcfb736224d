//! Bytes to characters, as libyaml's reader does it.
//!
//! A byte order mark chooses UTF-16; everything else is UTF-8. The first byte or character that
//! may not stand in a YAML stream is an error only if the scanner gets near: go-yaml reads blocks of
//! 512 bytes, so the text ends before the block with the fault.
//!
//! Source: readerc.go of go.yaml.in/yaml/v3 3.0.3.

use std::borrow::Cow;

const INCOMPLETE: &str = "incomplete UTF-8 octet sequence";

/// How many bytes go-yaml reads at once.
const BLOCK: usize = 512;

/// The readable beginning of an input.
#[derive(Debug)]
pub(crate) struct Input<'a> {
    pub(crate) text: Cow<'a, str>,
    /// Why the input cannot be read on after `text`.
    pub(crate) problem: Option<&'static str>,
}

impl<'a> Input<'a> {
    pub(crate) fn from_str(text: &'a str) -> Self {
        let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
        match forbidden(text) {
            None => Self {
                text: Cow::Borrowed(text),
                problem: None,
            },
            Some(at) => Self {
                text: Cow::Borrowed(before_block(text, at)),
                problem: Some("control characters are not allowed"),
            },
        }
    }

    pub(crate) fn from_bytes(bytes: &'a [u8]) -> Self {
        match bytes {
            [0xFF, 0xFE, rest @ ..] => Self::from_utf16(rest, u16::from_le_bytes),
            [0xFE, 0xFF, rest @ ..] => Self::from_utf16(rest, u16::from_be_bytes),
            _ => match std::str::from_utf8(bytes) {
                Ok(text) => Self::from_str(text),
                Err(error) => {
                    let (valid, invalid) = bytes.split_at(error.valid_up_to());
                    let valid = std::str::from_utf8(valid).unwrap_or_default();
                    let mut input = Self::from_str(valid);
                    if input.problem.is_none() {
                        let problem = utf8_problem(invalid);
                        // The rest of a character could still come, for all go-yaml knows.
                        if problem != INCOMPLETE {
                            input.text = Cow::Borrowed(before_block(valid, valid.len()));
                        }
                        input.problem = Some(problem);
                    }
                    input
                }
            },
        }
    }

    fn from_utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Self {
        let (pairs, odd) = bytes.as_chunks::<2>();
        let mut text = String::with_capacity(pairs.len());
        let mut problem = None;
        let mut units = pairs.iter().map(|pair| unit(*pair));
        while let Some(first) = units.next() {
            let decoded = match first {
                0xDC00..=0xDFFF => Err("unexpected low surrogate area"),
                0xD800..=0xDBFF => match units.next() {
                    None => Err("incomplete UTF-16 surrogate pair"),
                    Some(second @ 0xDC00..=0xDFFF) => {
                        let high = u32::from(first & 0x3FF) << 10;
                        Ok(0x1_0000 + high + u32::from(second & 0x3FF))
                    }
                    Some(_) => Err("expected low surrogate area"),
                },
                plain => Ok(u32::from(plain)),
            };
            match decoded.map(char::from_u32) {
                Ok(Some(character)) if !is_forbidden(character) => text.push(character),
                Ok(_) => problem = Some("control characters are not allowed"),
                Err(reason) => problem = Some(reason),
            }
            if problem.is_some() {
                break;
            }
        }
        if !odd.is_empty() {
            problem = problem.or(Some("incomplete UTF-16 character"));
        }
        if problem.is_some() && bytes.len() < BLOCK {
            text.clear();
        }
        Self {
            text: Cow::Owned(text),
            problem,
        }
    }
}

/// The text before the block of input that holds the byte `at`.
fn before_block(text: &str, at: usize) -> &str {
    text.get(..text.floor_char_boundary(at / BLOCK * BLOCK))
        .unwrap_or_default()
}

/// Says what is wrong at the start of `bytes`, which is not UTF-8.
fn utf8_problem(bytes: &[u8]) -> &'static str {
    let width = match bytes.first() {
        Some(0xC0..=0xDF) => 2,
        Some(0xE0..=0xEF) => 3,
        Some(0xF0..=0xF7) => 4,
        _ => return "invalid leading UTF-8 octet",
    };
    if bytes.len() < width {
        return INCOMPLETE;
    }
    if bytes
        .iter()
        .take(width)
        .skip(1)
        .any(|byte| byte & 0xC0 != 0x80)
    {
        return "invalid trailing UTF-8 octet";
    }
    match bytes {
        [0xC0..=0xC1, ..] | [0xE0, 0x80..=0x9F, ..] | [0xF0, 0x80..=0x8F, ..] => {
            "invalid length of a UTF-8 sequence"
        }
        _ => "invalid Unicode character",
    }
}

/// Byte offset of the first character that may not stand in a stream.
fn forbidden(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(rest) = bytes.get(at..) {
        // Everything that could be wrong begins with one of few bytes.
        let next = rest.iter().position(|&byte| SUSPECT[usize::from(byte)])?;
        at += next;
        let character = text.get(at..).and_then(|rest| rest.chars().next())?;
        if is_forbidden(character) {
            return Some(at);
        }
        at += character.len_utf8();
    }
    None
}

const SUSPECT: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 0x20 {
        table[byte] = byte != 0x09 && byte != 0x0A && byte != 0x0D;
        byte += 1;
    }
    table[0x7F] = true;
    table[0xC2] = true;
    table[0xEF] = true;
    table
};

const fn is_forbidden(character: char) -> bool {
    !matches!(character,
        '\t' | '\n' | '\r' | ' '..='~' | '\u{85}' | '\u{A0}'..='\u{D7FF}'
        | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..='\u{10FFFF}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_the_text_before_what_may_not_stand_in_a_stream() {
        let cases: &[(&[u8], &str, Option<&str>)] = &[
            (b"a: b", "a: b", None),
            (
                "\u{FEFF}é\u{85}\u{FFFD}😀".as_bytes(),
                "é\u{85}\u{FFFD}😀",
                None,
            ),
            (b"a\x07b", "", Some("control characters are not allowed")),
            (
                "a\u{7F}".as_bytes(),
                "",
                Some("control characters are not allowed"),
            ),
            (
                "a\u{80}".as_bytes(),
                "",
                Some("control characters are not allowed"),
            ),
            (
                "a\u{FFFE}".as_bytes(),
                "",
                Some("control characters are not allowed"),
            ),
            (b"a\xFF", "", Some("invalid leading UTF-8 octet")),
            (b"a\xC3b", "", Some("invalid trailing UTF-8 octet")),
            (b"a\xE2\x80", "a", Some("incomplete UTF-8 octet sequence")),
            (b"a\xC0\x80", "", Some("invalid length of a UTF-8 sequence")),
            (b"a\xED\xA0\x80", "", Some("invalid Unicode character")),
            (b"\xFF\xFEa\0:\0", "a:", None),
            (b"\xFE\xFF\0a\xD8\x3D\xDE\0", "a😀", None),
            (
                b"\xFE\xFF\0a\xDE\0",
                "",
                Some("unexpected low surrogate area"),
            ),
            (b"\xFE\xFF\0a\0", "", Some("incomplete UTF-16 character")),
        ];
        for (bytes, text, problem) in cases {
            let input = Input::from_bytes(bytes);
            assert_eq!(
                (input.text.as_ref(), input.problem),
                (*text, *problem),
                "{bytes:?}"
            );
        }
    }
}
