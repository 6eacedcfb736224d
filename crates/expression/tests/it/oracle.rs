//! The Go program that answers for cel-go, and our answers to the same questions.

use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{LazyLock, Mutex};

use expression::{Environment, Expression, Numbers, Type};
use serde_json::{Map, Value, json};

/// How expressions are compiled, and what they see.
#[derive(Clone, Debug)]
pub(crate) struct Setting {
    pub(crate) mode: Mode,
    pub(crate) variables: Map<String, Value>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Parsed only; whole numbers are ints.
    Parse,
    /// Checked, for a result of this type.
    Check(Type, Numbers),
}

/// The value, or the whole error text.
pub(crate) type Answer = Result<Value, String>;

impl Setting {
    /// What this crate says.
    pub(crate) fn ours(&self, source: &str) -> Answer {
        let compiled = match self.mode {
            Mode::Parse => Expression::parse(source),
            Mode::Check(wanted, numbers) => {
                let names: Vec<&str> = self.variables.keys().map(String::as_str).collect();
                let environment = Environment::new(&names).with_numbers(numbers);
                Expression::compile(&environment, source, wanted)
            }
        };
        let compiled = compiled.map_err(|error| error.to_string())?;
        compiled
            .evaluate(&self.variables)
            .map_err(|error| error.to_string())
    }

    /// What cel-go says, in Flux's words.
    pub(crate) fn theirs(&self, source: &str) -> Answer {
        let wanted = match self.mode {
            Mode::Check(Type::Bool, _) => "bool",
            Mode::Check(Type::String, _) => "string",
            _ => "",
        };
        let answer = ORACLE.lock().unwrap().ask(&json!({
            "expression": source,
            "check": self.mode != Mode::Parse,
            "declared": self.variables.keys().collect::<Vec<_>>(),
            "want": wanted,
            "integers": !matches!(self.mode, Mode::Check(_, Numbers::Double)),
            "values": self.variables,
        }));
        let error = answer["error"].as_str().unwrap_or_default();
        match answer["phase"].as_str().unwrap() {
            "done" => Ok(answer["value"].clone()),
            "compile" => Err(format!(
                "failed to parse the CEL expression '{source}': {error}"
            )),
            "mismatch" => Err(format!("CEL expression output type mismatch: {error}")),
            "program" => Err(format!("failed to create CEL program: {error}")),
            "evaluate" => Err(format!(
                "failed to evaluate the CEL expression '{source}': {error}"
            )),
            "panic" => Err(format!("panic: {error}")),
            other => panic!("the oracle fails at {other}: {error}"),
        }
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

    fn ask(&mut self, request: &Value) -> Value {
        writeln!(self.input, "{request}").unwrap();
        self.input.flush().unwrap();
        let mut answer = String::new();
        self.output.read_line(&mut answer).unwrap();
        serde_json::from_str(&answer).unwrap_or_else(|error| panic!("{request}: {error}"))
    }
}

/// Builds the oracle beside cargo's own output and returns the program.
fn build() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let program = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join("oracles")
        .join("cel");
    let status = Command::new("go")
        .args(["build", "-o"])
        .arg(&program)
        .arg(".")
        .current_dir(root.join("tests/oracles/cel"))
        .status()
        .unwrap_or_else(|error| panic!("these tests need the go command: {error}"));
    assert!(status.success(), "the CEL oracle does not build");
    program
}
