//! Whether an alert wants an event.
//!
//! What needs no request is decided first, so labels are read only for an event that would be sent if they match.
//!
//! Source: notification-controller `internal/server/event_handlers.go` (`filterAlertsForEvent`, 1.9.3).

use std::{collections::BTreeMap, future::Future, sync::Arc};

use api::{
    event::{Event, ObjectReference, Severity},
    notification::CrossNamespaceObjectReference,
};
use regexp::Pattern;
use runtime::client::ApiError;

use super::rules::Rule;

/// Something about an alert that its owner should mend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Warning {
    /// The event's reason.
    pub(crate) reason: &'static str,
    /// The event's message.
    pub(crate) message: String,
    /// The cause, for the log only.
    pub(crate) error: String,
}

/// What came of an event and an alert.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Matched {
    /// Whether the alert wants the event.
    pub(crate) wanted: bool,
    /// What was wrong with the alert.
    pub(crate) warnings: Vec<Warning>,
}

const INVALID_CONFIG: &str = "InvalidConfig";
const SOURCE_FETCH_FAILED: &str = "SourceFetchFailed";

/// Reads the labels of objects.
pub(crate) trait ReadLabels: Sync {
    /// The labels of an object; ends by itself.
    fn read(
        &self,
        object: &ObjectReference,
    ) -> impl Future<Output = Result<Arc<BTreeMap<String, String>>, ApiError>> + Send;
}

/// Decides on an event. `labels` reads those of the involved object.
pub(crate) async fn match_event(rule: &Rule, event: &Event, labels: &impl ReadLabels) -> Matched {
    let mut matched = Matched::default();
    let spec = &rule.alert.spec;
    if spec.suspend || !severity_fits(&spec.event_severity, &event.severity) {
        return matched;
    }
    let object = &event.involved_object;
    let sources: Vec<_> = spec
        .event_sources
        .iter()
        .filter(|source| names(source, &rule.key.namespace, object))
        .collect();
    if sources.is_empty() {
        return matched;
    }
    let mut warnings = Vec::new();
    let passes = passes(rule, &event.message, &mut warnings);
    let plain = sources.iter().any(|source| source.match_labels.is_none());
    if !plain && !passes && warnings.is_empty() {
        return matched;
    }
    if plain || any_labels(&sources, object, labels, &mut matched.warnings).await {
        matched.warnings.append(&mut warnings);
        matched.wanted = passes;
    }
    matched
}

/// An alert for info hears everything.
fn severity_fits(wanted: &Severity, severity: &Severity) -> bool {
    *wanted == Severity::Info || wanted == severity
}

fn names(
    source: &CrossNamespaceObjectReference,
    alert_namespace: &str,
    object: &ObjectReference,
) -> bool {
    source.namespace_or(alert_namespace) == object.namespace
        && source.kind == object.kind
        && (source.is_wildcard() || source.name == object.name)
}

async fn any_labels(
    sources: &[&CrossNamespaceObjectReference],
    object: &ObjectReference,
    labels: &impl ReadLabels,
    warnings: &mut Vec<Warning>,
) -> bool {
    let found = match labels.read(object).await {
        Ok(found) => found,
        Err(error) => {
            warnings.push(Warning {
                reason: SOURCE_FETCH_FAILED,
                message: format!("error getting source object {object}"),
                error: error.to_string(),
            });
            return false;
        }
    };
    for wanted in sources.iter().filter_map(|s| s.match_labels.as_ref()) {
        if let Some(fault) = wanted.iter().find_map(|(key, value)| fault(key, value)) {
            warnings.push(Warning {
                reason: INVALID_CONFIG,
                message: format!("error using matchLabels from event source {object}"),
                error: fault,
            });
        } else if wanted
            .iter()
            .all(|(key, value)| found.get(key) == Some(value))
        {
            return true;
        }
    }
    false
}

/// What is wrong with a label of a selector. Source: apimachinery `labels.NewRequirement`.
fn fault(key: &str, value: &str) -> Option<String> {
    let (prefix, name) = match key.split_once('/') {
        Some((prefix, name)) => (Some(prefix), name),
        None => (None, key),
    };
    let lower = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let domain = |text: &str| {
        text.len() <= 253
            && text.split('.').all(|part| {
                part.starts_with(lower)
                    && part.ends_with(lower)
                    && part.chars().all(|c| lower(c) || c == '-')
            })
    };
    if name.is_empty() || !is_word(name) || !prefix.is_none_or(domain) {
        return Some(format!("invalid label key {key:?}"));
    }
    (!value.is_empty() && !is_word(value)).then(|| format!("invalid label value {value:?}"))
}

/// At most 63 letters, digits, `-`, `_` and `.`, with a letter or digit at both ends.
fn is_word(text: &str) -> bool {
    let alphanumeric = |c: char| c.is_ascii_alphanumeric();
    text.len() <= 63
        && text.starts_with(alphanumeric)
        && text.ends_with(alphanumeric)
        && text
            .chars()
            .all(|c| alphanumeric(c) || matches!(c, '-' | '_' | '.'))
}

/// Whether the lists let a message pass; exclusion beats inclusion.
fn passes(rule: &Rule, message: &str, warnings: &mut Vec<Warning>) -> bool {
    let mut any = |patterns: &[Result<Pattern, String>], list: &str| {
        for pattern in patterns {
            match pattern {
                Ok(pattern) if pattern.is_match(message) => return true,
                Ok(_) => {}
                Err(text) => warnings.push(Warning {
                    reason: INVALID_CONFIG,
                    message: format!("failed to compile {list} regex: {text}"),
                    error: format!("error parsing regexp: `{text}`"),
                }),
            }
        }
        false
    };
    let included = rule.inclusion.is_empty() || any(&rule.inclusion, "inclusion");
    included && !any(&rule.exclusion, "exclusion")
}

#[cfg(test)]
mod tests;
