//! Applying patches to objects.

pub(crate) mod json6902;
pub(crate) mod schema;
pub(crate) mod strategic;
