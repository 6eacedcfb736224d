//! A document that keeps its comments.

use crate::node::Node;

/// A document as it was written but for blanks, empty lines and the form of line breaks.
///
/// Its nodes carry their comments, which a change of their content leaves in place and
/// [`crate::v3::emit_document`] prints.
#[derive(Clone, Debug)]
pub struct Document {
    /// What the document says.
    pub root: Node,
    /// Comments before the content, apart from it.
    pub(crate) head: String,
    /// Comments after the content.
    pub(crate) foot: String,
    pub(crate) anchored: bool,
}

impl Document {
    /// Whether the text has anchors. They are not kept, and aliases are replaced by copies.
    pub const fn has_anchors(&self) -> bool {
        self.anchored
    }
}
