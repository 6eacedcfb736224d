//! The command as a user runs it: output, warnings, exit status.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

const CONFIG_MAP: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: one\n";

fn perigee(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_perigee"))
        .args(args)
        .output()
        .expect("the command runs")
}

fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a directory");
    for (path, text) in files {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
        fs::write(path, text).expect("a file");
    }
    dir
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a readable path")
}

#[test]
fn prints_the_build() {
    let dir = tree(&[
        ("kustomization.yaml", "resources: [cm.yaml]"),
        ("cm.yaml", CONFIG_MAP),
    ]);
    let output = perigee(&["build", text(dir.path())]);
    assert!(output.status.success());
    assert_eq!(String::from_utf8_lossy(&output.stdout), CONFIG_MAP);
    assert!(output.stderr.is_empty());
}

#[test]
fn warns_on_standard_error() {
    let dir = tree(&[
        ("kustomization.yaml", "bases: [base]"),
        ("base/kustomization.yaml", "resources: [cm.yaml]"),
        ("base/cm.yaml", CONFIG_MAP),
    ]);
    let output = perigee(&["build", text(dir.path()), "--enable-managedby-label=false"]);
    assert_eq!(String::from_utf8_lossy(&output.stdout), CONFIG_MAP);
    assert!(
        String::from_utf8_lossy(&output.stderr).starts_with("# Warning: 'bases' is deprecated.")
    );
}

#[test]
fn fails_with_one_line_and_status_one() {
    let dir = tree(&[("kustomization.yaml", "resources: [none.yaml]")]);
    let output = perigee(&["build", text(dir.path())]);
    assert_eq!(output.status.code(), Some(1));
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        error.starts_with("Error: accumulating resources: accumulation err="),
        "{error}"
    );
    assert!(output.stdout.is_empty());
}

#[test]
fn writes_a_file_per_object_into_a_directory() {
    let dir = tree(&[
        ("in/kustomization.yaml", "resources: [cm.yaml]"),
        ("in/cm.yaml", CONFIG_MAP),
    ]);
    let out = dir.path().join("out");
    fs::create_dir(&out).expect("a directory");
    let input = dir.path().join("in");
    assert!(
        perigee(&["build", text(&input), "-o", text(&out)])
            .status
            .success()
    );
    assert_eq!(
        fs::read_to_string(out.join("v1_configmap_one.yaml")).expect("the file"),
        CONFIG_MAP
    );
}
