//! The node tree: what a document says, before anything is typed.
//!
//! A scalar keeps its text and how it was written; its type is worked out from both when it is
//! resolved ([`crate::v3`], [`crate::v2`]). Mappings keep document order and may hold a key twice,
//! because Go's node API does too and reports duplicates only when a document is decoded.
//!
//! Two scalars with the same text can differ in [`Tag`]: the parser gives every scalar the tag its
//! text resolves to, while a scalar that a program creates has [`Tag::None`] until somebody sets
//! one. Overwriting the text of a parsed `3` with `x` therefore leaves an integer tag on text that
//! is none, and resolving it fails, as in kustomize.
//!
//! Nodes carry comments only where they were asked for ([`crate::parse_document`]); anchors are not kept.
//!
//! Source: `Node` in go.yaml.in/yaml/v3 3.0.3.

mod comments;
mod mapping;
mod merge;
mod text;

pub(crate) use comments::Comments;
pub use mapping::Mapping;
pub use merge::MergeError;
pub use text::Text;

use std::fmt;
use std::sync::Arc;

/// One node of a document.
#[derive(Clone, PartialEq, Eq)]
pub enum Node {
    /// Text with a tag and a style.
    Scalar(Scalar),
    /// A list.
    Sequence(Sequence),
    /// Key and value pairs in document order.
    Mapping(Mapping),
}

/// Text with a tag and a style.
#[derive(Clone)]
pub struct Scalar {
    /// The value with quotes, escapes and folding removed.
    pub text: Text,
    /// The type the scalar was given, or resolved to when it was parsed.
    pub tag: Tag,
    /// How it was written, and how a style-preserving emitter writes it again.
    pub style: ScalarStyle,
    /// Whether the document spelled the tag out, so that emission must too.
    pub explicit_tag: bool,
    pub(crate) line: u32,
    pub(crate) comments: Option<Box<Comments>>,
}

/// How a scalar is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ScalarStyle {
    /// Without quotes.
    #[default]
    Plain,
    /// `'…'`
    SingleQuoted,
    /// `"…"`
    DoubleQuoted,
    /// `|`
    Literal,
    /// `>`
    Folded,
}

/// The type of a node.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum Tag {
    /// Not known yet: a plain scalar is typed by its text, any other one is a string.
    #[default]
    None,
    /// `!!str`
    Str,
    /// `!!int`
    Int,
    /// `!!float`
    Float,
    /// `!!bool`
    Bool,
    /// `!!null`
    Null,
    /// `!!timestamp`
    Timestamp,
    /// `!!binary`
    Binary,
    /// `!!merge`, the tag of a plain `<<` key.
    Merge,
    /// `!!seq`
    Seq,
    /// `!!map`
    Map,
    /// Any other tag, in its short form: `!custom`, `!!set`, or a full URI. Few nodes have one, and each pays for
    /// its size, so the pointer is thin.
    Local(Arc<String>),
}

/// A list of nodes.
#[derive(Clone, Default)]
pub struct Sequence {
    /// The elements in order.
    pub items: Vec<Node>,
    /// Written as `[a, b]`.
    pub flow: bool,
    /// [`Tag::None`] and [`Tag::Seq`] mean the same.
    pub tag: Tag,
    /// Whether the document spelled the tag out.
    pub explicit_tag: bool,
    pub(crate) line: u32,
    pub(crate) comments: Option<Box<Comments>>,
}

/// What a node is, without its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// [`Node::Scalar`]
    Scalar,
    /// [`Node::Sequence`]
    Sequence,
    /// [`Node::Mapping`]
    Mapping,
}

impl Node {
    /// An untagged plain scalar: its type follows from its text.
    pub fn untagged(text: impl Into<Text>) -> Self {
        Self::Scalar(Scalar::untagged(text))
    }

    /// A scalar that is a string whatever its text looks like.
    pub fn string(text: impl Into<Text>) -> Self {
        Self::Scalar(Scalar::string(text))
    }

    /// The plain scalar `null`.
    pub fn null() -> Self {
        Self::Scalar(Scalar::new("null", Tag::Null, ScalarStyle::Plain))
    }

    /// The plain scalar `true` or `false`.
    pub fn bool(value: bool) -> Self {
        let text = if value { "true" } else { "false" };
        Self::Scalar(Scalar::new(text, Tag::Bool, ScalarStyle::Plain))
    }

    /// A plain decimal integer.
    pub fn int(value: i64) -> Self {
        Self::Scalar(Scalar::new(value.to_string(), Tag::Int, ScalarStyle::Plain))
    }

    /// An empty block mapping.
    pub fn mapping() -> Self {
        Self::Mapping(Mapping::default())
    }

    /// A block sequence of `items`.
    pub fn sequence(items: Vec<Self>) -> Self {
        Self::Sequence(Sequence::from(items))
    }

    /// What the node is.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Scalar(_) => Kind::Scalar,
            Self::Sequence(_) => Kind::Sequence,
            Self::Mapping(_) => Kind::Mapping,
        }
    }

    /// The scalar, if it is one.
    pub const fn as_scalar(&self) -> Option<&Scalar> {
        match self {
            Self::Scalar(scalar) => Some(scalar),
            _ => None,
        }
    }

    /// The scalar, if it is one.
    pub const fn as_scalar_mut(&mut self) -> Option<&mut Scalar> {
        match self {
            Self::Scalar(scalar) => Some(scalar),
            _ => None,
        }
    }

    /// The text of a scalar, whatever its type.
    pub fn as_str(&self) -> Option<&str> {
        self.as_scalar().map(|scalar| scalar.text.as_str())
    }

    /// The sequence, if it is one.
    pub const fn as_sequence(&self) -> Option<&Sequence> {
        match self {
            Self::Sequence(sequence) => Some(sequence),
            _ => None,
        }
    }

    /// The sequence, if it is one.
    pub const fn as_sequence_mut(&mut self) -> Option<&mut Sequence> {
        match self {
            Self::Sequence(sequence) => Some(sequence),
            _ => None,
        }
    }

    /// The mapping, if it is one.
    pub const fn as_mapping(&self) -> Option<&Mapping> {
        match self {
            Self::Mapping(mapping) => Some(mapping),
            _ => None,
        }
    }

    /// The mapping, if it is one.
    pub const fn as_mapping_mut(&mut self) -> Option<&mut Mapping> {
        match self {
            Self::Mapping(mapping) => Some(mapping),
            _ => None,
        }
    }

    /// The value under `key` of a mapping; nothing for other nodes.
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.as_mapping().and_then(|mapping| mapping.get(key))
    }

    /// The value under `key` of a mapping; nothing for other nodes.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Self> {
        self.as_mapping_mut()
            .and_then(|mapping| mapping.get_mut(key))
    }

    /// Whether this is a scalar that resolves to null.
    pub fn is_null(&self) -> bool {
        self.as_scalar().is_some_and(Scalar::is_null)
    }

    /// The node's tag.
    pub const fn tag(&self) -> &Tag {
        match self {
            Self::Scalar(scalar) => &scalar.tag,
            Self::Sequence(sequence) => &sequence.tag,
            Self::Mapping(mapping) => &mapping.tag,
        }
    }

    pub(crate) fn comments(&self) -> Option<&Comments> {
        match self {
            Self::Scalar(scalar) => scalar.comments.as_deref(),
            Self::Sequence(sequence) => sequence.comments.as_deref(),
            Self::Mapping(mapping) => mapping.comments.as_deref(),
        }
    }

    pub(crate) const fn comments_mut(&mut self) -> &mut Option<Box<Comments>> {
        match self {
            Self::Scalar(scalar) => &mut scalar.comments,
            Self::Sequence(sequence) => &mut sequence.comments,
            Self::Mapping(mapping) => &mut mapping.comments,
        }
    }

    /// The line the node began on, counted from 1; 0 for a node no parser made.
    pub const fn line(&self) -> u32 {
        match self {
            Self::Scalar(scalar) => scalar.line,
            Self::Sequence(sequence) => sequence.line,
            Self::Mapping(mapping) => mapping.line,
        }
    }
}

impl Scalar {
    /// A scalar with an implied tag.
    pub fn new(text: impl Into<Text>, tag: Tag, style: ScalarStyle) -> Self {
        Self {
            text: text.into(),
            tag,
            style,
            explicit_tag: false,
            line: 0,
            comments: None,
        }
    }

    /// A plain scalar typed by its text.
    pub fn untagged(text: impl Into<Text>) -> Self {
        Self::new(text, Tag::None, ScalarStyle::Plain)
    }

    /// A scalar that is a string whatever its text looks like.
    pub fn string(text: impl Into<Text>) -> Self {
        Self::new(text, Tag::Str, ScalarStyle::Plain)
    }

    /// Whether it is a null: tagged so, or untagged, plain and spelled so.
    pub fn is_null(&self) -> bool {
        match self.tag {
            Tag::Null => true,
            Tag::None => {
                self.style == ScalarStyle::Plain
                    && matches!(self.text.as_str(), "" | "~" | "null" | "Null" | "NULL")
            }
            _ => false,
        }
    }

    /// The line the scalar began on, counted from 1; 0 for a node no parser made.
    pub const fn line(&self) -> u32 {
        self.line
    }
}

impl Sequence {
    /// The line the sequence began on, counted from 1; 0 for a node no parser made.
    pub const fn line(&self) -> u32 {
        self.line
    }
}

impl Tag {
    /// The tag in its short form (`!!str`); empty for [`Tag::None`].
    pub fn as_str(&self) -> &str {
        match self {
            Self::None => "",
            Self::Str => "!!str",
            Self::Int => "!!int",
            Self::Float => "!!float",
            Self::Bool => "!!bool",
            Self::Null => "!!null",
            Self::Timestamp => "!!timestamp",
            Self::Binary => "!!binary",
            Self::Merge => "!!merge",
            Self::Seq => "!!seq",
            Self::Map => "!!map",
            Self::Local(name) => name,
        }
    }

    /// The tag written `!name`, `!!name` or `tag:yaml.org,2002:name`.
    pub fn from_name(name: &str) -> Self {
        let short = name
            .strip_prefix(Self::CORE)
            .or_else(|| name.strip_prefix("!!"));
        match short {
            Some("str") => Self::Str,
            Some("int") => Self::Int,
            Some("float") => Self::Float,
            Some("bool") => Self::Bool,
            Some("null") => Self::Null,
            Some("timestamp") => Self::Timestamp,
            Some("binary") => Self::Binary,
            Some("merge") => Self::Merge,
            Some("seq") => Self::Seq,
            Some("map") => Self::Map,
            Some(other) => Self::Local(Arc::new(format!("!!{other}"))),
            None if name.is_empty() => Self::None,
            None => Self::Local(Arc::new(name.to_owned())),
        }
    }

    /// What `!!` stands for.
    pub(crate) const CORE: &'static str = "tag:yaml.org,2002:";
}

impl From<Vec<Node>> for Sequence {
    fn from(items: Vec<Node>) -> Self {
        Self {
            items,
            ..Self::default()
        }
    }
}

impl From<Scalar> for Node {
    fn from(scalar: Scalar) -> Self {
        Self::Scalar(scalar)
    }
}

impl From<Sequence> for Node {
    fn from(sequence: Sequence) -> Self {
        Self::Sequence(sequence)
    }
}

impl From<Mapping> for Node {
    fn from(mapping: Mapping) -> Self {
        Self::Mapping(mapping)
    }
}

/// Equal text, tag and style; where it stood in a document and its comments do not count.
impl PartialEq for Scalar {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
            && self.tag == other.tag
            && self.style == other.style
            && self.explicit_tag == other.explicit_tag
    }
}

impl Eq for Scalar {}

/// Equal items, tag and style; where it stood in a document and its comments do not count.
impl PartialEq for Sequence {
    fn eq(&self, other: &Self) -> bool {
        self.items == other.items
            && self.flow == other.flow
            && self.tag == other.tag
            && self.explicit_tag == other.explicit_tag
    }
}

impl Eq for Sequence {}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Scalar(scalar) => scalar.fmt(f),
            Self::Sequence(sequence) => sequence.fmt(f),
            Self::Mapping(mapping) => mapping.fmt(f),
        }
    }
}

impl fmt::Debug for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}{:?} {:?}",
            self.tag.as_str(),
            self.style,
            self.text.as_str()
        )
    }
}

impl fmt::Debug for Sequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.items).finish()
    }
}
