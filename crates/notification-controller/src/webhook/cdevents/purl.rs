//! Package URLs, as the Go library that `CDEvents` uses takes them: more than the specification allows.
//!
//! Source: package-url/packageurl-go (0.1.1).

use super::uri::is_escaped;

/// Whether a text is a package URL.
pub(super) fn is_valid(text: &str) -> bool {
    let (rest, subpath) = text.split_once('#').unwrap_or((text, ""));
    if !is_escaped(&subpath.replace('.', "")) {
        return false;
    }
    let (rest, qualifiers) = match rest.rsplit_once('?') {
        Some((rest, qualifiers)) => (rest, Some(qualifiers)),
        None => (rest, None),
    };
    if !qualifiers.is_none_or(|list| list.split('&').all(is_qualifier)) {
        return false;
    }
    let value = |name: &str| {
        let mut pairs = qualifiers?
            .split('&')
            .filter_map(|pair| pair.split_once('='));
        let (_, value) =
            pairs.find(|(key, value)| key.eq_ignore_ascii_case(name) && !value.is_empty())?;
        Some(value)
    };
    let Some(rest) = rest.strip_prefix("pkg:") else {
        return false;
    };
    let Some((kind, path)) = rest.trim_start_matches('/').split_once('/') else {
        return false;
    };
    let (namespace, name) = path.rsplit_once('/').unwrap_or(("", path));
    let (name, version) = match name.split_once('@') {
        Some((name, version)) if is_escaped(name) && is_escaped(version) => (name, version),
        Some(_) => return false,
        None => (name, ""),
    };
    if name.is_empty() || !is_escaped(namespace) {
        return false;
    }
    let in_namespace = namespace.split('/').any(|part| !part.is_empty());
    match kind.to_ascii_lowercase().as_str() {
        "" => false,
        "conan" => in_namespace == value("channel").is_some(),
        "swift" => in_namespace && !version.is_empty(),
        "cran" => !version.is_empty(),
        _ => true,
    }
}

fn is_qualifier(text: &str) -> bool {
    let Some((key, value)) = text.split_once('=') else {
        return false;
    };
    let is_start = |b: u8| b.is_ascii_alphabetic() || b".-_".contains(&b);
    let valid = key.bytes().all(|b| is_start(b) || b.is_ascii_digit());
    valid && key.bytes().next().is_some_and(is_start) && is_escaped(value)
}
