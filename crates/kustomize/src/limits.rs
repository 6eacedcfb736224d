//! Bounds on what one build may use.

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
