//! One call to an API that speaks JSON: Git hosts, token endpoints, cloud queues.
//!
//! Invariants: a call is repeated as the shared client does, unless it says [`Call::once`], because a
//! second comment or a second workflow is worse than none; errors name the method and the API's
//! address without its query, of an address that is a user's own only the host, and never a header.

use reqwest::{Method, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::address::Masked;
use crate::http::{Client, Failure, Request, Response, SendError};
use crate::json;

/// Sends calls.
#[derive(Clone)]
pub(crate) struct Rest {
    client: Client,
}

/// A call that is to be made.
pub(crate) struct Call {
    request: Request,
    once: bool,
    masked: bool,
    /// Why the body cannot be printed, told when the call is made.
    broken: Option<serde_json::Error>,
}

/// Why a call did not do what it was for.
#[derive(Debug, thiserror::Error)]
pub enum RestError {
    /// There is no answer.
    #[error(transparent)]
    Send(#[from] Box<SendError>),
    /// There is no answer to a call that is made once.
    #[error(transparent)]
    Once(#[from] Failure),
    /// The answer is no.
    #[error("{method} {address}: {status}{body}")]
    Status {
        /// The method.
        method: Method,
        /// The address without its query.
        address: String,
        /// The status.
        status: StatusCode,
        /// The beginning of the body after `: `, or nothing.
        body: String,
    },
    /// The answer has another form than the API's.
    #[error("{method} {address}: unexpected answer")]
    Form {
        /// The method.
        method: Method,
        /// The address without its query.
        address: String,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// The body cannot be printed.
    #[error("no JSON for the body")]
    Body(#[from] serde_json::Error),
}

impl Call {
    pub(crate) fn get(url: impl AsRef<str>) -> Self {
        Self::new(Method::GET, url.as_ref())
    }

    pub(crate) fn post(url: impl AsRef<str>) -> Self {
        Self::new(Method::POST, url.as_ref())
    }

    pub(crate) fn put(url: impl AsRef<str>) -> Self {
        Self::new(Method::PUT, url.as_ref())
    }

    pub(crate) fn patch(url: impl AsRef<str>) -> Self {
        Self::new(Method::PATCH, url.as_ref())
    }

    fn new(method: Method, url: &str) -> Self {
        Self {
            request: Request {
                method,
                address: url.to_owned(),
                headers: Vec::new(),
                body: Vec::new(),
                check: Response::ok,
            },
            once: false,
            masked: false,
            broken: None,
        }
    }

    /// Adds a query, percent-encoded.
    pub(crate) fn query(mut self, pairs: &[(&str, &str)]) -> Self {
        let mark = if self.request.address.contains('?') {
            '&'
        } else {
            '?'
        };
        self.request.address.push(mark);
        self.request.address.push_str(&pairs_of(pairs));
        self
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.request = self.request.header(name, value);
        self
    }

    pub(crate) fn authorization(self, value: &str) -> Self {
        self.header("Authorization", value)
    }

    pub(crate) fn bearer(mut self, token: &str) -> Self {
        self.request = self.request.bearer(token);
        self
    }

    pub(crate) fn basic(mut self, user: &str, password: &str) -> Self {
        self.request = self.request.basic(user, password);
        self
    }

    pub(crate) fn json(self, value: &(impl Serialize + ?Sized)) -> Self {
        match json::to_vec(value) {
            Ok(body) => self.body("application/json", body),
            Err(error) => Self {
                broken: Some(error),
                ..self
            },
        }
    }

    /// Sends pairs as a form.
    pub(crate) fn form(self, pairs: &[(&str, &str)]) -> Self {
        self.body(
            "application/x-www-form-urlencoded",
            pairs_of(pairs).into_bytes(),
        )
    }

    pub(crate) fn body(mut self, content_type: &str, body: Vec<u8>) -> Self {
        self.request.body = body;
        self.header("Content-Type", content_type)
    }

    /// Shows no more of the address than its host, because the rest is a user's own.
    pub(crate) fn masked(mut self) -> Self {
        self.masked = true;
        self
    }

    /// Makes the call once, whatever comes of it.
    pub(crate) fn once(mut self) -> Self {
        self.once = true;
        self
    }
}

impl Rest {
    pub(crate) fn new(client: Client) -> Self {
        Self { client }
    }

    /// Makes a call and takes any answer.
    pub(crate) async fn any(&self, call: &Call) -> Result<Response, RestError> {
        Ok(if call.once {
            self.client.exchange(&call.request).await?
        } else {
            self.client.send(&call.request).await.map_err(Box::new)?
        })
    }

    /// Makes a call that must succeed.
    pub(crate) async fn ok(&self, call: Call) -> Result<Response, RestError> {
        let (call, answer) = self.made(call).await?;
        accept(&call, answer)
    }

    /// Makes a call that must succeed, and reads its answer.
    pub(crate) async fn json<T: DeserializeOwned>(&self, call: Call) -> Result<T, RestError> {
        let (call, answer) = self.made(call).await?;
        read(&call, &accept(&call, answer)?)
    }

    /// Makes a call that may find nothing, and reads its answer.
    pub(crate) async fn find<T: DeserializeOwned>(
        &self,
        call: Call,
    ) -> Result<Option<T>, RestError> {
        let (call, answer) = self.made(call).await?;
        if matches!(
            answer.status,
            StatusCode::NOT_FOUND | StatusCode::NO_CONTENT
        ) {
            return Ok(None);
        }
        read(&call, &accept(&call, answer)?)
    }

    async fn made(&self, mut call: Call) -> Result<(Call, Response), RestError> {
        if let Some(error) = call.broken.take() {
            return Err(error.into());
        }
        let answer = self.any(&call).await?;
        Ok((call, answer))
    }
}

fn accept(call: &Call, answer: Response) -> Result<Response, RestError> {
    if answer.status.is_success() {
        return Ok(answer);
    }
    let body = answer.text();
    let body = body.trim();
    Err(RestError::Status {
        method: call.request.method.clone(),
        address: shown(call),
        status: answer.status,
        body: if body.is_empty() {
            String::new()
        } else {
            format!(": {body}")
        },
    })
}

fn read<T: DeserializeOwned>(call: &Call, answer: &Response) -> Result<T, RestError> {
    serde_json::from_slice(&answer.body).map_err(|source| RestError::Form {
        method: call.request.method.clone(),
        address: shown(call),
        source,
    })
}

/// The address without its query and without user and password.
fn shown(call: &Call) -> String {
    let address = call.request.address.as_str();
    if call.masked {
        return Masked::new(address).to_string();
    }
    let address = address.split('?').next().unwrap_or_default();
    match address.split_once("://") {
        Some((scheme, rest)) => {
            let slash = rest.find('/').unwrap_or(rest.len());
            let (authority, path) = rest.split_at(slash);
            let host = authority
                .rsplit_once('@')
                .map_or(authority, |(_, host)| host);
            format!("{scheme}://{host}{path}")
        }
        None => String::new(),
    }
}

/// Encodes a text as one segment of a path, or as a key or value of a query or form.
pub(crate) fn segment(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, RESERVED).to_string()
}

/// All but what needs no encoding anywhere.
const RESERVED: &percent_encoding::AsciiSet = &percent_encoding::NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

fn pairs_of(pairs: &[(&str, &str)]) -> String {
    let pairs: Vec<String> = pairs
        .iter()
        .map(|(key, value)| format!("{}={}", segment(key), segment(value)))
        .collect();
    pairs.join("&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_stays_one() {
        for (text, encoded) in [
            ("group/sub.group", "group%2Fsub.group"),
            ("a b&c=d?e#f", "a%20b%26c%3Dd%3Fe%23f"),
            ("é~_-", "%C3%A9~_-"),
        ] {
            assert_eq!(segment(text), encoded);
        }
    }

    #[test]
    fn errors_show_no_query_and_no_user() {
        for (url, expected) in [
            ("https://u:p@host/a/b", "https://host/a/b"),
            ("https://host/a", "https://host/a"),
            ("https://host", "https://host"),
        ] {
            let call = Call::get(url).query(&[("token", "secret")]);
            assert_eq!(shown(&call), expected);
            let masked = shown(&call.masked());
            assert!(
                masked.starts_with("https://host") && !masked.contains("/a"),
                "{masked}"
            );
        }
    }
}
