//! The real `kustomize`, which says what is right.
//!
//! [`build`] runs the program on a directory; it is built once from its Go module into the
//! workspace's target directory. A [`Library`] is its engine in a process that stays, for tests
//! that build thousands of small trees: starting the program costs more than such a build.

use std::io::{self, BufReader, BufWriter, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::OnceLock;

/// The pinned version.
const MODULE: &str = "sigs.k8s.io/kustomize/kustomize/v5@v5.8.1";

/// What a run of the program gave.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) ok: bool,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
}

/// The program, built if it is missing.
///
/// # Panics
/// When there is no `go` to build it with.
pub(crate) fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let dir =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/oracles/kustomize-5.8.1");
        let program = dir.join("kustomize");
        if !program.exists() {
            std::fs::create_dir_all(&dir).expect("the oracle's directory");
            let status = Command::new("go")
                .args(["install", MODULE])
                .env("GOBIN", &dir)
                .status();
            assert!(
                status.is_ok_and(|status| status.success()),
                "the oracle needs Go: install it so that `go install {MODULE}` works"
            );
        }
        program
    })
}

/// Runs `kustomize build` in `dir`.
pub(crate) fn build(dir: &Path, flags: &[String]) -> Outcome {
    let output = Command::new(program())
        .arg("build")
        .arg(dir)
        .args(flags)
        .output()
        .expect("the oracle runs");
    Outcome {
        ok: output.status.success(),
        stdout: output.stdout,
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// A process that builds trees of files, one after another.
pub(crate) struct Library {
    child: Child,
    input: Option<BufWriter<ChildStdin>>,
    output: BufReader<ChildStdout>,
}

impl Library {
    /// Starts the process.
    ///
    /// # Panics
    /// When there is no `go` to build it with.
    pub(crate) fn start() -> Self {
        static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
        let program = PROGRAM.get_or_init(|| {
            let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join("oracles/kustomize");
            let status = Command::new("go")
                .args(["build", "-o"])
                .arg(&program)
                .arg(".")
                .current_dir(
                    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/oracles/kustomize"),
                )
                .status();
            assert!(
                status.is_ok_and(|status| status.success()),
                "the oracle needs Go to be built"
            );
            program
        });
        let mut child = Command::new(program)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the oracle starts");
        let input = child.stdin.take().map(BufWriter::new);
        let output = BufReader::new(child.stdout.take().expect("the oracle's answers"));
        Self {
            child,
            input,
            output,
        }
    }

    /// Builds the directory `top` of a tree: the output, or the error's text. Some errors end the
    /// process; then another takes its place.
    pub(crate) fn build(&mut self, files: &[(String, String)]) -> Result<Vec<u8>, String> {
        self.ask(files).unwrap_or_else(|_| {
            *self = Self::start();
            Err("the program ends".to_owned())
        })
    }

    fn ask(&mut self, files: &[(String, String)]) -> io::Result<Result<Vec<u8>, String>> {
        let size = |length: usize| u32::try_from(length).map_err(io::Error::other);
        if let Some(input) = &mut self.input {
            input.write_all(&size(files.len())?.to_be_bytes())?;
            for part in files.iter().flat_map(|(path, text)| [path, text]) {
                input.write_all(&size(part.len())?.to_be_bytes())?;
                input.write_all(part.as_bytes())?;
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

impl Drop for Library {
    fn drop(&mut self) {
        // The end of its input ends the process.
        self.input = None;
        drop(self.child.wait());
    }
}

/// Calls `f` on all items, on as many threads as there are processors.
pub(crate) fn parallel<T: Sync, R: Send>(items: &[T], f: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    let next = std::sync::atomic::AtomicUsize::new(0);
    let mut results: Vec<(usize, R)> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|_| {
                scope.spawn(|| {
                    let mut mine = Vec::new();
                    loop {
                        let index = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                        let Some(item) = items.get(index) else {
                            return mine;
                        };
                        mine.push((index, f(item)));
                    }
                })
            })
            .collect();
        workers
            .into_iter()
            .flat_map(|worker| worker.join().expect("a worker"))
            .collect()
    });
    results.sort_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, result)| result).collect()
}
