//! `deploy/` is what the chart renders with its defaults.

use std::process::Command;

use anyhow::Result;
use serde_json::Value;
use testkit::workspace;

use super::{Objects, objects, render, run};

/// What only Helm adds.
const OF_HELM: [&str; 2] = [
    "/metadata/labels/app.kubernetes.io~1managed-by",
    "/metadata/labels/helm.sh~1chart",
];

fn without_helm(mut objects: Objects) -> Objects {
    for object in objects.values_mut() {
        for pointer in OF_HELM {
            if let Some((parent, field)) = pointer.rsplit_once('/')
                && let Some(labels) = object.pointer_mut(parent).and_then(Value::as_object_mut)
            {
                labels.remove(&field.replace("~1", "/"));
            }
        }
        let Some(metadata) = object["metadata"].as_object_mut() else {
            continue;
        };
        if let Some(annotations) = metadata
            .get_mut("annotations")
            .and_then(Value::as_object_mut)
        {
            annotations.remove("helm.sh/resource-policy");
            if annotations.is_empty() {
                metadata.remove("annotations");
            }
        }
    }
    objects
}

#[test]
fn the_manifests_equal_the_chart_with_its_defaults() -> Result<()> {
    let build = run(Command::new(crate::cluster::binaries()?.join("perigee"))
        .arg("build")
        .arg(workspace::root().join("deploy")))?;
    let mut deploy = objects(&build)?;
    // Helm creates the release's namespace itself, when asked to.
    let namespace = ("Namespace".into(), String::new(), super::NAMESPACE.into());
    assert!(deploy.remove(&namespace).is_some(), "no namespace");
    let chart = without_helm(objects(&render(&[])?)?);
    assert_eq!(
        deploy.keys().collect::<Vec<_>>(),
        chart.keys().collect::<Vec<_>>()
    );
    for (key, object) in &deploy {
        assert_eq!(Some(object), chart.get(key), "{key:?}");
    }
    Ok(())
}
