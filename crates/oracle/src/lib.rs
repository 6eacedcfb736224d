//! Go programs that say what the libraries behind Flux would say.
//!
//! Their sources are in `tests/oracles/<name>`, each with its module file that pins the library's version. A test builds
//! the one that it asks, once per process, with the `go` command; Go's cache makes that quick after the first time. Everything
//! here panics with a line that says what is missing, because nothing but tests uses it.

#![expect(clippy::panic, reason = "a test without its oracle must not pass")]

use std::{
    collections::BTreeMap,
    io::{self, BufReader, BufWriter, Read as _, Write as _},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::{Mutex, PoisonError},
};

/// Builds the package `.` of the oracle `name`, or another of the modules that it requires, and returns the program.
///
/// # Panics
/// When there is no `go`, or the build fails.
pub fn program(name: &str, package: &str) -> PathBuf {
    static BUILT: Mutex<BTreeMap<String, PathBuf>> = Mutex::new(BTreeMap::new());
    // Held while it builds: whoever needs the same program waits for it.
    let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(program) = built.get(name) {
        return program.clone();
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    let program = target.join("oracles").join(name);
    let status = Command::new("go")
        .args(["build", "-o"])
        .arg(&program)
        .arg(package)
        .current_dir(root.join("tests/oracles").join(name))
        .status()
        .unwrap_or_else(|error| panic!("these tests need the go command: {error}"));
    assert!(status.success(), "the oracle {name} does not build");
    built.insert(name.to_owned(), program.clone());
    program
}

/// A program that answers one question after another. It ends when this is dropped, because its input ends.
///
/// A question is a number of texts; an answer is a text, or an error's text. On the wire each number is a big-endian `u32`: how
/// many texts, then each with its length before it; back comes a byte, 1 for an answer and 0 for an error, and a text.
#[derive(Debug)]
pub struct Oracle {
    name: &'static str,
    child: Child,
    input: Option<BufWriter<ChildStdin>>,
    output: BufReader<ChildStdout>,
}

impl Oracle {
    /// Builds and starts the oracle `name`.
    ///
    /// # Panics
    /// As [`program`], or when it does not start.
    pub fn start(name: &'static str) -> Self {
        let mut child = Command::new(program(name, "."))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("the oracle {name} does not start: {error}"));
        let input = child.stdin.take().map(BufWriter::new);
        let output = child.stdout.take().map(BufReader::new);
        Self {
            name,
            child,
            input,
            output: output.unwrap_or_else(|| panic!("the oracle {name} has no output")),
        }
    }

    /// Asks it. Some questions end the program: that is an error's text too, and another program takes its place.
    pub fn ask(&mut self, question: &[&[u8]]) -> Result<Vec<u8>, String> {
        self.exchange(question).unwrap_or_else(|error| {
            *self = Self::start(self.name);
            Err(format!("the program ends: {error}"))
        })
    }

    fn exchange(&mut self, question: &[&[u8]]) -> io::Result<Result<Vec<u8>, String>> {
        let size = |length: usize| u32::try_from(length).map_err(io::Error::other);
        if let Some(input) = &mut self.input {
            input.write_all(&size(question.len())?.to_be_bytes())?;
            for text in question {
                input.write_all(&size(text.len())?.to_be_bytes())?;
                input.write_all(text)?;
            }
            input.flush()?;
        }
        let mut head = [0; 5];
        self.output.read_exact(&mut head)?;
        let [status, length @ ..] = head;
        let length = usize::try_from(u32::from_be_bytes(length)).map_err(io::Error::other)?;
        let mut answer = vec![0; length];
        self.output.read_exact(&mut answer)?;
        Ok(match status {
            1 => Ok(answer),
            _ => Err(String::from_utf8_lossy(&answer).into_owned()),
        })
    }
}

impl Drop for Oracle {
    fn drop(&mut self) {
        self.input = None;
        // It has ended, or does so now.
        drop(self.child.wait());
    }
}
