//! The Go program that answers for Go's libraries, and our answers to the same questions.

use std::io::{BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{LazyLock, Mutex};

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
        ORACLE.lock().unwrap().ask(self.name(), text)
    }
}

static ORACLE: LazyLock<Mutex<Oracle>> = LazyLock::new(|| Mutex::new(Oracle::start()));

struct Oracle {
    _child: Child,
    input: BufWriter<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Oracle {
    fn start() -> Self {
        let mut child = Command::new(build())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the oracle starts");
        let input = BufWriter::new(child.stdin.take().unwrap());
        let output = BufReader::new(child.stdout.take().unwrap());
        Self {
            _child: child,
            input,
            output,
        }
    }

    fn ask(&mut self, mode: &str, text: &[u8]) -> Answer {
        for part in [mode.as_bytes(), text] {
            let length = u32::try_from(part.len()).unwrap();
            self.input.write_all(&length.to_be_bytes()).unwrap();
            self.input.write_all(part).unwrap();
        }
        self.input.flush().unwrap();
        let mut head = [0; 5];
        self.output.read_exact(&mut head).unwrap();
        let [status, length @ ..] = head;
        let mut answer = vec![0; u32::from_be_bytes(length) as usize];
        self.output.read_exact(&mut answer).unwrap();
        if status == 1 {
            Ok(answer)
        } else {
            Err(String::from_utf8_lossy(&answer).into_owned())
        }
    }
}

/// Builds the oracle beside cargo's own output and returns the program.
fn build() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let program = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join("oracles")
        .join("yaml");
    let status = Command::new("go")
        .args(["build", "-o"])
        .arg(&program)
        .arg(".")
        .current_dir(root.join("tests/oracles/yaml"))
        .status()
        .unwrap_or_else(|error| panic!("these tests need the go command: {error}"));
    assert!(status.success(), "the YAML oracle does not build");
    program
}
