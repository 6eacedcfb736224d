//! What the code names and pages written by hand must explain: reasons, metrics, labels and annotations, and fields that
//! are not honoured.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::Result;

use super::{CONTROLLERS, source};

const REASONS: &str = "docs/troubleshooting.md";
const METRICS: &str = "docs/reference/metrics.md";
const LABELS: &str = "docs/reference/labels.md";
const MISSING: &str = "docs/reference/missing.md";

/// Where a Kustomization with a field that is not honoured is refused.
const GATE: &str = "crates/kustomize-controller/src/kustomization/gate.rs";

/// The beginnings of our metrics' names.
const METRIC_PREFIXES: [&str; 6] = [
    "controller_runtime_",
    "gotk_",
    "leader_election_",
    "perigee_",
    "rest_client_",
    "workqueue_",
];

/// Words in the controllers that look like reasons: kinds, products, and words of specifications.
const NOT_REASONS: [&str; 19] = [
    "ArtifactGenerator",
    "CDEvents",
    "ConfigMap",
    "DockerHub",
    "ExternalArtifact",
    "GitHub",
    "GitLab",
    "GitRepository",
    "HelmChart",
    "HelmRepository",
    "ImageRepository",
    "InProgress",
    "OCIRepository",
    "PartialObjectMetadata",
    "PartialObjectMetadataList",
    "SecretData",
    "ServiceAccount",
    "SharedAccessKey",
    "TokenRequest",
];

/// Returns what is not explained, and what is explained and not there.
pub(super) fn missing(root: &Path) -> Result<Vec<String>> {
    let mut wrong = Vec::new();
    let mut all = BTreeSet::new();
    let mut gates = BTreeSet::new();
    let mut metrics = BTreeSet::new();
    let reasons = root.join("crates/api/src/meta/reason.rs");
    let mut reasons = source::in_text(&source::read(&reasons)?);
    for name in CONTROLLERS.into_iter().chain(["runtime", "apply"]) {
        let literals = source::literals(&root.join("crates").join(name).join("src"))?;
        let is_metric = |name: &&String| {
            let prefix = METRIC_PREFIXES
                .iter()
                .any(|prefix| name.starts_with(prefix));
            let rest = |c: char| c.is_ascii_lowercase() || c == '_';
            prefix && name.chars().all(rest)
        };
        metrics.extend(literals.iter().filter(is_metric).cloned());
        if CONTROLLERS.contains(&name) {
            let flags = root.join(format!("crates/{name}/src/flags.rs"));
            let own = source::gates(&source::read(&flags)?);
            gates.extend(own.into_iter().map(|(gate, _)| gate));
            reasons.extend(literals.iter().filter(|text| is_camel(text)).cloned());
        }
        all.extend(literals);
    }
    all.extend(reasons.iter().cloned());
    reasons.retain(|name| !gates.contains(name) && !NOT_REASONS.contains(&name.as_str()));

    let page = source::read(&root.join(REASONS))?;
    let explained = first_cells(&page);
    for reason in reasons.difference(&explained) {
        wrong.push(format!(
            "{REASONS} has no row for the reason {reason} (if it is none, say so in {})",
            file!()
        ));
    }
    for reason in explained.difference(&all) {
        wrong.push(format!(
            "{REASONS} has a row for {reason}, which nothing says"
        ));
    }
    let annotations = root.join("crates/api/src/meta/annotation.rs");
    let annotations = source::in_text(&source::read(&annotations)?);
    let labels = annotations.into_iter().filter(|name| name.contains('/'));
    for (file, names) in [(METRICS, metrics), (LABELS, labels.collect())] {
        let page = source::read(&root.join(file))?;
        for name in names
            .iter()
            .filter(|name| !page.contains(&format!("`{name}")))
        {
            wrong.push(format!("{file} does not name {name}"));
        }
    }
    let refused = refused(&source::read(&root.join(GATE))?);
    let listed = listed(&source::read(&root.join(MISSING))?);
    for field in refused.difference(&listed) {
        wrong.push(format!("{MISSING} has no row for {field}"));
    }
    for field in listed.difference(&refused) {
        wrong.push(format!(
            "{MISSING} has a row for {field}, which is honoured"
        ));
    }
    Ok(wrong)
}

/// Returns the fields that stand alone in strings.
fn refused(source: &str) -> BTreeSet<String> {
    let is_field = |text: &String| {
        let rest = |c: char| c.is_ascii_alphabetic() || c == '.';
        text.starts_with("spec.") && text.chars().all(rest)
    };
    let literals = source::in_text(source).into_iter();
    literals.filter(is_field).collect()
}

/// Returns the fields of Kustomizations that have rows.
fn listed(page: &str) -> BTreeSet<String> {
    page.lines()
        .filter_map(|line| line.strip_prefix("| `Kustomization` `")?.split_once('`'))
        .map(|(field, _)| field.to_owned())
        .collect()
}

/// Returns the words that stand alone, as code, at the beginning of rows.
fn first_cells(page: &str) -> BTreeSet<String> {
    page.lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once("` |"))
        .filter(|(cell, _)| !cell.contains('`'))
        .map(|(cell, _)| cell.to_owned())
        .collect()
}

/// Whether a text is of several words that begin with capitals, as reasons are.
fn is_camel(text: &str) -> bool {
    let capitals = text.chars().filter(char::is_ascii_uppercase).count();
    text.starts_with(|c: char| c.is_ascii_uppercase())
        && text.chars().all(|c| c.is_ascii_alphabetic())
        && (2..text.len()).contains(&capitals)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_of_several_words() {
        for (text, expected) in [
            ("BuildFailed", true),
            ("InvalidCELExpression", true),
            ("Failed", false),
            ("URL", false),
            ("can't", false),
            ("GitRepository ", false),
        ] {
            assert_eq!(is_camel(text), expected, "{text}");
        }
    }

    #[test]
    fn fields_that_are_not_honoured_have_rows() {
        let source = "(\"spec.postBuild\", true), \"spec.x of {y}\"\n// \"spec.z\"\n";
        let page =
            "| `Kustomization` `spec.postBuild` | stalls |\n| `GitRepository` `spec.a` | |\n";
        let expected = BTreeSet::from(["spec.postBuild".to_owned()]);
        assert_eq!(refused(source), expected);
        assert_eq!(listed(page), expected);
    }

    #[test]
    fn rows_explain_their_first_cell() {
        let page = "| reason | |\n| --- | --- |\n| `A` | x |\n| `B` or `C` | y |\ntext `D` | z |\n";
        assert_eq!(first_cells(page), BTreeSet::from(["A".to_owned()]));
    }
}
