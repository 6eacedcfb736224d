//! The engine against the real `kustomize` 5.8.1, and Flux's mode against written expectations.

mod conformance;
mod flux;
mod fuzz;
mod oracle;
mod overlays;
mod post_build;
mod read_sets;
mod robustness;
mod snapshots;
mod trees;
