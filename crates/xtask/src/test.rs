//! `cargo xtask test`: everything that must hold before a change goes in. CI runs exactly this.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::release::cargo;
use crate::{crds, reference, tidy};

/// What must be there: a name, how to see it, and what it is for.
const PREREQUISITES: [(&str, &[&str], &str); 9] = [
    (
        "cargo",
        &["cargo", "--version"],
        "builds everything; see https://rustup.rs",
    ),
    (
        "rustfmt",
        &["cargo", "fmt", "--version"],
        "checks the format; `rustup component add rustfmt`",
    ),
    (
        "clippy",
        &["cargo", "clippy", "--version"],
        "checks the code; `rustup component add clippy`",
    ),
    (
        "go",
        &["go", "version"],
        "builds the control plane; see https://go.dev/dl",
    ),
    (
        "git",
        &["git", "--version"],
        "serves repositories to the tests",
    ),
    (
        "ssh-keygen",
        &["sh", "-c", "command -v ssh-keygen"],
        "makes keys for the tests; openssh-client",
    ),
    (
        "sshd",
        &["sh", "-c", "command -v sshd || command -v /usr/sbin/sshd"],
        "serves repositories to the tests; openssh-server",
    ),
    (
        "buildah",
        &["buildah", "--version"],
        "builds the images in the tests; buildah",
    ),
    (
        "prometheus",
        &["prometheus", "--version"],
        "evaluates dashboards and rules in the tests; prometheus",
    ),
];

type Step = (&'static str, fn() -> Result<()>);

const STEPS: [Step; 8] = [
    ("format", || cargo(&["fmt", "--all", "--check"])),
    ("house rules", tidy::run),
    ("definitions", || crds::run(&crds::Flags { check: true })),
    ("lints", || {
        cargo(&[
            "clippy",
            "--workspace",
            "--all-targets",
            "--",
            "-D",
            "warnings",
        ])
    }),
    ("control plane", || {
        testkit::control_plane::binaries::build().map(drop)
    }),
    ("programs", || cargo(&["build", "--workspace", "--bins"])),
    ("reference", || {
        reference::run(&reference::Flags { check: true })
    }),
    ("tests", || {
        cargo(&["test", "--workspace", "--no-fail-fast"])
    }),
];

/// Runs every step, also after one has failed, and sums up.
pub(crate) fn run() -> Result<()> {
    prerequisites()?;
    let mut results = Vec::new();
    for (name, step) in STEPS {
        println!("\n── {name}");
        let began = Instant::now();
        let result = step();
        if let Err(error) = &result {
            println!("{error:#}");
        }
        results.push((name, result.is_ok(), began.elapsed()));
    }
    println!("\n── summary");
    for (name, passed, took) in &results {
        println!(
            "  {} {name:<16} {}",
            if *passed { "ok  " } else { "FAIL" },
            time(*took)
        );
    }
    let failed: Vec<&str> = results
        .iter()
        .filter(|(_, passed, _)| !passed)
        .map(|(name, ..)| *name)
        .collect();
    if !failed.is_empty() {
        bail!("failed: {}", failed.join(", "));
    }
    Ok(())
}

fn prerequisites() -> Result<()> {
    let mut missing = Vec::new();
    for (name, command, purpose) in PREREQUISITES {
        if !answers(command) {
            missing.push(format!("missing: {name} ({purpose})"));
        }
    }
    let backend = Command::new("git")
        .arg("--exec-path")
        .output()
        .context("run git");
    let backend = backend.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    if backend.is_ok_and(|path| !Path::new(&path).join("git-http-backend").exists()) {
        missing.push("missing: git-http-backend (serves repositories to the tests)".to_owned());
    }
    for line in &missing {
        println!("{line}");
    }
    if !missing.is_empty() {
        bail!(
            "{} programs are missing; `.ci/run` installs what Debian has",
            missing.len()
        );
    }
    Ok(())
}

fn answers(command: &[&str]) -> bool {
    let Some((program, args)) = command.split_first() else {
        return false;
    };
    Command::new(program)
        .args(args)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

fn time(duration: Duration) -> String {
    let seconds = duration.as_secs();
    format!("{}:{:02}", seconds / 60, seconds % 60)
}
