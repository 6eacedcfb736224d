//! Bounds on what one build may use.

/// How deep an object may nest, whatever transformers add to it. Files nest at most [`yaml::MAX_DEPTH`] deep; recursion
/// over a tree of this depth fits the stack of a worker thread.
pub(crate) const MAX_DEPTH: usize = 2 * yaml::MAX_DEPTH;
/// How large a document may become when its aliases are expanded, in bytes of text, about; a list may hold many objects.
pub(crate) const MAX_DOCUMENT_BYTES: usize = 64 << 20;
/// How large an object may become by copying parts of objects into it; a cluster takes less than 2 MiB.
pub(crate) const MAX_OBJECT_BYTES: usize = 8 << 20;

/// Bounds on what one build may use. The defaults are far above what real repositories need.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// The largest file that is read, in bytes.
    pub max_file_bytes: usize,
    /// How many layers may be within one another.
    pub max_layers: usize,
    /// How many resources may come out.
    pub max_resources: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_file_bytes: 64 << 20,
            max_layers: 100,
            max_resources: 1_000_000,
        }
    }
}
