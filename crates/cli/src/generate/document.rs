//! What a YAML file says about itself, as far as a service and its move from Flux v1 are concerned.

use yaml::Node;

/// Annotations by which Flux v1 leaves an object alone.
const V1_IGNORE: [&str; 2] = ["fluxcd.io/ignore", "flux.weave.works/ignore"];

/// The beginnings of Flux v1's other annotations.
const V1_PREFIXES: [&str; 2] = ["fluxcd.io/", "flux.weave.works/"];

/// What was found in one file.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Content {
    /// Whether a document is a Kubernetes object.
    pub(super) manifest: bool,
    /// Whether a document is none, and not empty either.
    pub(super) other: bool,
    /// What a person should know, each once.
    pub(super) hints: Vec<&'static str>,
}

/// Reads a file. `None` when it is no YAML, as a template of a chart.
pub(super) fn read(text: &str) -> Option<Content> {
    let mut content = Content::default();
    for document in yaml::parse_documents(text).ok()? {
        if document.is_null() {
            continue;
        }
        let field = |name: &str| document.get(name).and_then(Node::as_str);
        let (Some(version), Some(kind)) = (field("apiVersion"), field("kind")) else {
            content.other = true;
            continue;
        };
        content.manifest = true;
        let group = version.split('/').next().unwrap_or_default();
        let hints = [release(group, kind), annotations(&document)];
        for hint in hints.into_iter().flatten() {
            if !content.hints.contains(&hint) {
                content.hints.push(hint);
            }
        }
    }
    Some(content)
}

fn release(group: &str, kind: &str) -> Option<&'static str> {
    match (group, kind) {
        ("helm.fluxcd.io" | "flux.weave.works", "HelmRelease") => Some(
            "a HelmRelease of Flux v1's Helm operator, which nothing in Flux v2 reads: convert it to helm.toolkit.fluxcd.io/v2",
        ),
        ("helm.toolkit.fluxcd.io", "HelmRelease") => {
            Some("a HelmRelease, which needs Flux's helm-controller")
        }
        _ => None,
    }
}

fn annotations(document: &Node) -> Option<&'static str> {
    let annotations = document.get("metadata")?.get("annotations")?;
    let ignored = |name: &str| annotations.get(name).and_then(Node::as_str) == Some("true");
    if V1_IGNORE.iter().any(|name| ignored(name)) {
        return Some(
            "Flux v1 leaves an object alone that would be applied now: annotate it with kustomize.toolkit.fluxcd.io/reconcile: disabled",
        );
    }
    let mapping = annotations.as_mapping()?;
    let mut keys = mapping.iter().filter_map(|(key, _)| key.as_str());
    keys.any(|key| V1_PREFIXES.iter().any(|prefix| key.starts_with(prefix)))
        .then_some("annotations of Flux v1, which have no effect in Flux v2")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contents() {
        let object = "apiVersion: v1\nkind: ConfigMap\n";
        for (text, manifest, other, hint) in [
            (object.to_owned(), true, false, None),
            ("a: 1\n".to_owned(), false, true, None),
            ("# nothing\n".to_owned(), false, false, None),
            (format!("{object}---\na: 1\n"), true, true, None),
            (
                "apiVersion: helm.fluxcd.io/v1\nkind: HelmRelease\n".to_owned(),
                true,
                false,
                Some("Helm operator"),
            ),
            (
                "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\n".to_owned(),
                true,
                false,
                Some("helm-controller"),
            ),
            (
                format!("{object}metadata:\n  annotations:\n    fluxcd.io/ignore: \"true\"\n"),
                true,
                false,
                Some("reconcile: disabled"),
            ),
            (
                format!("{object}metadata:\n  annotations:\n    fluxcd.io/automated: \"true\"\n"),
                true,
                false,
                Some("no effect"),
            ),
        ] {
            let content = read(&text).expect("YAML");
            assert_eq!(
                (content.manifest, content.other),
                (manifest, other),
                "{text}"
            );
            assert_eq!(content.hints.len(), usize::from(hint.is_some()), "{text}");
            for found in content.hints {
                assert!(found.contains(hint.unwrap_or("nothing")), "{text}: {found}");
            }
        }
        assert_eq!(read("{{ template }}: {{\n"), None);
    }
}
