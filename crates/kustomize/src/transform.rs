//! Transformers: what a layer does to the resources that it has gathered.
//!
//! Their order within a layer is fixed by [`accumulate`](crate::accumulate).

pub(crate) mod annotations;
pub(crate) mod images;
pub(crate) mod labels;
pub(crate) mod names;
pub(crate) mod namespace;
pub(crate) mod patches;
pub(crate) mod references;
pub(crate) mod replacements;
pub(crate) mod replicas;
pub(crate) mod sort;
pub(crate) mod vars;
