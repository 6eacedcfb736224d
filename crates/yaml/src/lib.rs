//! YAML as Go's parsers read it and as Go's emitters print it.
//!
//! Kubernetes tools written in Go use two libraries at once. kyaml reads and edits documents with
//! yaml **v3**, a node tree under mostly YAML 1.2 rules; sigs.k8s.io/yaml decodes configuration and
//! prints objects with yaml **v2** under YAML 1.1 rules. Both share libyaml's grammar. Output that
//! agrees byte for byte therefore needs both sets of rules over one parser.

mod node;

pub use node::{Kind, Mapping, Node, Scalar, ScalarStyle, Sequence, Tag, Text};
