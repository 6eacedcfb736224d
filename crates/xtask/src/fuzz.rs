//! `cargo xtask fuzz`: runs a fuzz target under libFuzzer, on the stable compiler.
//!
//! Coverage comes from LLVM's own pass; the sanitizers, which need nightly, have little to find where `unsafe` is
//! forbidden. The stack is that of a worker thread, so that deep recursion shows. What was found lies in
//! `target/fuzz/<target>`; a file copied to `fuzz/cases/<target>` becomes a test case.
//!
//! Source: LLVM's documents on `SanitizerCoverage` and `libFuzzer`.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use testkit::workspace;

#[expect(dead_code, reason = "only writes archives; the targets read them")]
#[path = "../../../fuzz/src/archive.rs"]
mod archive;

const COVERAGE: &str = "-Cpasses=sancov-module \
    -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares \
    -Ccodegen-units=1 --cfg fuzzing";

/// Stack of a worker thread, in KiB.
const STACK: u32 = 2048;

#[derive(clap::Args)]
pub(crate) struct Flags {
    /// Which target.
    target: Target,
    /// How long to run, in seconds.
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Run only this input.
    #[arg(long, value_name = "FILE")]
    input: Option<std::path::PathBuf>,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Target {
    Yaml,
    Engine,
}

impl Target {
    const fn name(self) -> &'static str {
        match self {
            Self::Yaml => "yaml",
            Self::Engine => "engine",
        }
    }
}

/// Builds and runs.
pub(crate) fn run(flags: &Flags) -> Result<()> {
    let (root, name) = (workspace::root(), flags.target.name());
    let host = host()?;
    let output = root.join("target/fuzz");
    let status = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["build", "--release", "--manifest-path"])
        .arg(root.join("fuzz/Cargo.toml"))
        // With a target, build scripts and macros are built without coverage.
        .args(["--target", &host, "--bin", name])
        .env("CARGO_TARGET_DIR", &output)
        .env("RUSTFLAGS", COVERAGE)
        .status()
        .context("run cargo")?;
    if !status.success() {
        bail!("the target does not build");
    }
    let work = output.join(name);
    let corpus = work.join("corpus");
    fs::create_dir_all(&corpus).context("create the corpus")?;
    seed(flags.target, &root, &corpus)?;
    let program = output.join(&host).join("release").join(name);
    let mut command = Command::new("sh");
    command
        .args(["-c", &format!("ulimit -s {STACK}; exec \"$@\"")])
        .arg("fuzz")
        .arg(program)
        .args(["-timeout=10", "-rss_limit_mb=1024", "-max_len=16384"])
        .arg(format!("-max_total_time={}", flags.seconds))
        .arg(format!("-artifact_prefix={}/", work.display()));
    match &flags.input {
        Some(input) => command.arg(input),
        None => command.arg(&corpus),
    };
    let status = command.status().context("run the target")?;
    if !status.success() {
        bail!(
            "the target failed; what made it fail is in {}",
            work.display()
        );
    }
    Ok(())
}

/// Puts the cases of the conformance tests into the corpus.
fn seed(target: Target, root: &Path, corpus: &Path) -> Result<()> {
    let cases = root.join("tests/conformance/kustomize");
    let mut number = 0;
    for area in fs::read_dir(&cases).context("list the cases")? {
        for case in fs::read_dir(area?.path()).context("list an area")? {
            let mut files = Vec::new();
            read_all(&case?.path(), "", &mut files)?;
            let texts: Vec<String> = match target {
                Target::Engine => {
                    let files = files
                        .iter()
                        .map(|(path, text)| (path.as_str(), text.as_str()));
                    vec![archive::pack(files)]
                }
                Target::Yaml => files.into_iter().map(|(_, text)| text).collect(),
            };
            for text in texts {
                number += 1;
                fs::write(corpus.join(format!("seed-{number}")), text).context("write a seed")?;
            }
        }
    }
    Ok(())
}

fn read_all(dir: &Path, prefix: &str, into: &mut Vec<(String, String)>) -> Result<()> {
    let mut entries: Vec<_> = fs::read_dir(dir)?.collect::<Result<_, _>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.path().is_dir() {
            read_all(&entry.path(), &format!("{path}/"), into)?;
        } else if let Ok(text) = fs::read_to_string(entry.path()) {
            into.push((path, text));
        }
    }
    Ok(())
}

/// The triple that the compiler runs on.
fn host() -> Result<String> {
    let output = Command::new("rustc")
        .arg("-vV")
        .output()
        .context("run rustc")?;
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .find_map(|line| line.strip_prefix("host: ").map(str::to_owned))
        .context("the compiler does not tell its host")
}
