//! Sends requests through a provider's certificates and proxy.

use std::sync::Arc;

use jiff::Timestamp;
use reqwest::{
    Url,
    header::{
        AUTHORIZATION, CONTENT_LENGTH, HOST, HeaderMap, HeaderName, HeaderValue, TRANSFER_ENCODING,
    },
};

use super::{
    failure::{Cause, Failure, SendError},
    request::{Request, Response},
    retry,
};
use crate::{address::Masked, error::DeliveryError};

/// How much of an answer's body is read, in bytes. A hundred comments of the longest kind fit.
const MAX_BODY: usize = 8 << 20;

/// A client for one provider. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Client {
    http: reqwest::Client,
    route: Option<Arc<Url>>,
}

impl Client {
    pub(crate) fn new(http: reqwest::Client, route: Option<Arc<Url>>) -> Self {
        Self { http, route }
    }

    /// Sends a request, with retries, and checks the answer.
    ///
    /// # Errors
    /// When there is none, or it is no.
    pub(crate) async fn deliver(&self, request: &Request) -> Result<(), DeliveryError> {
        let response = self.send(request).await.map_err(Box::new)?;
        (request.check)(&response)?;
        Ok(())
    }

    /// Sends a request, with retries, and gives back the answer whatever it is.
    ///
    /// # Errors
    /// When there is none, or none but failures that may pass.
    pub(crate) async fn send(&self, request: &Request) -> Result<Response, SendError> {
        let sent = retry::run(Timestamp::now, || self.exchange(request)).await;
        sent.map_err(|gave_up| SendError {
            method: request.method.clone(),
            address: Masked::new(&request.address),
            attempts: gave_up.attempts,
            cause: gave_up.cause,
        })
    }

    /// Sends a request once. Of a body that breaks off, what came of it is given.
    ///
    /// # Errors
    /// When there is no answer.
    pub(crate) async fn exchange(&self, request: &Request) -> Result<Response, Failure> {
        let failed = |cause| Failure::exchange(&request.method, &request.address, cause);
        let url = self.url(&request.address).map_err(failed)?;
        let headers = headers(&request.headers).map_err(failed)?;
        let sent = self
            .http
            .request(request.method.clone(), url)
            .headers(headers)
            .body(request.body.clone())
            .send()
            .await;
        let mut answer = sent.map_err(|error| failed(Cause::of(&error)))?;
        let mut body = Vec::new();
        while body.len() < MAX_BODY {
            match answer.chunk().await {
                Ok(Some(chunk)) => body.extend_from_slice(&chunk),
                // The request has been dealt with: to send it again would be to say it twice.
                Ok(None) | Err(_) => break,
            }
        }
        body.truncate(MAX_BODY);
        Ok(Response {
            status: answer.status(),
            headers: std::mem::take(answer.headers_mut()),
            body,
        })
    }

    fn url(&self, address: &str) -> Result<Url, Cause> {
        let url = Url::parse(address).map_err(|_| {
            if address.starts_with('/') {
                Cause::Scheme(String::new())
            } else {
                Cause::Address
            }
        })?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(Cause::Scheme(url.scheme().to_owned()));
        }
        let Some(base) = &self.route else {
            return Ok(url);
        };
        let host = url.host_str().unwrap_or_default();
        let port = url
            .port()
            .map(|port| format!(":{port}"))
            .unwrap_or_default();
        let mut routed = Url::clone(base);
        routed.set_path(&format!(
            "{}/{}/{host}{port}{}",
            base.path().trim_end_matches('/'),
            url.scheme(),
            url.path()
        ));
        routed.set_query(url.query());
        Ok(routed)
    }
}

/// Headers as Go sends them: those that its client writes itself are not the caller's.
fn headers(pairs: &[(String, String)]) -> Result<HeaderMap, Cause> {
    let mut headers = HeaderMap::with_capacity(pairs.len());
    for (key, text) in pairs {
        let name =
            HeaderName::from_bytes(key.as_bytes()).map_err(|_| Cause::HeaderName(key.clone()))?;
        if matches!(name, HOST | CONTENT_LENGTH | TRANSFER_ENCODING) {
            continue;
        }
        let mut value =
            HeaderValue::from_bytes(text.as_bytes()).map_err(|_| Cause::Header(key.clone()))?;
        value.set_sensitive(name == AUTHORIZATION);
        headers.insert(name, value);
    }
    Ok(headers)
}

#[cfg(test)]
mod tests;
