//! Characters to tokens, in libyaml's grammar.
//!
//! The grammar is YAML 1.1 as libyaml reads it: a mapping key without `?` is recognised only when
//! its `:` arrives, on the same line and within 1024 characters, so tokens wait in a queue until it
//! is clear whether a key token must be put before them. Version 3 keeps two further tokens in the
//! queue (for its comments), which decides which of two errors a user sees.
//!
//! Comments are skipped where they are found, or kept for the parser to ask for ([`comment`]).
//!
//! Source: scannerc.go of go.yaml.in/yaml v2 2.4.2 and v3 3.0.3.

mod block_scalar;
mod comment;
mod cursor;
mod flow_scalar;
mod plain_scalar;
mod tag;

use std::borrow::Cow;
use std::collections::VecDeque;

use crate::error::{Fault, Stage, Version};
use crate::node::ScalarStyle;

use comment::CommentQueue;
use cursor::{Cursor, Mark};

/// How deep flow collections, and block collections, may nest before Go gives up.
const MAX_DEPTH: usize = 10_000;

/// How many characters a key without `?` may be long.
const MAX_SIMPLE_KEY: usize = 1024;

/// One token and where it begins, counted from 0.
#[derive(Debug)]
pub(crate) struct Token {
    pub(crate) kind: TokenKind,
    pub(crate) line: usize,
    /// In characters.
    index: usize,
}

#[derive(Debug)]
pub(crate) enum TokenKind {
    StreamStart,
    StreamEnd,
    VersionDirective { major: u8, minor: u8 },
    TagDirective(Box<TagParts>),
    DocumentStart,
    DocumentEnd,
    BlockSequenceStart,
    BlockMappingStart,
    BlockEnd,
    FlowSequenceStart,
    FlowSequenceEnd,
    FlowMappingStart,
    FlowMappingEnd,
    BlockEntry,
    FlowEntry,
    Key,
    Value,
    Alias(Span),
    Anchor(Span),
    Tag(Box<TagParts>),
    Scalar { value: Chunk, style: ScalarStyle },
}

/// The handle (`!`, `!!`, `!name!` or none) and the rest of a tag, or what a handle stands for.
#[derive(Debug)]
pub(crate) struct TagParts {
    pub(crate) handle: String,
    pub(crate) suffix: String,
}

/// A range of bytes of the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// Text that stands in the input as it is, or that had to be put together.
#[derive(Debug)]
pub(crate) enum Chunk {
    Span(Span),
    Owned(String),
}

/// Whether the token queue is held for a key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Hold {
    /// No key of this level has begun yet.
    #[default]
    Unused,
    Held,
    /// Go forgets a key that is a flow collection without content.
    Forgotten,
}

/// Where a key without `?` may have begun, per flow level.
#[derive(Clone, Copy, Default)]
struct SimpleKey {
    possible: bool,
    /// In block context at the current indentation nothing but a key may stand.
    required: bool,
    hold: Hold,
    token: usize,
    index: usize,
    line: usize,
    column: usize,
}

pub(crate) struct Scanner<'a> {
    cursor: Cursor<'a>,
    version: Version,
    problem: Option<&'static str>,
    tokens: VecDeque<Token>,
    /// The first token of the queue is known to be the next one.
    ready: bool,
    /// How many tokens have left the queue.
    parsed: usize,
    started: bool,
    /// Column of the current block collection; `None` outside of any.
    indent: Option<usize>,
    indents: Vec<Option<usize>>,
    keys: Vec<SimpleKey>,
    key_allowed: bool,
    flow_level: usize,
    /// None unless comments are kept.
    comments: Option<Box<CommentQueue>>,
}

impl<'a> Scanner<'a> {
    /// Reads `text`, after which the input goes on unreadably if there is a `problem`.
    pub(crate) fn new(text: &'a str, problem: Option<&'static str>, version: Version) -> Self {
        Self {
            cursor: Cursor::new(text),
            version,
            problem,
            tokens: VecDeque::with_capacity(16),
            ready: false,
            parsed: 0,
            started: false,
            indent: None,
            indents: Vec::new(),
            keys: vec![SimpleKey::default()],
            key_allowed: true,
            flow_level: 0,
            comments: None,
        }
    }

    /// As [`Scanner::new`] for version 3, with comments kept.
    pub(crate) fn with_comments(text: &'a str, problem: Option<&'static str>) -> Self {
        Self {
            comments: Some(Box::default()),
            ..Self::new(text, problem, Version::V3)
        }
    }

    /// The next token, which stays in the queue. After the end it is `StreamEnd` for ever.
    pub(crate) fn peek(&mut self) -> Result<&Token, Fault> {
        if !self.ready {
            self.fill().map_err(|fault| match self.unreadable() {
                Some(problem) if self.cursor.rest().is_empty() => problem,
                _ => fault,
            })?;
            self.ready = true;
            if let (Some(comments), Some(token)) = (&mut self.comments, self.tokens.front()) {
                comments.unfold(token);
            }
        }
        self.tokens
            .front()
            .ok_or_else(|| no_token(self.cursor.line))
    }

    /// Takes the token that [`Scanner::peek`] showed.
    pub(crate) fn next(&mut self) -> Result<Token, Fault> {
        self.peek()?;
        self.ready = false;
        self.parsed += 1;
        self.tokens
            .pop_front()
            .ok_or_else(|| no_token(self.cursor.line))
    }

    /// The text of a span.
    pub(crate) fn text(&self, span: Span) -> &'a str {
        self.cursor.slice(span.start, span.end)
    }

    fn unreadable(&self) -> Option<Fault> {
        let problem = Cow::Borrowed(self.problem?);
        Some(Fault {
            stage: Stage::Parser,
            problem,
            context_line: 0,
            line: 0,
        })
    }

    fn fill(&mut self) -> Result<(), Fault> {
        let ahead = match self.version {
            Version::V2 => 0,
            Version::V3 => 2,
        };
        while self.tokens.len() <= ahead || self.head_may_be_key()? {
            self.fetch()?;
        }
        Ok(())
    }

    /// Whether a key token may still have to be put before the first token of the queue.
    fn head_may_be_key(&mut self) -> Result<bool, Fault> {
        // Each flow level's key begins after those of the levels around it.
        match self
            .keys
            .binary_search_by_key(&self.parsed, |key| key.token)
        {
            Ok(level)
                if self
                    .keys
                    .get(level)
                    .is_some_and(|key| key.hold == Hold::Held) =>
            {
                self.is_key_valid(level)
            }
            _ => Ok(false),
        }
    }

    fn is_key_valid(&mut self, level: usize) -> Result<bool, Fault> {
        let (line, index) = (self.cursor.line, self.cursor.index);
        let Some(key) = self.keys.get_mut(level).filter(|key| key.possible) else {
            return Ok(false);
        };
        if key.line < line || key.index + MAX_SIMPLE_KEY < index {
            if key.required {
                let context = key.line;
                return Err(self.fault_in(context, "could not find expected ':'"));
            }
            key.possible = false;
            return Ok(false);
        }
        Ok(true)
    }

    fn fetch(&mut self) -> Result<(), Fault> {
        if !self.started {
            self.started = true;
            self.push(TokenKind::StreamStart, self.cursor.mark());
            return Ok(());
        }
        let before = self.cursor.mark();
        self.skip_to_token();
        self.unroll(Some(self.cursor.column), before);

        // Go looks four characters ahead before it decides on a token.
        if let Some(problem) = self.unreadable()
            && self.cursor.ends_within(4)
        {
            return Err(problem);
        }
        let byte = self.cursor.at(0);
        if byte == 0 {
            return self.fetch_stream_end();
        }
        if self.cursor.column == 0 {
            if byte == b'%' {
                return self.fetch_directive();
            }
            if let Some(kind) = self.document_indicator() {
                return self.fetch_document_indicator(kind);
            }
        }
        let owner = if self.keeps_comments() {
            self.comment_owner(byte)
        } else {
            0
        };
        self.fetch_other(byte)?;
        if self.version == Version::V3 {
            self.skip_line_comment(owner);
        }
        Ok(())
    }

    /// Fetches a token that may stand anywhere on a line.
    fn fetch_other(&mut self, byte: u8) -> Result<(), Fault> {
        let flow = self.flow_level > 0;
        let blank_next = self.cursor.is_blank_or_end(1);
        match byte {
            b'[' => self.fetch_flow_start(TokenKind::FlowSequenceStart),
            b'{' => self.fetch_flow_start(TokenKind::FlowMappingStart),
            b']' => self.fetch_flow_end(TokenKind::FlowSequenceEnd),
            b'}' => self.fetch_flow_end(TokenKind::FlowMappingEnd),
            b',' => self.fetch_flow_entry(),
            b'-' if blank_next => self.fetch_block_entry(),
            b'?' if flow || blank_next => self.fetch_key(),
            b':' if flow || blank_next => self.fetch_value(),
            b'*' => self.fetch_anchor(TokenKind::Alias),
            b'&' => self.fetch_anchor(TokenKind::Anchor),
            b'!' => self.fetch_tag(),
            b'|' if !flow => self.fetch_block_scalar(ScalarStyle::Literal),
            b'>' if !flow => self.fetch_block_scalar(ScalarStyle::Folded),
            b'\'' => self.fetch_flow_scalar(ScalarStyle::SingleQuoted),
            b'"' => self.fetch_flow_scalar(ScalarStyle::DoubleQuoted),
            b'|' | b'>' | b'#' | b'%' | b'@' | b'`' | b' ' | b'\t' | b'\r' | b'\n' => {
                Err(self.fault("found character that cannot start any token"))
            }
            _ if self.cursor.break_len(0) > 0 => {
                Err(self.fault("found character that cannot start any token"))
            }
            _ => self.fetch_plain_scalar(),
        }
    }

    /// Skips blanks, comments and line breaks. A tab is no blank where a key may begin.
    fn skip_to_token(&mut self) {
        let scan = self.cursor.mark();
        loop {
            loop {
                match self.cursor.at(0) {
                    b' ' => self.cursor.skip_ascii(1),
                    b'\t' if self.flow_level > 0 || !self.key_allowed => self.cursor.skip_ascii(1),
                    _ => break,
                }
            }
            if self.keeps_comments() {
                self.raise_line_comment();
            }
            if self.cursor.at(0) == b'#' {
                if self.keeps_comments() {
                    self.keep_comments(scan);
                } else {
                    self.skip_comment();
                    if self.version == Version::V3 {
                        self.skip_more_comments();
                    }
                }
            }
            if !self.cursor.skip_break() {
                return;
            }
            if self.flow_level == 0 {
                self.key_allowed = true;
            }
        }
    }

    /// `---` or `...` at the start of a line, followed by a blank or the end.
    fn document_indicator(&self) -> Option<TokenKind> {
        self.cursor
            .is_document_indicator()
            .then(|| match self.cursor.at(0) {
                b'-' => TokenKind::DocumentStart,
                _ => TokenKind::DocumentEnd,
            })
    }

    /// Notes that a key may begin here.
    fn save_key(&mut self) -> Result<(), Fault> {
        if !self.key_allowed {
            return Ok(());
        }
        self.drop_key()?;
        let required = self.flow_level == 0 && self.indent == Some(self.cursor.column);
        let token = self.parsed + self.tokens.len();
        let Cursor {
            index,
            line,
            column,
            ..
        } = self.cursor;
        if let Some(last) = self.keys.last_mut() {
            *last = SimpleKey {
                possible: true,
                required,
                hold: Hold::Held,
                token,
                index,
                line,
                column,
            };
        }
        Ok(())
    }

    /// Gives up the key that may have begun on this flow level.
    fn drop_key(&mut self) -> Result<(), Fault> {
        let Some(key) = self.keys.last_mut().filter(|key| key.possible) else {
            return Ok(());
        };
        if key.required {
            let context = key.line;
            return Err(self.fault_in(context, "could not find expected ':'"));
        }
        key.possible = false;
        Ok(())
    }

    /// Opens a block collection if `column` is deeper than the current one, before token number
    /// `before` or at the end of the queue.
    fn roll(
        &mut self,
        column: usize,
        before: Option<usize>,
        kind: TokenKind,
        mark: Mark,
    ) -> Result<(), Fault> {
        if self.flow_level > 0 || self.indent.is_some_and(|indent| indent >= column) {
            return Ok(());
        }
        self.indents.push(self.indent);
        self.indent = Some(column);
        if self.indents.len() > MAX_DEPTH {
            let context = self.keys.last().map_or(0, |key| key.line);
            return Err(self.fault_in(context, too_deep()));
        }
        let token = Token::new(kind, mark);
        match before {
            Some(number) => self.insert(number, token),
            None => self.tokens.push_back(token),
        }
        Ok(())
    }

    /// Closes the block collections deeper than `column`; all of them if there is none.
    fn unroll(&mut self, column: Option<usize>, mark: Mark) {
        if self.flow_level > 0 {
            return;
        }
        let mut end = match self.version {
            Version::V2 => self.cursor.mark(),
            Version::V3 => Mark {
                index: mark.index.saturating_sub(1),
                ..mark
            },
        };
        while self.indent > column {
            if let (Some(comments), Some(indent)) = (&self.comments, self.indent) {
                end = comments.block_end(end, indent + 1);
            }
            self.push(TokenKind::BlockEnd, end);
            self.indent = self.indents.pop().flatten();
        }
    }

    fn fetch_stream_end(&mut self) -> Result<(), Fault> {
        if self.cursor.column != 0 {
            self.cursor.column = 0;
            self.cursor.line += 1;
        }
        self.unroll(None, self.cursor.mark());
        self.drop_key()?;
        self.key_allowed = false;
        self.push(TokenKind::StreamEnd, self.cursor.mark());
        Ok(())
    }

    fn fetch_directive(&mut self) -> Result<(), Fault> {
        self.unroll(None, self.cursor.mark());
        self.drop_key()?;
        self.key_allowed = false;
        let token = self.scan_directive()?;
        self.tokens.push_back(token);
        Ok(())
    }

    fn fetch_document_indicator(&mut self, kind: TokenKind) -> Result<(), Fault> {
        self.unroll(None, self.cursor.mark());
        self.drop_key()?;
        self.key_allowed = false;
        self.push(kind, self.cursor.mark());
        self.cursor.skip_ascii(3);
        Ok(())
    }

    fn fetch_flow_start(&mut self, kind: TokenKind) -> Result<(), Fault> {
        self.save_key()?;
        let Cursor {
            index,
            line,
            column,
            ..
        } = self.cursor;
        // The bracket itself may be a key of the level around it, nothing before the next token one
        // of this level.
        let token = self.parsed + self.tokens.len() + 1;
        self.keys.push(SimpleKey {
            possible: false,
            required: false,
            hold: Hold::Unused,
            token,
            index,
            line,
            column,
        });
        self.flow_level += 1;
        if self.flow_level > MAX_DEPTH {
            return Err(self.fault_in(line, too_deep()));
        }
        self.key_allowed = true;
        self.push(kind, self.cursor.mark());
        self.cursor.skip_ascii(1);
        Ok(())
    }

    fn fetch_flow_end(&mut self, kind: TokenKind) -> Result<(), Fault> {
        self.drop_key()?;
        if self.flow_level > 0 {
            self.flow_level -= 1;
            if let (Some(inner), Some(outer)) = (self.keys.pop(), self.keys.last_mut())
                && inner.hold == Hold::Unused
                && outer.token + 1 == inner.token
            {
                outer.hold = Hold::Forgotten;
            }
        }
        self.key_allowed = false;
        self.push(kind, self.cursor.mark());
        self.cursor.skip_ascii(1);
        Ok(())
    }

    fn fetch_flow_entry(&mut self) -> Result<(), Fault> {
        self.drop_key()?;
        self.key_allowed = true;
        self.push(TokenKind::FlowEntry, self.cursor.mark());
        self.cursor.skip_ascii(1);
        Ok(())
    }

    fn fetch_block_entry(&mut self) -> Result<(), Fault> {
        // In flow context the parser reports the dash, because it knows the context.
        if self.flow_level == 0 {
            if !self.key_allowed {
                let problem = "block sequence entries are not allowed in this context";
                return Err(self.fault(problem));
            }
            let mark = self.cursor.mark();
            self.roll(mark.column, None, TokenKind::BlockSequenceStart, mark)?;
        }
        self.drop_key()?;
        self.key_allowed = true;
        self.push(TokenKind::BlockEntry, self.cursor.mark());
        self.cursor.skip_ascii(1);
        Ok(())
    }

    fn fetch_key(&mut self) -> Result<(), Fault> {
        if self.flow_level == 0 {
            if !self.key_allowed {
                return Err(self.fault("mapping keys are not allowed in this context"));
            }
            let mark = self.cursor.mark();
            self.roll(mark.column, None, TokenKind::BlockMappingStart, mark)?;
        }
        self.drop_key()?;
        self.key_allowed = self.flow_level == 0;
        self.push(TokenKind::Key, self.cursor.mark());
        self.cursor.skip_ascii(1);
        Ok(())
    }

    fn fetch_value(&mut self) -> Result<(), Fault> {
        if self.is_key_valid(self.keys.len().saturating_sub(1))? {
            let key = self.keys.last().copied().unwrap_or_default();
            let mark = Mark {
                index: key.index,
                line: key.line,
                column: key.column,
            };
            self.insert(key.token, Token::new(TokenKind::Key, mark));
            let start = TokenKind::BlockMappingStart;
            self.roll(mark.column, Some(key.token), start, mark)?;
            if let Some(key) = self.keys.last_mut() {
                key.possible = false;
            }
            self.key_allowed = false;
        } else {
            if self.flow_level == 0 {
                if !self.key_allowed {
                    return Err(self.fault("mapping values are not allowed in this context"));
                }
                let mark = self.cursor.mark();
                self.roll(mark.column, None, TokenKind::BlockMappingStart, mark)?;
            }
            self.key_allowed = self.flow_level == 0;
        }
        self.push(TokenKind::Value, self.cursor.mark());
        self.cursor.skip_ascii(1);
        Ok(())
    }

    fn fetch_anchor(&mut self, kind: fn(Span) -> TokenKind) -> Result<(), Fault> {
        self.save_key()?;
        self.key_allowed = false;
        let mark = self.cursor.mark();
        self.cursor.skip_ascii(1);
        let start = self.cursor.pos;
        while self.cursor.is_word(0) {
            self.cursor.skip_ascii(1);
        }
        let end = self.cursor.pos;
        let ended = self.cursor.is_blank_or_end(0)
            || matches!(
                self.cursor.at(0),
                b'?' | b':' | b',' | b']' | b'}' | b'%' | b'@' | b'`'
            );
        if start == end || !ended {
            let problem = "did not find expected alphabetic or numeric character";
            return Err(self.fault_in(mark.line, problem));
        }
        self.push(kind(Span { start, end }), mark);
        Ok(())
    }

    fn fetch_tag(&mut self) -> Result<(), Fault> {
        self.save_key()?;
        self.key_allowed = false;
        let token = self.scan_tag()?;
        self.tokens.push_back(token);
        Ok(())
    }

    fn fetch_block_scalar(&mut self, style: ScalarStyle) -> Result<(), Fault> {
        self.drop_key()?;
        self.key_allowed = true;
        let mark = self.cursor.mark();
        let value = Chunk::Owned(self.scan_block_scalar(style)?);
        self.push(TokenKind::Scalar { value, style }, mark);
        Ok(())
    }

    fn fetch_flow_scalar(&mut self, style: ScalarStyle) -> Result<(), Fault> {
        self.save_key()?;
        self.key_allowed = false;
        let mark = self.cursor.mark();
        let value = self.scan_flow_scalar(style)?;
        self.push(TokenKind::Scalar { value, style }, mark);
        Ok(())
    }

    fn fetch_plain_scalar(&mut self) -> Result<(), Fault> {
        self.save_key()?;
        self.key_allowed = false;
        let mark = self.cursor.mark();
        let value = self.scan_plain_scalar()?;
        self.push(
            TokenKind::Scalar {
                value,
                style: ScalarStyle::Plain,
            },
            mark,
        );
        Ok(())
    }

    fn push(&mut self, kind: TokenKind, mark: Mark) {
        self.tokens.push_back(Token::new(kind, mark));
    }

    /// Puts `token` before the one with this number.
    fn insert(&mut self, number: usize, token: Token) {
        // A token that has left already cannot be preceded, and Go appends the new one.
        let at = number.checked_sub(self.parsed).unwrap_or(self.tokens.len());
        self.tokens.insert(at.min(self.tokens.len()), token);
    }

    /// A fault at the current position.
    fn fault(&self, problem: impl Into<Cow<'static, str>>) -> Fault {
        self.fault_in(self.cursor.line, problem)
    }

    /// A fault at the current position inside something that began on `context_line`.
    fn fault_in(&self, context_line: usize, problem: impl Into<Cow<'static, str>>) -> Fault {
        let line = self.cursor.line;
        Fault {
            stage: Stage::Scanner,
            problem: problem.into(),
            context_line,
            line,
        }
    }
}

impl Token {
    const fn new(kind: TokenKind, mark: Mark) -> Self {
        Self {
            kind,
            line: mark.line,
            index: mark.index,
        }
    }
}

fn too_deep() -> String {
    format!("exceeded max depth of {MAX_DEPTH}")
}

/// Unreachable while `fill` keeps its promise.
fn no_token(line: usize) -> Fault {
    let problem = Cow::Borrowed("did not find expected token");
    Fault {
        stage: Stage::Parser,
        problem,
        context_line: line,
        line,
    }
}
