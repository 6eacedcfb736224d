//! The text of the files.

use std::collections::BTreeSet;

use super::flags::{Reference, Settings};
use super::scan::Service;

/// The beginning of the first line of each file that this command writes.
const MARK: &str = "# Written by `perigee generate kustomizations --from ";

/// The first line: whoever changes the file by hand removes it, and is never overwritten.
fn mark(from: &str) -> String {
    format!("{MARK}{}`, which overwrites it.\n", dot(from))
}

/// Returns where the services of a file come from, if this command wrote it.
pub(super) fn origin(text: &str) -> Option<&str> {
    let line = text.lines().next()?.strip_prefix(MARK)?;
    line.split_once('`').map(|(from, _)| from)
}

/// Whether a file with this origin belongs to these settings.
pub(super) fn is_origin(settings: &Settings, origin: &str) -> bool {
    origin == dot(&settings.from)
}

/// The name of a service's file.
pub(super) fn file_name(service: &Service) -> String {
    format!("{}.yaml", service.name)
}

/// The Kustomization of one service.
pub(super) fn service(settings: &Settings, service: &Service) -> String {
    let mut text = mark(&settings.from);
    let mut line = |indent: usize, key: &str, value: &str| {
        text.push_str(&" ".repeat(indent));
        text.push_str(key);
        text.push(':');
        if !value.is_empty() {
            text.push(' ');
            text.push_str(value);
        }
        text.push('\n');
    };
    line(0, "apiVersion", "kustomize.toolkit.fluxcd.io/v1");
    line(0, "kind", "Kustomization");
    line(0, "metadata", "");
    line(2, "name", &scalar(&service.name));
    line(2, "namespace", &scalar(&settings.namespace));
    line(0, "spec", "");
    let itself = |reference: &&Reference| {
        let namespace = reference.namespace.as_ref().unwrap_or(&settings.namespace);
        *namespace == settings.namespace && reference.name == service.name
    };
    let dependencies: Vec<_> = settings
        .depends_on
        .iter()
        .filter(|reference| !itself(reference))
        .collect();
    if !dependencies.is_empty() {
        line(2, "dependsOn", "");
    }
    for dependency in dependencies {
        line(2, "- name", &scalar(&dependency.name));
        if let Some(namespace) = &dependency.namespace {
            line(4, "namespace", &scalar(namespace));
        }
    }
    line(2, "interval", &scalar(&settings.interval));
    line(2, "path", &scalar(&format!("./{}", service.path)));
    line(2, "prune", if settings.prune { "true" } else { "false" });
    line(2, "sourceRef", "");
    line(4, "kind", "GitRepository");
    line(4, "name", &scalar(&settings.source.name));
    if let Some(namespace) = &settings.source.namespace {
        line(4, "namespace", &scalar(namespace));
    }
    if let Some(namespace) = &settings.target_namespace {
        line(2, "targetNamespace", &scalar(namespace));
    }
    text
}

/// The file that lists all others.
pub(super) fn list(settings: &Settings, files: &BTreeSet<String>) -> String {
    let mut text = mark(&settings.from);
    text.push_str("apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n");
    for file in files {
        text.push_str("- ");
        text.push_str(&scalar(file));
        text.push('\n');
    }
    text
}

/// Quotes what YAML would not take for this string as it is.
fn scalar(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "./_-".contains(c);
    // Text such as `null` or `1e3` is a string only in quotes; resolution says which.
    let begins = !text.starts_with('-') && yaml::v3::resolve_tag(text) == yaml::Tag::Str;
    if begins && text.chars().all(plain) {
        // YAML 1.1, which Kubernetes' clients read, has more booleans.
        let boolean = ["y", "n", "yes", "no", "on", "off"];
        if !boolean.contains(&text.to_ascii_lowercase().as_str()) {
            return text.to_owned();
        }
    }
    let mut quoted = Vec::new();
    yaml::write_json_string(text, &mut quoted);
    String::from_utf8(quoted).unwrap_or_default()
}

fn dot(path: &str) -> &str {
    if path.is_empty() { "." } else { path }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_plain_is_quoted() {
        for (text, expected) in [
            ("./dev/releases/api", "./dev/releases/api"),
            ("api.yaml", "api.yaml"),
            ("10m", "10m"),
            ("1e3", "\"1e3\""),
            ("null", "\"null\""),
            ("on", "\"on\""),
            ("007", "\"007\""),
            ("./a: b", "\"./a: b\""),
            ("./ä", "\"./ä\""),
        ] {
            assert_eq!(scalar(text), expected);
        }
    }

    #[test]
    fn the_mark_tells_the_origin() {
        assert_eq!(origin(&mark("dev/releases")), Some("dev/releases"));
        assert_eq!(origin(&mark("")), Some("."));
        assert_eq!(origin("# by hand\n"), None);
        assert_eq!(origin(""), None);
    }
}
