//! The Go program that answers for Go's libraries, and our answers to the same questions.

use std::sync::{LazyLock, Mutex};

use oracle::Oracle;

/// What to do with a text; `name` is what the oracle calls it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Print the first document as kustomize prints an object.
    Object,
    /// The JSON on the way there.
    Json,
    /// Parse the first document and write it as kyaml does.
    Rewrite,
    /// The same with comments, those of the document included.
    Comments,
    /// Parse all documents and count them.
    Stream,
    /// Decode configuration to JSON.
    Config,
    /// Print JSON as YAML.
    Print,
}

pub(crate) type Answer = Result<Vec<u8>, String>;

impl Mode {
    pub(crate) const OF_YAML: [Self; 6] = [
        Self::Object,
        Self::Json,
        Self::Rewrite,
        Self::Comments,
        Self::Stream,
        Self::Config,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::Object => "object",
            Self::Json => "json",
            Self::Rewrite => "rewrite",
            Self::Comments => "comments",
            Self::Stream => "stream",
            Self::Config => "config",
            Self::Print => "print",
        }
    }

    /// What this crate says.
    pub(crate) fn ours(self, text: &[u8]) -> Answer {
        let show = |error: &dyn std::error::Error| error.to_string();
        match self {
            Self::Stream => {
                let text = std::str::from_utf8(text).unwrap();
                let nodes = yaml::parse_documents(text).map_err(|error| show(&error))?;
                Ok(nodes.len().to_string().into_bytes())
            }
            Self::Comments => {
                let text = std::str::from_utf8(text).unwrap();
                let document = yaml::parse_document(text).map_err(|error| show(&error))?;
                let mut out = Vec::new();
                if let Some(document) = document {
                    yaml::v3::emit_document(&document, &mut out);
                }
                Ok(out)
            }
            Self::Config => {
                let value = yaml::v2::to_json(text).map_err(|error| show(&error))?;
                let mut out = Vec::new();
                yaml::write_json(&value, &mut out);
                Ok(out)
            }
            Self::Print => {
                let value = yaml::v2::to_json(text).map_err(|error| show(&error))?;
                yaml::v2::emit(&value).map_err(|error| show(&error))
            }
            Self::Object | Self::Json | Self::Rewrite => {
                let mut out = Vec::new();
                let Some(node) = yaml::parse_first_bytes(text).map_err(|error| show(&error))?
                else {
                    return Ok(out);
                };
                match self {
                    Self::Object => {
                        yaml::v2::emit_node(&node, &mut out).map_err(|error| show(&error))?;
                    }
                    Self::Json => {
                        let value = yaml::v3::to_json(&node).map_err(|error| show(&error))?;
                        yaml::write_json(&value, &mut out);
                    }
                    _ => yaml::v3::emit(&node, &mut out),
                }
                Ok(out)
            }
        }
    }

    /// What Go says.
    pub(crate) fn theirs(self, text: &[u8]) -> Answer {
        let mut oracle = ORACLE.lock().unwrap();
        oracle.ask(&[self.name().as_bytes(), text])
    }
}

static ORACLE: LazyLock<Mutex<Oracle>> = LazyLock::new(|| Mutex::new(Oracle::start("yaml")));
