//! Scalars in single or double quotes.

use crate::error::Fault;
use crate::node::ScalarStyle;

use super::cursor::Breaks;
use super::{Chunk, Scanner, Span};

impl Scanner<'_> {
    /// Reads from the opening quote past the closing one. Without escapes and line breaks the
    /// value stays a range of the input.
    pub(super) fn scan_flow_scalar(&mut self, style: ScalarStyle) -> Result<Chunk, Fault> {
        let single = style == ScalarStyle::SingleQuoted;
        let quote = if single { b'\'' } else { b'"' };
        let context = self.cursor.line;
        self.cursor.skip_ascii(1);

        let start = self.cursor.pos;
        let simple = self.simple_run(quote);
        let closes = self.cursor.rest().get(simple) == Some(&quote);
        if closes && !(single && self.cursor.rest().get(simple + 1) == Some(&quote)) {
            self.cursor.skip_bytes(simple);
            self.cursor.skip_ascii(1);
            return Ok(Chunk::Span(Span {
                start,
                end: start + simple,
            }));
        }

        let mut text = String::with_capacity(simple + 16);
        loop {
            if self.cursor.column == 0 && self.cursor.is_document_indicator() {
                return Err(self.fault_in(context, "found unexpected document indicator"));
            }
            if self.cursor.at(0) == 0 {
                return Err(self.fault_in(context, "found unexpected end of stream"));
            }
            // An escaped line break joins the lines without a space.
            let mut broken = false;
            while !self.cursor.is_blank_or_end(0) {
                let byte = self.cursor.at(0);
                if single && byte == b'\'' {
                    if self.cursor.at(1) != b'\'' {
                        break;
                    }
                    text.push('\'');
                    self.cursor.skip_ascii(2);
                } else if byte == quote {
                    break;
                } else if !single && byte == b'\\' && self.cursor.break_len(1) > 0 {
                    self.cursor.skip_ascii(1);
                    self.cursor.skip_break();
                    broken = true;
                    break;
                } else if !single && byte == b'\\' {
                    self.scan_escape(&mut text, context)?;
                } else {
                    let run = self.run(quote).max(1);
                    let from = self.cursor.pos;
                    text.push_str(self.cursor.slice(from, from + run));
                    self.cursor.skip_bytes(run);
                }
            }
            if self.cursor.at(0) == quote {
                break;
            }
            let blanks = self.cursor.pos;
            let mut blanks_end = blanks;
            let mut breaks = Breaks::default();
            loop {
                if self.cursor.is_blank(0) {
                    self.cursor.skip_ascii(1);
                    if !broken {
                        blanks_end = self.cursor.pos;
                    }
                } else if self.cursor.break_len(0) > 0 {
                    if broken && breaks.first.is_none() {
                        // After an escaped break every further one is kept.
                        breaks
                            .more
                            .push_str(self.cursor.take_break().unwrap_or_default());
                    } else if let Some(meaning) = self.cursor.take_break() {
                        breaks.push(meaning);
                    }
                    broken = true;
                } else {
                    break;
                }
            }
            if broken {
                breaks.fold_into(&mut text);
            } else {
                text.push_str(self.cursor.slice(blanks, blanks_end));
            }
        }
        self.cursor.skip_ascii(1);
        Ok(Chunk::Owned(text))
    }

    /// Bytes up to the first quote, escape or line break.
    fn simple_run(&self, quote: u8) -> usize {
        let stop =
            |byte: &u8| *byte == quote || matches!(byte, b'\n' | b'\r' | b'\\' | 0xC2 | 0xE2);
        let rest = self.cursor.rest();
        let mut length = 0;
        while let Some(tail) = rest.get(length..) {
            let Some(next) = tail.iter().position(stop) else {
                return rest.len();
            };
            length += next;
            let ends = match rest.get(length) {
                Some(0xC2 | 0xE2) => self.cursor.break_len(length) > 0,
                Some(b'\\') => quote == b'"',
                _ => true,
            };
            if ends {
                return length;
            }
            length += 1;
        }
        rest.len()
    }

    /// Bytes up to the first quote, escape, blank or line break.
    fn run(&self, quote: u8) -> usize {
        let length = self.simple_run(quote);
        let run = self.cursor.rest().get(..length).unwrap_or_default();
        run.iter()
            .position(|byte| matches!(byte, b' ' | b'\t'))
            .unwrap_or(length)
    }

    fn scan_escape(&mut self, text: &mut String, context: usize) -> Result<(), Fault> {
        let mut digits = 0;
        match self.cursor.at(1) {
            b'0' => text.push('\0'),
            b'a' => text.push('\x07'),
            b'b' => text.push('\x08'),
            b't' | b'\t' => text.push('\t'),
            b'n' => text.push('\n'),
            b'v' => text.push('\x0B'),
            b'f' => text.push('\x0C'),
            b'r' => text.push('\r'),
            b'e' => text.push('\x1B'),
            b' ' => text.push(' '),
            b'"' => text.push('"'),
            b'\'' => text.push('\''),
            b'\\' => text.push('\\'),
            b'N' => text.push('\u{85}'),
            b'_' => text.push('\u{A0}'),
            b'L' => text.push('\u{2028}'),
            b'P' => text.push('\u{2029}'),
            b'x' => digits = 2,
            b'u' => digits = 4,
            b'U' => digits = 8,
            _ => return Err(self.fault_in(context, "found unknown escape character")),
        }
        self.cursor.skip_ascii(2);
        if digits == 0 {
            return Ok(());
        }
        let mut code: u32 = 0;
        for ahead in 0..digits {
            let Some(digit) = char::from(self.cursor.at(ahead)).to_digit(16) else {
                return Err(self.fault_in(context, "did not find expected hexdecimal number"));
            };
            code = (code << 4) | digit;
        }
        let Some(character) = char::from_u32(code) else {
            return Err(self.fault_in(context, "found invalid Unicode character escape code"));
        };
        text.push(character);
        self.cursor.skip_ascii(digits);
        Ok(())
    }
}
