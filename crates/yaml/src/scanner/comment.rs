//! Which comment belongs to which token.
//!
//! A comment waits in a queue until the token that it belongs to is looked at; then it joins what the next
//! event that takes comments gets. Where a comment belongs is told by its column, by the empty lines around it
//! and by the block collections that end there, so the ends of those are moved before the comments that follow
//! them. The rules are go-yaml's, with what looks arbitrary in them: programs that rewrite files live with them.
//!
//! None of it costs anything where comments are not kept, hence the `cold` functions.
//!
//! Positions are counted in characters, except that go-yaml adds bytes when it looks ahead.
//!
//! Source: `yaml_parser_scan_comments`, `yaml_parser_scan_line_comment`, `yaml_parser_unroll_indent` in
//! scannerc.go and `yaml_parser_unfold_comments` in parserc.go of go.yaml.in/yaml/v3 3.0.3.

use std::collections::VecDeque;

use crate::node::Comments;

use super::{Mark, Scanner, Token, TokenKind};

/// How far to look for a comment, in bytes.
const MAX_COMMENT_GAP: usize = 512;

/// Comments that were read and not given to an event yet.
#[derive(Default)]
pub(super) struct CommentQueue {
    waiting: VecDeque<Comment>,
    ready: Comments,
}

struct Comment {
    part: Part,
    text: String,
    /// Where the search that found it began.
    scan: usize,
    /// Where the token that it belongs to begins, at the earliest.
    token: usize,
    start: Mark,
    end: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Head,
    Line,
    Foot,
}

impl CommentQueue {
    /// Makes the comments ready that stand before `token`.
    #[cold]
    pub(super) fn unfold(&mut self, token: &Token) {
        while let Some(comment) = self.waiting.front() {
            let held = comment.part == Part::Head && matches!(token.kind, TokenKind::BlockEnd);
            if token.index < comment.token || held {
                return;
            }
            let Some(comment) = self.waiting.pop_front() else {
                return;
            };
            let ready = match comment.part {
                Part::Head => &mut self.ready.head,
                Part::Line => &mut self.ready.line,
                Part::Foot => &mut self.ready.foot,
            };
            if !ready.is_empty() {
                ready.push('\n');
            }
            ready.push_str(&comment.text);
        }
    }

    /// Where a block collection ends whose foot comments stand in `column`, counted from 1: before the first of
    /// the comments that reach without a gap to `end`.
    #[cold]
    pub(super) fn block_end(&self, end: Mark, column: usize) -> Mark {
        let mut found = end;
        let mut stop = end.index;
        for comment in self.waiting.iter().rev() {
            if comment.end < stop {
                break;
            }
            if comment.start.column == column {
                found = comment.start;
            }
            stop = comment.scan;
        }
        found
    }
}

impl Scanner<'_> {
    pub(super) fn skip_comment(&mut self) {
        self.cursor.skip_line_content();
    }

    /// Skips a comment that follows a token on its line. Version 3 looks for it at once and so
    /// takes tabs before it where none may stand otherwise. It belongs to the token at index `token`.
    pub(super) fn skip_line_comment(&mut self, token: usize) {
        let blanks = self.cursor.blank_len();
        let entry = matches!(
            self.tokens.back(),
            Some(Token {
                kind: TokenKind::BlockEntry,
                ..
            })
        );
        let near = blanks < MAX_COMMENT_GAP;
        if near && self.cursor.at(blanks) == b'#' && !entry && !self.cursor.is_line_blank_so_far() {
            self.cursor.skip_ascii(blanks);
            if self.keeps_comments() {
                self.keep_line_comment(token);
            }
            self.skip_comment();
        }
    }

    /// Skips the comments on the lines after one. Version 3 takes tabs before them, too.
    pub(super) fn skip_more_comments(&mut self) {
        while self.cursor.is_comment_ahead(MAX_COMMENT_GAP) {
            while self.cursor.at(0) != b'#' {
                if !self.cursor.skip_break() {
                    self.cursor.skip_ascii(1);
                }
            }
            self.skip_comment();
        }
    }

    pub(crate) const fn keeps_comments(&self) -> bool {
        self.comments.is_some()
    }

    /// Takes the comments before the tokens that were looked at.
    #[cold]
    pub(crate) fn take_comments(&mut self) -> Option<Box<Comments>> {
        let queue = self.comments.as_mut()?;
        std::mem::take(&mut queue.ready).boxed()
    }

    /// The head comment before the tokens that were looked at, for changes.
    pub(crate) fn head_comment(&mut self) -> Option<&mut String> {
        let queue = self.comments.as_mut()?;
        Some(&mut queue.ready.head)
    }

    /// Index of the token that a comment belongs to which comes behind the token here: that one or, if it begins
    /// with a `:` or a `,`, the one before.
    #[cold]
    pub(super) fn comment_owner(&self, byte: u8) -> usize {
        let separates = byte == if self.flow_level == 0 { b':' } else { b',' };
        match self.tokens.back() {
            Some(last) if separates => last.index,
            _ => self.cursor.index,
        }
    }

    /// Queues the comment behind a token, up to which only blanks may stand.
    #[cold]
    pub(super) fn keep_line_comment(&mut self, token: usize) {
        let (start, from) = (self.cursor.mark(), self.cursor.pos);
        let text = self
            .cursor
            .slice(from, from + self.cursor.line_content_len());
        if let Some(queue) = self.comments.as_mut() {
            queue.waiting.push_back(Comment {
                part: Part::Line,
                text: text.to_owned(),
                scan: 0,
                token,
                start,
                end: 0,
            });
        }
    }

    /// Makes a line comment before the first entry of a sequence the head of what follows.
    #[cold]
    pub(super) fn raise_line_comment(&mut self) {
        let Some(queue) = self.comments.as_mut() else {
            return;
        };
        let Some(comment) = queue.waiting.back_mut() else {
            return;
        };
        let mut recent = self.tokens.iter().rev().map(|token| &token.kind);
        let first_entry = matches!(
            (recent.next(), recent.next()),
            (
                Some(TokenKind::BlockEntry),
                Some(TokenKind::BlockSequenceStart)
            )
        );
        if first_entry && comment.part == Part::Line && self.cursor.break_len(0) == 0 {
            comment.part = Part::Head;
            if comment.start.line + 1 == self.cursor.line {
                comment.token = self.cursor.index;
            }
        }
    }

    /// Reads the comment here and those on the following lines; the search for a token began at `scan`.
    #[cold]
    pub(super) fn keep_comments(&mut self, scan: Mark) {
        let mut search = Search::new(self, scan);
        let mut ahead = 0;
        while ahead < MAX_COMMENT_GAP {
            search.column += 1;
            let byte = self.cursor.at(ahead);
            if self.cursor.is_blank(ahead) {
                ahead += 1;
                continue;
            }
            let closes = self.flow_level > 0 && matches!(byte, b']' | b'}');
            if closes || self.cursor.is_break_or_end(ahead) {
                search.end_line(self.cursor.index + ahead, closes, byte != 0);
                if self.cursor.break_len(ahead) == 0 {
                    break;
                }
                ahead += 1;
                continue;
            }
            search.leave_block(self.cursor.index + ahead);
            if byte != b'#' {
                break;
            }
            search.begin_line(self.cursor.index + ahead);
            let seen = self.cursor.index + ahead;
            while self.cursor.index < seen {
                if !self.cursor.skip_break() {
                    self.cursor.skip_ascii(1);
                }
            }
            let from = self.cursor.pos;
            let length = self.cursor.line_content_len();
            search.text.push_str(self.cursor.slice(from, from + length));
            self.cursor.skip_bytes(length);
            search.column = 0;
            search.line = self.cursor.line;
            // go-yaml does not look at the first byte behind a comment, which begins a line break.
            ahead = 1;
        }
        let found = search.finish(self.cursor.index + ahead);
        if let Some(queue) = self.comments.as_mut() {
            queue.waiting.extend(found);
        }
    }
}

/// A walk over lines of comments.
struct Search {
    found: Vec<Comment>,
    /// The comment that is being read.
    text: String,
    scan: usize,
    token: usize,
    after_value: bool,
    start: Mark,
    line: usize,
    /// Counted from 1.
    column: usize,
    /// Column of the block collection around, counted from 0.
    indent: usize,
    /// Where a comment must begin to be a foot of what stands before it.
    foot_line: Option<usize>,
    first_empty: bool,
    recent_empty: bool,
}

impl Search {
    fn new(scanner: &Scanner<'_>, scan: Mark) -> Self {
        let cursor = &scanner.cursor;
        let newlines = cursor.newlines_before();
        let mut recent = scanner.tokens.iter().rev();
        let mut token = recent.next();
        if matches!(token.map(|token| &token.kind), Some(TokenKind::FlowEntry)) {
            token = recent.next().or(token);
        }
        let behind = usize::from(newlines == 0 && cursor.column > 1);
        Self {
            found: Vec::new(),
            text: String::new(),
            scan: scan.index,
            token: token.map_or(0, |token| token.index),
            after_value: matches!(token.map(|token| &token.kind), Some(TokenKind::Value)),
            start: Mark::default(),
            line: cursor.line,
            column: cursor.column,
            indent: scanner.indent.unwrap_or(0),
            foot_line: (scan.line > 0).then(|| (cursor.line + 1 + behind).saturating_sub(newlines)),
            first_empty: newlines <= 1,
            recent_empty: false,
        }
    }

    /// Whether the comment stands left of the block collection's content.
    fn is_dedented(&self) -> bool {
        self.start.column.saturating_sub(1) < self.indent
    }

    /// A line break, the end or a closing bracket at `index`, with nothing but blanks before it.
    fn end_line(&mut self, index: usize, closes: bool, more: bool) {
        if closes || !self.recent_empty {
            let below = Some(self.start.line) == self.foot_line && !self.after_value;
            if closes || (self.first_empty && (below || self.is_dedented())) {
                // What was read up to the first empty line is a foot of what stands before.
                if !self.text.is_empty() {
                    if self.is_dedented() {
                        self.token = self.start.index;
                    }
                    self.cut(index);
                }
            } else if !self.text.is_empty() && more {
                self.text.push('\n');
            }
        }
        if !closes && more {
            self.first_empty = false;
            self.recent_empty = true;
            self.column = 0;
            self.line += 1;
        }
    }

    /// Something at `index` that is further left than the comment: then that was a foot.
    fn leave_block(&mut self, index: usize) {
        let left = self.column - 1 < self.indent && self.column != self.start.column;
        if !self.text.is_empty() && left {
            self.cut(index);
        }
    }

    fn begin_line(&mut self, index: usize) {
        if self.text.is_empty() {
            self.start = Mark {
                index,
                line: self.line,
                column: self.column,
            };
        } else {
            self.text.push('\n');
        }
        self.recent_empty = false;
    }

    fn cut(&mut self, index: usize) {
        self.found.push(Comment {
            part: Part::Foot,
            text: std::mem::take(&mut self.text),
            scan: self.scan,
            token: self.token,
            start: self.start,
            end: index,
        });
        self.scan = index;
        self.token = index;
    }

    fn finish(mut self, index: usize) -> Vec<Comment> {
        if !self.text.is_empty() {
            self.found.push(Comment {
                part: Part::Head,
                text: self.text,
                scan: self.scan,
                token: self.start.index,
                start: self.start,
                end: index - 1,
            });
        }
        self.found
    }
}
