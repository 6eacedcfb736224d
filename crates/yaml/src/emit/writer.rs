//! Output with the column and the two facts about its end that the emitters decide by.

use crate::error::Version;

/// Longest line in version 2, in characters; version 3 never folds.
const WIDTH: usize = 80;

pub(crate) struct Writer<'a> {
    out: &'a mut Vec<u8>,
    pub(crate) version: Version,
    pub(crate) column: usize,
    /// The last character was a blank, or nothing has been written on the line.
    pub(crate) whitespace: bool,
    /// Only indentation and indicators have been written on the line.
    pub(crate) indention: bool,
    /// An empty line comes before the next line that is indented so far, because a comment ends there.
    pub(crate) foot_indent: Option<usize>,
}

impl<'a> Writer<'a> {
    pub(crate) const fn new(out: &'a mut Vec<u8>, version: Version) -> Self {
        Self {
            out,
            version,
            column: 0,
            whitespace: true,
            indention: true,
            foot_indent: None,
        }
    }

    /// Whether the line is so long that a space becomes a line break.
    pub(crate) fn is_long(&self) -> bool {
        self.version == Version::V2 && self.column > WIDTH
    }

    /// Whether `length` more bytes may make the line too long.
    pub(crate) fn may_fold(&self, length: usize) -> bool {
        self.version == Version::V2 && self.column + length > WIDTH
    }

    /// Appends text without line breaks.
    pub(crate) fn put_str(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
        self.column += text.bytes().filter(|byte| byte & 0xC0 != 0x80).count();
    }

    pub(crate) fn put(&mut self, character: char) {
        self.out
            .extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        self.column += 1;
    }

    pub(crate) fn put_break(&mut self) {
        self.out.push(b'\n');
        self.column = 0;
        self.indention |= self.version == Version::V3;
    }

    /// Appends a line break of a scalar: LF, or a Unicode separator as it is.
    pub(crate) fn put_scalar_break(&mut self, character: char) {
        if character == '\n' {
            self.put_break();
        } else {
            self.put(character);
            self.column = 0;
            self.indention |= self.version == Version::V3;
        }
    }

    /// Starts a line at `indent` unless the current one has not gone beyond.
    pub(crate) fn put_indent(&mut self, indent: usize) {
        let beyond = self.column > indent || (self.column == indent && !self.whitespace);
        if !self.indention || beyond {
            self.put_break();
        }
        if self.foot_indent.take() == Some(indent) {
            self.put_break();
        }
        while self.column < indent {
            self.out.push(b' ');
            self.column += 1;
        }
        self.whitespace = true;
        self.indention |= self.version == Version::V2;
    }

    /// Appends a comment and the end of its last line; further lines begin at `indent`.
    pub(crate) fn put_comment(&mut self, comment: &str, indent: usize) {
        for (number, line) in comment.split('\n').enumerate() {
            if number > 0 {
                self.put_break();
            }
            if line.is_empty() {
                continue;
            }
            if number > 0 {
                self.put_indent(indent);
            }
            self.put_str(line);
            self.indention = false;
        }
        if !comment.ends_with('\n') {
            self.put_break();
        }
        self.whitespace = true;
    }

    pub(crate) fn put_space(&mut self) {
        if !self.whitespace {
            self.out.push(b' ');
            self.column += 1;
        }
    }

    /// An indicator after a space; `indents` if it can itself stand before an indented block.
    pub(crate) fn put_indicator(&mut self, indicator: &str, indents: bool) {
        self.put_space();
        self.put_str(indicator);
        self.whitespace = false;
        self.indention &= indents;
    }

    /// An indicator right after what stands before it.
    pub(crate) fn put_suffix(&mut self, indicator: &str) {
        self.put_str(indicator);
        self.whitespace = false;
        self.indention = false;
    }

    /// A bracket after a space, with none after it.
    pub(crate) fn put_open(&mut self, bracket: &str) {
        self.put_space();
        self.put_str(bracket);
        self.whitespace = true;
        self.indention = false;
    }
}
