//! `source.toolkit.fluxcd.io`.

pub mod artifact;
pub mod git_repository;

pub use artifact::Artifact;
pub use git_repository::{GitRepository, GitRepositorySpec, GitRepositoryStatus};
