//! Telegram: a message of a bot. A channel `<chat>:<thread>` names a topic of a forum.
//!
//! Source: notification-controller internal/notifier/telegram.go; the escapes are the Bot API's, `MarkdownV2`.

use api::event::Event;
use serde::Serialize;

use super::Compose;
use crate::{
    error::{BuildError, PostError},
    http::Request,
    settings::Settings,
    text,
};

/// The characters that mean something in `MarkdownV2`.
const SPECIAL: &str = r"\.-_[]()~>`#+=|{}!*";

/// The notifier.
pub(crate) struct Telegram {
    address: String,
    channel: String,
}

#[derive(Serialize)]
struct Payload<'a> {
    chat_id: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    message_thread_id: &'a str,
    text: String,
    parse_mode: &'static str,
}

impl Telegram {
    pub(crate) fn new(settings: &Settings) -> Result<Self, BuildError> {
        if settings.channel.is_empty() {
            return Err(BuildError::Missing("empty Telegram channel"));
        }
        if settings.token.is_empty() {
            return Err(BuildError::Missing("empty Telegram token"));
        }
        Ok(Self {
            address: format!("https://api.telegram.org/bot{}/sendMessage", settings.token),
            channel: settings.channel.clone(),
        })
    }
}

impl Compose for Telegram {
    const CONTEXT: Option<&'static str> = None;

    fn compose(&self, event: &Event) -> Result<Option<Request>, PostError> {
        let (chat_id, message_thread_id) =
            self.channel.split_once(':').unwrap_or((&self.channel, ""));
        let payload = Payload {
            chat_id,
            message_thread_id,
            text: markdown(event),
            parse_mode: "MarkdownV2",
        };
        Ok(Some(Request::json(&self.address, &payload)?))
    }
}

fn markdown(event: &Event) -> String {
    let object = &event.involved_object;
    let emoji = if text::is_error(event) {
        "🚨"
    } else {
        "💫"
    };
    let kind = object.kind.to_lowercase();
    let heading = format!("{emoji} {kind}/{}/{}", object.name, object.namespace);
    let mut out = format!("*{}*\n{}\n", escape(&heading), escape(&event.message));
    for (key, value) in &event.metadata {
        out.extend(["\\- *", &escape(key), "*: ", &escape(value), "\n"]);
    }
    out
}

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        if SPECIAL.contains(character) {
            out.push('\\');
        }
        out.push(character);
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::{prop_assert, prop_assert_eq};

    use super::{SPECIAL, escape};

    proptest::proptest! {
        #[test]
        fn what_is_special_is_escaped_and_nothing_is_lost(text in "[a-c\\\\._*\\[\\]()~>#+={}!|`-]*|\\PC*") {
            let escaped = escape(&text);
            let mut plain = String::new();
            let mut characters = escaped.chars();
            while let Some(character) = characters.next() {
                if character == '\\' {
                    let special = characters.next();
                    prop_assert!(special.is_some_and(|special| SPECIAL.contains(special)));
                    plain.extend(special);
                } else {
                    prop_assert!(!SPECIAL.contains(character), "{}", escaped);
                    plain.push(character);
                }
            }
            prop_assert_eq!(plain, text);
        }
    }
}
