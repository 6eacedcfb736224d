//! The real `kustomize`, which says what is right.
//!
//! [`build`] runs the program on a directory; it is built once from its Go module into the
//! workspace's target directory. A [`Library`] is its engine in a process that stays, for tests
//! that build thousands of small trees: starting the program costs more than such a build.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use oracle::Oracle;

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

/// The engine in a process that builds trees of files, one after another.
pub(crate) struct Library(Oracle);

impl Library {
    /// Starts the process.
    pub(crate) fn start() -> Self {
        Self(Oracle::start("kustomize"))
    }

    /// Builds the directory `top` of a tree: the output, or the error's text.
    pub(crate) fn build(&mut self, files: &[(String, String)]) -> Result<Vec<u8>, String> {
        let texts = files.iter().flat_map(|(path, text)| [path, text]);
        let texts: Vec<&[u8]> = texts.map(String::as_bytes).collect();
        self.0.ask(&texts)
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
