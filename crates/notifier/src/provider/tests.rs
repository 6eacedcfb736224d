use std::collections::BTreeMap;

use api::{
    event::{Event, NO_TIME, ObjectReference, Severity},
    notification::ProviderType,
};
use proptest::{collection::btree_map, prelude::*};
use serde_json::Value;

use super::{
    Compose, alertmanager::Alertmanager, datadog::Datadog, discord::Discord, generic::Generic,
    googlechat::GoogleChat, grafana::Grafana, incidentio::IncidentIo, lark::Lark, matrix::Matrix,
    msteams::MsTeams, opsgenie::Opsgenie, rocket::Rocket, sentry::Sentry, slack::Slack,
    telegram::Telegram, webex::Webex, zoom::Zoom,
};
use crate::{error::BuildError, settings::Settings};

/// The body that a provider composes for an event.
type Body = Box<dyn Fn(&Event) -> Vec<u8>>;

/// The providers whose body is JSON, or lines of it.
fn providers() -> Vec<(&'static str, Body)> {
    fn body<C: Compose + 'static>(new: fn(&Settings) -> Result<C, BuildError>) -> Body {
        let mut settings = Settings::new(ProviderType::Generic);
        settings.address = "https://key@example.com/1".into();
        settings.channel = "a/b".into();
        settings.token = "token".into();
        let provider = new(&settings).expect("a provider");
        Box::new(move |event| {
            let request = provider.compose(event).expect("a payload");
            request.expect("a request").body
        })
    }
    vec![
        ("alertmanager", body(Alertmanager::new)),
        ("datadog", body(Datadog::new)),
        ("discord", body(Discord::new)),
        ("generic", body(Generic::new)),
        ("googlechat", body(GoogleChat::new)),
        ("grafana", body(Grafana::new)),
        ("incident.io", body(IncidentIo::new)),
        ("lark", body(Lark::new)),
        ("matrix", body(Matrix::new)),
        ("msteams", body(MsTeams::new)),
        ("opsgenie", body(Opsgenie::new)),
        ("rocket", body(Rocket::new)),
        ("sentry", body(Sentry::new)),
        ("slack", body(Slack::new)),
        ("telegram", body(Telegram::new)),
        ("webex", body(Webex::new)),
        ("zoom", body(Zoom::new)),
    ]
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[a-zA-Z:.<>&\"\\\\\n]{0,12}", any::<String>()]
}

prop_compose! {
    fn an_event()(
        [kind, name, namespace, uid] in [text(), text(), text(), text()],
        [severity, message, reason, controller] in [text(), text(), text(), text()],
        metadata in btree_map(text(), text(), 0..4),
        seconds in 0..4_102_444_800_i64,
    ) -> Event {
        let involved_object = ObjectReference { kind, name, namespace, uid, ..ObjectReference::default() };
        Event {
            involved_object,
            severity: Severity::from(severity.as_str()),
            timestamp: jiff::Timestamp::from_second(seconds).expect("a time"),
            message,
            reason,
            metadata: BTreeMap::from_iter(metadata),
            reporting_controller: controller,
            reporting_instance: String::new(),
        }
    }
}

#[test]
fn sentry_is_always_told_a_time() {
    let mut event: Event = serde_json::from_str("{}").expect("an event");
    assert_eq!(event.timestamp, NO_TIME);
    let body = &providers()
        .into_iter()
        .find(|(name, _)| *name == "sentry")
        .expect("sentry")
        .1;
    for severity in [Severity::Info, Severity::Error] {
        event.severity = severity;
        let item: Value = serde_json::from_slice(
            body(&event)
                .split(|byte| *byte == b'\n')
                .nth(2)
                .expect("an item"),
        )
        .expect("JSON");
        let time: jiff::Timestamp = item["timestamp"]
            .as_str()
            .expect("a time")
            .parse()
            .expect("RFC 3339");
        assert!(time > jiff::Timestamp::UNIX_EPOCH, "{time}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_event_is_json_and_the_same_every_time(event in an_event()) {
        for (name, body) in providers() {
            let out = body(&event);
            for line in out.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
                let parsed = serde_json::from_slice::<Value>(line);
                prop_assert!(parsed.is_ok(), "{}: {}", name, String::from_utf8_lossy(line));
                prop_assert!(!line.iter().any(|byte| b"<>&".contains(byte)), "{}", name);
            }
            prop_assert_eq!(&out, &body(&event), "{}", name);
        }
    }
}
