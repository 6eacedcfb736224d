//! The chart and the plain manifests, with the real `helm`, `kubectl` and `flux`.

mod chart;
mod cluster;
mod image;
mod manifests;
mod swap;

use std::{collections::BTreeMap, path::PathBuf, process::Command};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use testkit::{tool, workspace};

/// The namespace that all of Flux's tools expect.
const NAMESPACE: &str = "flux-system";

/// Objects by kind, namespace and name.
type Objects = BTreeMap<(String, String, String), Value>;

fn chart_dir() -> PathBuf {
    workspace::root().join("charts/perigee")
}

/// Runs a program and returns what it prints; its errors are the error.
fn run(command: &mut Command) -> Result<String> {
    let output = command
        .output()
        .with_context(|| format!("run {command:?}"))?;
    if !output.status.success() {
        bail!(
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// Renders the chart with values that are set on the command line.
fn render(values: &[&str]) -> Result<String> {
    let mut helm = Command::new(tool::helm()?);
    helm.arg("template").arg("perigee").arg(chart_dir());
    helm.args(["--namespace", NAMESPACE]);
    for value in values {
        helm.args(["--set-json", value]);
    }
    run(&mut helm)
}

/// Reads manifests.
fn objects(manifests: &str) -> Result<Objects> {
    let mut objects = Objects::new();
    for document in yaml::parse_documents(manifests)? {
        let object = yaml::v3::to_json(&document)?;
        if object.is_null() {
            continue;
        }
        let field = |pointer| {
            let value = object.pointer(pointer).and_then(Value::as_str);
            value.unwrap_or_default().to_owned()
        };
        let key = (
            field("/kind"),
            field("/metadata/namespace"),
            field("/metadata/name"),
        );
        ensure!(
            objects.insert(key.clone(), object).is_none(),
            "{key:?} is there twice"
        );
    }
    Ok(objects)
}
