//! Matrix: a message in a room. The transaction's id is the event's hash, so that a retry does not say it twice.
//!
//! Source: notification-controller internal/notifier/matrix.go; Matrix client-server API, `PUT …/send/…`.

use api::event::Event;
use reqwest::Method;
use serde::Serialize;
use sha1::{Digest, Sha1};

use super::Compose;
use crate::{
    address::{self, Style},
    error::{BuildError, PostError},
    http::Request,
    json,
    settings::Settings,
    text,
};

/// The notifier.
pub(crate) struct Matrix {
    /// Up to the transaction's id.
    prefix: String,
    token: String,
}

#[derive(Serialize)]
struct Payload {
    body: String,
    msgtype: &'static str,
}

impl Matrix {
    pub(crate) fn new(settings: &Settings) -> Result<Self, BuildError> {
        let address = &settings.address;
        address::absolute(address, "invalid Matrix homeserver URL", Style::Quoted)?;
        let room = segment(&settings.channel);
        Ok(Self {
            prefix: format!("{address}/_matrix/client/r0/rooms/{room}/send/m.room.message"),
            token: settings.token.clone(),
        })
    }
}

impl Compose for Matrix {
    fn compose(&self, event: &Event) -> Result<Option<Request>, PostError> {
        let transaction = text::hex(Sha1::digest(json::to_vec(event)?));
        let payload = Payload {
            body: body(event),
            msgtype: "m.text",
        };
        let mut request = Request::json(format!("{}/{transaction}", self.prefix), &payload)?;
        request.method = Method::PUT;
        Ok(Some(request.bearer(&self.token)))
    }
}

fn body(event: &Event) -> String {
    let emoji = if text::is_error(event) {
        "🚨"
    } else {
        "💫"
    };
    let mut out = format!("{emoji} {}\n{}\n", text::object(event), event.message);
    for (key, value) in &event.metadata {
        out.extend(["- ", key, ": ", value, "\n"]);
    }
    out
}

/// A room as one segment of a path. Escapes that are already there stay.
fn segment(room: &str) -> String {
    room.replace('/', "%2F")
        .replace('?', "%3F")
        .replace('#', "%23")
}
