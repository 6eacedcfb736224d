//! What both of Go's emitters share: how a scalar may be written, and writing it.
//!
//! Source: emitterc.go of go.yaml.in/yaml v2 2.4.2 and v3 3.0.3.

mod analysis;
mod scalar;
mod writer;

pub(crate) use analysis::Analysis;
pub(crate) use scalar::{Place, choose_style, write_scalar};
pub(crate) use writer::Writer;
