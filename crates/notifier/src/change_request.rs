//! Comments on change requests: which one an event is about, and how a comment is found again.
//!
//! A comment begins with a marker that Markdown does not show. It names the Provider and the event's
//! object, so each object has one comment, which is rewritten. Source: notification-controller
//! `internal/notifier/git_change_request_comment.go`.

use std::num::{IntErrorKind, ParseIntError};

use api::event::Event;

use crate::error::{BuildError, PostError};
use crate::markdown;
use crate::settings::Settings;

/// The metadata that holds a change request's number.
const KEY: &str = "change_request";

/// How many comments are looked through for one's own; the most that the hosts give at once.
pub(crate) const PAGE: &str = "100";

/// Writes and recognises the comments of one Provider.
#[derive(Clone, Debug)]
pub(crate) struct Comments {
    prefix: &'static str,
    provider: String,
}

impl Comments {
    /// Comments whose markers begin with `prefix`.
    pub(crate) fn new(prefix: &'static str, settings: &Settings) -> Result<Self, BuildError> {
        let provider = settings.provider.uid.clone();
        if provider.is_empty() {
            return Err(BuildError::Missing("provider UID cannot be empty"));
        }
        Ok(Self { prefix, provider })
    }

    /// The marker of an event's object.
    pub(crate) fn marker(&self, event: &Event) -> String {
        let object = &event.involved_object;
        format!(
            "<!-- {}:{}/{}/{}/{} -->",
            self.prefix, self.provider, object.kind, object.namespace, object.name
        )
    }

    /// The comment on an event, marker included.
    pub(crate) fn body(&self, event: &Event) -> String {
        format!("{}\n\n{}", self.marker(event), markdown::format(event))
    }
}

/// Returns the number of the change request that an event is about. `parser` is what Flux parses it with.
pub(crate) fn number(event: &Event, parser: &str) -> Result<i64, PostError> {
    let text = event
        .metadata
        .get(KEY)
        .ok_or_else(|| PostError::Event(format!("missing {KEY:?} metadata key")))?;
    text.parse().map_err(|error: ParseIntError| {
        let why = match error.kind() {
            IntErrorKind::PosOverflow | IntErrorKind::NegOverflow => "value out of range",
            _ => "invalid syntax",
        };
        PostError::Event(format!(
            "invalid {KEY:?} metadata value {text:?}: strconv.{parser}: parsing {text:?}: {why}"
        ))
    })
}
