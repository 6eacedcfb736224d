//! A tree as YAML in document order and in the styles it was read in.
//!
//! Indentation is 2, sequences are not indented under their key, lines are never folded: kyaml's
//! settings.
//!
//! Source: encode.go and emitterc.go of go.yaml.in/yaml/v3 3.0.3; `String` in kyaml 0.21.1.

use crate::emit::{Analysis, Place, Writer, choose_style, write_scalar};
use crate::error::Version;
use crate::node::{Mapping, Node, Scalar, ScalarStyle, Sequence, Tag};
use crate::resolve::resolve_plain;

/// Longest key that is written without `?`, in bytes, its tag included.
const MAX_SIMPLE_KEY: usize = 128;

/// Appends the node as a document without markers, ended by a line break.
pub fn emit(node: &Node, out: &mut Vec<u8>) {
    let mut emitter = Emitter {
        writer: Writer::new(out, Version::V3),
    };
    emitter.node(node, Context::default());
    emitter.writer.put_indent(0);
}

/// Where a node stands.
#[derive(Clone, Copy, Debug, Default)]
struct Context {
    /// Column of the collection around the node; none at the root.
    indent: Option<usize>,
    flow: bool,
    in_mapping: bool,
    simple_key: bool,
}

impl Context {
    fn deeper(self) -> usize {
        self.indent.map_or(0, |indent| indent + 2)
    }
}

struct Emitter<'a> {
    writer: Writer<'a>,
}

impl Emitter<'_> {
    fn node(&mut self, node: &Node, context: Context) {
        match node {
            Node::Scalar(scalar) => self.scalar(scalar, context),
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
            simple_key: context.simple_key,
            indent: context.indent.map_or(2, |indent| indent + 2),
        };
        let style = choose_style(text, analysis, wish, place);
        if let Some(tag) = tag {
            self.tag(tag);
        }
        write_scalar(&mut self.writer, text, analysis, style, place);
    }

    fn sequence(&mut self, sequence: &Sequence, context: Context) {
        if let Some(tag) = collection_tag(&sequence.tag, sequence.explicit_tag, &Tag::Seq) {
            self.tag(tag);
        }
        if context.flow || sequence.flow || sequence.items.is_empty() {
            self.writer.put_open("[");
            let indent = Some(context.indent.map_or(2, |indent| indent + 2));
            for (number, item) in sequence.items.iter().enumerate() {
                if number > 0 {
                    self.writer.put_suffix(",");
                }
                self.node(
                    item,
                    Context {
                        indent,
                        flow: true,
                        ..Context::default()
                    },
                );
            }
            self.writer.put_suffix("]");
            return;
        }
        let compact = context.in_mapping && (self.writer.column == 0 || !self.writer.indention);
        let indent = match context.indent {
            Some(indent) if compact => indent,
            _ => context.deeper(),
        };
        for item in &sequence.items {
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
    }

    fn mapping(&mut self, mapping: &Mapping, context: Context) {
        if let Some(tag) = collection_tag(&mapping.tag, mapping.explicit_tag, &Tag::Map) {
            self.tag(tag);
        }
        let flow = context.flow || mapping.flow || mapping.is_empty();
        let indent = match context.indent {
            None if flow => 2,
            _ => context.deeper(),
        };
        let inside = Context {
            indent: Some(indent),
            flow,
            in_mapping: true,
            simple_key: false,
        };
        if flow {
            self.writer.put_open("{");
        }
        for (number, (key, value)) in mapping.iter().enumerate() {
            if !flow {
                self.writer.put_indent(indent);
            } else if number > 0 {
                self.writer.put_suffix(",");
            }
            if is_simple_key(key) {
                self.node(
                    key,
                    Context {
                        simple_key: true,
                        ..inside
                    },
                );
                self.writer.put_suffix(":");
            } else {
                self.writer.put_indicator("?", !flow);
                self.node(key, inside);
                if !flow {
                    self.writer.put_indent(indent);
                }
                self.writer.put_indicator(":", !flow);
            }
            self.node(value, inside);
        }
        if flow {
            self.writer.put_suffix("}");
        }
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
