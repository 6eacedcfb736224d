//! The Go program that answers for cel-go, and our answers to the same questions.

use std::sync::{LazyLock, Mutex};

use expression::{Environment, Expression, Numbers, Type};
use oracle::Oracle;
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
        let question = json!({
            "expression": source,
            "check": self.mode != Mode::Parse,
            "declared": self.variables.keys().collect::<Vec<_>>(),
            "want": wanted,
            "integers": !matches!(self.mode, Mode::Check(_, Numbers::Double)),
            "values": self.variables,
        });
        let answer = ORACLE
            .lock()
            .unwrap()
            .ask(&[question.to_string().as_bytes()]);
        let answer = answer.unwrap_or_else(|error| panic!("{question}: {error}"));
        let answer: Value = serde_json::from_slice(&answer).unwrap();
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

static ORACLE: LazyLock<Mutex<Oracle>> = LazyLock::new(|| Mutex::new(Oracle::start("cel")));
