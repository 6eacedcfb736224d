//! go.yaml.in/yaml/v2 as sigs.k8s.io/yaml uses it: configuration to JSON, JSON to YAML.

mod decode;
mod emit;
mod key_order;

pub use decode::{to_json, to_text_map};
pub use emit::{EmitError, emit, emit_node, emit_value};
pub use key_order::compare_keys;
