//! The Markdown that comments and Zulip show.
//!
//! Source: notification-controller internal/notifier/markdown.go.

use api::event::Event;

use crate::text;

/// The key that names the change request and is not shown.
const CHANGE_REQUEST: &str = "change_request";

/// Formats an event.
pub(crate) fn format(event: &Event) -> String {
    let object = &event.involved_object;
    let emoji = if text::is_error(event) {
        "⚠️"
    } else {
        "ℹ️"
    };
    let mut out = format!(
        "## Flux Status\n\n{emoji} {}/{}/{}\n\n{}\n\nMetadata:\n",
        object.kind, object.namespace, object.name, event.message
    );
    for (key, value) in event
        .metadata
        .iter()
        .filter(|(key, _)| *key != CHANGE_REQUEST)
    {
        out.extend(["* `", key, "`: ", value, "\n"]);
    }
    out
}
