//! Events to nodes.
//!
//! Aliases are replaced by copies of what they name as soon as they are read. An anchor is kept as
//! the way to its node (child numbers from the stream down), so that only aliases cost a copy. How
//! much of a document may come from aliases is limited as in go-yaml, and how deep nodes nest is
//! limited to [`MAX_DEPTH`], aliases included, so that recursion over a tree is safe everywhere.
//!
//! Where comments are kept, the foot of a mapping's value becomes that of its key, and the foot of a key that
//! of the key before it.
//!
//! Source: decode.go of go.yaml.in/yaml v2 2.4.2 and v3 3.0.3. Go copies aliases while it decodes;
//! its limit of 10,000 levels of nesting is ours of [`MAX_DEPTH`].

mod anchors;
mod comments;

use std::sync::Arc;

use crate::document::Document;
use crate::error::{ParseError, Version};
use crate::node::{Comments, Mapping, Node, Scalar, ScalarStyle, Sequence, Tag, Text};
use crate::parser::{Event, EventKind, Parser, Properties};
use crate::reader::Input;
use crate::resolve::resolve_plain;
use crate::scanner::{Chunk, Span};

use anchors::{Anchors, Link};

/// How deep nodes may nest.
pub const MAX_DEPTH: usize = 500;

/// How many documents of a stream to read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    First,
    All,
}

pub(crate) fn compose(
    input: &Input<'_>,
    version: Version,
    extent: Extent,
) -> Result<Vec<Node>, ParseError> {
    let source: Arc<str> = Arc::from(input.text.as_ref());
    let parser = Parser::new(&input.text, input.problem, version);
    let mut composer = Composer::new(parser, &source, version);
    composer.run(extent)?;
    Ok(composer.documents)
}

/// Reads the first document as version 3 does, with its comments.
pub(crate) fn compose_document(input: &Input<'_>) -> Result<Option<Document>, ParseError> {
    let source: Arc<str> = Arc::from(input.text.as_ref());
    let parser = Parser::with_comments(&input.text, input.problem);
    let mut composer = Composer::new(parser, &source, Version::V3);
    composer.run(Extent::First)?;
    let anchored = !composer.anchors.is_empty();
    Ok(composer.documents.pop().map(|root| Document {
        root,
        head: composer.document_comments.head,
        foot: composer.document_comments.foot,
        anchored,
    }))
}

struct Composer<'a> {
    parser: Parser<'a>,
    source: &'a Arc<str>,
    version: Version,
    documents: Vec<Node>,
    /// Collections whose end has not come yet, outermost first.
    open: Vec<Open>,
    anchors: Anchors,
    /// Comments of the document that is being read, apart from those of its nodes.
    document_comments: Comments,
    keeps_comments: bool,
}

/// A collection under construction.
struct Open {
    node: Partial,
    tag: Tag,
    explicit_tag: bool,
    flow: bool,
    line: u32,
    comments: Option<Box<Comments>>,
    /// The way to it, once an anchor inside or on it asked for it.
    link: Option<Link>,
}

enum Partial {
    Sequence(Vec<Node>),
    Mapping {
        entries: Vec<(Node, Node)>,
        key: Option<Node>,
    },
}

impl Partial {
    /// How many children are complete: the number of the one being read.
    fn children(&self) -> usize {
        match self {
            Self::Sequence(items) => items.len(),
            Self::Mapping { entries, key } => entries.len() * 2 + usize::from(key.is_some()),
        }
    }

    fn child(&self, number: usize) -> Option<&Node> {
        match self {
            Self::Sequence(items) => items.get(number),
            Self::Mapping { entries, key } => match entries.get(number / 2) {
                Some((name, value)) => Some(if number.is_multiple_of(2) {
                    name
                } else {
                    value
                }),
                None => key.as_ref().filter(|_| number == entries.len() * 2),
            },
        }
    }
}

impl<'a> Composer<'a> {
    fn new(parser: Parser<'a>, source: &'a Arc<str>, version: Version) -> Self {
        Self {
            keeps_comments: parser.keeps_comments(),
            parser,
            source,
            version,
            documents: Vec::new(),
            open: Vec::new(),
            anchors: Anchors::default(),
            document_comments: Comments::default(),
        }
    }

    fn run(&mut self, extent: Extent) -> Result<(), ParseError> {
        loop {
            let event = self
                .parser
                .next()
                .map_err(|fault| fault.into_error(self.version))?;
            let line = u32::try_from(event.line + 1).unwrap_or(u32::MAX);
            let comments = self.parser.take_comments();
            match event.kind {
                EventKind::StreamStart => {}
                EventKind::StreamEnd => return Ok(()),
                EventKind::DocumentStart => {
                    // Version 3 keeps the anchors of earlier documents.
                    self.anchors.start_document(self.version == Version::V2);
                    self.document_comments = comments.map(|it| *it).unwrap_or_default();
                }
                EventKind::DocumentEnd => {
                    self.document_comments.foot = comments.map(|it| it.foot).unwrap_or_default();
                    if extent == Extent::First {
                        return Ok(());
                    }
                }
                EventKind::Alias(name) => self.alias(name, comments)?,
                EventKind::Scalar { .. } => self.scalar(event, line, comments)?,
                EventKind::SequenceStart { properties, flow } => {
                    let node = Partial::Sequence(Vec::new());
                    self.start(node, &properties, flow, line, comments)?;
                }
                EventKind::MappingStart { properties, flow } => {
                    let node = Partial::Mapping {
                        entries: Vec::new(),
                        key: None,
                    };
                    self.start(node, &properties, flow, line, comments)?;
                }
                EventKind::SequenceEnd | EventKind::MappingEnd => self.end(comments),
            }
        }
    }

    fn scalar(
        &mut self,
        event: Event,
        line: u32,
        comments: Option<Box<Comments>>,
    ) -> Result<(), ParseError> {
        let EventKind::Scalar {
            properties,
            value,
            style,
            ..
        } = event.kind
        else {
            return Ok(());
        };
        let text = match value {
            Chunk::Span(Span { start, end }) => Text::slice(self.source, start, end),
            Chunk::Owned(text) => Text::from(text),
        };
        let (tag, explicit_tag) = match properties.tag.as_deref() {
            Some(tag) if self.says_type(tag) => (Tag::from_name(tag), true),
            _ if style != ScalarStyle::Plain => (Tag::Str, false),
            _ if text == "<<" => (Tag::Merge, false),
            _ => (resolve_plain(&text, self.version).tag(), false),
        };
        self.anchors.count(1)?;
        self.anchor(properties.anchor);
        self.add(Node::Scalar(Scalar {
            text,
            tag,
            style,
            explicit_tag,
            line,
            comments,
        }));
        Ok(())
    }

    /// Whether a tag counts; a lone `!` leaves the type open, but only in version 3.
    fn says_type(&self, tag: &str) -> bool {
        !tag.is_empty() && (tag != "!" || self.version == Version::V2)
    }

    fn start(
        &mut self,
        node: Partial,
        properties: &Properties,
        flow: bool,
        line: u32,
        comments: Option<Box<Comments>>,
    ) -> Result<(), ParseError> {
        if self.open.len() >= MAX_DEPTH {
            return Err(too_deep());
        }
        self.anchors.count(1)?;
        self.anchor(properties.anchor);
        let default = match node {
            Partial::Sequence(_) => Tag::Seq,
            Partial::Mapping { .. } => Tag::Map,
        };
        let (tag, explicit_tag) = match properties.tag.as_deref() {
            Some(tag) if self.says_type(tag) => (Tag::from_name(tag), true),
            _ => (default, false),
        };
        self.open.push(Open {
            node,
            tag,
            explicit_tag,
            flow,
            line,
            comments,
            link: None,
        });
        Ok(())
    }

    fn end(&mut self, at_end: Option<Box<Comments>>) {
        let Some(Open {
            mut node,
            tag,
            explicit_tag,
            flow,
            line,
            comments,
            ..
        }) = self.open.pop()
        else {
            return;
        };
        let at_end = match &mut node {
            Partial::Mapping { entries, .. } if !flow => comments::give_foot(at_end, entries),
            _ => at_end,
        };
        let comments = comments::join(comments, at_end);
        self.add(match node {
            Partial::Sequence(items) => Node::Sequence(Sequence {
                items,
                flow,
                tag,
                explicit_tag,
                line,
                comments,
            }),
            Partial::Mapping { entries, .. } => {
                let mut mapping = Mapping::new(entries);
                mapping.flow = flow;
                mapping.tag = tag;
                mapping.explicit_tag = explicit_tag;
                mapping.line = line;
                mapping.comments = comments;
                Node::Mapping(mapping)
            }
        });
    }

    fn alias(&mut self, name: Span, comments: Option<Box<Comments>>) -> Result<(), ParseError> {
        let name = self.parser.text(name);
        let Some(path) = self.anchors.path(name) else {
            return Err(ParseError::without_line(format!(
                "unknown anchor '{name}' referenced"
            )));
        };
        let Some(node) = find(&self.documents, &self.open, &path) else {
            return Err(ParseError::without_line(format!(
                "anchor '{name}' value contains itself"
            )));
        };
        self.anchors
            .expand(node, MAX_DEPTH.saturating_sub(self.open.len()))?;
        let mut copy = node.clone();
        *copy.comments_mut() = comments;
        self.add(copy);
        Ok(())
    }

    /// Names the node that is about to be read.
    fn anchor(&mut self, name: Option<Span>) {
        let Some(name) = name else { return };
        let known = self.open.iter().rposition(|open| open.link.is_some());
        let mut link = known
            .and_then(|at| self.open.get(at))
            .and_then(|open| open.link.clone());
        let mut number = match known.and_then(|at| self.open.get(at)) {
            Some(open) => open.node.children(),
            None => self.documents.len(),
        };
        for open in self.open.iter_mut().skip(known.map_or(0, |at| at + 1)) {
            link = Some(Link::new(link, number));
            open.link.clone_from(&link);
            number = open.node.children();
        }
        self.anchors
            .define(self.parser.text(name), Link::new(link, number));
    }

    fn add(&mut self, mut node: Node) {
        let Some(open) = self.open.last_mut() else {
            self.documents.push(node);
            return;
        };
        match &mut open.node {
            Partial::Sequence(items) => items.push(node),
            Partial::Mapping { entries, key } => match key.take() {
                None => {
                    if self.keeps_comments && !open.flow {
                        comments::give_foot_of_key(&mut node, entries);
                    }
                    *key = Some(node);
                }
                Some(mut name) => {
                    if self.keeps_comments {
                        comments::give_foot_of_value(&mut node, &mut name);
                    }
                    entries.push((name, node));
                }
            },
        }
    }
}

/// The complete node at the end of a way; none if it is still open.
fn find<'a>(documents: &'a [Node], open: &'a [Open], path: &[usize]) -> Option<&'a Node> {
    let (document, rest) = path.split_first()?;
    let mut open = open.iter();
    let mut rest = rest.iter();
    let mut node = match documents.get(*document) {
        Some(node) => node,
        None => loop {
            let parent = open.next()?;
            if let Some(node) = parent.node.child(*rest.next()?) {
                break node;
            }
        },
    };
    for number in rest {
        node = match node {
            Node::Scalar(_) => return None,
            Node::Sequence(sequence) => sequence.items.get(*number)?,
            Node::Mapping(mapping) => {
                let (key, value) = mapping.entries().get(number / 2)?;
                if number.is_multiple_of(2) { key } else { value }
            }
        };
    }
    Some(node)
}

fn too_deep() -> ParseError {
    ParseError::without_line(format!("exceeded max depth of {MAX_DEPTH}"))
}
