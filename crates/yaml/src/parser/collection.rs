//! Entries of sequences and mappings, in block and flow style.

use crate::error::Fault;
use crate::scanner::TokenKind;

use super::{Event, EventKind, Parser, Place, Properties, State, empty_scalar, fault_in};

impl Parser<'_> {
    pub(super) fn block_sequence_entry(&mut self, first: bool) -> Result<Event, Fault> {
        if first {
            self.open()?;
        }
        let token = self.scanner.peek()?;
        let line = token.line;
        match token.kind {
            TokenKind::BlockEntry => {
                self.entry()?;
                match self.scanner.peek()?.kind {
                    TokenKind::BlockEntry | TokenKind::BlockEnd => {
                        self.state = State::BlockSequenceEntry;
                        Ok(empty_scalar(line))
                    }
                    _ => {
                        self.states.push(State::BlockSequenceEntry);
                        self.node(Place::Block)
                    }
                }
            }
            TokenKind::BlockEnd => self.close(EventKind::SequenceEnd),
            _ => {
                let context = self.pop_opened();
                Err(fault_in(
                    context,
                    "did not find expected '-' indicator",
                    line,
                ))
            }
        }
    }

    pub(super) fn indentless_sequence_entry(&mut self) -> Result<Event, Fault> {
        let token = self.scanner.peek()?;
        let line = token.line;
        if !matches!(token.kind, TokenKind::BlockEntry) {
            self.pop_state();
            return Ok(Event {
                kind: EventKind::SequenceEnd,
                line,
            });
        }
        self.entry()?;
        match self.scanner.peek()?.kind {
            TokenKind::BlockEntry | TokenKind::Key | TokenKind::Value | TokenKind::BlockEnd => {
                self.state = State::IndentlessSequenceEntry;
                Ok(empty_scalar(line))
            }
            _ => {
                self.states.push(State::IndentlessSequenceEntry);
                self.node(Place::Block)
            }
        }
    }

    pub(super) fn block_mapping_key(&mut self, first: bool) -> Result<Event, Fault> {
        if first {
            self.open()?;
        }
        let token = self.scanner.peek()?;
        let line = token.line;
        match token.kind {
            TokenKind::Key => {
                self.scanner.next()?;
                self.block_mapping_node(State::BlockMappingValue, line)
            }
            TokenKind::BlockEnd => {
                self.gather_comments();
                self.close(EventKind::MappingEnd)
            }
            _ => {
                let context = self.pop_opened();
                Err(fault_in(context, "did not find expected key", line))
            }
        }
    }

    pub(super) fn block_mapping_value(&mut self) -> Result<Event, Fault> {
        let token = self.scanner.peek()?;
        let line = token.line;
        if matches!(token.kind, TokenKind::Value) {
            self.scanner.next()?;
            return self.block_mapping_node(State::BlockMappingKey, line);
        }
        self.state = State::BlockMappingKey;
        Ok(empty_scalar(line))
    }

    /// A key or value after its indicator, which may be missing.
    fn block_mapping_node(&mut self, then: State, line: usize) -> Result<Event, Fault> {
        match self.scanner.peek()?.kind {
            TokenKind::Key | TokenKind::Value | TokenKind::BlockEnd => {
                self.state = then;
                Ok(empty_scalar(line))
            }
            _ => {
                self.states.push(then);
                self.node(Place::BlockOrIndentless)
            }
        }
    }

    pub(super) fn flow_sequence_entry(&mut self, first: bool) -> Result<Event, Fault> {
        if first {
            self.open()?;
        }
        if !matches!(self.scanner.peek()?.kind, TokenKind::FlowSequenceEnd) {
            if !first {
                self.flow_entry("did not find expected ',' or ']'")?;
            }
            let token = self.scanner.peek()?;
            let line = token.line;
            match token.kind {
                TokenKind::Key => {
                    self.scanner.next()?;
                    self.state = State::FlowSequenceEntryMappingKey;
                    let properties = Properties::default();
                    let kind = EventKind::MappingStart {
                        properties,
                        flow: true,
                    };
                    return Ok(Event { kind, line });
                }
                TokenKind::FlowSequenceEnd => {}
                _ => {
                    self.states.push(State::FlowSequenceEntry);
                    return self.node(Place::Flow);
                }
            }
        }
        self.gather_comments();
        self.close(EventKind::SequenceEnd)
    }

    pub(super) fn flow_sequence_entry_mapping_key(&mut self) -> Result<Event, Fault> {
        let token = self.scanner.peek()?;
        let line = token.line;
        match token.kind {
            TokenKind::Value | TokenKind::FlowEntry | TokenKind::FlowSequenceEnd => {
                // Go drops the token, so that `[? , a]` swallows its comma.
                self.scanner.next()?;
                self.state = State::FlowSequenceEntryMappingValue;
                Ok(empty_scalar(line))
            }
            _ => {
                self.states.push(State::FlowSequenceEntryMappingValue);
                self.node(Place::Flow)
            }
        }
    }

    pub(super) fn flow_sequence_entry_mapping_value(&mut self) -> Result<Event, Fault> {
        let token = self.scanner.peek()?;
        let line = token.line;
        if matches!(token.kind, TokenKind::Value) {
            self.scanner.next()?;
            match self.scanner.peek()?.kind {
                TokenKind::FlowEntry | TokenKind::FlowSequenceEnd => {}
                _ => {
                    self.states.push(State::FlowSequenceEntryMappingEnd);
                    return self.node(Place::Flow);
                }
            }
        }
        self.state = State::FlowSequenceEntryMappingEnd;
        Ok(empty_scalar(line))
    }

    pub(super) fn flow_mapping_key(&mut self, first: bool) -> Result<Event, Fault> {
        if first {
            self.open()?;
        }
        if !matches!(self.scanner.peek()?.kind, TokenKind::FlowMappingEnd) {
            if !first {
                self.flow_entry("did not find expected ',' or '}'")?;
            }
            match self.scanner.peek()?.kind {
                TokenKind::Key => {
                    self.scanner.next()?;
                    return self.flow_mapping_node(State::FlowMappingValue);
                }
                TokenKind::FlowMappingEnd => {}
                _ => {
                    self.states.push(State::FlowMappingEmptyValue);
                    return self.node(Place::Flow);
                }
            }
        }
        self.gather_comments();
        self.close(EventKind::MappingEnd)
    }

    pub(super) fn flow_mapping_value(&mut self, empty: bool) -> Result<Event, Fault> {
        let token = self.scanner.peek()?;
        let line = token.line;
        if !empty && matches!(token.kind, TokenKind::Value) {
            self.scanner.next()?;
            if !matches!(
                self.scanner.peek()?.kind,
                TokenKind::FlowEntry | TokenKind::FlowMappingEnd
            ) {
                self.states.push(State::FlowMappingKey);
                return self.node(Place::Flow);
            }
        }
        self.state = State::FlowMappingKey;
        Ok(empty_scalar(line))
    }

    /// A key after `?`, which may be missing.
    fn flow_mapping_node(&mut self, then: State) -> Result<Event, Fault> {
        let token = self.scanner.peek()?;
        let line = token.line;
        match token.kind {
            TokenKind::Value | TokenKind::FlowEntry | TokenKind::FlowMappingEnd => {
                self.state = then;
                Ok(empty_scalar(line))
            }
            _ => {
                self.states.push(then);
                self.node(Place::Flow)
            }
        }
    }

    fn flow_entry(&mut self, problem: &'static str) -> Result<(), Fault> {
        let token = self.scanner.peek()?;
        if !matches!(token.kind, TokenKind::FlowEntry) {
            let line = token.line;
            let context = self.pop_opened();
            return Err(fault_in(context, problem, line));
        }
        self.scanner.next()?;
        Ok(())
    }

    /// Steps over a `-`. What stands before it is the head of a block collection behind it.
    fn entry(&mut self) -> Result<(), Fault> {
        if !self.scanner.keeps_comments() {
            self.scanner.next()?;
            return Ok(());
        }
        let length = self.scanner.head_comment().map_or(0, |head| head.len());
        self.scanner.next()?;
        if length > 0
            && let TokenKind::BlockSequenceStart | TokenKind::BlockMappingStart =
                self.scanner.peek()?.kind
            && let Some(head) = self.scanner.head_comment()
        {
            let mut rest = head.split_off(length);
            if rest.starts_with('\n') {
                rest.remove(0);
            }
            self.stem = Some(std::mem::replace(head, rest));
        }
        Ok(())
    }

    /// Steps over the token that starts a collection.
    fn open(&mut self) -> Result<(), Fault> {
        let line = self.scanner.next()?.line;
        self.opened.push(line);
        Ok(())
    }

    /// Steps over the token that ends one.
    fn close(&mut self, kind: EventKind) -> Result<Event, Fault> {
        let line = self.scanner.next()?.line;
        self.pop_state();
        self.pop_opened();
        Ok(Event { kind, line })
    }
}
