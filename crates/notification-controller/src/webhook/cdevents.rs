//! `CDEvents` 0.4: whether a body is an event of the specification.
//!
//! The judgement is that of `CDEvents`' Go library, which Flux asks: unknown fields count for nothing, a field that is
//! null or empty counts as absent, an event's type must be the very version that 0.4 defines, and a custom schema is
//! never known. (That library also takes field names in any case; here they are as specified.) The table of what the
//! types hold is in `types`. A token is not involved.
//!
//! Source: `CDEvents` spec 0.4.1, cdevents/sdk-go (0.5.1).

mod purl;
mod types;
mod uri;

use serde_json::Value;

use self::types::{Rule, TYPES};
use super::payload::{self, PayloadError};

/// Why a body is no event.
#[derive(Debug, thiserror::Error)]
pub(super) enum EventError {
    #[error("{0}")]
    Payload(#[from] PayloadError),
    #[error("unknown event type {0}")]
    Type(String),
    #[error("schema with id {0} could not be found in the local registry")]
    Schema(String),
    #[error("{0} is not valid")]
    Field(String),
}

type Checked = Result<(), EventError>;

/// Checks a body.
pub(super) fn validate(body: &[u8]) -> Checked {
    let event = payload::only(body)?;
    let context = object(&event, "context")?;
    let kind = string(context, "type")?;
    let subject = object(&event, "subject")?;
    let content = subject.get("content").unwrap_or(&Value::Null);
    if let Some(known) = TYPES.iter().find(|known| known.names(kind)) {
        matches("subject.type", string(subject, "type")? == known.subject)?;
        check("subject.content", content, &Rule::Some(known.content))?;
    } else {
        let (Some(custom), subject) = (custom(kind), string(subject, "type")?) else {
            return Err(EventError::Type(kind.to_owned()));
        };
        matches("context.type", custom)?;
        matches("subject.type", is_custom_subject(subject))?;
        matches("subject.content", content.is_object())?;
    }
    for name in ["version", "id", "source"] {
        check(
            name,
            context.get(name).unwrap_or(&Value::Null),
            &Rule::Filled,
        )?;
    }
    matches(
        "context.source",
        uri::is_reference(string(context, "source")?),
    )?;
    timestamp(context)?;
    string(context, "chainId")?;
    let schema = string(context, "schemaUri")?;
    if !schema.is_empty() {
        return Err(EventError::Schema(schema.to_owned()));
    }
    links(context.get("links").unwrap_or(&Value::Null))?;
    check(
        "subject.id",
        subject.get("id").unwrap_or(&Value::Null),
        &Rule::Filled,
    )?;
    matches(
        "subject.source",
        uri::is_reference(string(subject, "source")?),
    )?;
    let data = event.get("customData").unwrap_or(&Value::Null);
    matches(
        "customData",
        matches!(data, Value::Null | Value::Object(_) | Value::String(_)),
    )?;
    string(&event, "customDataContentType")?;
    Ok(())
}

/// Checks a value by a rule; `at` names it.
fn check(at: &str, value: &Value, rule: &Rule) -> Checked {
    let text = match value {
        Value::Null => Some(""),
        Value::String(text) => Some(text.as_str()),
        _ => None,
    };
    let valid = match rule {
        Rule::Text => text.is_some(),
        Rule::Filled => text.is_some_and(|text| !text.is_empty()),
        Rule::Maybe(words) => text.is_some_and(|text| text.is_empty() || words.contains(&text)),
        Rule::Word(words) => text.is_some_and(|text| words.contains(&text)),
        Rule::Package => text.is_some_and(purl::is_valid),
        Rule::Reference => text.is_some_and(uri::is_reference),
        Rule::Texts => match value {
            Value::Null => true,
            Value::Array(items) => items.iter().all(|item| item.is_string() || item.is_null()),
            _ => false,
        },
        Rule::Optional(_) if value.is_null() => true,
        Rule::Required(_) if value.is_null() => false,
        Rule::Optional(fields) | Rule::Required(fields) | Rule::Some(fields) => {
            if !value.is_object() && !value.is_null() {
                return Err(EventError::Field(at.to_owned()));
            }
            for (name, rule) in *fields {
                let value = value.get(name).unwrap_or(&Value::Null);
                check(&format!("{at}.{name}"), value, rule)?;
            }
            true
        }
    };
    matches(at, valid)
}

fn matches(at: &str, valid: bool) -> Checked {
    if valid {
        Ok(())
    } else {
        Err(EventError::Field(at.to_owned()))
    }
}

/// The object in a field; null if there is none.
fn object<'a>(value: &'a Value, name: &str) -> Result<&'a Value, EventError> {
    matches("the event", value.is_object() || value.is_null())?;
    let field = value.get(name).unwrap_or(&Value::Null);
    matches(name, field.is_object() || field.is_null())?;
    Ok(field)
}

/// The text in a field; empty if there is none.
fn string<'a>(value: &'a Value, name: &str) -> Result<&'a str, EventError> {
    match value.get(name) {
        None | Some(Value::Null) => Ok(""),
        Some(Value::String(text)) => Ok(text),
        Some(_) => Err(EventError::Field(name.to_owned())),
    }
}

/// Whether the type of an event of a tool of its own is well-formed, or `None` if it is none.
fn custom(kind: &str) -> Option<bool> {
    let mut parts = kind.strip_prefix("dev.cdeventsx.")?.splitn(3, '.');
    let (tool, subject) = parts.next()?.split_once('-')?;
    let is_lower = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_lowercase());
    if !is_lower(tool) || !is_lower(subject) || !is_lower(parts.next()?) {
        return None;
    }
    let version: Vec<_> = parts.next()?.split('.').collect();
    let is_digit = |part: &&str| part.len() == 1 && part.bytes().all(|b| b.is_ascii_digit());
    Some(version.len() == 3 && version.iter().all(is_digit))
}

fn is_custom_subject(text: &str) -> bool {
    text.split_once('-').is_some_and(|(tool, subject)| {
        let is_tool = tool.bytes().all(|b| b.is_ascii_alphanumeric());
        let is_subject = subject.bytes().all(|b| b.is_ascii_alphabetic());
        !tool.is_empty() && !subject.is_empty() && is_tool && is_subject
    })
}

/// An absent time is the year 1, which Go takes for a time.
fn timestamp(context: &Value) -> Checked {
    match context.get("timestamp") {
        None | Some(Value::Null) => Ok(()),
        Some(Value::String(text)) => matches("context.timestamp", is_time(text)),
        Some(_) => Err(EventError::Field("context.timestamp".to_owned())),
    }
}

/// RFC 3339, with what Go lets pass: one digit for an hour, a comma before the fraction.
fn is_time(text: &str) -> bool {
    let Some((date, time)) = text.split_once('T') else {
        return false;
    };
    let hour = time.find(':').unwrap_or_default();
    let padding = if hour == 1 { "0" } else { "" };
    let strict = format!("{date}T{padding}{}", time.replacen(',', ".", 1));
    let shape = date.len() == 10 && !time.contains(['t', 'z', ' ', '[']) && !time.contains(":60");
    shape && strict.parse::<jiff::Timestamp>().is_ok()
}

fn links(links: &Value) -> Checked {
    const CONTEXT: Rule = Rule::Some(&[("contextId", Rule::Filled)]);
    let links = match links {
        Value::Null => return Ok(()),
        Value::Array(links) => links,
        _ => return Err(EventError::Field("context.links".to_owned())),
    };
    for link in links {
        let (rule, name) = match string(link, "linkType")? {
            "PATH" | "END" => (Rule::Text, "from"),
            "RELATION" => (Rule::Filled, "target"),
            _ => return Err(EventError::Field("context.links.linkType".to_owned())),
        };
        check(
            "linkKind",
            link.get("linkKind").unwrap_or(&Value::Null),
            &rule,
        )?;
        check(name, link.get(name).unwrap_or(&Value::Null), &CONTEXT)?;
        matches("tags", link.get("tags").is_some_and(Value::is_object))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each line is a verdict and an event; the verdicts are the Go library's.
    #[test]
    fn events_are_judged_as_the_go_library_judges_them() {
        let cases = include_str!("../../tests/cdevents/events.txt");
        let mut wrong = Vec::new();
        let mut count = 0;
        for line in cases.lines() {
            let (verdict, event) = line.split_once(' ').expect("verdict and event");
            let checked = validate(event.as_bytes());
            if checked.is_ok() != (verdict == "good") {
                wrong.push(format!("{verdict}: {checked:?}: {event}"));
            }
            count += 1;
        }
        assert!(count > 1400, "{count}");
        assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n"));
    }
}
