//! Literal (`|`) and folded (`>`) scalars.

use crate::error::Fault;
use crate::node::ScalarStyle;

use super::Scanner;

/// What becomes of the line breaks at the end.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Chomping {
    Strip,
    Clip,
    Keep,
}

impl Scanner<'_> {
    /// Reads from the indicator to the start of the first line that no longer belongs to it.
    pub(super) fn scan_block_scalar(&mut self, style: ScalarStyle) -> Result<String, Fault> {
        let literal = style == ScalarStyle::Literal;
        let token = self.cursor.index;
        let context = self.cursor.line;
        self.cursor.skip_ascii(1);
        let (chomping, increment) = self.scan_block_header(token, context)?;

        // 0 means: take that of the first line with content.
        let mut indent = increment.map_or(0, |width| self.indent.unwrap_or(0) + width);
        let mut text = String::new();
        let mut first_break = None;
        let mut more_breaks = String::new();
        self.scan_block_breaks(&mut indent, &mut more_breaks, context)?;
        let mut blank_before = false;
        while self.cursor.column == indent && self.cursor.at(0) != 0 {
            // Lines that begin with a blank are not folded.
            let blank_after = self.cursor.is_blank(0);
            let folds = !literal && !blank_before && !blank_after;
            match first_break.take() {
                Some(
                    "
",
                ) if folds && more_breaks.is_empty() => text.push(' '),
                Some(
                    "
",
                ) if folds => {}
                Some(meaning) => text.push_str(meaning),
                None => {}
            }
            text.push_str(&more_breaks);
            more_breaks.clear();
            blank_before = blank_after;

            let length = self.cursor.line_content_len();
            let from = self.cursor.pos;
            text.push_str(self.cursor.slice(from, from + length));
            self.cursor.skip_bytes(length);
            first_break = self.cursor.take_break();
            self.scan_block_breaks(&mut indent, &mut more_breaks, context)?;
        }
        if chomping != Chomping::Strip {
            text.push_str(first_break.unwrap_or_default());
        }
        if chomping == Chomping::Keep {
            text.push_str(&more_breaks);
        }
        Ok(text)
    }

    /// Reads the indicators after `|` or `>` and the rest of that line. The scalar began at index `token` on
    /// the line `context`.
    fn scan_block_header(
        &mut self,
        token: usize,
        context: usize,
    ) -> Result<(Chomping, Option<usize>), Fault> {
        let mut chomping = self.scan_chomping();
        let increment = match self.cursor.at(0) {
            b'0' => {
                return Err(self.fault_in(context, "found an indentation indicator equal to 0"));
            }
            digit @ b'1'..=b'9' => {
                self.cursor.skip_ascii(1);
                Some(usize::from(digit - b'0'))
            }
            _ => None,
        };
        if chomping.is_none() && increment.is_some() {
            chomping = self.scan_chomping();
        }
        while self.cursor.is_blank(0) {
            self.cursor.skip_ascii(1);
        }
        if self.cursor.at(0) == b'#' {
            self.keep_line_comment(token);
            self.skip_comment();
        }
        if !self.cursor.is_break_or_end(0) {
            return Err(self.fault_in(context, "did not find expected comment or line break"));
        }
        self.cursor.skip_break();
        Ok((chomping.unwrap_or(Chomping::Clip), increment))
    }

    fn scan_chomping(&mut self) -> Option<Chomping> {
        let chomping = match self.cursor.at(0) {
            b'+' => Chomping::Keep,
            b'-' => Chomping::Strip,
            _ => return None,
        };
        self.cursor.skip_ascii(1);
        Some(chomping)
    }

    /// Steps over indentation and empty lines, and settles the indentation if it is still open.
    fn scan_block_breaks(
        &mut self,
        indent: &mut usize,
        breaks: &mut String,
        context: usize,
    ) -> Result<(), Fault> {
        let mut deepest = 0;
        loop {
            while (*indent == 0 || self.cursor.column < *indent) && self.cursor.at(0) == b' ' {
                self.cursor.skip_ascii(1);
            }
            deepest = deepest.max(self.cursor.column);
            let inside = *indent == 0 || self.cursor.column < *indent;
            if inside && self.cursor.at(0) == b'\t' {
                let problem = "found a tab character where an indentation space is expected";
                return Err(self.fault_in(context, problem));
            }
            match self.cursor.take_break() {
                Some(meaning) => breaks.push_str(meaning),
                None => break,
            }
        }
        if *indent == 0 {
            *indent = deepest
                .max(self.indent.map_or(0, |indent| indent + 1))
                .max(1);
        }
        Ok(())
    }
}
