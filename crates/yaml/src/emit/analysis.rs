//! Which styles a text can be written in so that it reads back as it is.

use crate::error::Version;

/// The styles that suit a text.
#[derive(Clone, Copy, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "five independent facts of one text"
)]
pub(crate) struct Analysis {
    pub(crate) multiline: bool,
    pub(crate) flow_plain: bool,
    pub(crate) block_plain: bool,
    pub(crate) single_quoted: bool,
    pub(crate) block: bool,
}

impl Analysis {
    pub(crate) fn of(text: &str, version: Version) -> Self {
        let bytes = text.as_bytes();
        let Some(&first) = bytes.first() else {
            return Self {
                multiline: false,
                flow_plain: false,
                block_plain: true,
                single_quoted: true,
                block: false,
            };
        };
        let marker = bytes.starts_with(b"---") || bytes.starts_with(b"...");
        let mut flow_indicators = marker;
        let mut block_indicators = marker;
        match first {
            b'#' | b',' | b'[' | b']' | b'{' | b'}' | b'&' | b'*' | b'!' | b'|' | b'>' | b'\''
            | b'"' | b'%' | b'@' | b'`' => {
                flow_indicators = true;
                block_indicators = true;
            }
            b'?' | b':' => {
                flow_indicators = true;
                block_indicators |= blank_after(bytes, 0);
            }
            b'-' if blank_after(bytes, 0) => {
                flow_indicators = true;
                block_indicators = true;
            }
            _ => {}
        }
        let (mut tabs, mut special) = (false, false);
        let (mut breaks, mut break_space, mut space_break) = (false, false, false);
        let (mut after_space, mut after_break, mut after_blank) = (false, false, true);
        for (at, &byte) in bytes.iter().enumerate() {
            if PLAIN[usize::from(byte)] {
                after_space = false;
                after_break = false;
                after_blank = false;
                continue;
            }
            let mut is_break = false;
            match byte {
                b' ' => {
                    break_space |= after_break;
                    after_space = true;
                    after_break = false;
                    after_blank = true;
                    continue;
                }
                b',' | b'?' | b'[' | b']' | b'{' | b'}' => flow_indicators |= at > 0,
                b':' if at > 0 => {
                    flow_indicators = true;
                    block_indicators |= blank_after(bytes, at);
                }
                b'#' if at > 0 && after_blank => {
                    flow_indicators = true;
                    block_indicators = true;
                }
                b'\n' => is_break = true,
                b'\r' => {
                    is_break = true;
                    special = true;
                }
                b'\t' if version == Version::V3 => tabs = true,
                0..0x20 | 0x7F => special = true,
                // Inside a character its first byte has told everything.
                0x80..0xC0 => continue,
                0xC0.. => {
                    let rest = bytes.get(at..).unwrap_or_default();
                    is_break = is_wide_break(rest);
                    special |= !is_printable(rest);
                }
                _ => {}
            }
            if is_break {
                breaks = true;
                space_break |= after_space;
            }
            after_space = false;
            after_break = is_break;
            after_blank = is_break || byte == b'\t';
        }
        let ends = |edge: Option<char>| edge.is_some_and(|c| c == ' ' || is_break_char(c));
        let edges = ends(text.chars().next()) || ends(text.chars().next_back());
        let trailing_space = bytes.last() == Some(&b' ');
        let unquotable = break_space || space_break || special;
        let plain = !(edges || breaks || unquotable || tabs);
        Self {
            multiline: breaks,
            flow_plain: plain && !flow_indicators,
            block_plain: plain && !block_indicators,
            single_quoted: !(unquotable || tabs),
            block: !(trailing_space || space_break || special),
        }
    }
}

/// A line break in the eyes of the emitters.
pub(super) const fn is_break_char(character: char) -> bool {
    matches!(character, '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// Whether an emitter may write a character as it is. Astral characters it never may.
pub(super) const fn is_printable_char(character: char) -> bool {
    matches!(character,
        '\n' | ' '..='~' | '\u{A0}'..='\u{D7FF}' | '\u{E000}'..='\u{FEFE}'
        | '\u{FF00}'..='\u{FFFD}')
}

fn blank_after(bytes: &[u8], at: usize) -> bool {
    matches!(bytes.get(at + 1), None | Some(b' ' | b'\t'))
}

fn is_wide_break(bytes: &[u8]) -> bool {
    matches!(bytes, [0xC2, 0x85, ..] | [0xE2, 0x80, 0xA8 | 0xA9, ..])
}

/// Whether the character that begins here is printable; bytes inside a character are.
fn is_printable(bytes: &[u8]) -> bool {
    match bytes {
        [0xC2, second, ..] => *second >= 0xA0,
        [0xEF, 0xBB, 0xBF, ..] | [0xEF, 0xBF, 0xBE | 0xBF, ..] | [0xF0..=0xFF, ..] => false,
        _ => true,
    }
}

/// Bytes that need no attention wherever they stand after the first.
const PLAIN: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = b'!';
    while byte <= b'~' {
        table[byte as usize] =
            !matches!(byte, b',' | b'?' | b'[' | b']' | b'{' | b'}' | b':' | b'#');
        byte += 1;
    }
    table
};
