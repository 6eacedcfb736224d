//! The build engine: a file tree and a path in, objects and a read set out.
//!
//! `build(tree, path, options, cache)` gives what `kustomize build` 5.8.1 prints, byte for byte, and
//! [`flux::build`] the same with what Flux's kustomize-controller changes. The crate is pure: it reads
//! through a [`FileTree`] only, knows neither network nor clock nor environment, keeps no state of its
//! own, and never panics on what it reads. Builds run side by side on one [`ParseCache`].
//!
//! How a build runs: [`accumulate`] evaluates layers from the inside out, each with its generators and
//! transformers; then hashes, references, variables and order are settled once over the whole.

mod accumulate;
mod build;
mod cache;
mod config;
mod error;
mod field_spec;
pub mod file;
pub mod flux;
mod generate;
mod go;
mod id;
mod kustomization;
mod limits;
mod links;
mod load;
mod merge;
mod node;
mod origin;
mod parse;
mod path;
mod plugin;
mod read_set;
mod regex;
mod remote;
mod repository;
mod resource;
mod resources;
mod scope;
mod selector;
mod transform;

pub use build::{Built, Failure, Options, Requested, Resource, build, build_repository};
pub use cache::ParseCache;
pub use error::{Chain, Error};
pub use file::{DiskTree, FileTree, MemoryTree};
pub use limits::Limits;
pub use load::LoadRestrictor;
pub use read_set::ReadSet;
pub use remote::{Checkout, Remote, RemoteError};
pub use repository::Repository;
pub use transform::sort::Order;
