//! `kustomize.toolkit.fluxcd.io`.

pub mod kustomization;
pub mod status;

pub use kustomization::{Kustomization, KustomizationSpec};
pub use status::KustomizationStatus;
