//! What can be wrong with a document, in go-yaml's words.
//!
//! go-yaml numbers lines from 0 inside and adds one only to errors of its scanner; it leaves the
//! number out when it is 0. Version 3 names the line of the surrounding construct, version 2 the
//! line of the fault itself. Users compare these texts, so all of that is kept.
//!
//! Source: `fail` in decode.go of go.yaml.in/yaml v2 2.4.2 and v3 3.0.3.

use std::borrow::Cow;

/// Which of Go's two libraries is imitated where they differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    /// go.yaml.in/yaml/v2, under sigs.k8s.io/yaml.
    V2,
    /// go.yaml.in/yaml/v3, under kyaml.
    V3,
}

/// A text that is not YAML, or not YAML that Go accepts.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("yaml: {}{problem}", line.map(|line| format!("line {line}: ")).unwrap_or_default())]
pub struct ParseError {
    line: Option<usize>,
    problem: Cow<'static, str>,
}

impl ParseError {
    /// The line Go names, if it names one. It can be one less than the line an editor shows.
    pub const fn line(&self) -> Option<usize> {
        self.line
    }

    /// What is wrong, without the position.
    pub fn problem(&self) -> &str {
        &self.problem
    }

    pub(crate) fn without_line(problem: impl Into<Cow<'static, str>>) -> Self {
        Self {
            line: None,
            problem: problem.into(),
        }
    }
}

/// Who found a fault; only the scanner's lines are counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    Scanner,
    Parser,
}

/// A fault with the places go-yaml knows of, lines counted from 0.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) stage: Stage,
    pub(crate) problem: Cow<'static, str>,
    pub(crate) context_line: usize,
    pub(crate) line: usize,
}

impl Fault {
    pub(crate) fn into_error(self, version: Version) -> ParseError {
        let shift = usize::from(self.stage == Stage::Scanner);
        let (context, fault) = (self.context_line, self.line);
        let line = match version {
            Version::V3 if context != 0 => Some(context + shift),
            _ if fault != 0 => Some(fault + shift),
            Version::V2 if context != 0 => Some(context),
            _ => None,
        };
        ParseError {
            line,
            problem: self.problem,
        }
    }
}
