//! Scalars without quotes.

use crate::error::Fault;

use super::cursor::Breaks;
use super::{Chunk, Scanner, Span};

impl Scanner<'_> {
    /// Reads from the first character on. A scalar on one line stays a range of the input.
    pub(super) fn scan_plain_scalar(&mut self) -> Result<Chunk, Fault> {
        let context = self.cursor.line;
        let start = self.cursor.pos;
        let min_column = self.indent.map_or(0, |indent| indent + 1);
        let mut end = start;
        let mut joined: Option<String> = None;
        let mut breaks = Breaks::default();
        let mut broken = false;
        let mut blanks = start;
        loop {
            if self.cursor.column == 0 && self.cursor.is_document_indicator() {
                break;
            }
            if self.cursor.at(0) == b'#' {
                break;
            }
            let run = self.plain_run();
            if run > 0 {
                let from = self.cursor.pos;
                if broken {
                    let text =
                        joined.get_or_insert_with(|| self.cursor.slice(start, end).to_owned());
                    breaks.fold_into(text);
                    text.push_str(self.cursor.slice(from, from + run));
                    broken = false;
                } else if let Some(text) = &mut joined {
                    text.push_str(self.cursor.slice(blanks, from + run));
                }
                self.cursor.skip_bytes(run);
                end = self.cursor.pos;
            }
            if !self.cursor.is_blank(0) && self.cursor.break_len(0) == 0 {
                break;
            }
            blanks = self.cursor.pos;
            loop {
                if self.cursor.is_blank(0) {
                    let tab = self.cursor.at(0) == b'\t';
                    if broken && tab && self.cursor.column < min_column {
                        let problem = "found a tab character that violates indentation";
                        return Err(self.fault_in(context, problem));
                    }
                    self.cursor.skip_ascii(1);
                } else if let Some(meaning) = self.cursor.take_break() {
                    breaks.push(meaning);
                    broken = true;
                } else {
                    break;
                }
            }
            if self.flow_level == 0 && self.cursor.column < min_column {
                break;
            }
        }
        if broken {
            self.key_allowed = true;
        }
        Ok(joined.map_or(Chunk::Span(Span { start, end }), Chunk::Owned))
    }

    /// How many bytes from here belong to the scalar without a blank between them.
    fn plain_run(&self) -> usize {
        let flow = self.flow_level > 0;
        let mut length = 0;
        for &byte in self.cursor.rest() {
            match CLASS[usize::from(byte)] {
                Class::Other => {}
                Class::End => return length,
                Class::Colon => {
                    if self.cursor.is_blank_or_end(length + 1) {
                        return length;
                    }
                }
                Class::Flow => {
                    if flow {
                        return length;
                    }
                }
                Class::MaybeBreak => {
                    if self.cursor.break_len(length) > 0 {
                        return length;
                    }
                }
            }
            length += 1;
        }
        length
    }
}

#[derive(Clone, Copy)]
enum Class {
    Other,
    End,
    Colon,
    Flow,
    MaybeBreak,
}

const CLASS: [Class; 256] = {
    let mut table = [Class::Other; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = match byte {
            0 | 0x09 | 0x0A | 0x0D | 0x20 => Class::End,
            0x3A => Class::Colon,
            // , ? [ ] { }
            0x2C | 0x3F | 0x5B | 0x5D | 0x7B | 0x7D => Class::Flow,
            0xC2 | 0xE2 => Class::MaybeBreak,
            _ => Class::Other,
        };
        byte += 1;
    }
    table
};
