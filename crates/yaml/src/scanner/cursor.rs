//! A position in the text, with the character counts the grammar needs.
//!
//! Reading past the end gives NUL, which no readable text contains. Columns and the index count
//! characters, positions count bytes.

/// A place in the text, all of it counted from 0 and in characters.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Mark {
    pub(super) index: usize,
    pub(super) line: usize,
    pub(super) column: usize,
}

pub(super) struct Cursor<'a> {
    text: &'a str,
    bytes: &'a [u8],
    pub(super) pos: usize,
    pub(super) index: usize,
    /// Counted from 0, as is the column.
    pub(super) line: usize,
    pub(super) column: usize,
}

impl<'a> Cursor<'a> {
    pub(super) const fn new(text: &'a str) -> Self {
        Self {
            text,
            bytes: text.as_bytes(),
            pos: 0,
            index: 0,
            line: 0,
            column: 0,
        }
    }

    pub(super) const fn mark(&self) -> Mark {
        Mark {
            index: self.index,
            line: self.line,
            column: self.column,
        }
    }

    /// The byte `ahead` of the position; 0 past the end.
    #[inline]
    pub(super) fn at(&self, ahead: usize) -> u8 {
        self.bytes.get(self.pos + ahead).copied().unwrap_or(0)
    }

    /// The bytes from the position on.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.pos..).unwrap_or_default()
    }

    pub(super) fn slice(&self, start: usize, end: usize) -> &'a str {
        self.text.get(start..end).unwrap_or_default()
    }

    /// How many bytes the line break at `ahead` has; 0 if there is none.
    #[inline]
    pub(super) fn break_len(&self, ahead: usize) -> usize {
        match self.at(ahead) {
            b'\r' if self.at(ahead + 1) == b'\n' => 2,
            b'\n' | b'\r' => 1,
            0xC2 if self.at(ahead + 1) == 0x85 => 2,
            0xE2 if self.at(ahead + 1) == 0x80 && matches!(self.at(ahead + 2), 0xA8 | 0xA9) => 3,
            _ => 0,
        }
    }

    #[inline]
    pub(super) fn is_blank(&self, ahead: usize) -> bool {
        matches!(self.at(ahead), b' ' | b'\t')
    }

    /// A blank, a line break or the end.
    #[inline]
    pub(super) fn is_blank_or_end(&self, ahead: usize) -> bool {
        self.is_blank(ahead) || self.is_break_or_end(ahead)
    }

    #[inline]
    pub(super) fn is_break_or_end(&self, ahead: usize) -> bool {
        self.at(ahead) == 0 || self.break_len(ahead) > 0
    }

    /// A letter, digit, `_` or `-`.
    pub(super) fn is_word(&self, ahead: usize) -> bool {
        let byte = self.at(ahead);
        byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-'
    }

    /// `---` or `...` followed by a blank or the end. The caller checks the column.
    pub(super) fn is_document_indicator(&self) -> bool {
        let indicator = matches!(
            (self.at(0), self.at(1), self.at(2)),
            (b'-', b'-', b'-') | (b'.', b'.', b'.')
        );
        indicator && self.is_blank_or_end(3)
    }

    /// Steps over `count` characters that are one byte each and no line breaks.
    #[inline]
    pub(super) const fn skip_ascii(&mut self, count: usize) {
        self.pos += count;
        self.index += count;
        self.column += count;
    }

    /// Steps over `length` bytes of whole characters without line breaks.
    #[inline]
    pub(super) fn skip_bytes(&mut self, length: usize) {
        let run = self.rest().get(..length).unwrap_or_default();
        let characters = run.iter().filter(|&&byte| byte & 0xC0 != 0x80).count();
        self.pos += run.len();
        self.index += characters;
        self.column += characters;
    }

    /// Steps to the end of the line.
    pub(super) fn skip_line_content(&mut self) {
        self.skip_bytes(self.line_content_len());
    }

    /// How many bytes there are before the next line break or the end.
    pub(super) fn line_content_len(&self) -> usize {
        let rest = self.rest();
        let mut length = 0;
        while let Some(tail) = rest.get(length..) {
            let Some(next) = tail
                .iter()
                .position(|byte| matches!(byte, b'\n' | b'\r' | 0xC2 | 0xE2))
            else {
                return rest.len();
            };
            length += next;
            if self.break_len(length) > 0 {
                return length;
            }
            length += 1;
        }
        rest.len()
    }

    /// Whether fewer than `count` characters are left.
    pub(super) fn ends_within(&self, count: usize) -> bool {
        let starts = self.rest().iter().filter(|&&byte| byte & 0xC0 != 0x80);
        starts.take(count).count() < count
    }

    /// How many blanks begin here.
    pub(super) fn blank_len(&self) -> usize {
        self.rest()
            .iter()
            .take_while(|byte| matches!(byte, b' ' | b'\t'))
            .count()
    }

    /// Whether nothing but blanks stands before the position on its line.
    pub(super) fn is_line_blank_so_far(&self) -> bool {
        let before = self.bytes.get(..self.pos).unwrap_or_default();
        match before
            .iter()
            .rev()
            .find(|byte| !matches!(byte, b' ' | b'\t'))
        {
            None | Some(b'\n' | b'\r') => true,
            Some(_) => self.column == 0,
        }
    }

    /// How many line breaks, and else only blanks, stand right before the position.
    pub(super) fn newlines_before(&self) -> usize {
        let mut before = self.bytes.get(..self.pos).unwrap_or_default();
        let mut count = 0;
        loop {
            before = match before {
                [rest @ .., b' ' | b'\t'] => rest,
                [rest @ .., b'\r', b'\n']
                | [rest @ .., b'\n' | b'\r']
                | [rest @ .., 0xC2, 0x85]
                | [rest @ .., 0xE2, 0x80, 0xA8 | 0xA9] => {
                    count += 1;
                    rest
                }
                _ => return count,
            };
        }
    }

    /// Whether only blanks and ASCII line breaks lie between here and a `#`.
    pub(super) fn is_comment_ahead(&self, limit: usize) -> bool {
        let mut ahead = self.rest().iter().take(limit);
        ahead.find(|byte| !matches!(byte, b' ' | b'\t' | b'\n' | b'\r')) == Some(&b'#')
    }

    /// Steps over a line break, if there is one here.
    pub(super) fn skip_break(&mut self) -> bool {
        self.take_break().is_some()
    }

    /// Steps over a line break and returns what it counts as: LF, except for the Unicode line and
    /// paragraph separators, which stand for themselves.
    pub(super) fn take_break(&mut self) -> Option<&'static str> {
        let length = self.break_len(0);
        if length == 0 {
            return None;
        }
        let meaning = match (length, self.at(2)) {
            (3, 0xA8) => "\u{2028}",
            (3, _) => "\u{2029}",
            _ => "\n",
        };
        self.index += if self.at(0) == b'\r' { length } else { 1 };
        self.pos += length;
        self.line += 1;
        self.column = 0;
        Some(meaning)
    }
}

/// The line breaks between two pieces of a scalar that spans lines.
#[derive(Default)]
pub(super) struct Breaks {
    pub(super) first: Option<&'static str>,
    pub(super) more: String,
}

impl Breaks {
    pub(super) fn push(&mut self, meaning: &'static str) {
        if self.first.is_some() {
            self.more.push_str(meaning);
        } else {
            self.first = Some(meaning);
        }
    }

    /// Appends what the breaks fold to and forgets them.
    pub(super) fn fold_into(&mut self, text: &mut String) {
        match self.first.take() {
            Some("\n") if self.more.is_empty() => text.push(' '),
            Some("\n") | None => text.push_str(&self.more),
            Some(separator) => {
                text.push_str(separator);
                text.push_str(&self.more);
            }
        }
        self.more.clear();
    }
}
