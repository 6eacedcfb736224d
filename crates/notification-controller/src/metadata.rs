//! What comes with an event beside its message. Pure.
//!
//! A key's prefix says who put it there: `event.toolkit.fluxcd.io/` a user, as an annotation on the object;
//! the group of the involved object its controller. All else is dropped.
//!
//! Source: notification-controller `internal/server/event_handlers.go` (1.9.3), Flux RFC 0008.

use std::collections::BTreeMap;

use api::{
    event::Event,
    meta::annotation::{COMMIT_STATUS_UPDATE, EVENT_PREFIX},
    notification::Alert,
};

/// Keys, after their prefix.
const CHECKSUM: &str = "checksum";
const DIGEST: &str = "digest";
const COMMIT: &str = "commit";
const COMMIT_STATUS: &str = "commit_status";
const CHANGE_REQUEST: &str = "change_request";
pub(crate) const TOKEN: &str = "token";
pub(crate) const REVISION: &str = "revision";
pub(crate) const ORIGIN_REVISION: &str = "originRevision";
const SUMMARY: &str = "summary";

type Map = BTreeMap<String, String>;

/// The prefix of the keys that the emitting controller set.
fn group_prefix(event: &Event) -> String {
    format!("{}/", event.involved_object.group())
}

/// Drops the keys that nobody may see: foreign ones, and what tells a source's content.
pub(crate) fn clean(event: &mut Event) {
    let prefix = group_prefix(event);
    event.metadata.retain(|key, _| {
        key.starts_with(EVENT_PREFIX)
            || key.strip_prefix(&prefix).is_some_and(|rest| {
                ![CHECKSUM, DIGEST]
                    .iter()
                    .any(|hidden| rest.eq_ignore_ascii_case(hidden))
            })
    });
}

/// What the emitting controller set under a key.
pub(crate) fn from_controller<'a>(event: &'a Event, key: &str) -> Option<&'a str> {
    let full = group_prefix(event) + key;
    event.metadata.get(&full).map(String::as_str)
}

/// Takes away the token, which only tells equal events apart.
pub(crate) fn remove_token(event: &mut Event) {
    let key = group_prefix(event) + TOKEN;
    event.metadata.remove(&key);
}

/// Whether the event is there to update the status of a commit.
pub(crate) fn is_commit_status_update(event: &Event) -> bool {
    from_controller(event, COMMIT_STATUS) == Some(COMMIT_STATUS_UPDATE)
}

/// Whether a user named a commit on the object.
pub(crate) fn names_commit(event: &Event) -> bool {
    from_user(event, COMMIT)
}

/// Whether a user named a pull or merge request on the object.
pub(crate) fn names_change_request(event: &Event) -> bool {
    from_user(event, CHANGE_REQUEST)
}

fn from_user(event: &Event, key: &str) -> bool {
    let full = format!("{EVENT_PREFIX}{key}");
    event
        .metadata
        .get(&full)
        .is_some_and(|value| !value.is_empty())
}

/// The metadata of a notification.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Combined {
    /// Keys without their prefixes.
    pub(crate) metadata: Map,
    /// Keys that several sources set, and the sources' names, the winner last.
    pub(crate) conflicts: Map,
}

/// Joins what the object's annotations, the alert and the controller say; later ones win.
pub(crate) fn combine(event: &Event, alert: &Alert) -> Combined {
    let stripped = |prefix: &str| -> Map {
        let keys = event.metadata.iter();
        keys.filter_map(|(key, value)| Some((key.strip_prefix(prefix)?.into(), value.clone())))
            .collect()
    };
    let summary = alert.spec.summary.iter().filter(|text| !text.is_empty());
    let sources = [
        ("involved object annotations", stripped(EVENT_PREFIX)),
        (
            "Alert object .spec.eventMetadata",
            alert.spec.event_metadata.clone().unwrap_or_default(),
        ),
        (
            "Alert object .spec.summary",
            summary
                .map(|text| (SUMMARY.to_owned(), text.clone()))
                .collect(),
        ),
        (
            "involved object controller metadata",
            stripped(&group_prefix(event)),
        ),
    ];
    let mut combined = Combined::default();
    let mut named: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for (source, map) in sources {
        for key in map.keys() {
            named.entry(key.clone()).or_default().push(source);
        }
        combined.metadata.extend(map);
    }
    named.retain(|_, sources| sources.len() > 1);
    combined.conflicts = named
        .into_iter()
        .map(|(key, sources)| (key, sources.join(", ")))
        .collect();
    combined
}

#[cfg(test)]
mod tests {
    use api::notification::AlertSpec;
    use serde_json::{Value, json};

    use super::*;

    const GROUP: &str = "kustomize.toolkit.fluxcd.io";

    fn event(metadata: &Value) -> Event {
        serde_json::from_value(json!({
            "involvedObject": {"apiVersion": format!("{GROUP}/v1"), "kind": "Kustomization"},
            "metadata": metadata,
        }))
        .unwrap()
    }

    #[test]
    fn foreign_and_hidden_keys_are_dropped() {
        let mut event = event(&json!({
            "kustomize.toolkit.fluxcd.io/revision": "r",
            "kustomize.toolkit.fluxcd.io/aa/bb": "kept",
            "kustomize.toolkit.fluxcd.io/checksum": "x",
            "kustomize.toolkit.fluxcd.io/Digest": "x",
            "kustomize.toolkit.fluxcd.iofoo": "x",
            "source.toolkit.fluxcd.io/revision": "x",
            "event.toolkit.fluxcd.io/digest": "kept",
            "plain": "x",
        }));
        clean(&mut event);
        let keys: Vec<&str> = event.metadata.keys().map(String::as_str).collect();
        assert_eq!(
            keys,
            [
                "event.toolkit.fluxcd.io/digest",
                "kustomize.toolkit.fluxcd.io/aa/bb",
                "kustomize.toolkit.fluxcd.io/revision",
            ]
        );
        clean(&mut super::tests::event(&Value::Null));
    }

    #[test]
    fn the_token_goes() {
        let mut event = event(&json!({
            "kustomize.toolkit.fluxcd.io/token": "t",
            "event.toolkit.fluxcd.io/token": "kept",
        }));
        assert_eq!(from_controller(&event, TOKEN), Some("t"));
        remove_token(&mut event);
        assert_eq!(event.metadata.len(), 1);
        assert_eq!(from_controller(&event, TOKEN), None);
    }

    #[test]
    fn sources_are_joined_in_order_of_precedence() {
        const OBJECT: &str = "involved object annotations";
        const ALERT: &str = "Alert object .spec.eventMetadata";
        const SUMMARY: &str = "Alert object .spec.summary";
        const CONTROLLER: &str = "involved object controller metadata";
        let cases = [
            (json!({}), json!({}), json!({}), json!({})),
            (
                json!({"event.toolkit.fluxcd.io/a": "1", "kustomize.toolkit.fluxcd.io/aa/bb": "2"}),
                json!({"eventMetadata": {"c/d": "3"}, "summary": "4"}),
                json!({"a": "1", "aa/bb": "2", "c/d": "3", "summary": "4"}),
                json!({}),
            ),
            (
                json!({"event.toolkit.fluxcd.io/a": "1"}),
                json!({"eventMetadata": {"a": "2"}}),
                json!({"a": "2"}),
                json!({"a": format!("{OBJECT}, {ALERT}")}),
            ),
            (
                json!({"event.toolkit.fluxcd.io/summary": "1"}),
                json!({"summary": "2"}),
                json!({"summary": "2"}),
                json!({"summary": format!("{OBJECT}, {SUMMARY}")}),
            ),
            (
                json!({"kustomize.toolkit.fluxcd.io/summary": "4", "event.toolkit.fluxcd.io/summary": "1"}),
                json!({"eventMetadata": {"summary": "2"}, "summary": "3"}),
                json!({"summary": "4"}),
                json!({"summary": format!("{OBJECT}, {ALERT}, {SUMMARY}, {CONTROLLER}")}),
            ),
            (
                json!({"kustomize.toolkit.fluxcd.io/a": "same"}),
                json!({"eventMetadata": {"a": "same"}, "summary": ""}),
                json!({"a": "same"}),
                json!({"a": format!("{ALERT}, {CONTROLLER}")}),
            ),
        ];
        for (metadata, spec, expected, conflicts) in cases {
            let mut full = json!({"providerRef": {"name": "p"}, "eventSources": []});
            for (key, value) in spec.as_object().unwrap() {
                full[key] = value.clone();
            }
            let spec: AlertSpec = serde_json::from_value(full).unwrap();
            let combined = combine(&event(&metadata), &Alert::new("a", spec));
            assert_eq!(json!(combined.metadata), expected, "{metadata}");
            assert_eq!(json!(combined.conflicts), conflicts, "{metadata}");
        }
    }
}
