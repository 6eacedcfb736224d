//! The tree that transformers work on.
//!
//! Nodes are copy-on-write: a clone is a reference count, and a change copies only the containers
//! on its path. A parsed file is therefore shared by the cache and by every resource read from it.
//! Scalars keep text, tag and quoting, because all three decide what is printed: a plain scalar
//! without a tag is typed by its text, and a value that is overwritten keeps its old quoting.
//! Source: kyaml 0.21.1 `yaml/fns.go`; go-yaml v3 for tags.

use std::sync::Arc;

use crate::error::{Error, Result};
use crate::limits::MAX_DEPTH;
use crate::parse::is_ambiguous;

/// A value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Node {
    Scalar(Arc<Scalar>),
    Sequence(Arc<Vec<Node>>),
    Mapping(Arc<Mapping>),
}

/// A leaf.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Scalar {
    pub(crate) text: Box<str>,
    pub(crate) tag: Tag,
    pub(crate) style: Style,
    /// Not zero when other places of the object hold the same node upstream, see
    /// [`links`](crate::links).
    pub(crate) link: u32,
}

/// A scalar's type as far as it is fixed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Tag {
    /// Decided by text and style when it is printed.
    None,
    Str,
    Null,
    Bool,
    Int,
    Float,
    Timestamp,
    Binary,
}

/// How a scalar is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    Plain,
    /// Plain in a flow collection, where an empty text is printed with quotes and so is no null. Only nulls are
    /// told apart by it.
    Flow,
    Quoted,
    SingleQuoted,
    Literal,
    Folded,
}

/// Fields in document order; a key may be there twice, and the first one answers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Mapping {
    entries: Vec<(Key, Node)>,
}

/// A field's name; `tag` is not `Str` where the document wrote a number, say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Key {
    pub(crate) text: Arc<str>,
    pub(crate) tag: Tag,
}

/// The failure of what would make an object too deep.
pub(crate) fn too_deep() -> Error {
    Error::Limit(format!("an object nests deeper than {MAX_DEPTH} levels"))
}

/// What a node counts beside its text.
const NODE_BYTES: usize = 16;

impl Node {
    /// Fails when the tree is deeper or larger than an object may be. Costs a walk, which ends at the limit.
    pub(crate) fn check_bounds(&self, max_bytes: usize) -> Result<()> {
        fn walk(node: &Node, depth: usize, budget: &mut usize) -> Result<()> {
            if depth == 0 {
                return Err(too_deep());
            }
            *budget = node
                .value()
                .len()
                .checked_add(NODE_BYTES)
                .and_then(|bytes| budget.checked_sub(bytes))
                .ok_or_else(|| Error::Limit("an object becomes too large".to_owned()))?;
            match node {
                Node::Scalar(_) => Ok(()),
                Node::Sequence(items) => items
                    .iter()
                    .try_for_each(|item| walk(item, depth - 1, budget)),
                Node::Mapping(fields) => fields
                    .iter()
                    .try_for_each(|(_, value)| walk(value, depth - 1, budget)),
            }
        }
        walk(self, MAX_DEPTH, &mut max_bytes.clone())
    }

    /// The kind of node, as messages name it.
    pub(crate) fn kind_name(&self) -> &'static str {
        match self {
            Self::Mapping(_) => "MappingNode",
            Self::Sequence(_) => "SequenceNode",
            Self::Scalar(_) => "ScalarNode",
        }
    }

    pub(crate) fn scalar(text: &str, tag: Tag, style: Style) -> Self {
        Self::Scalar(Arc::new(Scalar {
            text: text.into(),
            tag,
            style,
            link: 0,
        }))
    }

    /// A string, printed so that it stays one.
    pub(crate) fn string(text: &str) -> Self {
        Self::scalar(text, Tag::Str, Style::Plain)
    }

    /// A scalar whose text decides its type.
    pub(crate) fn untagged(text: &str) -> Self {
        Self::scalar(text, Tag::None, Style::Plain)
    }

    pub(crate) fn null() -> Self {
        Self::scalar("null", Tag::Null, Style::Plain)
    }

    pub(crate) fn sequence(items: Vec<Node>) -> Self {
        Self::Sequence(Arc::new(items))
    }

    pub(crate) fn mapping() -> Self {
        Self::Mapping(Arc::default())
    }

    pub(crate) fn is_null(&self) -> bool {
        matches!(self, Self::Scalar(scalar) if scalar.tag == Tag::Null)
    }

    /// Null, an empty mapping or an empty sequence.
    pub(crate) fn is_nil_or_empty(&self) -> bool {
        match self {
            Self::Scalar(scalar) => scalar.tag == Tag::Null,
            Self::Sequence(items) => items.is_empty(),
            Self::Mapping(mapping) => mapping.is_empty(),
        }
    }

    /// The text of a scalar.
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Self::Scalar(scalar) => Some(&scalar.text),
            _ => None,
        }
    }

    /// The text of a scalar, empty for anything else, as Go reads `node.Value`.
    pub(crate) fn value(&self) -> &str {
        self.text().unwrap_or("")
    }

    pub(crate) fn as_mapping(&self) -> Option<&Mapping> {
        match self {
            Self::Mapping(mapping) => Some(mapping),
            _ => None,
        }
    }

    pub(crate) fn as_mapping_mut(&mut self) -> Option<&mut Mapping> {
        match self {
            Self::Mapping(mapping) => Some(Arc::make_mut(mapping)),
            _ => None,
        }
    }

    pub(crate) fn as_sequence(&self) -> Option<&[Node]> {
        match self {
            Self::Sequence(items) => Some(items),
            _ => None,
        }
    }

    pub(crate) fn as_sequence_mut(&mut self) -> Option<&mut Vec<Node>> {
        match self {
            Self::Sequence(items) => Some(Arc::make_mut(items)),
            _ => None,
        }
    }

    /// The field `name` of a mapping.
    pub(crate) fn get(&self, name: &str) -> Option<&Node> {
        self.as_mapping().and_then(|mapping| mapping.get(name))
    }

    pub(crate) fn get_mut(&mut self, name: &str) -> Option<&mut Node> {
        self.as_mapping_mut()
            .and_then(|mapping| mapping.get_mut(name))
    }

    /// Follows field names through mappings.
    pub(crate) fn at(&self, path: &[&str]) -> Option<&Node> {
        path.iter().try_fold(self, |node, name| node.get(name))
    }

    /// Replaces this scalar by `new`, which takes over the quoting and the link that are here.
    pub(crate) fn overwrite(&mut self, new: &Scalar) {
        let (style, link) = match self {
            Self::Scalar(old) => (old.style, old.link),
            _ => (new.style, 0),
        };
        *self = Self::Scalar(Arc::new(Scalar {
            text: new.text.clone(),
            tag: new.tag,
            style,
            link,
        }));
    }

    /// Sets this scalar to a text with a tag, keeping the quoting.
    pub(crate) fn set_text(&mut self, text: &str, tag: Tag) {
        self.overwrite(&Scalar {
            text: text.into(),
            tag,
            style: Style::Plain,
            link: 0,
        });
    }

    /// Quotes a string that YAML 1.1 would read as something else, as upstream does to each value
    /// that it sets as a field.
    /// Source: kyaml 0.21.1 `yaml/fns.go`.
    pub(crate) fn quote_if_ambiguous(&mut self) {
        if let Self::Scalar(scalar) = self
            && matches!(scalar.tag, Tag::None | Tag::Str)
            && matches!(scalar.style, Style::Plain | Style::Flow)
            && is_ambiguous(&scalar.text)
        {
            Arc::make_mut(scalar).style = Style::Quoted;
        }
    }

    /// Sets the scalar field `name`, keeping the quoting of the one that is there.
    pub(crate) fn set_field(&mut self, name: &str, text: &str, tag: Tag) {
        let Some(mapping) = self.as_mapping_mut() else {
            return;
        };
        if let Some(old) = mapping.get_mut(name) {
            old.set_text(text, tag);
            return;
        }
        let mut value = Node::scalar(text, tag, Style::Plain);
        value.quote_if_ambiguous();
        mapping.push(name, value);
    }

    /// The mapping at `name`, made if it is missing or null.
    pub(crate) fn mapping_at(&mut self, name: &str) -> Option<&mut Node> {
        let mapping = self.as_mapping_mut()?;
        match mapping.get(name) {
            None => mapping.push(name, Node::mapping()),
            Some(node) if node.is_null() => mapping.set(name, Node::mapping()),
            Some(_) => {}
        }
        mapping.get_mut(name)
    }
}

impl Mapping {
    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Key, &Node)> {
        self.entries.iter().map(|(key, value)| (key, value))
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = (&Key, &mut Node)> {
        self.entries.iter_mut().map(|(key, value)| (&*key, value))
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Node> {
        self.entries
            .iter()
            .find(|(key, _)| &*key.text == name)
            .map(|(_, value)| value)
    }

    pub(crate) fn get_mut(&mut self, name: &str) -> Option<&mut Node> {
        self.entries
            .iter_mut()
            .find(|(key, _)| &*key.text == name)
            .map(|(_, value)| value)
    }

    /// Replaces the field or adds it at the end.
    pub(crate) fn set(&mut self, name: &str, value: Node) {
        match self.get_mut(name) {
            Some(old) => *old = value,
            None => self.push(name, value),
        }
    }

    /// Adds a field at the end, whatever is there. Its name has no tag, so that one which reads as a
    /// number makes an object that cannot be printed, as upstream.
    pub(crate) fn push(&mut self, name: &str, value: Node) {
        self.entries.push((
            Key {
                text: name.into(),
                tag: Tag::None,
            },
            value,
        ));
    }

    pub(crate) fn push_entry(&mut self, key: Key, value: Node) {
        self.entries.push((key, value));
    }

    pub(crate) fn into_entries(self) -> Vec<(Key, Node)> {
        self.entries
    }

    pub(crate) fn remove(&mut self, name: &str) -> Option<Node> {
        let index = self
            .entries
            .iter()
            .position(|(key, _)| &*key.text == name)?;
        Some(self.entries.remove(index).1)
    }
}

impl FromIterator<(String, Node)> for Mapping {
    fn from_iter<I: IntoIterator<Item = (String, Node)>>(fields: I) -> Self {
        let entries = fields
            .into_iter()
            .map(|(name, value)| {
                (
                    Key {
                        text: name.into(),
                        tag: Tag::None,
                    },
                    value,
                )
            })
            .collect();
        Self { entries }
    }
}

/// Fails where a transformer writes to something that is no scalar.
pub(crate) fn require_scalar(node: &Node) -> crate::error::Result<()> {
    if matches!(node, Node::Scalar(_)) {
        Ok(())
    } else {
        Err(wrong_kind("ScalarNode", node.kind_name()))
    }
}

/// Fails where a transformer looks for a field of something that has none; null passes.
pub(crate) fn require_mapping(node: &Node) -> crate::error::Result<()> {
    if matches!(node, Node::Mapping(_)) || node.is_null() {
        Ok(())
    } else {
        Err(wrong_kind("MappingNode", node.kind_name()))
    }
}

pub(crate) fn wrong_kind(want: &str, got: &str) -> crate::error::Error {
    crate::error::Error::invalid(format!("wrong node kind: expected {want} but got {got}"))
}
