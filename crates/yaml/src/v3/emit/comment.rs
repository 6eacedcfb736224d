//! Comments between being announced and being written.
//!
//! Source: `node` in encode.go, `yaml_emitter_analyze_event` and `yaml_emitter_process_*_comment` in emitterc.go
//! of go.yaml.in/yaml/v3 3.0.3.

use crate::node::{Comments, Node};

use super::{Context, Emitter};

/// What waits for its place; empty if nothing does.
#[derive(Default)]
pub(super) struct Announced<'n> {
    /// Anything was ever announced; without comments there is nothing to look for.
    any: bool,
    head: &'n str,
    line: &'n str,
    foot: &'n str,
    /// Foot of the mapping's key before.
    tail: &'n str,
    /// Line comment of a key, which is written behind the `:` or the value.
    key_line: &'n str,
}

impl<'n> Announced<'n> {
    pub(super) fn take_line(&mut self) -> &'n str {
        std::mem::take(&mut self.line)
    }

    /// Sets the line comment of a key aside.
    pub(super) fn keep_line_of_key(&mut self) {
        if !self.line.is_empty() {
            self.key_line = self.take_line();
        }
    }

    /// Whether there are comments that come after their node, and after the comma behind it.
    pub(super) const fn has_trailing(&self) -> bool {
        !(self.line.is_empty() && self.foot.is_empty() && self.tail.is_empty())
    }

    /// Whether there are comments on lines of their own.
    pub(super) const fn has_own_lines(&self) -> bool {
        !(self.head.is_empty() && self.foot.is_empty() && self.tail.is_empty())
    }

    #[cold]
    fn add(&mut self, head: &'n str, line: &'n str, foot: &'n str, tail: &'n str) {
        for (place, new) in [
            (&mut self.head, head),
            (&mut self.line, line),
            (&mut self.foot, foot),
            (&mut self.tail, tail),
        ] {
            if !new.is_empty() {
                *place = new;
                self.any = true;
            }
        }
    }
}

impl<'n> Emitter<'_, 'n> {
    /// Announces what a node other than a key begins with.
    pub(super) fn announce(&mut self, node: &'n Node) {
        if let Some(comments) = node.comments() {
            match node {
                Node::Scalar(_) => {
                    let Comments { head, line, foot } = comments;
                    self.comments.add(head, line, foot, "");
                }
                _ => self.comments.add(&comments.head, "", "", ""),
            }
        }
    }

    /// Announces what a key begins with. `tail` is the foot of the key before.
    pub(super) fn announce_key(&mut self, key: &'n Node, tail: &'n str) {
        if tail.is_empty() && key.comments().is_none() {
            return;
        }
        let (head, line) = key.comments().map_or(("", ""), |it| (&it.head, &it.line));
        match key {
            Node::Scalar(_) => self.comments.add(head, line, "", tail),
            Node::Sequence(_) => self.comments.add(head, "", "", ""),
            Node::Mapping(_) => self.comments.add(head, "", "", tail),
        }
    }

    /// Announces what a collection at `context` ends with. `tail` is the foot of a mapping's last key.
    pub(super) fn announce_end(
        &mut self,
        comments: Option<&'n Comments>,
        tail: &'n str,
        context: Context,
    ) {
        if tail.is_empty() && comments.is_none() {
            return;
        }
        let (line, foot) = comments.map_or(("", ""), |it| (&it.line, &it.foot));
        let foot = if context.is_key() { "" } else { foot };
        self.comments.add("", line, foot, tail);
    }

    pub(super) fn document_head(&mut self, comment: &'n str) {
        if !comment.is_empty() {
            self.comments.add(comment, "", "", "");
            self.head(0);
            self.writer.put_break();
        }
    }

    pub(super) fn document_foot(&mut self, comment: &'n str) {
        self.comments.add("", "", comment, "");
        self.writer.foot_indent = Some(0);
        self.foot(0);
        self.writer.foot_indent = None;
    }

    /// Writes what comes before a node.
    pub(super) fn head(&mut self, indent: usize) {
        if !self.comments.any {
            return;
        }
        let tail = std::mem::take(&mut self.comments.tail);
        if !tail.is_empty() {
            self.writer.put_indent(indent);
            self.writer.put_comment(tail, indent);
            self.writer.foot_indent = Some(indent);
        }
        let head = std::mem::take(&mut self.comments.head);
        if !head.is_empty() {
            self.writer.put_indent(indent);
            self.writer.put_comment(head, indent);
        }
    }

    /// As [`Emitter::head`] in a flow collection, which needs no new line otherwise.
    pub(super) fn flow_head(&mut self, indent: usize) {
        self.head(indent);
        if self.writer.column == 0 {
            self.writer.put_indent(indent);
        }
    }

    /// Writes what comes after a scalar, or after the place where a collection begins.
    pub(super) fn begun(&mut self, context: Context) {
        if !self.comments.any || context.is_key() {
            return;
        }
        if context.flow && self.comments.has_trailing() {
            self.writer.put_suffix(",");
        }
        self.trail(context.indent.unwrap_or(0));
    }

    /// Writes what comes after something, first on its line.
    pub(super) fn trail(&mut self, indent: usize) {
        let line = self.comments.take_line();
        self.line(line, indent);
        self.foot(indent);
    }

    /// Writes the line comment of a key before its value, if that goes on on the next line.
    pub(super) fn line_of_key(&mut self, value: &Node, indent: usize) {
        if self.comments.key_line.is_empty() {
            return;
        }
        let block = match value {
            Node::Scalar(_) => {
                if self.comments.line.is_empty() {
                    self.comments.line = std::mem::take(&mut self.comments.key_line);
                }
                return;
            }
            Node::Sequence(sequence) => !sequence.flow,
            Node::Mapping(mapping) => !mapping.flow,
        };
        if block {
            let line = std::mem::take(&mut self.comments.key_line);
            self.line(line, indent);
        }
    }

    fn line(&mut self, comment: &str, indent: usize) {
        if !comment.is_empty() {
            self.writer.put_space();
            self.writer.put_comment(comment, indent);
        }
    }

    fn foot(&mut self, indent: usize) {
        let foot = std::mem::take(&mut self.comments.foot);
        if !foot.is_empty() {
            self.writer.put_indent(indent);
            self.writer.put_comment(foot, indent);
            self.writer.foot_indent = Some(indent);
        }
    }
}
