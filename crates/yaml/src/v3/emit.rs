//! A tree as YAML in document order and in the styles it was read in.
//!
//! Indentation is 2, sequences are not indented under their key, lines are never folded: kyaml's
//! settings.
//!
//! A comment is announced with the node that it belongs to and written when its place comes. If another one is
//! announced before that, the first is lost, as in go-yaml.
//!
//! Source: encode.go and emitterc.go of go.yaml.in/yaml/v3 3.0.3; `String` in kyaml 0.21.1.

mod comment;

use crate::document::Document;
use crate::emit::{Analysis, Place, Writer, choose_style, write_scalar};
use crate::error::Version;
use crate::node::{Mapping, Node, Scalar, ScalarStyle, Sequence, Tag};
use crate::resolve::resolve_plain;

use comment::Announced;

/// Longest key that is written without `?`, in bytes, its tag included.
const MAX_SIMPLE_KEY: usize = 128;

/// Appends the node as a document without markers, ended by a line break.
pub fn emit(node: &Node, out: &mut Vec<u8>) {
    emit_between("", node, "", out);
}

/// Appends a document without markers, with its comments, ended by a line break.
///
/// Source: `Encode` of a document node in go.yaml.in/yaml/v3 3.0.3.
pub fn emit_document(document: &Document, out: &mut Vec<u8>) {
    emit_between(&document.head, &document.root, &document.foot, out);
}

fn emit_between(head: &str, node: &Node, foot: &str, out: &mut Vec<u8>) {
    let mut emitter = Emitter {
        writer: Writer::new(out, Version::V3),
        comments: Announced::default(),
    };
    emitter.document_head(head);
    emitter.announce(node);
    emitter.head(0);
    emitter.node(node, Context::default());
    emitter.document_foot(foot);
    emitter.writer.put_indent(0);
}

/// Where a node stands.
#[derive(Clone, Copy, Debug, Default)]
struct Context {
    /// Column of the collection around the node; none at the root.
    indent: Option<usize>,
    flow: bool,
    role: Role,
}

/// What a node is to the collection around it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Role {
    /// The root, or an item of a sequence.
    #[default]
    Item,
    /// A key without `?`.
    SimpleKey,
    /// A key after `?`.
    LongKey,
    Value,
}

impl Context {
    /// That of a key or value in a mapping.
    const fn part(indent: usize, flow: bool, role: Role) -> Self {
        Self {
            indent: Some(indent),
            flow,
            role,
        }
    }

    const fn is_key(self) -> bool {
        matches!(self.role, Role::SimpleKey | Role::LongKey)
    }

    fn deeper(self) -> usize {
        self.indent.map_or(0, |indent| indent + 2)
    }
}

struct Emitter<'a, 'n> {
    writer: Writer<'a>,
    comments: Announced<'n>,
}

impl<'n> Emitter<'_, 'n> {
    /// Writes a node whose comments were announced.
    fn node(&mut self, node: &'n Node, context: Context) {
        match node {
            Node::Scalar(scalar) => {
                self.scalar(scalar, context);
                self.begun(context);
            }
            Node::Sequence(sequence) => self.sequence(sequence, context),
            Node::Mapping(mapping) => self.mapping(mapping, context),
        }
    }

    fn scalar(&mut self, scalar: &Scalar, context: Context) {
        let text = scalar.text.as_str();
        let (tag, quote) = presentation(scalar);
        let wish = match scalar.style {
            ScalarStyle::Plain if text.contains('\n') => ScalarStyle::Literal,
            ScalarStyle::Plain if quote => ScalarStyle::DoubleQuoted,
            style => style,
        };
        let analysis = Analysis::of(text, Version::V3);
        let place = Place {
            flow: context.flow,
            simple_key: context.role == Role::SimpleKey,
            indent: context.indent.map_or(2, |indent| indent + 2),
        };
        let style = choose_style(text, analysis, wish, place);
        if let Some(tag) = tag {
            self.tag(tag);
        }
        let comment = match style {
            ScalarStyle::Literal | ScalarStyle::Folded => self.comments.take_line(),
            _ => "",
        };
        write_scalar(&mut self.writer, text, analysis, style, place, comment);
    }

    fn sequence(&mut self, sequence: &'n Sequence, context: Context) {
        if let Some(tag) = collection_tag(&sequence.tag, sequence.explicit_tag, &Tag::Seq) {
            self.tag(tag);
        }
        self.begun(context);
        if context.flow || sequence.flow || sequence.items.is_empty() {
            self.flow_sequence(sequence, context);
            return;
        }
        let compact =
            context.role != Role::Item && (self.writer.column == 0 || !self.writer.indention);
        let indent = match context.indent {
            Some(indent) if compact => indent,
            _ => context.deeper(),
        };
        for item in &sequence.items {
            self.announce(item);
            self.head(indent);
            self.writer.put_indent(indent);
            self.writer.put_indicator("-", true);
            self.node(
                item,
                Context {
                    indent: Some(indent),
                    ..Context::default()
                },
            );
        }
        self.announce_end(sequence.comments.as_deref(), "", context);
    }

    fn flow_sequence(&mut self, sequence: &'n Sequence, context: Context) {
        self.writer.put_open("[");
        let indent = context.indent.map_or(2, |indent| indent + 2);
        let mut separated = true;
        for item in &sequence.items {
            if !separated {
                self.writer.put_suffix(",");
            }
            self.announce(item);
            self.flow_head(indent);
            separated = self.comments.has_trailing();
            self.node(
                item,
                Context {
                    indent: Some(indent),
                    flow: true,
                    ..Context::default()
                },
            );
        }
        self.announce_end(sequence.comments.as_deref(), "", context);
        let outer = context.indent.unwrap_or(0);
        if self.writer.column == 0 {
            self.writer.put_indent(outer);
        }
        self.writer.put_suffix("]");
        self.trail(outer);
    }

    fn mapping(&mut self, mapping: &'n Mapping, context: Context) {
        if let Some(tag) = collection_tag(&mapping.tag, mapping.explicit_tag, &Tag::Map) {
            self.tag(tag);
        }
        self.begun(context);
        if context.flow || mapping.flow || mapping.is_empty() {
            self.flow_mapping(mapping, context);
            return;
        }
        let indent = context.deeper();
        let mut foot = "";
        for (key, value) in mapping.iter() {
            self.announce_key(key, foot);
            foot = key.comments().map_or("", |comments| &comments.foot);
            self.head(indent);
            self.writer.put_indent(indent);
            self.comments.keep_line_of_key();
            self.key(key, indent, false);
            self.announce(value);
            self.line_of_key(value, indent);
            self.node(value, Context::part(indent, false, Role::Value));
        }
        self.announce_end(mapping.comments.as_deref(), foot, context);
        self.head(indent);
    }

    fn flow_mapping(&mut self, mapping: &'n Mapping, context: Context) {
        self.writer.put_open("{");
        let indent = context.indent.map_or(2, |indent| indent + 2);
        let mut separated = true;
        let mut foot = "";
        for (key, value) in mapping.iter() {
            if !separated {
                self.writer.put_suffix(",");
            }
            self.announce_key(key, foot);
            foot = key.comments().map_or("", |comments| &comments.foot);
            self.flow_head(indent);
            self.key(key, indent, true);
            self.announce(value);
            separated = self.comments.has_trailing();
            self.node(value, Context::part(indent, true, Role::Value));
        }
        self.announce_end(mapping.comments.as_deref(), foot, context);
        if !separated && self.comments.has_own_lines() {
            self.writer.put_suffix(",");
        }
        self.head(indent);
        self.writer.put_suffix("}");
        self.trail(context.indent.unwrap_or(0));
    }

    /// Writes a key, and the `:` behind it.
    fn key(&mut self, key: &'n Node, indent: usize, flow: bool) {
        if is_simple_key(key) {
            self.node(key, Context::part(indent, flow, Role::SimpleKey));
            self.writer.put_suffix(":");
            return;
        }
        self.writer.put_indicator("?", !flow);
        self.node(key, Context::part(indent, flow, Role::LongKey));
        if !flow {
            self.writer.put_indent(indent);
        }
        self.writer.put_indicator(":", !flow);
    }

    fn tag(&mut self, tag: &Tag) {
        self.writer.put_space();
        let (handle, suffix) = split_tag(tag);
        self.writer.put_str(handle);
        for byte in suffix.bytes() {
            if byte.is_ascii_alphanumeric() || b"_-;/?:@&=+$,.~*'()[]".contains(&byte) {
                self.writer.put(char::from(byte));
            } else {
                self.writer.put_str(&format!("%{byte:02X}"));
            }
        }
        if handle == "!<" {
            self.writer.put('>');
        }
        self.writer.put_suffix("");
    }
}

/// The tag to write before a scalar, and whether the text needs quotes to remain a string.
fn presentation(scalar: &Scalar) -> (Option<&Tag>, bool) {
    if scalar.tag == Tag::None {
        return (None, false);
    }
    if scalar.explicit_tag {
        return (Some(&scalar.tag), false);
    }
    if scalar.tag == Tag::Str && scalar.style != ScalarStyle::Plain {
        return (None, false);
    }
    if resolve_plain(&scalar.text, Version::V3).tag() == scalar.tag {
        return (None, false);
    }
    if scalar.tag == Tag::Str {
        (None, true)
    } else {
        (Some(&scalar.tag), false)
    }
}

fn collection_tag<'a>(tag: &'a Tag, explicit: bool, implied: &Tag) -> Option<&'a Tag> {
    (*tag != Tag::None && (explicit || tag != implied)).then_some(tag)
}

fn split_tag(tag: &Tag) -> (&str, &str) {
    let name = tag.as_str();
    if let Some(suffix) = name.strip_prefix("!!") {
        return ("!!", suffix);
    }
    match name.strip_prefix('!') {
        Some(suffix) => ("!", suffix),
        None => ("!<", name),
    }
}

fn is_simple_key(key: &Node) -> bool {
    let tag_len = |tag: Option<&Tag>| tag.map_or(0, |tag| tag.as_str().len());
    let length = match key {
        Node::Scalar(scalar) => {
            if Analysis::of(&scalar.text, Version::V3).multiline {
                return false;
            }
            tag_len(presentation(scalar).0) + scalar.text.len()
        }
        Node::Sequence(sequence) if sequence.items.is_empty() => tag_len(collection_tag(
            &sequence.tag,
            sequence.explicit_tag,
            &Tag::Seq,
        )),
        Node::Mapping(mapping) if mapping.is_empty() => tag_len(collection_tag(
            &mapping.tag,
            mapping.explicit_tag,
            &Tag::Map,
        )),
        _ => return false,
    };
    length <= MAX_SIMPLE_KEY
}
