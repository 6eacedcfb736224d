//! Selects resources: by id parts as patterns, by labels and annotations.
//!
//! Source: kustomize `api/types/selector.go`, `api/resource` (api 0.21.1); the grammar of label
//! selectors is that of `k8s.io/apimachinery/pkg/labels`.

use crate::error::{Error, Result};
use crate::id::Gvk;
use crate::kustomization::Selector;
use crate::regex::Pattern;
use crate::resource::Resource;

/// A compiled [`Selector`].
#[derive(Debug)]
pub(crate) struct Matcher {
    group: Pattern,
    version: Pattern,
    kind: Pattern,
    name: Pattern,
    namespace: Pattern,
    labels: Requirements,
    annotations: Requirements,
    /// Whether any id part is given.
    pub(crate) has_id: bool,
    /// Whether labels or annotations are selected.
    pub(crate) has_requirements: bool,
}

/// A label selector: all requirements must hold.
#[derive(Debug, Default)]
pub(crate) struct Requirements(Vec<Requirement>);

#[derive(Debug)]
struct Requirement {
    key: String,
    operator: Operator,
    values: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    In,
    NotIn,
    Exists,
    NotExists,
    GreaterThan,
    LessThan,
}

impl Matcher {
    pub(crate) fn new(selector: &Selector) -> Result<Self> {
        Ok(Self {
            group: Pattern::anchored(&selector.group)?,
            version: Pattern::anchored(&selector.version)?,
            kind: Pattern::anchored(&selector.kind)?,
            name: Pattern::anchored(&selector.name)?,
            namespace: Pattern::anchored(&selector.namespace)?,
            labels: Requirements::parse(&selector.labels)?,
            annotations: Requirements::parse(&selector.annotations)?,
            has_id: [
                &selector.group,
                &selector.version,
                &selector.kind,
                &selector.name,
                &selector.namespace,
            ]
            .iter()
            .any(|part| !part.is_empty()),
            has_requirements: !selector.labels.is_empty() || !selector.annotations.is_empty(),
        })
    }

    pub(crate) fn matches_gvk(&self, gvk: Gvk<'_>) -> bool {
        self.kind.is_match(gvk.kind)
            && self.group.is_match(gvk.group)
            && self.version.is_match(gvk.version)
    }

    pub(crate) fn matches_name(&self, name: &str) -> bool {
        self.name.is_match(name)
    }

    pub(crate) fn matches_namespace(&self, namespace: &str) -> bool {
        self.namespace.is_match(namespace)
    }

    pub(crate) fn matches_labels(&self, resource: &Resource) -> bool {
        self.labels.hold(&resource.labels())
    }

    pub(crate) fn matches_annotations(&self, resource: &Resource) -> bool {
        self.annotations.hold(&resource.annotations())
    }

    /// Whether a patch with this target is for `resource`: name and namespace may be the original
    /// or the present ones.
    pub(crate) fn targets(&self, resource: &Resource) -> bool {
        let (now, original) = (resource.id(), resource.original_id());
        self.matches_gvk(now.gvk)
            && (self.matches_name(original.name) || self.matches_name(now.name))
            && (self.matches_namespace(original.effective_namespace())
                || self.matches_namespace(now.effective_namespace()))
            && self.matches_labels(resource)
            && self.matches_annotations(resource)
    }
}

impl Requirements {
    /// Parses `a=b,c in (d,e),!f,g`.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let mut requirements = Vec::new();
        if text.trim().is_empty() {
            return Ok(Self(requirements));
        }
        for part in split_outside_parentheses(text) {
            requirements.push(Requirement::parse(part.trim()).ok_or_else(|| {
                Error::invalid(format!(
                    "unable to parse requirement: found '{part}' in '{text}'"
                ))
            })?);
        }
        Ok(Self(requirements))
    }

    fn hold(&self, entries: &[(&str, &str)]) -> bool {
        self.0.iter().all(|requirement| requirement.holds(entries))
    }
}

impl Requirement {
    fn parse(text: &str) -> Option<Self> {
        if let Some(key) = text.strip_prefix('!') {
            return Self::new(key.trim(), Operator::NotExists, vec![]);
        }
        for (mark, operator) in [
            ("!=", Operator::NotIn),
            ("==", Operator::In),
            ("=", Operator::In),
            (">", Operator::GreaterThan),
            ("<", Operator::LessThan),
        ] {
            if let Some((key, value)) = text.split_once(mark) {
                return Self::new(key.trim(), operator, vec![value.trim().to_owned()]);
            }
        }
        if let Some((head, list)) = text.split_once('(') {
            let values = list.strip_suffix(')')?;
            let values = values
                .split(',')
                .map(|value| value.trim().to_owned())
                .collect();
            let mut words = head.split_whitespace();
            let key = words.next()?;
            let operator = match words.next()? {
                "in" => Operator::In,
                "notin" => Operator::NotIn,
                _ => return None,
            };
            return words
                .next()
                .is_none()
                .then(|| Self::new(key, operator, values))
                .flatten();
        }
        Self::new(text, Operator::Exists, vec![])
    }

    fn new(key: &str, operator: Operator, values: Vec<String>) -> Option<Self> {
        let name = key.rsplit_once('/').map_or(key, |(_, name)| name);
        let key_ok = is_label_word(name) && !name.is_empty() && !key.contains(char::is_whitespace);
        let values_ok = values.iter().all(|value| is_label_word(value));
        let numbers_ok = !matches!(operator, Operator::GreaterThan | Operator::LessThan)
            || values.iter().all(|value| value.parse::<i64>().is_ok());
        (key_ok && values_ok && numbers_ok).then(|| Self {
            key: key.to_owned(),
            operator,
            values,
        })
    }

    fn holds(&self, entries: &[(&str, &str)]) -> bool {
        let value = entries
            .iter()
            .find(|(key, _)| *key == self.key)
            .map(|(_, value)| *value);
        let listed = value.is_some_and(|value| self.values.iter().any(|wanted| wanted == value));
        let compare = |holds: fn(i64, i64) -> bool| {
            let limit = self.values.first().and_then(|wanted| wanted.parse().ok());
            let number = value.and_then(|value| value.parse().ok());
            matches!((number, limit), (Some(number), Some(limit)) if holds(number, limit))
        };
        match self.operator {
            Operator::In => listed,
            Operator::NotIn => !listed,
            Operator::Exists => value.is_some(),
            Operator::NotExists => value.is_none(),
            Operator::GreaterThan => compare(|number, limit| number > limit),
            Operator::LessThan => compare(|number, limit| number < limit),
        }
    }
}

/// A label value or the name of a key: at most 63 of `[A-Za-z0-9_.-]`, alphanumeric at the ends.
fn is_label_word(text: &str) -> bool {
    let edge = |b: Option<&u8>| b.is_none_or(u8::is_ascii_alphanumeric);
    let bytes = text.as_bytes();
    bytes.len() <= 63
        && edge(bytes.first())
        && edge(bytes.last())
        && bytes
            .iter()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
}

fn split_outside_parentheses(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut depth, mut start) = (0_usize, 0);
    for (index, byte) in text.bytes().enumerate() {
        match byte {
            b'(' => depth += 1,
            b')' => depth = depth.saturating_sub(1),
            b',' if depth == 0 => {
                parts.push(text.get(start..index).unwrap_or_default());
                start = index + 1;
            }
            _ => {}
        }
    }
    parts.push(text.get(start..).unwrap_or_default());
    parts
}

#[cfg(test)]
mod tests {
    use super::Requirements;

    #[test]
    fn label_selectors() {
        let labels = [("app", "web"), ("tier", "2")];
        for (text, want) in [
            ("app=web", true),
            ("app==web,tier", true),
            ("app!=web", false),
            ("app in (api, web)", true),
            ("app notin (api)", true),
            ("!missing", true),
            ("missing", false),
            ("tier>1", true),
            ("tier<1", false),
            ("", true),
        ] {
            assert_eq!(
                Requirements::parse(text).unwrap().hold(&labels),
                want,
                "{text}"
            );
        }
        for text in ["a in b", "=x", "a=b c", "a=-b"] {
            assert!(Requirements::parse(text).is_err(), "{text}");
        }
    }
}
