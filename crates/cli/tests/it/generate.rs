//! `perigee generate kustomizations`: a directory per case under `tests/generate`.
//!
//! `command` holds the arguments, `before` the repository, `stdout` and `stderr` what is said. `after` holds the files that
//! are new or changed, `removed` the paths that are gone; a case without either changes nothing. After each case that
//! writes, a second run changes nothing and `perigee build` takes the result.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

type Files = BTreeMap<String, String>;

fn cases() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/generate")
}

fn read(dir: &Path) -> Files {
    let mut files = Files::new();
    if dir.is_dir() {
        crate::run::read_all(dir, "", &mut files);
    }
    files
}

/// A repository that holds `files`.
fn repository(files: &Files) -> TempDir {
    let dir = tempfile::tempdir().expect("a directory");
    fs::create_dir(dir.path().join(".git")).expect("a directory");
    for (path, text) in files {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
        fs::write(path, text).expect("a file");
    }
    dir
}

fn perigee(dir: &Path, command: &str, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_perigee"))
        .args(command.split(' '))
        .args(args)
        .current_dir(dir)
        .output()
        .expect("the program runs")
}

fn generate(dir: &Path, args: &[&str]) -> (bool, String, String) {
    let output = perigee(dir, "generate kustomizations", args);
    let root = fs::canonicalize(dir).expect("a path");
    let text =
        |bytes: &[u8]| String::from_utf8_lossy(bytes).replace(&*root.to_string_lossy(), "<root>");
    (
        output.status.success(),
        text(&output.stdout),
        text(&output.stderr),
    )
}

#[test]
fn cases_give_what_they_say() {
    let mut seen = 0;
    for entry in fs::read_dir(cases()).expect("the cases") {
        let case = entry.expect("a case").path();
        let name = case.display();
        let text = |file: &str| fs::read_to_string(case.join(file)).unwrap_or_default();
        let before = read(&case.join("before"));
        let repository = repository(&before);
        let command = text("command");
        let args: Vec<&str> = command.split_whitespace().collect();

        let (passed, stdout, stderr) = generate(repository.path(), &args);
        assert_eq!(stdout, text("stdout"), "{name}: stdout");
        assert_eq!(stderr, text("stderr"), "{name}: stderr");
        assert_eq!(passed, !stderr.contains("Error: "), "{name}: status");

        let mut expected = before;
        expected.extend(read(&case.join("after")));
        for path in text("removed").lines() {
            assert!(expected.remove(path).is_some(), "{name}: {path}");
        }
        assert_eq!(read(repository.path()), expected, "{name}: files");
        if passed && !command.contains("--dry-run") {
            settled(repository.path(), &args, &case);
        }
        seen += 1;
    }
    assert!(seen >= 10, "{seen} cases");
}

/// A second run changes nothing, and the result is a build with one object per file.
fn settled(repository: &Path, args: &[&str], case: &Path) {
    let name = case.display();
    let before = read(repository);
    let (passed, stdout, _) = generate(repository, &[args, &["--check"]].concat());
    let sum = stdout.lines().last().unwrap_or_default();
    assert!(passed && sum.starts_with("0 changed"), "{name}: {stdout}");
    assert_eq!(read(repository), before, "{name}: second run");

    let to = args.iter().position(|arg| *arg == "--to").expect("--to");
    let to = args.get(to + 1).expect("a directory");
    let built = perigee(repository, "build", &[to]);
    let error = String::from_utf8_lossy(&built.stderr);
    assert!(built.status.success(), "{name}: {error}");
    let objects = String::from_utf8_lossy(&built.stdout)
        .matches("kind: Kustomization\n")
        .count();
    let version = "apiVersion: kustomize.toolkit.fluxcd.io/";
    let files = before
        .iter()
        .filter(|(path, text)| path.starts_with(*to) && text.contains(version));
    assert_eq!(objects, files.count(), "{name}: objects");
}

const SERVICE: (&str, &str) = ("apps/api/deployment.yaml", crate::run::CONFIG_MAP);

#[test]
fn flags_are_checked_before_anything_is_written() {
    let files = Files::from([(SERVICE.0.to_owned(), SERVICE.1.to_owned())]);
    for (args, expected) in [
        (
            "--namespace Flux",
            "--namespace: 'Flux' has more than lower-case letters, digits and dashes",
        ),
        ("--target-namespace -a", "unknown flag: -a"),
        (
            "--target-namespace=a-",
            "--target-namespace: 'a-' begins or ends with a dash",
        ),
        ("--source a/b/c", "--source: 'a/b/c' has more than"),
        (
            "--source A/b",
            "--source: the namespace of 'A/b' has more than",
        ),
        ("--depends-on infra,", "--depends-on: '' is empty"),
        (
            "--interval 0s",
            "--interval: '0s' is not longer than nothing",
        ),
        (
            "--interval 10us",
            "--interval: '10us' is no duration of h, m, s and ms",
        ),
        ("--check --dry-run", "cannot be used with"),
        ("--from nowhere", "--from: nowhere is not a directory"),
        (
            "--from ..",
            "--from: .. is outside of the repository <root>",
        ),
        (
            "--to ../out",
            "--to: ../out is outside of the repository <root>",
        ),
        (
            "--to no/../../out",
            "--to: no/../../out leads through a directory that does not exist",
        ),
        ("--to apps/clusters", "--to lies in --from"),
        ("--to apps", "--to lies in --from"),
        ("--from .", "--to lies in --from"),
    ] {
        let repository = repository(&files);
        let mut all: Vec<&str> = args.split_whitespace().collect();
        for default in [["--from", "apps"], ["--to", "clusters/dev"]] {
            if !all.contains(&default[0]) {
                all.extend(default);
            }
        }
        let (passed, stdout, stderr) = generate(repository.path(), &all);
        assert!(!passed, "{args}: {stdout}");
        assert!(stderr.contains(expected), "{args}: {stderr}");
        assert_eq!(read(repository.path()), files, "{args}");
    }
}

#[test]
fn paths_start_where_the_command_runs() {
    let files = Files::from([(SERVICE.0.to_owned(), SERVICE.1.to_owned())]);
    let repository = repository(&files);
    let (passed, stdout, stderr) = generate(
        &repository.path().join("apps"),
        &["--from", "../apps", "--to", "../clusters"],
    );
    assert!(passed, "{stderr}");
    assert!(stdout.contains("create clusters/api.yaml"), "{stdout}");
    let written = read(repository.path());
    assert!(written["clusters/api.yaml"].contains("path: ./apps/api\n"));
}

#[cfg(unix)]
#[test]
fn links_lead_nowhere() {
    use std::os::unix::fs::symlink;

    let elsewhere = tempfile::tempdir().expect("a directory");
    let files = Files::from([(SERVICE.0.to_owned(), SERVICE.1.to_owned())]);
    let repository = repository(&files);
    let root = repository.path();
    symlink(elsewhere.path(), root.join("out")).expect("a link");
    fs::write(elsewhere.path().join("web.yaml"), SERVICE.1).expect("a file");
    symlink(elsewhere.path(), root.join("apps/web")).expect("a link");

    let (passed, _, stderr) = generate(root, &["--from", "apps", "--to", "out/dev"]);
    assert!(
        !passed && stderr.contains("outside of the repository"),
        "{stderr}"
    );

    let target = elsewhere.path().join("target");
    fs::create_dir(root.join("clusters")).expect("a directory");
    symlink(&target, root.join("clusters/api.yaml")).expect("a link");
    let (passed, _, stderr) = generate(root, &["--from", "apps", "--to", "clusters"]);
    assert!(
        !passed && stderr.contains("not written by this command: clusters/api.yaml"),
        "{stderr}"
    );
    assert!(
        stderr.contains("hint: apps/web is a link: not followed"),
        "{stderr}"
    );
    assert!(!target.exists());
}

#[test]
fn a_directory_in_no_repository_is_refused() {
    let dir = tempfile::tempdir().expect("a directory");
    fs::create_dir(dir.path().join("apps")).expect("a directory");
    let (passed, _, stderr) = generate(dir.path(), &["--from", "apps", "--to", "clusters"]);
    assert!(
        !passed && stderr.contains("is in no Git repository"),
        "{stderr}"
    );
}
