//! Tokens to events, in libyaml's grammar.
//!
//! The parser is a state machine, so nesting costs no stack here. An event's line is that of its
//! first token, counted from 0.
//!
//! Where comments are kept, an event has them beside it ([`Parser::take_comments`]). Block collections have
//! none of their own, as what stands before one belongs to its first entry, unless it is itself the entry of a
//! sequence: then what stands before its `-` is kept aside for it.
//!
//! Source: parserc.go of go.yaml.in/yaml v2 2.4.2 and v3 3.0.3.

mod collection;

use std::borrow::Cow;

use crate::error::{Fault, Stage, Version};
use crate::node::{Comments, ScalarStyle};
use crate::scanner::{Chunk, Scanner, Span, TagParts, TokenKind};

#[derive(Debug)]
pub(crate) struct Event {
    pub(crate) kind: EventKind,
    pub(crate) line: usize,
}

#[derive(Debug)]
pub(crate) enum EventKind {
    StreamStart,
    StreamEnd,
    DocumentStart,
    DocumentEnd,
    Alias(Span),
    Scalar {
        properties: Properties,
        value: Chunk,
        style: ScalarStyle,
    },
    SequenceStart {
        properties: Properties,
        flow: bool,
    },
    SequenceEnd,
    MappingStart {
        properties: Properties,
        flow: bool,
    },
    MappingEnd,
}

/// What may stand before a node. A tag is complete, its handle replaced by what it stands for.
#[derive(Debug, Default)]
pub(crate) struct Properties {
    pub(crate) anchor: Option<Span>,
    pub(crate) tag: Option<Box<str>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    StreamStart,
    ImplicitDocumentStart,
    DocumentStart,
    DocumentContent,
    DocumentEnd,
    BlockNode,
    BlockSequenceFirstEntry,
    BlockSequenceEntry,
    IndentlessSequenceEntry,
    BlockMappingFirstKey,
    BlockMappingKey,
    BlockMappingValue,
    FlowSequenceFirstEntry,
    FlowSequenceEntry,
    FlowSequenceEntryMappingKey,
    FlowSequenceEntryMappingValue,
    FlowSequenceEntryMappingEnd,
    FlowMappingFirstKey,
    FlowMappingKey,
    FlowMappingValue,
    FlowMappingEmptyValue,
    End,
}

/// Which nodes may stand at a place.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Flow,
    Block,
    /// Where a block sequence need not be indented.
    BlockOrIndentless,
}

pub(crate) struct Parser<'a> {
    scanner: Scanner<'a>,
    state: State,
    states: Vec<State>,
    /// Lines on which the open collections began.
    opened: Vec<usize>,
    /// Handles of `%TAG` and what they stand for, in the current document.
    handles: Vec<(String, String)>,
    /// Comments of the last event.
    comments: Option<Box<Comments>>,
    /// The head of a block collection that begins behind a `-`.
    stem: Option<String>,
}

impl<'a> Parser<'a> {
    pub(crate) fn new(text: &'a str, problem: Option<&'static str>, version: Version) -> Self {
        Self::over(Scanner::new(text, problem, version))
    }

    /// As [`Parser::new`] for version 3, with comments kept.
    pub(crate) fn with_comments(text: &'a str, problem: Option<&'static str>) -> Self {
        Self::over(Scanner::with_comments(text, problem))
    }

    fn over(scanner: Scanner<'a>) -> Self {
        Self {
            scanner,
            state: State::StreamStart,
            states: Vec::new(),
            opened: Vec::new(),
            handles: Vec::new(),
            comments: None,
            stem: None,
        }
    }

    pub(crate) const fn keeps_comments(&self) -> bool {
        self.scanner.keeps_comments()
    }

    /// Takes the comments of the event that [`Parser::next`] returned last.
    pub(crate) fn take_comments(&mut self) -> Option<Box<Comments>> {
        self.comments.take()
    }

    /// The text of a span.
    pub(crate) fn text(&self, span: Span) -> &'a str {
        self.scanner.text(span)
    }

    /// The next event; after the last one `StreamEnd` for ever.
    pub(crate) fn next(&mut self) -> Result<Event, Fault> {
        match self.state {
            State::StreamStart => {
                self.state = State::ImplicitDocumentStart;
                let line = self.scanner.next()?.line;
                Ok(Event {
                    kind: EventKind::StreamStart,
                    line,
                })
            }
            State::ImplicitDocumentStart => self.document_start(true),
            State::DocumentStart => self.document_start(false),
            State::DocumentContent => self.document_content(),
            State::DocumentEnd => self.document_end(),
            State::BlockNode => self.node(Place::Block),
            State::BlockSequenceFirstEntry => self.block_sequence_entry(true),
            State::BlockSequenceEntry => self.block_sequence_entry(false),
            State::IndentlessSequenceEntry => self.indentless_sequence_entry(),
            State::BlockMappingFirstKey => self.block_mapping_key(true),
            State::BlockMappingKey => self.block_mapping_key(false),
            State::BlockMappingValue => self.block_mapping_value(),
            State::FlowSequenceFirstEntry => self.flow_sequence_entry(true),
            State::FlowSequenceEntry => self.flow_sequence_entry(false),
            State::FlowSequenceEntryMappingKey => self.flow_sequence_entry_mapping_key(),
            State::FlowSequenceEntryMappingValue => self.flow_sequence_entry_mapping_value(),
            State::FlowSequenceEntryMappingEnd => {
                self.state = State::FlowSequenceEntry;
                let line = self.scanner.peek()?.line;
                Ok(Event {
                    kind: EventKind::MappingEnd,
                    line,
                })
            }
            State::FlowMappingFirstKey => self.flow_mapping_key(true),
            State::FlowMappingKey => self.flow_mapping_key(false),
            State::FlowMappingValue => self.flow_mapping_value(false),
            State::FlowMappingEmptyValue => self.flow_mapping_value(true),
            State::End => Ok(Event {
                kind: EventKind::StreamEnd,
                line: 0,
            }),
        }
    }

    fn document_start(&mut self, implicit: bool) -> Result<Event, Fault> {
        if !implicit {
            while matches!(self.scanner.peek()?.kind, TokenKind::DocumentEnd) {
                self.scanner.next()?;
            }
        }
        let token = self.scanner.peek()?;
        let line = token.line;
        if matches!(token.kind, TokenKind::StreamEnd) {
            self.state = State::End;
            self.scanner.next()?;
            return Ok(Event {
                kind: EventKind::StreamEnd,
                line,
            });
        }
        let explicit = matches!(
            token.kind,
            TokenKind::VersionDirective { .. }
                | TokenKind::TagDirective(_)
                | TokenKind::DocumentStart
        );
        self.directives()?;
        if implicit && !explicit {
            self.split_document_head();
            self.state = State::BlockNode;
        } else {
            let token = self.scanner.peek()?;
            if !matches!(token.kind, TokenKind::DocumentStart) {
                let line = token.line;
                return Err(fault(line, "did not find expected <document start>"));
            }
            self.scanner.next()?;
            self.state = State::DocumentContent;
        }
        self.states.push(State::DocumentEnd);
        Ok(Event {
            kind: EventKind::DocumentStart,
            line,
        })
    }

    fn document_content(&mut self) -> Result<Event, Fault> {
        let token = self.scanner.peek()?;
        let line = token.line;
        match token.kind {
            TokenKind::VersionDirective { .. }
            | TokenKind::TagDirective(_)
            | TokenKind::DocumentStart
            | TokenKind::DocumentEnd
            | TokenKind::StreamEnd => {
                self.pop_state();
                Ok(empty_scalar(line))
            }
            _ => self.node(Place::Block),
        }
    }

    fn document_end(&mut self) -> Result<Event, Fault> {
        let token = self.scanner.peek()?;
        let line = token.line;
        if matches!(token.kind, TokenKind::DocumentEnd) {
            self.scanner.next()?;
        }
        self.handles.clear();
        self.state = State::DocumentStart;
        self.gather_comments();
        if let Some(comments) = &mut self.comments
            && comments.foot.is_empty()
        {
            comments.foot = std::mem::take(&mut comments.head);
        }
        Ok(Event {
            kind: EventKind::DocumentEnd,
            line,
        })
    }

    fn directives(&mut self) -> Result<(), Fault> {
        let mut version_seen = false;
        loop {
            let token = self.scanner.peek()?;
            let line = token.line;
            match token.kind {
                TokenKind::VersionDirective { .. } if version_seen => {
                    return Err(fault(line, "found duplicate %YAML directive"));
                }
                TokenKind::VersionDirective { major: 1, minor: 1 } => version_seen = true,
                TokenKind::VersionDirective { .. } => {
                    return Err(fault(line, "found incompatible YAML document"));
                }
                TokenKind::TagDirective(_) => {}
                _ => break,
            }
            if let TokenKind::TagDirective(parts) = self.scanner.next()?.kind {
                let TagParts {
                    handle,
                    suffix: prefix,
                } = *parts;
                if self.handles.iter().any(|(known, _)| *known == handle) {
                    return Err(fault(line, "found duplicate %TAG directive"));
                }
                self.handles.push((handle, prefix));
            }
        }
        for (handle, prefix) in [("!", "!"), ("!!", crate::node::Tag::CORE)] {
            if self.handles.iter().all(|(known, _)| known != handle) {
                self.handles.push((handle.to_owned(), prefix.to_owned()));
            }
        }
        Ok(())
    }

    fn node(&mut self, place: Place) -> Result<Event, Fault> {
        let line = self.scanner.peek()?.line;
        if let TokenKind::Alias(name) = self.scanner.peek()?.kind {
            self.pop_state();
            self.gather_comments();
            self.scanner.next()?;
            return Ok(Event {
                kind: EventKind::Alias(name),
                line,
            });
        }
        let properties = self.properties(line)?;
        let token = self.scanner.peek()?;
        let block = place != Place::Flow;
        let (state, kind) = match token.kind {
            TokenKind::BlockEntry if place == Place::BlockOrIndentless => (
                State::IndentlessSequenceEntry,
                EventKind::SequenceStart {
                    properties,
                    flow: false,
                },
            ),
            TokenKind::Scalar { .. } => return self.scalar(properties, line),
            TokenKind::FlowSequenceStart => (
                State::FlowSequenceFirstEntry,
                EventKind::SequenceStart {
                    properties,
                    flow: true,
                },
            ),
            TokenKind::FlowMappingStart => (
                State::FlowMappingFirstKey,
                EventKind::MappingStart {
                    properties,
                    flow: true,
                },
            ),
            TokenKind::BlockSequenceStart if block => (
                State::BlockSequenceFirstEntry,
                EventKind::SequenceStart {
                    properties,
                    flow: false,
                },
            ),
            TokenKind::BlockMappingStart if block => (
                State::BlockMappingFirstKey,
                EventKind::MappingStart {
                    properties,
                    flow: false,
                },
            ),
            _ if properties.anchor.is_some() || properties.tag.is_some() => {
                self.pop_state();
                let value = Chunk::Owned(String::new());
                let style = ScalarStyle::Plain;
                let kind = EventKind::Scalar {
                    properties,
                    value,
                    style,
                };
                return Ok(Event { kind, line });
            }
            _ => {
                let at = token.line;
                return Err(fault_in(line, "did not find expected node content", at));
            }
        };
        self.state = state;
        match kind {
            EventKind::SequenceStart { flow: true, .. }
            | EventKind::MappingStart { flow: true, .. } => self.gather_comments(),
            _ if self.stem.is_some() && state != State::IndentlessSequenceEntry => {
                self.comments = self.take_stem();
            }
            _ => {}
        }
        Ok(Event { kind, line })
    }

    fn scalar(&mut self, properties: Properties, line: usize) -> Result<Event, Fault> {
        self.pop_state();
        self.gather_comments();
        let TokenKind::Scalar { value, style } = self.scanner.next()?.kind else {
            return Ok(empty_scalar(line));
        };
        let kind = EventKind::Scalar {
            properties,
            value,
            style,
        };
        Ok(Event { kind, line })
    }

    /// Reads an anchor and a tag in either order.
    fn properties(&mut self, line: usize) -> Result<Properties, Fault> {
        let mut properties = Properties::default();
        for _ in 0..2 {
            match self.scanner.peek()?.kind {
                TokenKind::Anchor(name) if properties.anchor.is_none() => {
                    properties.anchor = Some(name);
                    self.scanner.next()?;
                }
                TokenKind::Tag(_) if properties.tag.is_none() => {
                    let token = self.scanner.next()?;
                    if let TokenKind::Tag(parts) = token.kind {
                        properties.tag = Some(self.complete_tag(&parts).ok_or_else(|| {
                            fault_in(line, "found undefined tag handle", token.line)
                        })?);
                    }
                }
                _ => break,
            }
        }
        Ok(properties)
    }

    fn complete_tag(&self, parts: &TagParts) -> Option<Box<str>> {
        let TagParts { handle, suffix } = parts;
        if handle.is_empty() {
            return Some(suffix.as_str().into());
        }
        let (_, prefix) = self.handles.iter().find(|(known, _)| known == handle)?;
        Some(format!("{prefix}{suffix}").into())
    }

    /// Gives the event that is about to be returned the comments read so far.
    #[inline]
    fn gather_comments(&mut self) {
        if self.scanner.keeps_comments() {
            self.comments = self.scanner.take_comments();
            self.stem = None;
        }
    }

    fn take_stem(&mut self) -> Option<Box<Comments>> {
        let head = self.stem.take()?;
        let comments = Comments {
            head,
            ..Comments::default()
        };
        comments.boxed()
    }

    /// Makes what stands before the last empty line of the head comment that of the document.
    fn split_document_head(&mut self) {
        let Some(comment) = self.scanner.head_comment() else {
            return;
        };
        let (end, rest) = match comment.rfind("\n\n") {
            _ if comment.len() > 1 && comment.ends_with('\n') => (comment.len() - 1, comment.len()),
            Some(at) => (at, at + 2),
            None => return,
        };
        let rest = comment.split_off(rest);
        let mut head = std::mem::replace(comment, rest);
        head.truncate(end);
        let comments = Comments {
            head,
            ..Comments::default()
        };
        self.comments = comments.boxed();
    }

    fn pop_state(&mut self) {
        self.state = self.states.pop().unwrap_or(State::End);
    }

    fn pop_opened(&mut self) -> usize {
        self.opened.pop().unwrap_or(0)
    }
}

fn empty_scalar(line: usize) -> Event {
    let kind = EventKind::Scalar {
        properties: Properties::default(),
        value: Chunk::Span(Span { start: 0, end: 0 }),
        style: ScalarStyle::Plain,
    };
    Event { kind, line }
}

/// A fault of the parser at a token on `line`.
const fn fault(line: usize, problem: &'static str) -> Fault {
    fault_in(0, problem, line)
}

const fn fault_in(context_line: usize, problem: &'static str, line: usize) -> Fault {
    Fault {
        stage: Stage::Parser,
        problem: Cow::Borrowed(problem),
        context_line,
        line,
    }
}
