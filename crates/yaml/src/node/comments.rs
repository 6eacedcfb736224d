//! The comments of a node.
//!
//! Source: `Node` in go.yaml.in/yaml/v3 3.0.3.

/// What stands around a node, `#` included; several lines are separated by LF, and each part may be empty.
#[derive(Clone, Debug, Default)]
pub(crate) struct Comments {
    /// On the lines before it.
    pub(crate) head: String,
    /// Behind it on its line.
    pub(crate) line: String,
    /// On the lines after it, before an empty one.
    pub(crate) foot: String,
}

impl Comments {
    /// The comments in a box, unless there are none.
    pub(crate) fn boxed(self) -> Option<Box<Self>> {
        let empty = self.head.is_empty() && self.line.is_empty() && self.foot.is_empty();
        (!empty).then(|| Box::new(self))
    }
}
