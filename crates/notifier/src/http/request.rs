//! What is sent and what comes back.

use base64::{Engine, engine::general_purpose::STANDARD};
use reqwest::{
    Method, StatusCode,
    header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap},
};
use serde::Serialize;

use crate::{error::Rejection, json};

/// How much of a body an error quotes, in bytes.
const QUOTED: usize = 2048;

/// A request that can be sent again.
#[derive(Clone)]
pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) address: String,
    /// Of equal names the last counts.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// Whether an answer means success.
    pub(crate) check: fn(&Response) -> Result<(), Rejection>,
}

/// An answer.
#[derive(Debug, Clone)]
pub(crate) struct Response {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    /// Up to a limit.
    pub(crate) body: Vec<u8>,
}

impl Request {
    /// A POST of JSON as Go prints it; any 2xx is success.
    ///
    /// # Errors
    /// When the payload has no JSON form.
    pub(crate) fn json(
        address: impl Into<String>,
        payload: &(impl Serialize + ?Sized),
    ) -> Result<Self, serde_json::Error> {
        let body = json::to_vec(payload)?;
        Ok(Self::new(Method::POST, address, "application/json", body))
    }

    /// A request with a body; any 2xx is success.
    pub(crate) fn new(
        method: Method,
        address: impl Into<String>,
        content_type: &str,
        body: Vec<u8>,
    ) -> Self {
        Self {
            method,
            address: address.into(),
            headers: vec![(CONTENT_TYPE.to_string(), content_type.to_owned())],
            body,
            check: Response::ok,
        }
    }

    /// Sets a header.
    #[must_use]
    pub(crate) fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Sets `Authorization` to a bearer token.
    #[must_use]
    pub(crate) fn bearer(self, token: &str) -> Self {
        self.header(AUTHORIZATION.as_str(), format!("Bearer {token}"))
    }

    /// Sets `Authorization` to a user and a password.
    #[must_use]
    pub(crate) fn basic(self, user: &str, password: &str) -> Self {
        let encoded = STANDARD.encode(format!("{user}:{password}"));
        self.header(AUTHORIZATION.as_str(), format!("Basic {encoded}"))
    }
}

impl Response {
    /// Whether the status is any 2xx.
    pub(crate) fn ok(&self) -> Result<(), Rejection> {
        if self.status.is_success() {
            return Ok(());
        }
        Err(Rejection::Status {
            status: self.status.as_u16(),
            body: self.text(),
        })
    }

    /// The beginning of the body, for an error.
    pub(crate) fn text(&self) -> String {
        let text = String::from_utf8_lossy(&self.body);
        let mut end = text.len().min(QUOTED);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.split_at(end).0.to_owned()
    }
}
