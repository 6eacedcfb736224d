//! Prometheus' Alertmanager: every event is a firing alert that ends by Alertmanager's `resolve_timeout`.
//!
//! Source: notification-controller internal/notifier/alertmanager.go; Alertmanager's API v2.

use std::collections::BTreeMap;

use api::event::{Event, NO_TIME};
use serde::Serialize;

use super::Compose;
use crate::{
    address::{self, Style},
    error::{BuildError, PostError},
    http::Request,
    settings::Settings,
    text,
};

/// The metadata that is an annotation, not a label.
const SUMMARY: &str = "summary";

/// The notifier.
pub(crate) struct Alertmanager {
    address: String,
    token: String,
    username: String,
    password: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Alert<'a> {
    status: &'static str,
    labels: BTreeMap<&'a str, &'a str>,
    annotations: BTreeMap<&'a str, &'a str>,
    starts_at: String,
    ends_at: String,
}

impl Alertmanager {
    pub(crate) fn new(settings: &Settings) -> Result<Self, BuildError> {
        address::absolute(&settings.address, "invalid Alertmanager URL", Style::Quoted)?;
        Ok(Self {
            address: settings.address.clone(),
            token: settings.token.clone(),
            username: settings.username.clone(),
            password: settings.password.clone(),
        })
    }
}

impl Compose for Alertmanager {
    fn compose(&self, event: &Event) -> Result<Option<Request>, PostError> {
        let object = &event.involved_object;
        let name = format!("Flux{}{}", object.kind, title(&event.reason));
        let mut labels = text::metadata(event);
        let mut annotations = BTreeMap::from([("message", event.message.as_str())]);
        annotations.extend(labels.remove_entry(SUMMARY));
        labels.extend([
            ("alertname", name.as_str()),
            ("severity", event.severity.as_str()),
            ("reason", &event.reason),
            ("kind", &object.kind),
            ("name", &object.name),
            ("namespace", &object.namespace),
            ("reportingcontroller", &event.reporting_controller),
        ]);
        let alert = Alert {
            status: "firing",
            labels,
            annotations,
            starts_at: event.timestamp.to_string(),
            ends_at: NO_TIME.to_string(),
        };
        let request = Request::json(&self.address, &[alert])?;
        Ok(Some(
            if !self.username.is_empty() && !self.password.is_empty() {
                request.basic(&self.username, &self.password)
            } else if !self.token.is_empty() {
                request.bearer(&self.token)
            } else {
                request
            },
        ))
    }
}

/// Each word with its first letter upper and the rest lower case, as x/text's `cases.Title`.
fn title(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut inside = false;
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        if character.is_alphabetic() && !inside {
            out.extend(character.to_uppercase());
            inside = true;
            continue;
        }
        out.extend(character.to_lowercase());
        inside = match character {
            '_' => inside,
            // Within a word these do not end it.
            '.' | ':' | '\'' | '’' => {
                inside
                    && characters
                        .peek()
                        .is_some_and(|next| next.is_alphanumeric() || *next == '_')
            }
            other => other.is_alphanumeric() && (inside || other.is_alphabetic()),
        };
    }
    out
}

#[cfg(test)]
mod tests {
    #[test]
    fn reasons_are_in_title_case_as_in_go() {
        // What `cases.Title(language.Und)` of x/text 0.37 says.
        for (reason, title) in [
            ("", ""),
            ("ReconciliationSucceeded", "Reconciliationsucceeded"),
            (
                "health_Check.Failed:againNow",
                "Health_check.failed:againnow",
            ),
            ("ABC", "Abc"),
            ("1aB", "1Ab"),
            ("_Abc", "_Abc"),
            ("a,B", "A,B"),
            ("x-Y", "X-Y"),
            ("a:1b", "A:1b"),
            ("ab:_c", "Ab:_c"),
            ("a..b", "A..B"),
            ("it's", "It's"),
            ("üBER", "Über"),
        ] {
            assert_eq!(super::title(reason), title, "{reason}");
        }
    }
}
